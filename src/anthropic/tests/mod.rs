//! What holds of every stream and of every body.

mod error;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::Value;

use crate::conversation::{Event, StopReason, Usage};
use crate::wire::{ReplyMeta, StreamWriter, Wire, WireRequest};

use super::{EventWriter, Messages, MessagesRequest};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        ".{0,6}".prop_map(Event::Text),
        ".{0,6}".prop_map(Event::Thinking),
        "[a-z]{0,4}".prop_map(Event::Signature),
        Just(Event::RedactedThinking(Bytes::from_static(b"secret"))),
        "[a-z]{1,4}".prop_map(|id| Event::ToolCall {
            index: 0,
            id,
            name: "look".into(),
            native: None
        }),
        "[a-z]{0,4}".prop_map(|json| Event::ToolInput { index: 0, json }),
    ]
}

/// The events' names, blocks with their position; every event is one name and one line of JSON.
fn names(stream: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(stream).unwrap();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        assert_eq!(data["type"], name);
        match data["index"].as_u64() {
            Some(index) => format!("{name} {index}"),
            None => name.to_owned(),
        }
    });
    events.collect()
}

proptest! {
    #[test]
    fn whatever_a_model_says_blocks_come_one_after_the_other(
        events in prop::collection::vec((event(), any::<bool>()), 0..30),
    ) {
        let mut out = BytesMut::new();
        let mut writer = EventWriter::new(ReplyMeta::default());
        writer.begin("m".into(), 1, None, &mut out);
        for (event, another_model) in &events {
            if *another_model {
                writer.continue_with("other".into(), &mut out);
            }
            writer.event(event, &mut out);
        }
        writer.event(&Event::Stop(StopReason::EndTurn), &mut out);
        writer.end(&Usage::default(), None, &mut out);

        let names = names(&out);
        prop_assert_eq!(&names[..2], ["message_start", "ping"]);
        prop_assert_eq!(&names[names.len() - 2..], ["message_delta", "message_stop"]);
        let mut blocks = 0;
        let mut open = false;
        for name in &names[2..names.len() - 2] {
            let (name, index) = name.split_once(' ').unwrap();
            prop_assert_eq!(index, blocks.to_string());
            prop_assert_eq!(open, name != "content_block_start");
            open = name != "content_block_stop";
            blocks += usize::from(!open);
        }
        prop_assert!(!open);
    }

    #[test]
    fn whatever_the_body_is_it_is_read_or_refused_with_its_field(
        block in "\\{\"type\": \"(text|image|document|tool_use|tool_result|thinking|redacted_thinking|search_result)\"(, \"(text|id|name|data|thinking|tool_use_id)\": \"[a-z]{0,3}\"){0,3}\\}",
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let body = format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": [{block}]}}]}}"#);
        let read = MessagesRequest::parse(body.as_bytes())
            .and_then(|request| Box::new(request).into_conversation(&HeaderMap::new()));
        if let Err(error) = read {
            prop_assert!(error.param.is_some(), "{:?}", error);
        }
        let _ = MessagesRequest::parse(&bytes);
    }
}

#[test]
fn the_heartbeat_is_an_event_of_its_own() {
    assert_eq!(names(Messages.heartbeat()), ["ping"]);
}
