//! A wait that a healthy model needs is no fault of it: for a long prompt to be read, and for a tool call to be written.

use std::time::Duration;

use bedrock_sidecar::simulator::{FaultKind, RawEvent, Step};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{LAST, PRIMARY, TestApp, hello, trail_of};

/// Longer than every limit that these tests set, and a small part of those that they rely on.
const STALL: Duration = Duration::from_millis(1_500);
const SHORT: &str = "0.5";

fn delta(block: u32, delta: Value) -> RawEvent {
    RawEvent::new(
        "contentBlockDelta",
        json!({"contentBlockIndex": block, "delta": delta}),
    )
}

fn call(block: u32, id: &str) -> RawEvent {
    let start = json!({"toolUse": {"toolUseId": id, "name": "Write"}});
    RawEvent::new(
        "contentBlockStart",
        json!({"contentBlockIndex": block, "start": start}),
    )
}

fn end(block: u32) -> RawEvent {
    RawEvent::new("contentBlockStop", json!({"contentBlockIndex": block}))
}

/// Text, then two calls. The events, counted from 0: a call begins with 3 and with 7.
fn events() -> Vec<RawEvent> {
    let input = |json: &str| json!({"toolUse": {"input": json}});
    vec![
        RawEvent::new("messageStart", json!({"role": "assistant"})),
        delta(0, json!({"text": "I will."})),
        end(0),
        call(1, "t1"),
        delta(1, input("{\"a\":")),
        delta(1, input("\"b\"}")),
        end(1),
        call(2, "t2"),
        end(2),
        RawEvent::new("messageStop", json!({"stopReason": "tool_use"})),
        RawEvent::new(
            "metadata",
            json!({"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}}),
        ),
    ]
}

fn silent_after(events_before: usize) -> Step {
    Step::events(events()).fault(events_before, FaultKind::Stall(STALL))
}

fn body(model: &str) -> Value {
    let mut body = hello(model);
    body["disable_fallbacks"] = json!(true);
    body["tools"] = json!([{"type": "function", "function": {"name": "Write",
        "parameters": {"type": "object"}}}]);
    body
}

/// Whether the answer came whole, streamed and not.
async fn survive(app: &TestApp, body: &Value, events_before: usize) -> [bool; 2] {
    app.bedrock
        .script(PRIMARY, vec![silent_after(events_before); 2]);
    let chunks = app.chat_stream(body).await;
    let whole = app.chat(body).await.status().is_success();
    app.bedrock.unscript(PRIMARY);
    if chunks.done {
        let calls = chunks.tool_calls();
        assert_eq!((calls.len(), &*calls[0].2), (2, "{\"a\":\"b\"}"));
    } else {
        let error = chunks.error().expect("an error");
        assert!(error["message"].as_str().unwrap().contains("fell silent"));
    }
    [chunks.done, whole]
}

#[tokio::test]
async fn a_tool_call_may_take_its_time_whatever_idle_timeout_says() {
    let settings = format!("  disable_cooldowns: true\n  idle_timeout: {SHORT}\n");
    let (inside, outside) = ([4, 5, 6, 8], [2, 3, 7]);
    let all = inside.into_iter().chain(outside);
    let survived = all.map(|events_before| {
        let settings = &settings;
        async move {
            let app = TestApp::builder().settings(settings).start().await;
            let survived = survive(&app, &body("primary"), events_before).await;
            let expected = inside.contains(&events_before);
            assert_eq!(survived, [expected; 2], "after {events_before} events");
        }
    });
    join_all(survived).await;
}

#[tokio::test]
async fn stream_timeout_is_the_limit_of_every_silence() {
    let settings = format!("  disable_cooldowns: true\n  stream_timeout: {SHORT}\n");
    let app = TestApp::builder().settings(&settings).start().await;
    assert_eq!(
        survive(&app, &body("primary"), 4).await,
        [false, false],
        "of the file"
    );
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    let mut body = body("primary");
    body["stream_timeout"] = json!(0.5);
    // A whole answer is no stream towards its client.
    assert_eq!(
        survive(&app, &body, 4).await,
        [false, true],
        "of the request"
    );
}

#[tokio::test]
async fn a_client_hears_heartbeats_while_a_tool_call_is_written() {
    let settings = format!("  idle_timeout: {SHORT}\n  heartbeat_interval: 0.05\n");
    let app = TestApp::builder().settings(&settings).start().await;
    app.bedrock.script(PRIMARY, [silent_after(4)]);
    let chunks = app.chat_stream(&body("primary")).await;
    assert!(chunks.done && chunks.comments > 3, "{chunks:?}");
}

/// A prompt of about so many tokens.
fn prompt(tokens: usize, model: &str) -> Value {
    let text = "word".repeat(tokens);
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

/// Who was asked for an answer whose first event came late.
async fn asked(app: &TestApp, body: &Value, is_stream: bool) -> String {
    app.bedrock
        .script(PRIMARY, [Step::text("Late.").slow_first_event(STALL)]);
    let mut body = body.clone();
    body["stream"] = json!(is_stream);
    let response = app.chat(&body).await;
    let trail = trail_of(&response);
    response.text().await.unwrap();
    app.bedrock.unscript(PRIMARY);
    trail
}

#[tokio::test]
async fn the_first_event_of_a_long_prompt_may_come_later() {
    for is_stream in [true, false] {
        let app = TestApp::builder()
            .config(&chain(&format!("request_timeout: {SHORT}"), ""))
            .start()
            .await;
        let trail = asked(&app, &prompt(12_000, "primary"), is_stream).await;
        assert_eq!(trail, "primary:ok");
        let short = asked(&app, &prompt(100, "primary"), is_stream).await;
        assert_eq!(short, "primary:first_event_timeout, backup:ok");
    }
}

#[tokio::test]
async fn a_target_that_outlasts_the_longer_limit_rests() {
    let limit = format!("request_timeout: {SHORT}");
    let app = TestApp::builder().config(&chain(&limit, "")).start().await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let response = app.chat(&prompt(4_100, "primary")).await;
    assert_eq!(
        trail_of(&response),
        "primary:first_event_timeout, backup:ok"
    );
    let response = app.chat(&hello("primary")).await;
    assert_eq!(trail_of(&response), "primary:cooling_down, backup:ok");
}

#[tokio::test]
async fn a_limit_that_was_set_for_the_wait_itself_does_not_grow() {
    let late = "primary:first_event_timeout, backup:ok";
    for (settings, deployment) in [
        ("", format!(", stream_timeout: {SHORT}")),
        ("", format!(", timeout: {SHORT}")),
        (&*format!("stream_timeout: {SHORT}"), String::new()),
        (&*format!("timeout: {SHORT}"), String::new()),
    ] {
        let app = TestApp::builder()
            .config(&chain(settings, &deployment))
            .start()
            .await;
        let trail = asked(&app, &prompt(12_000, "primary"), true).await;
        assert_eq!(trail, late, "{settings}{deployment}");
    }
    for field in ["timeout", "stream_timeout"] {
        let app = TestApp::builder().config(&chain("", "")).start().await;
        let mut body = prompt(12_000, "primary");
        body[field] = json!(0.5);
        assert_eq!(asked(&app, &body, true).await, late, "{field}");
    }
}

/// Two models, one the other's fallback.
fn chain(settings: &str, of_primary: &str) -> String {
    format!(
        "model_list:
  - {{model_name: primary, litellm_params: {{model: bedrock/{PRIMARY}, num_retries: 0{of_primary}}}}}
  - {{model_name: backup, litellm_params: {{model: bedrock/{LAST}}}}}
router_settings: {{fallbacks: [{{primary: [backup]}}], {settings}}}
"
    )
}
