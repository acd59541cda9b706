//! What is built once at start and shared by every request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::alerts::{AlertOptions, Alerts};
use crate::audit::AuditLog;
use crate::chain::Routes;
use crate::clock::Clock;
use crate::config::Config;
use crate::identity::{Customers, Team, Verifier};
use crate::keys::{Caller, CommonBudget, KeyOptions, Keyring, Login, MasterKey, RefusedKeys};
use crate::otlp::{Collector, TraceExporter};
use crate::response_store::ResponseStore;
use crate::spend::Ledger;
use crate::store::{Table, TableSecret};
use crate::thinking::ThinkingStore;
use crate::web_search::WebSearch;
use crate::wire::Seal;

/// The process's state. Clones are cheap and share it. Each request makes several, on all threads at once: a part is one
/// counted reference, and not the many that it is made of.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The configuration as loaded.
    pub config: Arc<Config>,
    /// Every target and the order in which they are asked.
    pub routes: Arc<Routes>,
    /// The key that may do everything.
    pub master_key: Arc<MasterKey>,
    /// The login of the admin pages.
    pub login: Arc<Login>,
    /// The keys that the gateway has made.
    pub keys: Arc<Keyring>,
    /// The end users that requests name.
    pub customers: Customers,
    /// The identity providers whose tokens are believed.
    pub verifier: Verifier,
    /// Records, totals and reports.
    pub ledger: Arc<Ledger>,
    /// How often keys that are not good were sent.
    pub refused_keys: Arc<RefusedKeys>,
    /// Who has changed what.
    pub audit: AuditLog,
    /// What people are told without having asked.
    pub alerts: Alerts,
    /// What searches the web; `None`: nobody does.
    pub web_search: Option<Arc<WebSearch>>,
    /// Sends a span of each request.
    pub traces: TraceExporter,
    /// The thinking that clients lose.
    pub thinking: Arc<ThinkingStore>,
    /// The responses that clients refer to.
    pub responses: ResponseStore,
    /// The table that all of these keep their items in.
    pub table: Table,
    /// What time it is for limits, budgets and cooldowns.
    pub clock: Clock,
    /// What the gateway marks with that it must know again: thinking that clients carry, lines of the log.
    pub secret: TableSecret,
    /// What is left of requests when their clients are served or gone, until the records are written: the process waits
    /// for this before it ends.
    pub tasks: TaskTracker,
    /// How long the body of a request may take.
    pub body_times: BodyTimes,
    /// Whether `/metrics` is served: not in a function.
    pub serves_metrics: bool,
}

/// When a request must be over because its surroundings end then. A shell that has such a limit puts it into the
/// request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// What stands before every path of the gateway where its clients call it, without a slash at its end: `/prod`, the stage
/// of an API Gateway. A shell that knows it puts it into the request's extensions.
#[derive(Debug, Clone)]
pub struct BasePath(pub String);

/// Where a request comes from, as far as the shell knows. It puts it into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// The name under which Lambda was asked. The shell puts it into the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainName(pub String);

/// How long the body of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct BodyTimes {
    /// How long the client may pause.
    pub silence: Duration,
    /// How long all of it may take, however short it is.
    pub base: Duration,
    /// It may take a second more for each of these many bytes that have come.
    pub bytes_per_second: u64,
}

impl Default for BodyTimes {
    /// 50 kB/s are enough for every body, and a small one may come slowly.
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            base: Duration::from_secs(60),
            bytes_per_second: 50_000,
        }
    }
}

impl AppState {
    /// The state of one process.
    pub fn new(
        config: Arc<Config>,
        routes: Routes,
        master_key: MasterKey,
        login: Login,
        ledger: Ledger,
    ) -> Self {
        let tasks = TaskTracker::new();
        let table = ledger.table().clone();
        let clock = routes.clock().clone();
        let keys = Keyring::new(
            table.clone(),
            clock.clone(),
            key_options(&config),
            tasks.clone(),
        );
        let keys = keys.with_teams(config.general.teams.iter().map(Team::from).collect());
        let verifier = Verifier::new(&config.general.identity.issuers, &table);
        let admin_tokens = config.general.identity.admin_tokens.unwrap_or_default();
        let keys = keys.with_tokens(verifier.clone(), admin_tokens);
        let customers = Customers::new(table.clone(), clock.clone(), tasks.clone());
        Self {
            config,
            routes: Arc::new(routes),
            master_key: Arc::new(master_key),
            login: Arc::new(login),
            keys: Arc::new(keys),
            customers,
            verifier,
            refused_keys: Arc::new(RefusedKeys::new(
                table.clone(),
                clock.clone(),
                tasks.clone(),
            )),
            audit: AuditLog::new(table.clone(), clock.clone(), tasks.clone()),
            web_search: None,
            alerts: Alerts::new(
                table.clone(),
                clock.clone(),
                tasks.clone(),
                AlertOptions::default(),
            ),
            traces: TraceExporter::new(None, tasks.clone()),
            thinking: Arc::new(ThinkingStore::new(table.clone(), tasks.clone())),
            responses: ResponseStore::new(table.clone(), tasks.clone()),
            secret: ledger.secret().clone(),
            ledger: Arc::new(ledger),
            table,
            clock,
            tasks,
            body_times: BodyTimes::default(),
            serves_metrics: true,
        }
    }

    /// The state with this search of the web.
    #[must_use]
    pub fn with_web_search(mut self, search: Option<WebSearch>) -> Self {
        self.web_search = search.map(Arc::new);
        self
    }

    /// The state with these alerts.
    #[must_use]
    pub fn with_alerts(mut self, options: AlertOptions) -> Self {
        let (table, clock) = (self.table.clone(), self.clock.clone());
        self.alerts = Alerts::new(table, clock, self.tasks.clone(), options);
        self
    }

    /// The state of a function.
    #[must_use]
    pub fn without_metrics(mut self) -> Self {
        self.serves_metrics = false;
        self
    }

    /// The state with this collector of spans.
    #[must_use]
    pub fn with_traces(mut self, collector: Option<Collector>) -> Self {
        self.traces = TraceExporter::new(collector, self.tasks.clone());
        self
    }

    /// The state with other times for the bodies of requests.
    #[must_use]
    pub fn with_body_times(mut self, times: BodyTimes) -> Self {
        self.body_times = times;
        self
    }

    /// The seal on what this caller carries for the gateway; `None` while the table cannot be reached.
    pub async fn seal(&self, caller: &Caller) -> Option<Seal> {
        let secret = self.secret.get().await?;
        Some(Seal::new(&secret, &caller.key_hash))
    }

    /// Whether a request to `group` has the parameters ignored that cannot be honoured (`drop_params`): the word of its
    /// first deployment, else that of all.
    pub fn drops_params(&self, group: &str) -> bool {
        let targets = self.routes.targets(group);
        targets
            .first()
            .and_then(|target| target.defaults().drop_params)
            .unwrap_or(self.config.settings.drop_params)
    }
}

/// A request that is over its time limits is dead, and so is its record a little later.
pub(crate) fn key_options(config: &Config) -> KeyOptions {
    const MARGIN: Duration = Duration::from_secs(60);
    let (settings, general) = (&config.settings, &config.general);
    KeyOptions {
        common: general.max_budget.map(|max| CommonBudget {
            max,
            period: general.budget_duration,
        }),
        user_budget_on_team_keys: general.apply_user_budget_to_team_keys,
        hold: settings.total_timeout + settings.drain_timeout + settings.record_timeout + MARGIN,
    }
}
