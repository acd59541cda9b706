use serde_json::json;

use super::*;
use crate::bedrock::class::Class;
use crate::conversation::{Place, Unit, Usage};

fn decoder() -> MessagesDecoder {
    MessagesDecoder::new(ToolNames::default(), ServiceTerms::default())
}

/// What a frame with this event means.
fn told(decoder: &mut MessagesDecoder, event: &Value) -> Result<Vec<Event>, DecodeError> {
    let payload = json!({"bytes": STANDARD.encode(event.to_string()), "p": "abcdef"});
    let mut out = VecDeque::new();
    decoder.decode("chunk", payload.to_string().as_bytes(), &mut out)?;
    Ok(out.into())
}

fn all_told(events: &[Value]) -> Vec<Event> {
    let mut decoder = decoder();
    let told = events
        .iter()
        .map(|event| told(&mut decoder, event).unwrap());
    told.flatten().collect()
}

fn start(index: usize, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: usize, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: usize) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

#[test]
fn an_answer_is_told_block_by_block() {
    let events = all_told(&[
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "c",
               "content": [], "stop_reason": null, "usage": {"input_tokens": 10, "cache_creation_input_tokens": 7,
               "cache_read_input_tokens": 5, "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
               "output_tokens": 1}}}),
        json!({"type": "ping"}),
        start(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, json!({"type": "signature_delta", "signature": "s"})),
        stop(0),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "a"})),
        stop(1),
        start(
            2,
            json!({"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "f", "input": {}}),
        ),
        delta(
            2,
            json!({"type": "input_json_delta", "partial_json": "{\"k\":"}),
        ),
        delta(2, json!({"type": "input_json_delta", "partial_json": "1}"})),
        stop(2),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
               "usage": {"output_tokens": 20, "output_tokens_details": {"thinking_tokens": 6}}}),
        json!({"type": "message_stop"}),
    ]);
    let input = |json: &str| Event::ToolInput {
        index: 0,
        json: json.into(),
    };
    let prompt = Usage {
        input: 10,
        output: 1,
        cache_read: 5,
        cache_write_5m: 3,
        cache_write_1h: 4,
        ..Usage::default()
    };
    let expected = vec![
        Event::Native(NativeEvent::Start(Box::new(NativeStart {
            usage: Some(prompt),
            ..NativeStart::default()
        }))),
        Event::Thinking("hm".into()),
        Event::Signature("s".into()),
        Event::Text("a".into()),
        Event::Native(NativeEvent::BlockStop),
        Event::ToolCall {
            index: 0,
            id: "toolu_01A09q90qw90lq917835lq9".into(),
            name: "f".into(),
            native: None,
        },
        input("{\"k\":"),
        input("1}"),
        Event::Stop(StopReason::ToolUse),
        Event::Usage(Usage {
            input: 10,
            output: 20,
            cache_read: 5,
            cache_write_5m: 3,
            cache_write_1h: 4,
            reasoning: Some(6),
            ..Usage::default()
        }),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_piece_with_a_field_of_tomorrow_is_told_to_every_client() {
    let text = || start(0, json!({"type": "text", "text": ""}));
    let thinking = || {
        start(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        )
    };
    let call = || {
        start(
            0,
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
        )
    };
    let a = || "a".to_owned();
    for (block, kind, field, expected) in [
        (text(), "text_delta", "text", Event::Text(a())),
        (
            thinking(),
            "thinking_delta",
            "thinking",
            Event::Thinking(a()),
        ),
        (
            thinking(),
            "signature_delta",
            "signature",
            Event::Signature(a()),
        ),
        (
            call(),
            "input_json_delta",
            "partial_json",
            Event::ToolInput {
                index: 0,
                json: a(),
            },
        ),
    ] {
        let plain = json!({"type": kind, field: "a"});
        let mut further = plain.clone();
        further["of_tomorrow"] = json!(1);
        let mut event_of_tomorrow = delta(0, plain.clone());
        event_of_tomorrow["of_tomorrow"] = json!(1);
        let rest = json!({"type": kind, field: "", "of_tomorrow": 1});
        let rest = Event::Native(NativeEvent::BlockDelta(fields(rest)));
        for (event, rest) in [
            (delta(0, plain), vec![]),
            (delta(0, further), vec![rest]),
            (event_of_tomorrow, vec![]),
        ] {
            let mut told = all_told(&[block.clone(), event]);
            told.retain(|event| !matches!(event, Event::ToolCall { .. }));
            let expected = [vec![expected.clone()], rest].concat();
            assert_eq!(told, expected, "{kind}");
        }
        // A piece of another block than the one under way is nothing that the gateway knows.
        let foreign = json!({"type": "text_delta", "thinking": "a"});
        let told = all_told(&[block, delta(0, foreign.clone())]);
        let native = Event::Native(NativeEvent::BlockDelta(fields(foreign)));
        assert_eq!(told.last(), Some(&native), "{kind}");
    }
}

#[test]
fn what_only_claude_s_format_has_goes_through_as_it_is() {
    let search = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {}});
    let found = json!({"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {"tool_references": []}});
    let events = all_told(&[
        start(0, search.clone()),
        delta(0, json!({"type": "input_json_delta", "partial_json": "{}"})),
        stop(0),
        start(1, found.clone()),
        stop(1),
        start(2, json!({"type": "text", "text": "", "of_text": 1})),
        delta(2, json!({"type": "delta_of_tomorrow", "x": [1]})),
        stop(2),
        start(
            3,
            json!({"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "f", "input": {}, "caller": {"type": "direct"}}),
        ),
        json!({"type": "event_of_tomorrow", "y": 2}),
        json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "cyber"}},
               "usage": {"output_tokens": 2, "service_tier": "standard"}, "context_management": {"applied_edits": []}}),
        json!({"type": "message_stop"}),
    ]);
    let native = |event| Event::Native(event);
    let expected = vec![
        native(NativeEvent::BlockStart(fields(search))),
        native(NativeEvent::BlockDelta(fields(
            json!({"type": "input_json_delta", "partial_json": "{}"}),
        ))),
        native(NativeEvent::BlockStop),
        native(NativeEvent::BlockStart(fields(found))),
        native(NativeEvent::BlockStop),
        native(NativeEvent::BlockStart(fields(
            json!({"type": "text", "text": "", "of_text": 1}),
        ))),
        native(NativeEvent::BlockDelta(fields(
            json!({"type": "delta_of_tomorrow", "x": [1]}),
        ))),
        native(NativeEvent::BlockStop),
        Event::ToolCall {
            index: 0,
            id: "toolu_01A09q90qw90lq917835lq9".into(),
            name: "f".into(),
            native: Some(fields(json!({"caller": {"type": "direct"}})).into()),
        },
        native(NativeEvent::Other(fields(
            json!({"type": "event_of_tomorrow", "y": 2}),
        ))),
        Event::Stop(StopReason::ContentFiltered),
        native(NativeEvent::MessageFields(fields(
            json!({"context_management": {"applied_edits": []}}),
        ))),
        native(NativeEvent::StopFields(fields(
            json!({"stop_details": {"category": "cyber"}}),
        ))),
        native(NativeEvent::UsageFields(fields(
            json!({"service_tier": "standard"}),
        ))),
        Event::Usage(Usage {
            output: 2,
            ..Usage::default()
        }),
    ];
    assert_eq!(events, expected);
}

