//! A fault in the gateway itself: the caller is told in words, and what Bedrock bills is in the record.
//!
//! The faults come from outside: a clock, and the connections to the table, that panic when a test says so.

use std::sync::Arc;
use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{BACKUP, PRIMARY, TestApp, header, hello, read_sse, trail_of};

/// From now on, the first look at the clock after `model` was asked panics.
fn panics_once_asked(app: &TestApp, model: &'static str) {
    let bedrock = Arc::clone(&app.bedrock);
    app.clock
        .panic_once(move || !bedrock.requests_for(model).is_empty());
}

fn is_told_in_words(error: &Value) {
    assert_eq!(error["code"], "500");
    assert_eq!(error["type"], "internal_server_error");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("its log says why"), "{message}");
}

/// The record of a request whose second attempt was billed and ended in a panic.
async fn has_both_attempts(app: &TestApp, id: &str) {
    let record = app.record(id).await;
    assert_eq!(record["status"], "failure");
    assert_eq!(record["metadata"]["error_information"]["error_code"], "500");
    let attempts = record["metadata"]["attempts"].as_array().unwrap();
    let outcomes: Vec<&Value> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, ["unavailable", "internal"]);
    assert!(record["spend"].as_f64().unwrap() > 0.0, "{record}");
}

#[tokio::test]
async fn a_panic_in_the_chain_is_500_and_loses_no_attempt() {
    for stream in [false, true] {
        let app = TestApp::new().await;
        app.bedrock.script(PRIMARY, [Step::unavailable()]);
        panics_once_asked(&app, BACKUP);
        let mut body = hello("primary");
        body["stream"] = json!(stream);
        let response = app.chat(&body).await;
        assert_eq!(response.status(), 500);
        assert_eq!(
            trail_of(&response),
            "primary:unavailable(503), backup:internal"
        );
        let id = header(&response, "x-litellm-call-id").to_owned();
        let reply: Value = response.json().await.unwrap();
        is_told_in_words(&reply["error"]);
        has_both_attempts(&app, &id).await;
        assert_eq!(app.chat(&hello("primary")).await.status(), 200, "unharmed");
    }
}

#[tokio::test]
async fn a_panic_in_a_stream_that_has_begun_is_an_error_event_without_done() {
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.02\n")
        .start()
        .await;
    let slow = Step::unavailable().slow_head(Duration::from_millis(100));
    app.bedrock.script(PRIMARY, [slow]);
    panics_once_asked(&app, BACKUP);
    let mut body = hello("primary");
    body["stream"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 200);
    let id = header(&response, "x-litellm-call-id").to_owned();
    let chunks = read_sse(response).await;
    is_told_in_words(chunks.error().unwrap());
    assert!(!chunks.done && chunks.finish_reasons().is_empty());
    has_both_attempts(&app, &id).await;
}

#[tokio::test]
async fn a_panic_before_anybody_is_asked_is_500_with_a_record() {
    for stream in [false, true] {
        let app = TestApp::builder()
            .table_panics_at("BatchGetItem")
            .start()
            .await;
        let call = json!({"id": "tooluse_1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
        let body = json!({
            "model": "primary", "stream": stream, "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
            "messages": [
                {"role": "user", "content": "Look."},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "tooluse_1", "content": "There."},
            ],
        });
        let response = app.chat(&body).await;
        assert_eq!(response.status(), 500);
        let id = header(&response, "x-litellm-call-id").to_owned();
        let reply: Value = response.json().await.unwrap();
        is_told_in_words(&reply["error"]);
        let record = app.record(&id).await;
        assert_eq!(record["status"], "failure");
        assert_eq!(record["metadata"]["attempts"], json!([]));
        assert!(app.bedrock.requests().is_empty());
    }
}
