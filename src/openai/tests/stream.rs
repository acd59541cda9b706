use bytes::{Bytes, BytesMut};
use http::StatusCode;
use rust_decimal::Decimal;

use crate::conversation::{Event, StopReason, Usage};
use crate::openai::ChunkWriter;
use crate::wire::{ApiError, ReplyMeta, StreamWriter};

fn writer(include_usage: bool) -> ChunkWriter {
    let meta = ReplyMeta {
        id: "chatcmpl-1".into(),
        created: 7,
        model: "m".into(),
        include_usage,
        ..ReplyMeta::default()
    };
    ChunkWriter::new(meta)
}

/// The stream of `events`, without the fields that every chunk has alike.
fn stream(events: &[Event]) -> String {
    let text = all_chunks(events);
    let same = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":"#;
    let chunks = text.split("\n\n").filter(|chunk| !chunk.is_empty());
    let deltas = chunks.map(|chunk| {
        let rest = chunk.strip_prefix(same).unwrap_or(chunk);
        rest.strip_suffix("}]}").unwrap_or(rest).to_owned()
    });
    deltas.collect::<Vec<_>>().join("\n")
}

fn all_chunks(events: &[Event]) -> String {
    let mut writer = writer(true);
    let mut out = BytesMut::new();
    for event in events {
        writer.event(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

fn text(text: &str) -> Event {
    Event::Text(text.into())
}

fn call(index: usize, id: &str, name: &str) -> Event {
    Event::ToolCall {
        index,
        id: id.into(),
        name: name.into(),
        native: None,
    }
}

fn input(index: usize, json: &str) -> Event {
    Event::ToolInput {
        index,
        json: json.into(),
    }
}

#[test]
fn a_text_is_streamed_as_openai_streams_it() {
    let events = [
        text(""),
        text("Hel"),
        text("lo\n\"you\""),
        Event::Stop(StopReason::EndTurn),
    ];
    insta::assert_snapshot!(all_chunks(&events), @r#"
    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"},"finish_reason":null}]}

    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"lo\n\"you\""},"finish_reason":null}]}

    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    "#);
}