#[test]
fn what_is_said_at_the_beginning_and_at_the_end_is_kept_apart() {
    let events = all_told(&[
        json!({"type": "message_start", "message": {"id": "m", "of_message": {"a": 1}, "container": null,
               "usage": {"output_tokens": 1, "service_tier": "standard"}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "of_end": 2,
               "usage": {"output_tokens": 2, "of_usage": 3}}),
        json!({"type": "message_stop"}),
    ]);
    let start = NativeStart {
        usage: None,
        message: fields(json!({"of_message": {"a": 1}})),
        usage_fields: fields(json!({"service_tier": "standard"})),
    };
    let expected = [
        NativeEvent::Start(Box::new(start)),
        NativeEvent::MessageFields(fields(json!({"of_end": 2}))),
        NativeEvent::UsageFields(fields(json!({"of_usage": 3}))),
    ];
    let native = events.into_iter().filter_map(|event| match event {
        Event::Native(event) => Some(event),
        _ => None,
    });
    assert_eq!(native.collect::<Vec<_>>(), expected);
}

#[test]
fn usage_is_taken_field_by_field_and_steps_are_added_up() {
    let usage = |events: &[Value]| {
        let events = all_told(events);
        events.into_iter().find_map(|event| match event {
            Event::Usage(usage) => Some(usage),
            _ => None,
        })
    };
    let end = |fields: Value| {
        let mut event = json!({"type": "message_stop"});
        event.as_object_mut().unwrap().extend(self::fields(fields));
        event
    };
    let metrics = json!({"amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 8,
        "cacheReadInputTokenCount": 7, "cacheWriteInputTokenCount": 6}});
    // Bedrock's own count where no event has one.
    let counted = usage(&[end(metrics.clone())]).unwrap();
    assert_eq!(
        (
            counted.input,
            counted.output,
            counted.cache_read,
            counted.cache_write_5m
        ),
        (9, 8, 7, 6)
    );
    // Anthropic's, and Bedrock's for what it does not say.
    let begun = json!({"type": "message_start", "message": {"usage": {"input_tokens": 1, "output_tokens": 1}}});
    let told = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}});
    let counted = usage(&[begun.clone(), told, end(metrics)]).unwrap();
    assert_eq!(
        (counted.input, counted.output, counted.cache_read),
        (1, 5, 7)
    );
    // What was written when the answer began counts nothing.
    let delta = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}});
    let metrics = json!({"amazon-bedrock-invocationMetrics": {"outputTokenCount": 8}});
    let counted = usage(&[begun.clone(), delta.clone(), end(metrics)]).unwrap();
    assert_eq!((counted.input, counted.output), (1, 8));
    assert_eq!(usage(&[begun.clone(), delta, end(json!({}))]), None);
    // Compaction: what stands beside the steps is none of them, or the last one alone.
    let steps = json!({"type": "message_delta", "delta": {"stop_reason": "compaction"}, "usage": {"input_tokens": 0,
    "output_tokens": 0, "iterations": [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 10, "cache_creation_input_tokens": 5,
         "cache_creation": {"ephemeral_1h_input_tokens": 2, "ephemeral_5m_input_tokens": 3}},
        {"type": "message", "input_tokens": 20, "output_tokens": 7},
    ]}});
    let counted = usage(&[begun, steps, end(json!({}))]).unwrap();
    assert_eq!((counted.input, counted.output), (120, 17));
    assert_eq!((counted.cache_write_5m, counted.cache_write_1h), (3, 2));
    assert_eq!(usage(&[end(json!({}))]), None);
}

