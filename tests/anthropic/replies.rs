//! Messages and their streams.

use bedrock_sidecar::simulator::{Block, RawEvent, ScriptedReply, Step};
use serde_json::json;

use crate::support::anthropic::ask;
use crate::support::{BACKUP, PRIMARY, TestApp, header};

fn everything() -> ScriptedReply {
    ScriptedReply {
        blocks: vec![
            Block::Thinking("Let me see.".into()),
            Block::Redacted("AP8KcmVkYWN0ZWQ=".into()),
            Block::Text("I look.".into()),
            Block::ToolUse {
                id: None,
                name: "get_weather".into(),
                input: r#"{"city": "Paris"}"#.into(),
            },
            Block::ToolUse {
                id: None,
                name: "get_time".into(),
                input: String::new(),
            },
        ],
        ..ScriptedReply::default()
    }
}

fn asks_for_everything() -> serde_json::Value {
    let mut body = ask("how is the weather?");
    body["max_tokens"] = json!(4000);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    body["tools"] = json!([
        {"name": "get_weather", "input_schema": {"type": "object"}},
        {"type": "custom", "name": "get_time", "input_schema": {"type": "object"}},
    ]);
    body
}

#[tokio::test]
async fn a_stream_has_anthropic_s_events_in_anthropic_s_order() {
    let app = TestApp::on_converse().await;
    app.bedrock.script(PRIMARY, [Step::reply(everything())]);
    let events = app.message_events(&asks_for_everything()).await;
    let block = [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ];
    let whole = ["content_block_start", "content_block_stop"];
    let order = [
        &["message_start"][..],
        &block,
        &whole,
        &block,
        &block,
        // A tool without arguments: Bedrock sends an empty piece, which is none.
        &whole,
        &["message_delta", "message_stop"],
    ];
    assert_eq!(events.names(), order.concat());
    assert_eq!(events.pings, 1);
    let start = &events.of("message_start")[0]["message"];
    assert_eq!(start["usage"]["output_tokens"], 0);
    assert_eq!(start["role"], "assistant");
    let starts = events.of("content_block_start");
    assert_eq!(
        starts[0]["content_block"],
        json!({"type": "thinking", "thinking": "", "signature": ""})
    );
    assert_eq!(
        starts[2]["content_block"],
        json!({"type": "text", "text": ""})
    );
    assert_eq!(starts[3]["content_block"]["input"], json!({}));
}

#[tokio::test]
async fn a_message_is_its_stream_put_together() {
    let app = TestApp::on_converse().await;
    app.bedrock
        .script(PRIMARY, [everything(), everything()].map(Step::reply));
    let streamed = app.message_events(&asks_for_everything()).await.message();
    let whole = app.message(&asks_for_everything()).await;
    for message in [&streamed, &whole] {
        assert!(message["id"].as_str().unwrap().starts_with("msg_"));
        assert_eq!(message["type"], "message");
        assert_eq!(message["model"], "primary");
        assert_eq!(message["stop_reason"], "tool_use");
        assert!(message["stop_sequence"].is_null());
        let content = &message["content"];
        assert_eq!(content[0]["thinking"], "Let me see.");
        assert!(!content[0]["signature"].as_str().unwrap().is_empty());
        assert_eq!(content[1]["data"], "AP8KcmVkYWN0ZWQ=");
        assert_eq!(content[2], json!({"type": "text", "text": "I look."}));
        assert_eq!(content[3]["input"], json!({"city": "Paris"}));
        assert_eq!(content[4]["input"], json!({}));
        let usage = &message["usage"];
        for field in ["input_tokens", "output_tokens"] {
            assert!(usage[field].as_u64().unwrap() > 0, "{usage}");
        }
    }
}

