use serde_json::{Value, json};

use super::*;
use crate::conversation::{Request, ToolChoice};

/// What a client is told when this event has come.
fn all_told(decoder: &mut ConverseDecoder, name: &str, payload: &Value) -> VecDeque<Event> {
    let mut out = VecDeque::new();
    decoder
        .decode(name, payload.to_string().as_bytes(), &mut out)
        .unwrap_or_else(|error| panic!("{name} {payload}: {error:?}"));
    out
}

/// The same where that is one event at most.
fn told(decoder: &mut ConverseDecoder, name: &str, payload: &Value) -> Option<Event> {
    let mut all = all_told(decoder, name, payload);
    assert!(all.len() < 2, "{all:?}");
    all.pop_front()
}

fn start(block: i32, id: &str, name: &str) -> (&'static str, Value) {
    let call = json!({"toolUse": {"toolUseId": id, "name": name}});
    (
        "contentBlockStart",
        json!({"contentBlockIndex": block, "start": call}),
    )
}

fn delta(block: i32, delta: Value) -> (&'static str, Value) {
    (
        "contentBlockDelta",
        json!({"contentBlockIndex": block, "delta": delta}),
    )
}

fn stop(block: i32) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": block}))
}

fn input(block: i32, json: &str) -> (&'static str, Value) {
    delta(block, json!({"toolUse": {"input": json}}))
}

#[test]
fn tool_calls_are_counted_from_0_and_named_as_the_client_named_them() {
    let request = Request {
        tool_choice: ToolChoice::Named("read file".into()),
        ..Request::default()
    };
    let names = ToolNames::of(&request);
    let mapped = names.to_bedrock("read file");
    let mut decoder = ConverseDecoder::new(names);
    let mut decode = |(name, payload): (&str, Value)| told(&mut decoder, name, &payload);
    let call = |index, id: &str, name: &str| {
        Some(Event::ToolCall {
            index,
            id: id.into(),
            name: name.into(),
            native: None,
        })
    };
    let piece = |index, json: &str| {
        Some(Event::ToolInput {
            index,
            json: json.into(),
        })
    };
    assert_eq!(
        decode(start(2, "tooluse1a", &mapped)),
        call(0, "tooluse1a", "read file")
    );
    assert_eq!(decode(input(2, "{")), piece(0, "{"));
    assert_eq!(decode(stop(2)), None);
    assert_eq!(
        decode(start(5, "tooluse1b", "other")),
        call(1, "tooluse1b", "other")
    );
    assert_eq!(decode(input(5, "{}")), piece(1, "{}"));
    assert_eq!(decode(input(9, "of no call")), None);
}

