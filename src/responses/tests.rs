//! What holds of every stream.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::conversation::{Event, Fold, StopReason, Usage};
use crate::wire::{ReplyMeta, Seal, StreamWriter};

use super::{ResponseWriter, reply};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        ".{0,6}".prop_map(Event::Text),
        ".{0,6}".prop_map(Event::Thinking),
        "[a-z]{1,4}".prop_map(Event::Signature),
        Just(Event::RedactedThinking(Bytes::from_static(b"secret"))),
        "[a-z]{1,4}".prop_map(|id| Event::ToolCall {
            index: 0,
            id,
            name: "look".into(),
            native: None
        }),
    ]
}

fn meta() -> ReplyMeta {
    ReplyMeta {
        id: "resp_1".into(),
        created: 7,
        model: "m".into(),
        seal: Some(Seal::new(&[7; 32], "owner")),
        include_thinking: true,
        free_form: vec!["patch".into()],
        ..ReplyMeta::default()
    }
}

fn read(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"], name.strip_prefix("event: ").unwrap());
        data
    });
    events.collect()
}

fn streamed(events: &[Event]) -> Vec<Value> {
    let mut out = BytesMut::new();
    let mut writer = ResponseWriter::new(meta());
    writer.begin("m".into(), 1, None, &mut out);
    events
        .iter()
        .for_each(|event| writer.event(event, &mut out));
    writer.event(&Event::Stop(StopReason::EndTurn), &mut out);
    writer.end(&Usage::default(), None, &mut out);
    read(&out)
}

proptest! {
    #[test]
    fn whatever_a_model_says_items_come_one_after_the_other(
        events in prop::collection::vec(event(), 0..20),
    ) {
        let stream = streamed(&events);
        let mut items = Vec::new();
        let mut open = false;
        for (sequence, event) in stream.iter().enumerate() {
            prop_assert_eq!(&event["sequence_number"], sequence);
            match event["type"].as_str().unwrap() {
                "response.output_item.added" => {
                    prop_assert!(!std::mem::replace(&mut open, true));
                    prop_assert_eq!(&event["output_index"], items.len());
                }
                "response.output_item.done" => {
                    prop_assert!(std::mem::take(&mut open));
                    items.push(event["item"].clone());
                }
                "response.created" | "response.in_progress" | "response.completed" => {}
                _ => {
                    prop_assert!(open);
                    prop_assert_eq!(&event["output_index"], items.len());
                }
            }
        }
        prop_assert_eq!(&stream.last().unwrap()["response"]["output"], &json!(items));

        // The whole reply is what the stream ends with, but for texts that thinking without a word parted.
        let mut fold = Fold::default();
        events.into_iter().for_each(|event| fold.push(event));
        let whole = reply::response(&meta(), &fold.finish());
        prop_assert_eq!(&whole["status"], "completed");
    }
}

#[test]
fn a_free_form_tool_is_called_with_its_text_and_a_namespace_is_named_again() {
    let call = |name: &str, json: &str| {
        let name = name.to_owned();
        [
            Event::ToolCall {
                index: 0,
                id: "c".into(),
                name,
                native: None,
            },
            Event::ToolInput {
                index: 0,
                json: json.into(),
            },
        ]
    };
    let stream = streamed(
        &[
            call("patch", r#"{"input": "*** Begin\n\"é\""}"#),
            call("agents::close", ""),
        ]
        .concat(),
    );
    let output = &stream.last().unwrap()["response"]["output"];
    assert_eq!(output[0]["type"], "custom_tool_call");
    assert_eq!(output[0]["input"], "*** Begin\n\"é\"");
    assert_eq!(output[1]["type"], "function_call");
    assert_eq!(output[1]["namespace"], "agents");
    assert_eq!(output[1]["name"], "close");
    assert_eq!(output[1]["arguments"], "{}");
}
