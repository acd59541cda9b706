//! Keys: the master key of every gateway under test, and those that it makes.

use std::str::FromStr;

use bedrock_sidecar::store::{Account, keys};
use reqwest::{RequestBuilder, Response, StatusCode};
use rust_decimal::Decimal;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::TestApp;

/// The key of every gateway under test.
pub const KEY: &str = "sk-litellm-test-key";

/// Makes a key with these settings.
pub async fn key(app: &TestApp, settings: Value) -> String {
    let made = made(app, settings).await;
    made["key"].as_str().unwrap().to_owned()
}

/// Makes a key with these settings. Returns all that is said of it.
pub async fn made(app: &TestApp, settings: Value) -> Value {
    let (status, made) = send(app.post("/key/generate", &settings)).await;
    assert_eq!(status, 200, "{made}");
    made
}

/// The status and the body of the reply, `null` if it is not JSON.
pub async fn send(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

/// A POST with another key than the master key.
pub fn post_with(app: &TestApp, key: &str, path: &str, body: &Value) -> RequestBuilder {
    let request = app.http.post(format!("{}{path}", app.url));
    request.bearer_auth(key).json(body)
}

/// A chat request with another key than the master key.
pub fn chat_with(app: &TestApp, key: &str, body: &Value) -> RequestBuilder {
    post_with(app, key, "/v1/chat/completions", body)
}

/// The reply to a chat request with another key than the master key.
pub async fn chat_as(app: &TestApp, key: &str, body: &Value) -> Response {
    chat_with(app, key, body).send().await.unwrap()
}

/// A key's hash, by which the gateway knows it.
pub fn sha256(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

/// The account of a key's budget without a window, if it has spent something.
pub async fn account_so_far(app: &TestApp, key: &str) -> Option<Account> {
    let table = app.state.ledger.table();
    let budget = keys::budget(&sha256(key), None);
    table.account(&budget).await.unwrap()
}

/// The account of a key's budget without a window, after all requests have ended.
pub async fn account(app: &TestApp, key: &str) -> Account {
    app.settle().await;
    account_so_far(app, key).await.unwrap_or_default()
}

/// An amount of dollars.
pub fn dollars(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}
