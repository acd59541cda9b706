//! A gateway under test: the real router on a real socket, a simulated Bedrock behind it, a table in memory.

use std::sync::Arc;
use std::time::Duration;

use bedrock_sidecar::bedrock::{Clients, Override};
use bedrock_sidecar::chain::Routes;
use bedrock_sidecar::chain::policy::Backoff;
use bedrock_sidecar::config::Config;
use bedrock_sidecar::keys::{Login, MasterKey};
use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::spend::{Ledger, LedgerOptions};
use bedrock_sidecar::store::{Embedded, Table, TableOptions};
use bedrock_sidecar::{AppState, BodyTimes};
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::bedrock::{offline_sdk, simulated};
use super::{CONFIG, KEY, TestClock, panicking};

/// A gateway under test. Everything of it ends with the value.
pub struct TestApp {
    pub bedrock: Arc<Simulated>,
    pub clock: TestClock,
    pub state: AppState,
    pub url: String,
    pub http: reqwest::Client,
    server: AbortHandle,
    yaml: String,
    embedded: Arc<Embedded>,
    table_name: &'static str,
}

/// Short pauses, for tests that are not about them.
pub fn quick() -> Backoff {
    Backoff {
        min: Duration::from_millis(1),
        max: Duration::from_millis(2),
        ..Backoff::default()
    }
}

impl TestApp {
    /// A gateway with a chain of three targets.
    pub async fn new() -> Self {
        Self::with_config(CONFIG).await
    }

    /// The chain of three with further lines at the end of the file.
    pub async fn with_settings(lines: &str) -> Self {
        Self::with_config(&format!("{CONFIG}{lines}")).await
    }

    /// A gateway with this configuration.
    pub async fn with_config(yaml: &str) -> Self {
        Self::with_key(yaml, MasterKey::new(Some(KEY), None, false).unwrap()).await
    }

    /// A gateway with this configuration and key.
    pub async fn with_key(yaml: &str, master_key: MasterKey) -> Self {
        let surroundings = Surroundings {
            master_key,
            ..Surroundings::new().await
        };
        surroundings.gateway(yaml).await
    }

    /// A gateway that pauses between tries as the real one does.
    pub async fn patient(yaml: &str) -> Self {
        let surroundings = Surroundings {
            backoff: Backoff::default(),
            ..Surroundings::new().await
        };
        surroundings.gateway(yaml).await
    }

    /// The chain of three with further lines, and a table at this address.
    pub async fn with_table_at(lines: &str, url: String) -> Self {
        Self::with_config_and_table_at(&format!("{CONFIG}{lines}"), url).await
    }

    /// A gateway with this configuration, and a table at this address.
    pub async fn with_config_and_table_at(yaml: &str, url: String) -> Self {
        let surroundings = Surroundings {
            table_at: Some(url),
            ..Surroundings::new().await
        };
        surroundings.gateway(yaml).await
    }

    /// The chain of three, whose calls of the table panic where they are of this kind.
    pub async fn whose_table_panics_at(operation: &'static str) -> Self {
        let surroundings = Surroundings {
            table_panics_at: Some(operation),
            ..Surroundings::new().await
        };
        surroundings.gateway(CONFIG).await
    }

    /// The chain of three, with other times for the bodies of requests.
    pub async fn with_body_times(times: BodyTimes) -> Self {
        let surroundings = Surroundings {
            body_times: times,
            ..Surroundings::new().await
        };
        surroundings.gateway(CONFIG).await
    }

    /// The chain of three with further lines, and Bedrock at this address.
    pub async fn with_bedrock_at(lines: &str, url: String) -> Self {
        let surroundings = Surroundings {
            bedrock_at: Some(url),
            ..Surroundings::new().await
        };
        surroundings.gateway(&format!("{CONFIG}{lines}")).await
    }

    /// A second instance of the same gateway: the same Bedrock and the same table, nothing else in common.
    pub async fn another_instance(&self) -> Self {
        let surroundings = Surroundings {
            clock: self.clock.another(),
            bedrock: Arc::clone(&self.bedrock),
            embedded: Arc::clone(&self.embedded),
            table_name: self.table_name,
            ..Surroundings::new().await
        };
        surroundings.gateway(&self.yaml).await
    }

