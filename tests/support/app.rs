//! A gateway under test: the real router on a real socket, a simulated Bedrock behind it, a table in memory.

use std::sync::Arc;

use bedrock_sidecar::AppState;
use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::store::Embedded;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::task::AbortHandle;

use super::builder::TestAppBuilder;
use super::{KEY, TestClock};

/// A gateway under test. Everything of it ends with the value.
pub struct TestApp {
    pub bedrock: Arc<Simulated>,
    pub clock: TestClock,
    pub state: AppState,
    pub url: String,
    pub http: reqwest::Client,
    pub(super) server: AbortHandle,
    pub(super) yaml: String,
    pub(super) table: Arc<Embedded>,
    pub(super) table_name: &'static str,
}

impl TestApp {
    /// A gateway with a chain of three targets.
    pub async fn new() -> Self {
        Self::builder().start().await
    }

    /// The same whose deployments are all asked by Converse.
    pub async fn on_converse() -> Self {
        Self::builder().on_converse().start().await
    }

    /// A gateway with a chain of three targets, unless the builder is told otherwise.
    pub fn builder() -> TestAppBuilder {
        TestAppBuilder::new()
    }

    /// A second instance of the same gateway: the same file, Bedrock and table, nothing else in common.
    pub async fn another_instance(&self) -> Self {
        self.another().start().await
    }

    /// [`Self::another_instance`], as a builder.
    pub fn another(&self) -> TestAppBuilder {
        Self::builder()
            .config(&self.yaml)
            .clock(self.clock.another())
            .bedrock(&self.bedrock)
            .table(&self.table, self.table_name)
    }

    /// Where the table is served that this gateway uses, unless it was given another.
    pub fn table_url(&self) -> &str {
        self.table.endpoint()
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

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}
