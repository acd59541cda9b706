//! Builds a gateway under test: what it is configured with, and what it stands in.

use std::sync::Arc;
use std::time::Duration;

use bedrock_sidecar::alerts::AlertOptions;
use bedrock_sidecar::bedrock::{BedrockClients, Override};
use bedrock_sidecar::chain::Routes;
use bedrock_sidecar::chain::policy::Backoff;
use bedrock_sidecar::config::Config;
use bedrock_sidecar::keys::{Login, MasterKey};
use bedrock_sidecar::otlp::Collector;
use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::spend::{Ledger, LedgerOptions};
use bedrock_sidecar::store::{Embedded, Table, TableOptions};
use bedrock_sidecar::transport::Transport;
use bedrock_sidecar::web_search::WebSearch;
use bedrock_sidecar::{AppState, BodyTimes};
use tokio::net::TcpListener;

use super::bedrock::{offline_sdk, simulated};
use super::{CONFIG, KEY, TestApp, TestClock, panicking};

/// A gateway under test that is not started yet.
pub struct TestAppBuilder {
    yaml: String,
    master_key: MasterKey,
    login: Login,
    backoff: Backoff,
    body_times: BodyTimes,
    clock: TestClock,
    /// `None`: one of its own.
    bedrock: Option<Arc<Simulated>>,
    /// Called instead of `bedrock`.
    bedrock_at: Option<String>,
    /// `None`: one of its own.
    table: Option<Arc<Embedded>>,
    table_name: &'static str,
    /// Called instead of `table`.
    table_at: Option<String>,
    table_panics_at: Option<&'static str>,
    alerts: AlertOptions,
    search_at: Option<String>,
    collector: Option<Collector>,
}

/// Short pauses, for tests that are not about them.
fn short_pauses() -> Backoff {
    Backoff {
        min: Duration::from_millis(1),
        max: Duration::from_millis(2),
        ..Backoff::default()
    }
}

impl TestAppBuilder {
    pub(super) fn new() -> Self {
        Self {
            yaml: CONFIG.to_owned(),
            master_key: MasterKey::new(Some(KEY), None, false).unwrap(),
            login: Login::default(),
            backoff: short_pauses(),
            body_times: BodyTimes::default(),
            clock: TestClock::default(),
            bedrock: None,
            bedrock_at: None,
            table: None,
            table_name: "test",
            table_at: None,
            table_panics_at: None,
            alerts: AlertOptions::default(),
            search_at: None,
            collector: None,
        }
    }

    /// This configuration instead of the chain of three; it comes before [`Self::settings`].
    pub fn config(mut self, yaml: &str) -> Self {
        yaml.clone_into(&mut self.yaml);
        self
    }

    /// Every deployment is asked by Converse, whatever the client's wire.
    pub fn on_converse(mut self) -> Self {
        self.yaml =
            (self.yaml).replace("litellm_params: {", "litellm_params: {dialect: converse, ");
        self
    }

    /// Further lines at the end of the configuration. Indented ones belong to its last section.
    pub fn settings(mut self, lines: &str) -> Self {
        self.yaml += lines;
        self
    }

    /// This master key instead of [`KEY`].
    pub fn master_key(mut self, master_key: MasterKey) -> Self {
        self.master_key = master_key;
        self
    }

    /// This login to the admin pages instead of none but the master key.
    pub fn login(mut self, login: Login) -> Self {
        self.login = login;
        self
    }

    /// Pauses between tries as long as the real ones.
    pub fn real_pauses(mut self) -> Self {
        self.backoff = Backoff::default();
        self
    }

    /// These times for the bodies of requests.
    pub fn body_times(mut self, times: BodyTimes) -> Self {
        self.body_times = times;
        self
    }

    /// This clock instead of one that stands at the present time.
    pub fn clock(mut self, clock: TestClock) -> Self {
        self.clock = clock;
        self
    }