    /// A gateway with this configuration over a table that is there already.
    pub async fn over(
        yaml: &str,
        embedded: Embedded,
        table_name: &'static str,
        clock: TestClock,
    ) -> Self {
        let surroundings = Surroundings {
            clock,
            embedded: Arc::new(embedded),
            table_name,
            ..Surroundings::new().await
        };
        surroundings.gateway(yaml).await
    }

    /// A second instance that was given another login, or another master key.
    pub async fn another_instance_with(&self, master_key: MasterKey, login: Login) -> Self {
        let surroundings = Surroundings {
            master_key,
            login,
            bedrock: Arc::clone(&self.bedrock),
            embedded: Arc::clone(&self.embedded),
            ..Surroundings::new().await
        };
        surroundings.gateway(&self.yaml).await
    }

    /// Where the table is served that this gateway uses, unless it was given another.
    pub fn table_url(&self) -> &str {
        self.embedded.endpoint()
    }

    /// A GET with the key.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http
            .get(format!("{}{path}", self.url))
            .bearer_auth(KEY)
    }

    /// A POST of JSON with the key.
    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.url))
            .bearer_auth(KEY)
            .json(body)
    }

    /// What is at this path, which must be a success.
    pub async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The record of a reply's id; waits until the request's task has written it.
    pub async fn record(&self, id: &str) -> Value {
        self.settle().await;
        let rows: Vec<Value> = self
            .get(&format!("/spend/logs?request_id={id}"))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "one record of {id}");
        rows.into_iter().next().unwrap()
    }

    /// Waits until every request's task has ended.
    pub async fn settle(&self) {
        self.state.tasks.close();
        self.state.tasks.wait().await;
        self.state.tasks.reopen();
    }
}

/// What a gateway under test stands in.
struct Surroundings {
    master_key: MasterKey,
    login: Login,
    backoff: Backoff,
    clock: TestClock,
    bedrock: Arc<Simulated>,
    embedded: Arc<Embedded>,
    table_name: &'static str,
    /// Called instead of `bedrock`.
    bedrock_at: Option<String>,
    /// Called instead of `embedded`.
    table_at: Option<String>,
    /// Calls of the table of this kind panic.
    table_panics_at: Option<&'static str>,
    body_times: BodyTimes,
}

impl Surroundings {
    async fn new() -> Self {
        Self {
            master_key: MasterKey::new(Some(KEY), None, false).unwrap(),
            login: Login::default(),
            backoff: quick(),
            clock: TestClock::default(),
            bedrock: Arc::new(simulated().await),
            embedded: Arc::new(Embedded::in_memory().await.unwrap()),
            table_name: "test",
            bedrock_at: None,
            table_at: None,
            table_panics_at: None,
            body_times: BodyTimes::default(),
        }
    }

    async fn gateway(self, yaml: &str) -> TestApp {
        let (config, _) = Config::parse("test.yml", yaml, &|_| None).unwrap();
        let config = Arc::new(config);
        let sdk = offline_sdk();
        let own = self.embedded.table(self.table_name).await.unwrap();
        let options = |endpoint| TableOptions {
            name: self.table_name.to_owned(),
            endpoint: Some(endpoint),
            region: None,
        };
        let table = match (self.table_at, self.table_panics_at) {
            (Some(url), _) => Table::connect(&sdk, &options(url)),
            (None, Some(operation)) => {
                let http = panicking::panicking_at(operation);
                let sdk = sdk.clone().into_builder().http_client(http).build();
                Table::connect(&sdk, &options(self.embedded.endpoint().to_owned()))
            }
            (None, None) => own,
        };
        let url = self.bedrock_at.unwrap_or_else(|| self.bedrock.url());
        let clients = Clients::new(sdk, &config, Some(Override { url }));
        let routes = Routes::new(Arc::clone(&config), clients, self.backoff)
            .await
            .with_clock(self.clock.clock())
            .with_seed(7)
            .sharing(table.clone());
        let ledger = Ledger::new(table, LedgerOptions::of(&config));
        let state = AppState::new(config, routes, self.master_key, self.login, ledger)
            .with_body_times(self.body_times);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = bedrock_sidecar::app(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
            .abort_handle();
        TestApp {
            bedrock: self.bedrock,
            clock: self.clock,
            state,
            url,
            http: reqwest::Client::new(),
            server,
            yaml: yaml.to_owned(),
            embedded: self.embedded,
            table_name: self.table_name,
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}
