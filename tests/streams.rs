//! Streams: what a client reads, and what it is told when the answer breaks off.

use std::time::Duration;

use bedrock_sidecar::simulator::{Fault, FaultKind, ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp, header, hello, is_plain, trail_of};

fn streamed(model: &str) -> Value {
    let mut body = hello(model);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    body
}

#[tokio::test]
async fn a_stream_has_a_role_one_finish_reason_the_usage_and_an_end() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::text("One two three four.")]);
    let response = app.chat(&streamed("primary")).await;
    assert_eq!(header(&response, "x-litellm-model-group"), "primary");
    assert_eq!(header(&response, "cache-control"), "no-cache");
    let chunks = crate::support::read_sse(response).await;
    assert_eq!(chunks.text(), "One two three four.");
    assert_eq!(chunks.finish_reasons(), ["stop"]);
    assert!(chunks.done);
    let first = &chunks.data[0];
    assert_eq!(first["object"], "chat.completion.chunk");
    assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
    let ids: std::collections::HashSet<_> = chunks
        .data
        .iter()
        .map(|chunk| chunk["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
    let last = chunks.data.last().unwrap();
    assert_eq!(last["choices"], json!([]), "`choices` is present and empty");
    assert!(chunks.usage().unwrap()["prompt_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn usage_is_sent_only_to_those_who_ask() {
    let app = TestApp::new().await;
    assert!(app.chat_stream(&hello("primary")).await.usage().is_none());
}

#[tokio::test]
async fn thinking_and_tool_calls_stream_in_pieces_that_fit_together() {
    let app = TestApp::new().await;
    let reply = ScriptedReply::text("I look.")
        .with_thinking("Let me see.")
        .with_tool("get_weather", &json!({"city": "Paris"}))
        .with_tool("get_time", &json!({}));
    app.bedrock.script(PRIMARY, [Step::reply(reply)]);
    let mut body = streamed("primary");
    body["reasoning_effort"] = json!("medium");
    body["tools"] = json!([
        {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "get_time"}},
    ]);
    let chunks = app.chat_stream(&body).await;
    assert_eq!(chunks.text(), "I look.");
    assert_eq!(chunks.reasoning(), "Let me see.");
    assert_eq!(chunks.finish_reasons(), ["tool_calls"]);
    let calls = chunks.tool_calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (calls[0].1.as_str(), calls[1].1.as_str()),
        ("get_weather", "get_time")
    );
    assert_eq!(
        serde_json::from_str::<Value>(&calls[0].2).unwrap(),
        json!({"city": "Paris"})
    );
    assert_eq!(
        serde_json::from_str::<Value>(&calls[1].2).unwrap(),
        json!({})
    );
    let blocks = chunks
        .data
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["thinking_blocks"].as_array());
    for block in blocks.flatten() {
        assert!(block["index"].is_u64(), "{block}");
    }
}

/// An answer that breaks off after its third event, in every way that a stream can.
fn breaks() -> Vec<(&'static str, Step)> {
    let text = || Step::text("one two three four five six seven eight");
    vec![
        ("cut", text().cut_after(3)),
        ("clean end", text().fault(3, FaultKind::End)),
        (
            "exception",
            text().exception_after(3, "modelStreamErrorException", "the model failed"),
        ),
        (
            "throttling",
            text().exception_after(3, "throttlingException", "Too many tokens"),
        ),
        (
            "broken frame then end",
            text().fault(3, FaultKind::BrokenFrame),
        ),
        (
            "truncated frame",
            text().fault(3, FaultKind::TruncatedFrame),
        ),
    ]
}

#[tokio::test]
async fn a_cut_stream_ends_with_an_error_and_never_with_a_finish_reason_or_done() {
    for (name, step) in breaks() {
        let app = TestApp::new().await;
        app.bedrock.script(PRIMARY, [step]);
        let chunks = app.chat_stream(&streamed("primary")).await;
        assert!(
            !chunks.text().is_empty(),
            "{name}: something was sent before"
        );
        let error = chunks
            .error()
            .unwrap_or_else(|| panic!("{name}: {chunks:?}"));
        let message = error["message"].as_str().unwrap();
        assert!(is_plain(message), "{name}: {message}");
        assert!(chunks.finish_reasons().is_empty(), "{name}");
        assert!(!chunks.done, "{name}");
        assert_eq!(
            app.bedrock.requests().len(),
            1,
            "{name}: nothing is repeated once text is out"
        );
    }
}