    /// This Bedrock instead of one of its own.
    pub fn bedrock(mut self, bedrock: &Arc<Simulated>) -> Self {
        self.bedrock = Some(Arc::clone(bedrock));
        self
    }

    /// Bedrock is called at this address.
    pub fn bedrock_at(mut self, url: &str) -> Self {
        self.bedrock_at = Some(url.to_owned());
        self
    }

    /// The table of this name in this DynamoDB instead of one of its own.
    pub fn table(mut self, table: &Arc<Embedded>, name: &'static str) -> Self {
        self.table = Some(Arc::clone(table));
        self.table_name = name;
        self
    }

    /// The table is called at this address.
    pub fn table_at(mut self, url: &str) -> Self {
        self.table_at = Some(url.to_owned());
        self
    }

    /// Calls of the table panic where they are of this kind.
    pub fn table_panics_at(mut self, operation: &'static str) -> Self {
        self.table_panics_at = Some(operation);
        self
    }

    /// Sends spans to this collector.
    pub fn collector(mut self, collector: Collector) -> Self {
        self.collector = Some(collector);
        self
    }

    /// These alerts instead of none.
    pub fn alerts(mut self, options: AlertOptions) -> Self {
        self.alerts = options;
        self
    }

    /// The web is searched at this address.
    pub fn search_at(mut self, url: &str) -> Self {
        self.search_at = Some(url.to_owned());
        self
    }

    /// Starts the gateway.
    pub async fn start(self) -> TestApp {
        let bedrock = match &self.bedrock {
            Some(bedrock) => Arc::clone(bedrock),
            None => Arc::new(simulated().await),
        };
        let embedded = match &self.table {
            Some(embedded) => Arc::clone(embedded),
            None => Arc::new(Embedded::in_memory().await.unwrap()),
        };
        let table = self.connect_table(&embedded).await;
        let (config, _) = Config::parse("test.yml", &self.yaml, &|_| None).unwrap();
        let config = Arc::new(config);
        let url = self.bedrock_at.unwrap_or_else(|| bedrock.url());
        let clients = BedrockClients::new(offline_sdk(), &config, Some(Override { url }));
        let routes = Routes::new(Arc::clone(&config), clients, self.backoff)
            .await
            .with_clock(self.clock.clock())
            .with_seed(7)
            .sharing(table.clone());
        let ledger = Ledger::new(table, LedgerOptions::of(&config));
        let search = config.general.web_search.clone().map(|settings| {
            let endpoint = self.search_at.map(|url| url.parse().unwrap());
            let transport = Transport::new(offline_sdk().credentials_provider());
            WebSearch::new(settings, endpoint, transport)
        });
        let state = AppState::new(config, routes, self.master_key, self.login, ledger)
            .with_body_times(self.body_times)
            .with_alerts(self.alerts)
            .with_web_search(search)
            .with_traces(self.collector);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = bedrock_sidecar::app(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
            .abort_handle();
        TestApp {
            bedrock,
            clock: self.clock,
            state,
            url,
            http: reqwest::Client::new(),
            server,
            yaml: self.yaml,
            table: embedded,
            table_name: self.table_name,
        }
    }

    /// Creates the table if it is not there, and connects to it the way that was asked for.
    async fn connect_table(&self, embedded: &Embedded) -> Table {
        let direct = embedded.table(self.table_name).await.unwrap();
        if self.table_at.is_none() && self.table_panics_at.is_none() {
            return direct;
        }
        let mut sdk = offline_sdk();
        if let Some(operation) = self.table_panics_at {
            let http = panicking::panicking_at(operation);
            sdk = sdk.into_builder().http_client(http).build();
        }
        let url = self.table_at.as_deref().unwrap_or(embedded.endpoint());
        let options = TableOptions {
            name: self.table_name.to_owned(),
            endpoint: Some(url.to_owned()),
            region: None,
        };
        Table::connect(&sdk, &options)
    }
}
