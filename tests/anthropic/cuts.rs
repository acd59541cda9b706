//! A stream that breaks never passes for a whole answer.

use std::time::Duration;

use bedrock_sidecar::simulator::{FaultKind, ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::{BACKUP, PRIMARY, TestApp, is_plain};

fn alone(text: &str) -> Value {
    let mut body = ask(text);
    body["disable_fallbacks"] = json!(true);
    body
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_an_error_event_and_nothing_else() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n  idle_timeout: 0.2\n")
        .start()
        .await;
    let text = || Step::text("One two three four five six.");
    let cases = [
        (text().cut_after(4), "overloaded_error"),
        (text().fault(4, FaultKind::End), "overloaded_error"),
        (text().fault(4, FaultKind::BrokenFrame), "overloaded_error"),
        (
            text().fault(4, FaultKind::TruncatedFrame),
            "overloaded_error",
        ),
        (
            text().exception_after(4, "modelStreamErrorException", "The model failed."),
            "overloaded_error",
        ),
        (text().fault(4, FaultKind::Silence), "timeout_error"),
        (
            text().exception_after(4, "throttlingException", "Too many tokens."),
            "rate_limit_error",
        ),
    ];
    for (step, kind) in cases {
        let name = format!("{step:?}");
        app.bedrock.script(PRIMARY, [step]);
        let events = app.message_events(&alone("hello")).await;
        let error = events
            .error()
            .unwrap_or_else(|| panic!("{name}: {events:?}"));
        assert_eq!(error["type"], kind, "{name}");
        let message = error["message"].as_str().unwrap();
        assert!(is_plain(message), "{name}: {message}");
        assert_eq!(events.names().last(), Some(&"error"));
        assert!(!events.of("content_block_delta").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_cut_inside_a_tool_call_ends_in_an_error_event() {
    let app = TestApp::on_converse().await;
    let call = ScriptedReply::tool("look", &json!({"at": "a place with a long name"}));
    app.bedrock
        .script(PRIMARY, [Step::reply(call).cut_after(4)]);
    let mut body = ask("hello");
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    let events = app.message_events(&body).await;
    assert_eq!(events.error().unwrap()["type"], "overloaded_error");
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_skipped() {
    let app = TestApp::on_converse().await;
    let step = Step::text("One two three.").fault(3, FaultKind::UnknownEvent);
    app.bedrock.script(PRIMARY, [step]);
    let message = app.message_events(&ask("hello")).await.message();
    assert_eq!(message["content"][0]["text"], "One two three.");
    assert_eq!(message["stop_reason"], "end_turn");
}

#[tokio::test]
async fn a_whole_answer_without_its_accounting_is_whole() {
    let app = TestApp::on_converse().await;
    app.bedrock
        .script(PRIMARY, [Step::text("One two.").without_metadata()]);
    let message = app.message_events(&ask("hello")).await.message();
    assert_eq!(message["stop_reason"], "end_turn");
    let record = app.record(message["id"].as_str().unwrap()).await;
    assert_eq!(record["metadata"]["usage_estimated"], true);
}

#[tokio::test]
async fn a_message_that_is_not_streamed_survives_a_cut_unseen() {
    let app = TestApp::on_converse().await;
    app.bedrock
        .script(PRIMARY, [Step::text("One two three four.").cut_after(3)]);
    app.bedrock.script(BACKUP, [Step::text("All of it.")]);
    let message = app.message(&ask("hello")).await;
    assert_eq!(
        message["content"],
        json!([{"type": "text", "text": "All of it."}])
    );
}

#[tokio::test]
async fn once_pings_have_gone_out_a_failure_is_told_inside_the_stream() {
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.05\n")
        .start()
        .await;
    app.bedrock.script(
        PRIMARY,
        [Step::throttle().slow_head(Duration::from_millis(200))],
    );
    let events = app.message_events(&alone("hello")).await;
    assert!(events.pings > 0);
    assert_eq!(events.error().unwrap()["type"], "rate_limit_error");
    assert_eq!(events.names(), ["error"]);
}

#[tokio::test]
async fn a_message_that_takes_too_long_ends_in_an_error_event() {
    let app = TestApp::builder()
        .settings("  total_timeout: 0.4\n")
        .start()
        .await;
    let slow = Step::text("One two three four five six.").pace(Duration::from_millis(150));
    app.bedrock.script(PRIMARY, [slow]);
    let events = app.message_events(&ask("hello")).await;
    let error = events.error().unwrap();
    assert_eq!(error["type"], "timeout_error");
    assert!(error["message"].as_str().unwrap().contains("time limit"));
}

#[tokio::test]
async fn a_model_that_says_nothing_in_time_is_not_waited_for() {
    let app = TestApp::builder()
        .settings("  stream_timeout: 0.2\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    app.bedrock.script(BACKUP, [Step::text("Here.")]);
    let message = app.message_events(&ask("hello")).await.message();
    assert_eq!(message["content"][0]["text"], "Here.");
}