#[tokio::test]
async fn a_reply_that_is_not_streamed_survives_a_cut_unseen() {
    for (name, step) in breaks() {
        let app = TestApp::new().await;
        app.bedrock.script(PRIMARY, [step]);
        app.bedrock
            .script(crate::support::BACKUP, [Step::text("All of it.")]);
        let response = app.chat(&hello("primary")).await;
        assert_eq!(
            header(&response, "x-litellm-attempted-fallbacks"),
            "1",
            "{name}"
        );
        let reply: Value = response.json().await.unwrap();
        assert_eq!(
            reply["choices"][0]["message"]["content"], "All of it.",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_failure_before_the_first_piece_keeps_its_status() {
    let app = TestApp::new().await;
    app.bedrock.always("*", Step::throttle());
    let response = app.chat(&streamed("primary")).await;
    assert_eq!(response.status(), 429);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["type"], "throttling_error");
}

#[tokio::test]
async fn an_exception_as_the_first_frame_is_a_failure_before_the_first_piece() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::text("x").exception_after(0, "throttlingException", "Too many requests")],
    );
    let response = app.chat(&streamed("primary")).await;
    assert_eq!(trail_of(&response), "primary:throttled(429), backup:ok");
}

#[tokio::test]
async fn a_missing_metadata_event_does_not_hold_the_answer_back_and_its_usage_is_estimated() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::text("One two three.").without_metadata()]);
    let chunks = app.chat_stream(&streamed("primary")).await;
    assert!(chunks.done);
    assert_eq!(chunks.finish_reasons(), ["stop"]);
    assert!(
        chunks.usage().unwrap()["completion_tokens"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[tokio::test]
async fn an_unknown_event_is_skipped() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::text("One two three.").fault(2, FaultKind::UnknownEvent)],
    );
    let chunks = app.chat_stream(&streamed("primary")).await;
    assert_eq!(chunks.text(), "One two three.");
    assert!(chunks.done);
}

#[tokio::test]
async fn a_silent_stream_is_ended_by_the_idle_limit() {
    let app = TestApp::builder()
        .settings("  idle_timeout: 0.05\n")
        .start()
        .await;
    let stall = Fault {
        after: 3,
        kind: FaultKind::Silence,
    };
    app.bedrock.script(
        PRIMARY,
        [Step {
            fault: Some(stall),
            ..Step::text("one two three four five")
        }],
    );
    let chunks = app.chat_stream(&streamed("primary")).await;
    assert!(
        chunks.error().unwrap()["message"]
            .as_str()
            .unwrap()
            .contains("fell silent")
    );
    assert!(!chunks.done);
}

#[tokio::test]
async fn a_long_wait_is_filled_with_comments() {
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.02\n")
        .start()
        .await;
    app.bedrock.script(
        PRIMARY,
        [Step::text("Here.").slow_first_event(Duration::from_millis(150))],
    );
    let chunks = app.chat_stream(&streamed("primary")).await;
    assert!(chunks.comments > 1, "{chunks:?}");
    assert_eq!(chunks.text(), "Here.");
    assert!(chunks.done);
}

#[tokio::test]
async fn once_comments_have_gone_out_a_failure_is_told_inside_the_stream() {
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.02\n")
        .start()
        .await;
    app.bedrock.always(
        "*",
        Step::unavailable().slow_head(Duration::from_millis(100)),
    );
    let chunks = app.chat_stream(&streamed("primary")).await;
    assert_eq!(chunks.error().unwrap()["code"], "503");
    assert!(chunks.finish_reasons().is_empty() && !chunks.done);
}

#[tokio::test]
async fn pieces_arrive_as_they_are_made() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::text("one two three").pace(Duration::from_millis(100))],
    );
    let mut response = app.chat(&streamed("primary")).await;
    let mut pieces = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        pieces += usize::from(!piece.is_empty());
    }
    assert!(pieces >= 3, "{pieces} writes");
}

#[tokio::test]
async fn the_whole_request_has_a_limit() {
    let app = TestApp::builder()
        .settings("  total_timeout: 2\n")
        .start()
        .await;
    app.bedrock.script(
        PRIMARY,
        [Step::text("one two three four").pace(Duration::from_millis(800))],
    );
    let chunks = app.chat_stream(&streamed("primary")).await;
    assert!(
        chunks.error().unwrap()["message"]
            .as_str()
            .unwrap()
            .contains("time limit")
    );
    assert!(!chunks.done);
}
