//! What is built once at start and shared by every request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::chain::Routes;
use crate::clock::Clock;
use crate::config::Config;
use crate::keys::{Caller, CommonBudget, KeyOptions, Keyring, Login, MasterKey};
use crate::spend::Ledger;
use crate::store::{Table, TableSecret};
use crate::thinking::ThinkingStore;
use crate::wire::Seal;

/// The process's state. Clones are cheap and share it.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The configuration as loaded.
    pub config: Arc<Config>,
    /// Every target and the order in which they are asked.
    pub routes: Arc<Routes>,
    /// The key that may do everything.
    pub master_key: Arc<MasterKey>,
    /// Who may open the admin pages.
    pub login: Arc<Login>,
    /// The keys that the gateway has made.
    pub keys: Arc<Keyring>,
    /// Records, totals and reports.
    pub ledger: Ledger,
    /// The thinking that clients lose.
    pub thinking: ThinkingStore,
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
}

/// When a request must be over because its surroundings end then. A shell that has such a limit puts it into the
/// request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// Where a request comes from, as far as the shell knows. It puts it into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

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
        Self {
            config,
            routes: Arc::new(routes),
            master_key: Arc::new(master_key),
            login: Arc::new(login),
            keys: Arc::new(keys),
            thinking: ThinkingStore::new(table.clone(), tasks.clone()),
            secret: ledger.secret().clone(),
            ledger,
            table,
            clock,
            tasks,
            body_times: BodyTimes::default(),
        }
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
fn key_options(config: &Config) -> KeyOptions {
    const MARGIN: Duration = Duration::from_secs(60);
    let (settings, general) = (&config.settings, &config.general);
    KeyOptions {
        common: general.max_budget.map(|max| CommonBudget {
            max,
            period: general.budget_duration,
        }),
        hold: settings.total_timeout + settings.drain_timeout + settings.record_timeout + MARGIN,
    }
}
