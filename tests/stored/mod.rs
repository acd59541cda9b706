//! Stored responses: what later requests of the same key may refer to, and what nobody else sees.

mod captures;
mod costs;
mod faults;
mod items;
mod privacy;
mod whole;

use std::time::Duration;

use bedrock_sidecar::store::{Item, Key, keys};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::keys::{post_with, send};

/// Whole responses are stored.
pub const WHOLE: &str = "general_settings: {store_responses: 30d}\n";

fn ask(text: &str) -> Value {
    json!({"model": "primary", "input": text})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn reference(item: &Value) -> Value {
    json!({"type": "item_reference", "id": item["id"]})
}

/// The request once more, going on from this response.
fn after(response: &Value, text: &str) -> Value {
    let mut body = ask(text);
    body["previous_response_id"] = response["id"].clone();
    body
}

/// The messages that Bedrock was last sent.
fn last_messages(app: &TestApp) -> Value {
    let last = app.bedrock.requests().pop().expect("a request");
    last.body["messages"].clone()
}

/// The error of a response that is refused, and its status.
async fn refused(app: &TestApp, body: &Value) -> (u16, Value) {
    let response = app.post("/v1/responses", body).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].clone())
}

/// The response to a request with another key than the master key.
async fn response_as(app: &TestApp, key: &str, body: &Value) -> Value {
    let (status, response) = send(post_with(app, key, "/v1/responses", body)).await;
    assert_eq!(status, 200, "{response}");
    response
}

/// Where the first piece of a response is stored that the master key has asked for.
fn address(app: &TestApp, response: &Value) -> Key {
    let id = response["id"].as_str().unwrap();
    let key = id.strip_prefix("resp_").unwrap();
    let owner = app
        .state
        .master_key
        .authenticate(crate::support::KEY)
        .unwrap();
    keys::stored_response(&owner.key_hash, key, 0)
}

/// What lies in the table of a response; `None`: nothing.
async fn stored(app: &TestApp, response: &Value) -> Option<Value> {
    app.settle().await;
    app.state.table.get(&address(app, response)).await.unwrap()
}

/// How long what is stored of a response is kept, in days.
async fn days(app: &TestApp, response: &Value) -> i64 {
    let item = stored(app, response).await.unwrap();
    let left = item["ttl"].as_i64().unwrap() - Timestamp::now().as_second();
    (left + 3_600) / (24 * 60 * 60)
}

/// Lets the time of a stored response pass.
async fn expire(app: &TestApp, response: &Value) {
    let mut item = stored(app, response).await.unwrap();
    let fields = item.as_object_mut().unwrap();
    for own in ["pk", "sk", "ttl"] {
        fields.remove(own);
    }
    let item = Item::new(&address(app, response), &item).unwrap();
    let past = Timestamp::now() - Duration::from_secs(60);
    app.state.table.put(item.expires(past)).await.unwrap();
}
