use bytes::Bytes;
use serde_json::{Value, json};

use crate::conversation::{
    CacheTtl, Image, ImageFormat, Part, Role, ThinkingBlock, ToolCall, ToolChoice, ToolResult, Turn,
};

use super::{read, request};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn mark(ttl: CacheTtl) -> Part {
    Part::CacheMark(ttl)
}

fn call(id: &str, name: &str, input: Value) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        input,
        native: None,
    })
}

fn result(id: &str, content: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult {
        id: id.into(),
        content,
        is_error: false,
        native: None,
    })
}

/// The parts of the only turn after a first user message.
fn parts_of(message: Value) -> Vec<Part> {
    let body = json!({"messages": [{"role": "user", "content": "q"}, message]});
    let mut turns = request(&body).turns;
    assert_eq!(turns.len(), 2, "{message}");
    turns.pop().unwrap().parts
}

#[test]
fn every_form_of_content_is_read() {
    let png = |format| {
        Part::Image(Image {
            format,
            bytes: Bytes::from_static(PNG),
        })
    };
    let cases = [
        (json!({"role": "user", "content": "hi"}), vec![text("hi")]),
        (json!({"role": "user", "content": ""}), vec![text("")]),
        (json!({"role": "user", "content": null}), vec![]),
        (json!({"role": "user"}), vec![]),
        (json!({"role": "user", "content": []}), vec![]),
        (
            json!({"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]}),
            vec![text("a"), text("b")],
        ),
        (
            json!({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}),
            vec![text("no")],
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}}]}),
            vec![png(ImageFormat::Png)],
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;name=a.png;base64,iVBORw0KGgo"}]}),
            vec![png(ImageFormat::Png)],
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/jpg;base64,iVBORw0KGgo="}}]}),
            vec![png(ImageFormat::Png)],
        ),
        (
            json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "a"}]}),
            vec![
                Part::Thinking(ThinkingBlock::Signed {
                    text: "t".into(),
                    signature: "s".into(),
                }),
                text("a"),
            ],
        ),
        (
            json!({"role": "tool", "tool_call_id": "c", "content": "r"}),
            vec![result("c", vec![text("r")])],
        ),
        (
            json!({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}),
            vec![result("c", vec![text("r"), png(ImageFormat::Png)])],
        ),
        (
            json!({"role": "function", "name": "f", "content": "r"}),
            vec![result("f", vec![text("r")])],
        ),
    ];
    for (message, parts) in cases {
        assert_eq!(parts_of(message.clone()), parts, "{message}");
    }
}

