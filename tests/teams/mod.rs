//! Teams, their members, users and customers: what LiteLLM's clients send is taken, what it says is kept to, on every
//! instance, and what nothing would keep to is refused.

mod budgets;
mod customers;
mod erasure;
mod figures;
mod limits;
mod managed;
mod models;
mod regions;
mod settling;
mod terraform;
mod users;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::keys::{chat_as, send};
use crate::support::{TestApp, hello};

/// A POST that must be a success. Returns what it is answered.
async fn done(app: &TestApp, path: &str, body: Value) -> Value {
    let (status, answer) = send(app.post(path, &body)).await;
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}

/// The status and the message of a refusal.
async fn refusal(request: RequestBuilder) -> (StatusCode, String) {
    let (status, body) = send(request).await;
    let message = body["error"]["message"].as_str().unwrap_or_default();
    (status, message.to_owned())
}

/// Makes a team with these settings. Returns its id.
async fn team(app: &TestApp, settings: Value) -> String {
    let made = done(app, "/team/new", settings).await;
    made["team_id"].as_str().unwrap().to_owned()
}

/// The status, the error's type and its message, of a chat request.
async fn asked(app: &TestApp, key: &str, model: &str) -> (u16, String, String) {
    let response = chat_as(app, key, &hello(model)).await;
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let error = |field: &str| {
        let text = body["error"][field].as_str();
        text.unwrap_or_default().to_owned()
    };
    (status, error("type"), error("message"))
}

/// A chat request that may cost 0.0203 at most, and costs 0.0197505 where it is answered with as many tokens.
pub fn sized() -> Value {
    let mut body = hello("primary");
    body["max_tokens"] = json!(1196);
    body
}