#[test]
fn calls_that_are_written_at_once_are_told_one_after_the_other() {
    let text = |words: &str| delta(3, json!({"text": words}));
    let told_of = |events: &[(&'static str, Value)]| {
        let mut decoder = ConverseDecoder::new(ToolNames::default());
        let told = events
            .iter()
            .map(|(name, payload)| all_told(&mut decoder, name, payload));
        let told: Vec<String> = told
            .map(|events| {
                let words = events.into_iter().map(|event| match event {
                    Event::ToolCall { id, .. } => format!("({}", &id["tooluse1".len()..]),
                    Event::ToolInput { index, json } => format!("{index}{json}"),
                    Event::Text(text) => text,
                    Event::Stop(_) => ".".to_owned(),
                    other => panic!("{other:?}"),
                });
                words.collect::<Vec<_>>().join(" ")
            })
            .collect();
        let whole = ("messageStop", json!({"stopReason": "tool_use"}));
        let mut rest = all_told(&mut decoder, whole.0, &whole.1);
        assert_eq!(rest.pop_back(), Some(Event::Stop(StopReason::ToolUse)));
        assert!(!decoder.is_in_tool_call());
        (told, rest.len())
    };
    // One that begins while another is written waits for that one, and so does everything of it.
    let events = [
        start(0, "tooluse1a", "f"),
        start(1, "tooluse1b", "f"),
        input(0, "1"),
        input(1, "2"),
        start(2, "tooluse1c", "f"),
        input(2, "3"),
        stop(2),
        text("t"),
        input(0, "4"),
        stop(0),
        input(1, "5"),
        stop(1),
    ];
    let expected = [
        "(a", "", "01", "", "", "", "", "", "04", "(b 12", "15", "(c 23 t",
    ];
    assert_eq!(told_of(&events), (expected.map(str::to_owned).to_vec(), 0));
    // What no event ends is over with the message.
    let (told, rest) = told_of(&[
        start(0, "tooluse1a", "f"),
        start(1, "tooluse1b", "f"),
        input(1, "1"),
        text("t"),
    ]);
    assert_eq!(
        (told, rest),
        (["(a", "", "", ""].map(str::to_owned).to_vec(), 3)
    );
}

#[test]
fn every_kind_of_delta_is_told() {
    let cases = [
        (
            json!({"text": "a\u{1f600}\n"}),
            Some(Event::Text("a😀\n".into())),
        ),
        (
            json!({"reasoningContent": {"text": "hm"}}),
            Some(Event::Thinking("hm".into())),
        ),
        (
            json!({"reasoningContent": {"signature": "c2ln"}}),
            Some(Event::Signature("c2ln".into())),
        ),
        (json!({"somethingNew": {"text": "?"}}), None),
        (json!({"text": null}), None),
        (json!({}), None),
    ];
    for (payload, event) in cases {
        let (name, payload) = delta(0, payload);
        let told = told(
            &mut ConverseDecoder::new(ToolNames::default()),
            name,
            &payload,
        );
        assert_eq!(told, event, "{payload}");
    }
}

#[test]
fn encrypted_thinking_is_told_as_a_whole() {
    let piece = |block, data: &str| {
        delta(
            block,
            json!({"reasoningContent": {"redactedContent": data}}),
        )
    };
    let block = |bytes: &[u8]| Event::RedactedThinking(bytes.to_vec().into());
    let ends: [(&'static str, Value); 4] = [
        stop(0),
        delta(1, json!({"text": ""})),
        start(1, "tooluse1a", "f"),
        ("messageStop", json!({"stopReason": "end_turn"})),
    ];
    for (name, payload) in ends {
        let mut decoder = ConverseDecoder::new(ToolNames::default());
        for data in ["AAEC", "Aw=="] {
            let (name, payload) = piece(0, data);
            assert_eq!(told(&mut decoder, name, &payload), None);
        }
        let first = all_told(&mut decoder, name, &payload).pop_front();
        assert_eq!(first, Some(block(&[0, 1, 2, 3])), "{name}");
    }
    // Those of two blocks stay apart.
    let mut decoder = ConverseDecoder::new(ToolNames::default());
    let (name, payload) = piece(0, "AA==");
    told(&mut decoder, name, &payload);
    let (name, payload) = piece(1, "AQ==");
    assert_eq!(told(&mut decoder, name, &payload), Some(block(&[0])));
    let (name, payload) = stop(1);
    assert_eq!(told(&mut decoder, name, &payload), Some(block(&[1])));
}

#[test]
fn cached_tokens_that_are_counted_as_input_too_are_counted_once() {
    // Input, read, written → input, and whether they are counted apart.
    for (expected, counts, told_input, apart) in [
        (true, (4_995, 0, 4_993), 2, false),
        (true, (5_000, 3_000, 0), 2_000, false),
        (true, (2, 0, 4_993), 2, true),
        (true, (50, 0, 0), 50, false),
        (false, (4_995, 0, 4_993), 4_995, false),
        (false, (2, 0, 4_993), 2, false),
    ] {
        let (input, read, written) = counts;
        let mut decoder = ConverseDecoder::new(ToolNames::default()).with_cached_in_input(expected);
        let usage = json!({"inputTokens": input, "outputTokens": 1, "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written});
        match told(&mut decoder, "metadata", &json!({ "usage": usage })) {
            Some(Event::Usage(usage)) => assert_eq!(usage.input, told_input, "{counts:?}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(decoder.counts_cache_apart(), apart, "{counts:?}");
    }
}

#[test]
fn a_citation_stands_on_the_text_of_its_block() {
    let mut decoder = ConverseDecoder::new(ToolNames::default());
    let mut decode = |(name, payload): (&str, Value)| told(&mut decoder, name, &payload);
    decode(delta(0, json!({"text": "before "})));
    decode(delta(1, json!({"text": "célà"})));
    let cited = decode(delta(
        1,
        json!({"citation": {
            "title": "a book", "source": "unused", "sourceContent": [{"text": "so "}, {"text": "it is"}],
            "location": {"documentPage": {"documentIndex": 1, "start": 3, "end": 4}},
        }}),
    ));
    let citation = Citation {
        range: (7, 11),
        title: "a book".into(),
        place: Some(Place {
            unit: Unit::Page,
            document: 1,
            start: 3,
            end: 4,
        }),
        url: None,
        quote: "so it is".into(),
        native: None,
    };
    assert_eq!(cited, Some(Event::Citation(citation)));
    let web = json!({"citation": {"source": "a site", "location": {"web": {"url": "https://a.example/"}}}});
    match decode(delta(1, web)) {
        Some(Event::Citation(citation)) => {
            assert_eq!(citation.title, "a site");
            assert_eq!(citation.url.as_deref(), Some("https://a.example/"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn written_tokens_are_told_apart_by_how_long_they_are_kept() {
    let payload = json!({"metrics": {"latencyMs": 5}, "usage": {
        "inputTokens": 3, "outputTokens": 61, "totalTokens": 2_435,
        "cacheReadInputTokens": 2_074, "cacheWriteInputTokens": 297,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 200}, {"ttl": "5m", "inputTokens": 97}],
    }});
    let event = told(
        &mut ConverseDecoder::new(ToolNames::default()),
        "metadata",
        &payload,
    );
    let Some(Event::Usage(usage)) = event else {
        panic!("{event:?}");
    };
    assert_eq!((usage.cache_write_1h, usage.cache_write_5m), (200, 97));
    assert_eq!((usage.prompt(), usage.total()), (2_374, 2_435));
}

#[test]
fn reasons_that_are_not_known_are_kept() {
    let cases = [
        ("end_turn", StopReason::EndTurn),
        ("tool_use", StopReason::ToolUse),
        ("max_tokens", StopReason::MaxTokens),
        (
            "stop_sequence",
            StopReason::StopSequence(Some("###".into())),
        ),
        ("guardrail_intervened", StopReason::GuardrailIntervened),
        ("content_filtered", StopReason::ContentFiltered),
        ("refusal", StopReason::ContentFiltered),
        ("malformed_model_output", StopReason::Malformed),
        ("malformed_tool_use", StopReason::Malformed),
        (
            "model_context_window_exceeded",
            StopReason::ContextWindowExceeded,
        ),
        ("tomorrow", StopReason::Other("tomorrow".into())),
    ];
    for (word, reason) in cases {
        let payload =
            json!({"stopReason": word, "additionalModelResponseFields": {"stop_sequence": "###"}});
        let event = told(
            &mut ConverseDecoder::new(ToolNames::default()),
            "messageStop",
            &payload,
        );
        assert_eq!(event, Some(Event::Stop(reason)), "{word}");
    }
}

#[test]
fn tokens_of_thinking_are_part_of_the_usage() {
    let fields = json!({"usage": {"output_tokens_details": {"thinking_tokens": 40}}});
    let stop = json!({"stopReason": "end_turn", "additionalModelResponseFields": fields});
    let mut decoder = ConverseDecoder::new(ToolNames::default());
    told(&mut decoder, "messageStop", &stop);
    let metadata = json!({"usage": {"inputTokens": 1, "outputTokens": 50, "totalTokens": 51}});
    match told(&mut decoder, "metadata", &metadata) {
        Some(Event::Usage(usage)) => assert_eq!(usage.reasoning, Some(40)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_reply_is_the_events_of_a_stream() {
    let reply = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "AAEC"}},
            {"text": "see "},
            {"citationsContent": {"content": [{"text": "this"}], "citations": [{"title": "a book"}]}},
            {"somethingNew": {"text": "?"}},
            {"toolUse": {"toolUseId": "tooluse1a", "name": "f", "input": {"n": 5}}},
        ]}},
        "stopReason": "tool_use",
        "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 2}}},
        "usage": {"inputTokens": 1, "outputTokens": 5, "totalTokens": 6},
    });
    // Numbers of a tool's input are not read, and so not rounded.
    let body = reply
        .to_string()
        .replace("{\"n\":5}", "{\"n\": 12345678901234567890123}");
    let mut decoder = ConverseDecoder::new(ToolNames::default());
    let events = decoder.replay(body.as_bytes()).unwrap();
    let citation = Citation {
        range: (4, 8),
        title: "a book".into(),
        place: None,
        url: None,
        quote: String::new(),
        native: None,
    };
    let usage = Usage {
        input: 1,
        output: 5,
        reasoning: Some(2),
        ..Usage::default()
    };
    assert_eq!(
        events,
        [
            Event::Thinking("hm".into()),
            Event::Signature("c2ln".into()),
            Event::RedactedThinking(vec![0, 1, 2].into()),
            Event::Text("see ".into()),
            Event::Text("this".into()),
            Event::Citation(citation),
            Event::ToolCall {
                index: 0,
                id: "tooluse1a".into(),
                name: "f".into(),
                native: None
            },
            Event::ToolInput {
                index: 0,
                json: "{\"n\": 12345678901234567890123}".into(),
            },
            Event::Stop(StopReason::ToolUse),
            Event::Usage(usage),
        ]
    );
}

#[test]
fn what_is_no_event_is_an_error() {
    let cases = [
        ("contentBlockDelta", "{\"delta\":{\"text\":5}}"),
        (
            "contentBlockDelta",
            "{\"delta\":{\"reasoningContent\":{\"redactedContent\":\"?\"}}}",
        ),
        ("metadata", "{\"usage\":{\"inputTokens\":99999999999}}"),
        ("messageStop", ""),
        ("messageStop", "{} {}"),
    ];
    for (name, payload) in cases {
        let mut decoder = ConverseDecoder::new(ToolNames::default());
        let decoded = decoder.decode(name, payload.as_bytes(), &mut VecDeque::new());
        assert!(decoded.is_err(), "{payload}: {decoded:?}");
    }
    assert!(
        ConverseDecoder::new(ToolNames::default())
            .replay(b"<html>")
            .is_err()
    );
}

fn any_event() -> impl proptest::strategy::Strategy<Value = (&'static str, Value)> {
    use proptest::prelude::*;
    let block = || prop_oneof![Just(-1), Just(i32::MAX), 0..4_i32];
    prop_oneof![
        (block(), ".{0,3}").prop_map(|(block, id)| start(block, &id, &id)),
        (block(), ".{0,9}").prop_map(|(block, json)| input(block, &json)),
        block().prop_map(stop),
        (block(), ".{0,9}").prop_map(|(block, text)| delta(block, json!({"text": text}))),
        (block(), ".{0,9}").prop_map(|(block, text)| {
            delta(block, json!({"reasoningContent": {"signature": text}}))
        }),
        "[a-z_]{0,20}".prop_map(|reason| ("messageStop", json!({"stopReason": reason}))),
        (any::<i32>(), any::<i32>(), any::<i32>()).prop_map(|(input, output, cached)| {
            let usage = json!({"inputTokens": input, "outputTokens": output, "totalTokens": output,
                "cacheReadInputTokens": cached, "cacheWriteInputTokens": cached});
            ("metadata", json!({"usage": usage}))
        }),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_order_events_come_in_every_piece_belongs_to_a_call_that_began(events in proptest::collection::vec(any_event(), 0..40)) {
        let mut decoder = ConverseDecoder::new(ToolNames::default());
        let mut calls = 0;
        for (name, payload) in events {
            for event in all_told(&mut decoder, name, &payload) {
                match event {
                    Event::ToolCall { index, .. } => {
                        proptest::prop_assert_eq!(index, calls);
                        calls += 1;
                    }
                    Event::ToolInput { index, .. } => proptest::prop_assert!(index < calls),
                    _ => {}
                }
            }
        }
    }
}