#[test]
fn a_cache_mark_stands_behind_what_it_marks_in_all_the_places_clients_put_it() {
    let ephemeral = json!({"type": "ephemeral"});
    let five = CacheTtl::FiveMinutes;
    let cases = [
        (
            "a part",
            json!({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"type": "text", "text": "b"}]}),
            vec![text("a"), mark(CacheTtl::OneHour), text("b")],
        ),
        (
            "a message",
            json!({"role": "user", "content": "a", "cache_control": ephemeral}),
            vec![text("a"), mark(five)],
        ),
        (
            "a tool message",
            json!({"role": "tool", "tool_call_id": "c", "content": "r", "cache_control": ephemeral}),
            vec![result("c", vec![text("r")]), mark(five)],
        ),
        (
            "a part of a tool message",
            json!({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r", "cache_control": ephemeral}]}),
            vec![result("c", vec![text("r")]), mark(five)],
        ),
        (
            "a tool call",
            json!({"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "cache_control": ephemeral}]}),
            vec![text(""), call("c", "f", json!({})), mark(five)],
        ),
        (
            "null",
            json!({"role": "user", "content": "a", "cache_control": null}),
            vec![text("a")],
        ),
    ];
    for (place, message, parts) in cases {
        assert_eq!(parts_of(message), parts, "{place}");
    }
    let tools = request(&json!({"messages": [{"role": "user", "content": "q"}], "tools": [
        {"type": "function", "function": {"name": "a"}, "cache_control": ephemeral},
        {"type": "function", "function": {"name": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}},
        {"type": "function", "function": {"name": "c"}},
    ]}))
    .tools;
    let marks: Vec<_> = tools.iter().map(|tool| tool.cache).collect();
    assert_eq!(marks, [Some(five), Some(CacheTtl::OneHour), None]);
}

#[test]
fn arguments_become_objects_whatever_the_model_wrote() {
    let cases = [
        (json!("{\"b\": 1, \"a\": 2}"), "{\"b\":1,\"a\":2}"),
        (json!(""), "{}"),
        (json!("{\"a\": "), "{}"),
        (json!("{\"a\": 1}{\"a\": 2} {}"), "{\"a\":1} {\"a\":2} {}"),
        (json!("{\"a\": 1}{\"a\": "), "{\"a\":1}"),
        (
            json!("{\"a\": 1}[2]{\"b\": \"\\ud83d\"}"),
            "{\"a\":1} {\"b\":\"\u{fffd}\"}",
        ),
        (json!("{\"a\": 1}}"), "{\"a\":1}"),
        (json!("[1]"), "{}"),
        (json!("null"), "{}"),
        (json!(null), "{}"),
        (json!({"a": 1}), "{\"a\":1}"),
        (json!("{\"a\": \"\\ud83d\"}"), "{\"a\":\"\u{fffd}\"}"),
    ];
    for (arguments, input) in cases {
        let parts = parts_of(json!({"role": "assistant", "content": null, "tool_calls": [
            {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]}));
        let inputs = parts.iter().map(|part| match part {
            Part::ToolCall(call) => call.input.to_string(),
            other => panic!("{other:?}"),
        });
        let inputs: Vec<String> = inputs.collect();
        assert_eq!(inputs.join(" "), input, "{arguments}");
    }
}

#[test]
fn half_an_emoji_becomes_a_replacement_character_and_a_whole_one_stays() {
    let body = r#"{"messages": [{"role": "user", "content": "a\ud83d b\ude00 \ud83d\ude00 \\ud83d \ud83d\u0041 \uD83D"}], "user": "u"}"#;
    let (request, _) = read(body).unwrap();
    assert_eq!(
        request.turns[0].parts,
        [text("a\u{fffd} b\u{fffd} 😀 \\ud83d \u{fffd}A \u{fffd}")]
    );
    let wrong = r#"{"messages": [{"role": "user", "content": "\ud83d"}, {"role": 1}]}"#;
    assert_eq!(
        read(wrong).unwrap_err().param.as_deref(),
        Some("messages[1].role")
    );
}

#[test]
fn signed_thinking_comes_first_and_unsigned_thinking_not_at_all() {
    let signed = |text: &str, signature: &str| {
        Part::Thinking(ThinkingBlock::Signed {
            text: text.into(),
            signature: signature.into(),
        })
    };
    let parts = parts_of(
        json!({"role": "assistant", "content": "a", "reasoning_content": "t", "thinking_blocks": [
            {"type": "thinking", "thinking": "one", "signature": "s1", "index": 0},
            {"type": "thinking", "thinking": "unsigned"},
            {"type": "thinking", "thinking": "unsigned", "signature": ""},
            {"type": "redacted_thinking", "data": "AAE="},
            {"type": "redacted_thinking", "data": "no base64!"},
            {"type": "thinking", "thinking": null, "signature": "s2"},
            {"type": "of another day"},
        ]}),
    );
    let redacted = Part::Thinking(ThinkingBlock::Redacted(Bytes::from_static(&[0, 1])));
    assert_eq!(
        parts,
        [signed("one", "s1"), redacted, signed("", "s2"), text("a")]
    );

    let twice = parts_of(json!({"role": "assistant",
        "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "a"}],
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}));
    assert_eq!(twice, [signed("t", "s"), text("a")]);
}

#[test]
fn leading_system_messages_are_the_system_prompt_and_later_ones_keep_their_place() {
    let request = request(&json!({"messages": [
        {"role": "system", "content": "one"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "q"},
        {"role": "system", "content": "late"},
    ]}));
    assert_eq!(request.system, [text("one"), text("two")]);
    let roles: Vec<_> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::System]);
    assert_eq!(
        request.turns[1],
        Turn {
            role: Role::System,
            parts: vec![text("late")],
            native: None
        }
    );
}

#[test]
fn tools_are_read_in_openai_s_form_and_in_anthropic_s() {
    let schema = r#"{"type":"object","$schema":"x","properties":{"z":{"const":1},"a":{"anyOf":[]}},"required":["z"],"additionalProperties":false}"#;
    let body = format!(
        r#"{{"messages": [{{"role": "user", "content": "q"}}], "tools": [
            {{"type": "function", "function": {{"name": "f", "description": "d", "parameters": {schema}, "strict": true}}}},
            {{"name": "g", "description": "e", "input_schema": {schema}, "eager_input_streaming": true}},
            {{"type": "function", "function": {{"name": "h", "description": null, "parameters": null}}}}]}}"#
    );
    let (request, _) = read(&body).unwrap();
    let tools: Vec<_> = request
        .tools
        .iter()
        .map(|tool| {
            (
                tool.name.as_str(),
                tool.description.as_str(),
                tool.schema.to_string(),
            )
        })
        .collect();
    let none = r#"{"type":"object","properties":{}}"#.to_owned();
    assert_eq!(
        tools,
        [
            ("f", "d", schema.to_owned()),
            ("g", "e", schema.to_owned()),
            ("h", "", none)
        ]
    );
}

#[test]
fn the_choice_of_a_tool_has_many_forms() {
    let named = ToolChoice::Named("f".into());
    let cases = [
        (json!(null), ToolChoice::Auto),
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (json!("any"), ToolChoice::Required),
        (json!({"type": "any"}), ToolChoice::Required),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            named.clone(),
        ),
        (json!({"type": "tool", "name": "f"}), named),
    ];
    for (choice, expected) in cases {
        let request = request(
            &json!({"messages": [{"role": "user", "content": "q"}], "tool_choice": choice,
            "tools": [{"type": "function", "function": {"name": "f"}}]}),
        );
        assert_eq!(request.tool_choice, expected, "{choice}");
    }
}