#[test]
fn an_error_may_come_in_the_place_of_any_event() {
    for (kind, status, class) in [
        ("rate_limit_error", Some(429), Class::Throttled),
        ("overloaded_error", Some(529), Class::Unavailable),
        ("api_error", Some(500), Class::Unavailable),
        ("invalid_request_error", Some(400), Class::Rejected),
        ("permission_error", Some(403), Class::AccessDenied),
        ("error_of_tomorrow", None, Class::Unavailable),
    ] {
        let event =
            json!({"type": "error", "error": {"type": kind, "message": "no"}, "request_id": "r"});
        let Err(DecodeError::Failed(failure)) = told(&mut decoder(), &event) else {
            panic!("{kind}");
        };
        assert_eq!(
            (failure.class, failure.status, &*failure.message),
            (class, status, "no")
        );
    }
}

#[test]
fn frames_that_say_nothing_say_nothing_and_others_must_be_readable() {
    let mut decoder = decoder();
    let mut out = VecDeque::new();
    assert!(decoder.decode("frame_of_tomorrow", b"?", &mut out).is_ok());
    assert!(told(&mut decoder, &json!({"p": "x"})).unwrap().is_empty());
    for payload in ["", "{}", r#"{"bytes": "%"}"#, r#"{"bytes": "W10="}"#] {
        let read = decoder.decode("chunk", payload.as_bytes(), &mut out);
        assert!(matches!(read, Err(DecodeError::Unreadable(_))), "{payload}");
    }
    assert!(out.is_empty());
}

#[test]
fn citations_keep_their_form_and_know_their_text() {
    let citation = json!({"type": "page_location", "cited_text": "w", "document_index": 1, "document_title": "t",
        "start_page_number": 2, "end_page_number": 3, "file_id": null});
    let events = all_told(&[
        start(0, json!({"type": "text", "text": "", "citations": []})),
        delta(0, json!({"type": "text_delta", "text": "ab"})),
        delta(0, json!({"type": "citations_delta", "citation": citation})),
    ]);
    let Some(Event::Citation(cited)) = events.last() else {
        panic!("{events:?}");
    };
    assert_eq!(cited.range, (0, 2));
    assert_eq!((&*cited.title, &*cited.quote), ("t", "w"));
    let place = Place {
        unit: Unit::Page,
        document: 1,
        start: 2,
        end: 3,
    };
    assert_eq!(cited.place, Some(place));
    assert_eq!(cited.native, Some(citation));
}