#[tokio::test]
async fn every_reason_to_stop_has_anthropic_s_word() {
    let app = TestApp::on_converse().await;
    let cases = [
        ("end_turn", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("guardrail_intervened", "refusal"),
        ("content_filtered", "refusal"),
        ("refusal", "refusal"),
        (
            "model_context_window_exceeded",
            "model_context_window_exceeded",
        ),
        ("pause_turn", "pause_turn"),
    ];
    for (bedrock, ours) in cases {
        let reply = ScriptedReply::text("So.").with_stop(bedrock);
        app.bedrock.script(PRIMARY, [Step::reply(reply)]);
        let message = app.message(&ask("hello")).await;
        assert_eq!(message["stop_reason"], ours, "{bedrock}");
    }
}

#[tokio::test]
async fn the_stop_sequence_that_was_met_is_named() {
    let app = TestApp::on_converse().await;
    let mut body = ask("Reply with exactly ONE-TWO-THREE");
    body["stop_sequences"] = json!(["FOUR", "-THREE"]);
    for message in [
        app.message(&body).await,
        app.message_events(&body).await.message(),
    ] {
        assert_eq!(message["content"][0]["text"], "ONE-TWO");
        assert_eq!(message["stop_reason"], "stop_sequence");
        assert_eq!(message["stop_sequence"], "-THREE");
    }
}

#[tokio::test]
async fn usage_counts_the_cache_apart() {
    let app = TestApp::on_converse().await;
    let mut body = ask("hello");
    body["system"] = json!([{"type": "text", "text": "You are an agent. ".repeat(500),
        "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let first = app.message(&body).await["usage"].clone();
    let second = app.message(&body).await["usage"].clone();
    let written = first["cache_creation_input_tokens"].as_u64().unwrap();
    assert!(written > 2_000);
    let kinds = &first["cache_creation"];
    let one_hour = kinds["ephemeral_1h_input_tokens"].as_u64().unwrap();
    let five_minutes = kinds["ephemeral_5m_input_tokens"].as_u64().unwrap();
    assert!(one_hour > 2_000);
    assert_eq!(one_hour + five_minutes, written);
    assert_eq!(second["cache_read_input_tokens"], written);
    assert!(second["input_tokens"].as_u64().unwrap() < 100);
}

#[tokio::test]
async fn the_record_says_by_which_wire_a_request_came_whose_it_was_and_in_which_session() {
    let app = TestApp::on_converse().await;
    let mut body = ask("hello");
    body["metadata"] =
        json!({"user_id": r#"{"device_id":"d1","account_uuid":"","session_id":"s1"}"#});
    let request = app.as_anthropic("/messages", &body);
    let response = request.send().await.unwrap();
    assert!(header(&response, "request-id").starts_with("chatcmpl-"));
    let message: serde_json::Value = response.json().await.unwrap();
    let record = app.record(message["id"].as_str().unwrap()).await;
    assert_eq!(record["call_type"], "anthropic_messages");
    assert_eq!(record["end_user"], "d1");
    assert_eq!(record["session_id"], "s1");

    let request = app.as_anthropic("/v1/messages", &body);
    let request = request.header("X-Claude-Code-Session-Id", "s2");
    let message: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let record = app.record(message["id"].as_str().unwrap()).await;
    assert_eq!(record["session_id"], "s2");
}

#[tokio::test]
async fn a_message_falls_back_like_a_chat() {
    let app = TestApp::on_converse().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    let mut body = ask("hello");
    assert_eq!(app.message_events(&body).await.message()["model"], "backup");
    body["mock_testing_fallbacks"] = json!(true);
    assert_eq!(app.message(&body).await["model"], "backup");
    assert_eq!(app.bedrock.requests_for(BACKUP).len(), 2);
}

#[tokio::test]
async fn long_silence_is_broken_by_pings() {
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.05\n")
        .start()
        .await;
    let slow = Step::text("Well.").slow_first_event(std::time::Duration::from_millis(300));
    app.bedrock.script(PRIMARY, [slow]);
    let events = app.message_events(&ask("hello")).await;
    assert!(events.pings >= 3, "{}", events.pings);
    assert_eq!(events.message()["content"][0]["text"], "Well.");
}

#[tokio::test]
async fn a_text_says_which_words_of_which_document_it_rests_on() {
    let app = TestApp::on_converse().await;
    let event = |kind: &str, payload| RawEvent::new(kind, payload);
    let cited = json!({"contentBlockIndex": 0, "delta": {"citation": {"title": "notes",
        "location": {"documentChar": {"documentIndex": 0, "start": 2, "end": 6}},
        "sourceContent": [{"text": "note"}]}}});
    let events = vec![
        event("messageStart", json!({"role": "assistant"})),
        event(
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "A note."}}),
        ),
        event("contentBlockDelta", cited),
        event("contentBlockStop", json!({"contentBlockIndex": 0})),
        event("messageStop", json!({"stopReason": "end_turn"})),
    ];
    app.bedrock
        .script(PRIMARY, [events.clone(), events].map(Step::events));
    let document = json!({"type": "document", "title": "notes", "citations": {"enabled": true},
        "source": {"type": "text", "media_type": "text/plain", "data": "a note"}});
    let mut body = ask("");
    body["messages"][0]["content"] = json!([{"type": "text", "text": "What is it?"}, document]);
    for message in [
        app.message(&body).await,
        app.message_events(&body).await.message(),
    ] {
        assert_eq!(
            message["content"],
            json!([{"type": "text", "text": "A note.", "citations": [{"type": "char_location",
                "cited_text": "note", "document_index": 0, "document_title": "notes",
                "start_char_index": 2, "end_char_index": 6}]}])
        );
    }
}