#[test]
fn parallel_tool_calls_have_an_index_on_every_fragment() {
    insta::assert_snapshot!(stream(&[
        text("I look."),
        call(0, "t0", "weather"),
        input(0, ""),
        input(0, "{\"city\":"),
        input(0, "\"Paris\"}"),
        call(1, "t1", "time"),
        input(1, "{\"zone\":1}"),
        Event::Stop(StopReason::ToolUse),
        Event::Usage(Usage::default()),
    ]), @r#"
    {"role":"assistant","content":"I look."},"finish_reason":null
    {"tool_calls":[{"index":0,"id":"t0","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null
    {"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null
    {"tool_calls":[{"index":0,"function":{"arguments":"\"Paris\"}"}}]},"finish_reason":null
    {"tool_calls":[{"index":1,"id":"t1","type":"function","function":{"name":"time","arguments":""}}]},"finish_reason":null
    {"tool_calls":[{"index":1,"function":{"arguments":"{\"zone\":1}"}}]},"finish_reason":null
    {},"finish_reason":"tool_calls"
    "#);
}

#[test]
fn a_tool_without_arguments_gets_an_empty_object() {
    insta::assert_snapshot!(stream(&[
        call(0, "t0", "now"),
        input(0, ""),
        call(1, "t1", "here"),
        Event::Stop(StopReason::ToolUse),
    ]), @r#"
    {"role":"assistant","tool_calls":[{"index":0,"id":"t0","type":"function","function":{"name":"now","arguments":""}}]},"finish_reason":null
    {"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null
    {"tool_calls":[{"index":1,"id":"t1","type":"function","function":{"name":"here","arguments":""}}]},"finish_reason":null
    {"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"finish_reason":null
    {},"finish_reason":"tool_calls"
    "#);
}

#[test]
fn thinking_is_streamed_for_readers_and_in_blocks_that_can_be_sent_back() {
    insta::assert_snapshot!(stream(&[
        Event::Thinking("Let me ".into()),
        Event::Thinking("see.".into()),
        Event::Signature("SIG==".into()),
        Event::RedactedThinking(Bytes::from_static(&[0, 1])),
        Event::Signature("ALONE==".into()),
        text("Well."),
        call(0, "t0", "now"),
        Event::Stop(StopReason::ToolUse),
    ]), @r#"
    {"role":"assistant","reasoning_content":"Let me ","thinking_blocks":[{"index":0,"type":"thinking","thinking":"Let me "}]},"finish_reason":null
    {"reasoning_content":"see.","thinking_blocks":[{"index":0,"type":"thinking","thinking":"see."}]},"finish_reason":null
    {"reasoning_content":"","thinking_blocks":[{"index":0,"type":"thinking","thinking":"","signature":"SIG=="}]},"finish_reason":null
    {"reasoning_content":"","thinking_blocks":[{"index":1,"type":"redacted_thinking","data":"AAE="}]},"finish_reason":null
    {"reasoning_content":"","thinking_blocks":[{"index":2,"type":"thinking","thinking":"","signature":"ALONE=="}]},"finish_reason":null
    {"content":"Well."},"finish_reason":null
    {"tool_calls":[{"index":0,"id":"t0","type":"function","function":{"name":"now","arguments":""}}]},"finish_reason":null
    {"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null
    {},"finish_reason":"tool_calls"
    "#);
}

#[test]
fn an_answer_without_a_word_still_has_a_role_and_a_reason() {
    insta::assert_snapshot!(stream(&[Event::Stop(StopReason::MaxTokens)]), @r#"{"role":"assistant"},"finish_reason":"length""#);
}

#[test]
fn usage_comes_without_choices_and_in_both_styles() {
    let usage = Usage {
        input: 11,
        output: 7,
        cache_read: 1_000,
        cache_write_5m: 150,
        cache_write_1h: 50,
        reasoning: Some(3),
        ..Usage::default()
    };
    let mut out = BytesMut::new();
    let cost = Some(Decimal::new(13_068_000, 10));
    writer(true).end(&usage, cost, &mut out);
    writer(true).end(&Usage::default(), None, &mut out);
    writer(false).end(&usage, cost, &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    insta::assert_snapshot!(text, @r#"
    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":1211,"completion_tokens":7,"total_tokens":1218,"prompt_tokens_details":{"cached_tokens":1000,"cache_write_tokens":200,"cache_creation_token_details":{"ephemeral_5m_input_tokens":150,"ephemeral_1h_input_tokens":50}},"completion_tokens_details":{"reasoning_tokens":3},"cache_creation_input_tokens":200,"cache_read_input_tokens":1000,"cost":0.0013068}}

    data: [DONE]

    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}

    data: [DONE]

    data: [DONE]
    "#);
}

#[test]
fn an_error_inside_the_stream_is_the_last_word() {
    let error = ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "throttling_error",
        "slow\ndown",
    );
    let mut out = BytesMut::new();
    writer(true).fail(&error, &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    insta::assert_snapshot!(text, @r#"data: {"error":{"message":"slow\ndown","type":"throttling_error","param":null,"code":"429"}}"#);
}

#[test]
fn there_is_one_finish_reason_whatever_came_before() {
    let answers = [
        vec![],
        vec![text("a")],
        vec![call(0, "t", "f")],
        vec![Event::Thinking("t".into()), Event::Signature("s".into())],
    ];
    for mut events in answers {
        events.push(Event::Stop(StopReason::EndTurn));
        events.push(Event::Usage(Usage::default()));
        let text = all_chunks(&events);
        assert_eq!(text.matches(r#""finish_reason":""#).count(), 1, "{text}");
        assert_eq!(text.matches(r#""role":"assistant""#).count(), 1, "{text}");
        for chunk in text.split_terminator("\n\n") {
            let json: serde_json::Value =
                serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap();
            assert!(json["choices"].is_array(), "{chunk}");
        }
    }
}

#[test]
fn every_chunk_names_the_model_that_answers_then() {
    let mut writer = writer(false);
    let mut out = BytesMut::new();
    writer.begin("first".into(), 1, None, &mut out);
    writer.event(&text("one "), &mut out);
    writer.continue_with("second".into(), &mut out);
    writer.event(&text("two"), &mut out);
    let written = String::from_utf8(out.to_vec()).unwrap();
    let models = written.split(r#""model":""#).skip(1);
    let models: Vec<&str> = models.filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(models, ["first", "second"]);
}