#[test]
fn numbers_and_stops_are_read_as_clients_write_them() {
    let cases = [
        (json!({"max_tokens": 32000}), Some(32_000)),
        (json!({"max_tokens": 32000.0}), Some(32_000)),
        (json!({"max_tokens": 5e9}), Some(u32::MAX)),
        (json!({"max_tokens": u64::MAX}), Some(u32::MAX)),
        (
            json!({"max_tokens": 1, "max_completion_tokens": 2}),
            Some(2),
        ),
        (
            json!({"max_tokens": 1, "max_completion_tokens": null}),
            Some(1),
        ),
        (json!({"max_tokens": null}), None),
        (json!({}), None),
    ];
    for (mut body, tokens) in cases {
        body["messages"] = json!([{"role": "user", "content": "q"}]);
        assert_eq!(request(&body).sampling.max_tokens, tokens, "{body}");
    }
    let cases = [
        (json!(null), vec![]),
        (json!("a"), vec!["a"]),
        (json!(["a", "b"]), vec!["a", "b"]),
        (json!([]), vec![]),
    ];
    for (stop, expected) in cases {
        let body = json!({"messages": [{"role": "user", "content": "q"}], "stop": stop});
        assert_eq!(request(&body).sampling.stop, expected, "{stop}");
    }
}

#[test]
fn nulls_and_fields_that_change_no_answer_are_nothing() {
    let body = json!({
        "model": null, "max_tokens": null, "max_completion_tokens": null, "temperature": null, "top_p": null,
        "top_k": null, "stop": null, "n": null, "stream": null, "stream_options": null, "tools": null,
        "tool_choice": null, "parallel_tool_calls": null, "thinking": null, "output_config": null,
        "reasoning_effort": null, "reasoning": null, "user": null, "metadata": null, "tags": null,
        "litellm_session_id": null, "num_retries": null, "drop_params": null, "store": false,
        "context_management": {"edits": []}, "prompt_cache_key": null, "service_tier": "auto",
        "messages": [
            {"role": "user", "content": "q", "name": null, "tool_calls": null, "provider_specific_fields": {}},
            {"role": "assistant", "content": null, "tool_calls": null, "function_call": null, "refusal": null,
             "thinking_blocks": null, "annotations": [], "audio": null},
        ],
    });
    let (request, options) = read(&body.to_string()).unwrap();
    let (plain, plain_options) =
        read(r#"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant"}]}"#).unwrap();
    assert_eq!((request, options), (plain, plain_options));
}

#[test]
fn a_key_of_the_prompt_cache_names_the_session_where_nothing_else_does() {
    let session = |body: serde_json::Value| {
        let mut body = body;
        body["messages"] = json!([{"role": "user", "content": "q"}]);
        read(&body.to_string()).unwrap().1.labels.session
    };
    assert_eq!(
        session(json!({"prompt_cache_key": "k"})).as_deref(),
        Some("k")
    );
    let both = json!({"prompt_cache_key": "k", "litellm_session_id": "s"});
    assert_eq!(session(both).as_deref(), Some("s"));
}

#[test]
fn what_cannot_be_honoured_is_named_unless_it_asks_for_nothing() {
    let cases = [
        (json!({"seed": 1}), vec!["seed"]),
        (
            json!({"seed": null, "logprobs": false, "top_logprobs": 0}),
            vec![],
        ),
        (
            json!({"frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}}),
            vec![],
        ),
        (
            json!({"frequency_penalty": 0.5, "repetition_penalty": 1}),
            vec!["frequency_penalty"],
        ),
        (json!({"modalities": ["text"]}), vec![]),
        (
            json!({"modalities": ["text", "audio"], "audio": {"voice": "x"}}),
            vec!["modalities", "audio"],
        ),
        (
            json!({"foo": 1, "bar": null, "store": true, "litellm_trace_id": "t"}),
            vec![],
        ),
    ];
    for (mut body, expected) in cases {
        body["messages"] = json!([{"role": "user", "content": "q"}]);
        let (_, mut options) = read(&body.to_string()).unwrap();
        assert_eq!(options.unsupported, expected, "{body}");
        assert_eq!(
            options.drop_or_refuse_unsupported(false).is_err(),
            !expected.is_empty(),
            "{body}"
        );
        assert!(options.drop_or_refuse_unsupported(true).is_ok(), "{body}");
        assert!(options.unsupported.is_empty(), "{body}");
    }
}

#[test]
fn what_nobody_here_knows_and_what_is_to_be_ignored_is_left_out_by_name() {
    let body = json!({
        "foo": 1, "litellm_trace_id": "t", "bar": {}, "seed": 7, "drop_params": true,
        "messages": [{"role": "user", "content": "q"}],
    });
    let (_, mut options) = read(&body.to_string()).unwrap();
    assert_eq!(options.dropped, ["foo", "bar"]);
    options.drop_or_refuse_unsupported(false).unwrap();
    assert_eq!(options.dropped, ["foo", "bar", "seed"]);
}
