use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{FormatRestorer, check};
use crate::bedrock::failure::Failure;
use crate::bedrock::plan::Shape;
use crate::conversation::{Event, StopReason};

fn schema() -> Arc<Value> {
    Arc::new(json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}))
}

fn by_tool() -> Shape {
    Shape::Tool {
        name: "give".into(),
        schema: schema(),
    }
}

fn shaped(shape: Shape, events: Vec<Event>) -> Result<Vec<Event>, Failure> {
    let mut shaper = FormatRestorer::new(shape);
    let mut out = VecDeque::new();
    for event in events {
        shaper.push(event, &mut out)?;
    }
    Ok(out.into())
}

fn text(text: &str) -> Event {
    Event::Text(text.into())
}

fn call(index: usize, name: &str) -> Event {
    Event::ToolCall {
        index,
        id: format!("t{index}"),
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
fn the_arguments_of_the_answer_s_tool_are_the_text_as_they_come() {
    let events = vec![
        Event::Thinking("hm".into()),
        text("Here you are: "),
        call(0, "give"),
        input(0, "{\"a\""),
        input(0, ": 1}"),
        Event::Stop(StopReason::ToolUse),
    ];
    let expected = vec![
        Event::Thinking("hm".into()),
        text("{\"a\""),
        text(": 1}"),
        Event::Stop(StopReason::ToolUse),
    ];
    assert_eq!(shaped(by_tool(), events).unwrap(), expected);
}

#[test]
fn the_client_s_own_tools_are_called_as_ever() {
    let events = vec![
        text("Let me look."),
        call(0, "f"),
        input(0, "{}"),
        call(1, "g"),
        Event::Stop(StopReason::ToolUse),
    ];
    assert_eq!(shaped(by_tool(), events.clone()).unwrap(), events);
}

#[test]
fn an_answer_in_text_is_taken_where_it_is_the_json() {
    let said = vec![
        text("```json\n{\"a\""),
        text(": 1}\n``"),
        text("`\n"),
        Event::Stop(StopReason::EndTurn),
    ];
    for shape in [
        by_tool(),
        Shape::Text {
            schema: Some(schema()),
        },
        Shape::Text { schema: None },
    ] {
        let events = shaped(shape, said.clone()).unwrap();
        let texts = events.iter().filter_map(|event| match event {
            Event::Text(text) => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(texts.collect::<String>(), "{\"a\": 1}");
    }
}

#[test]
fn what_is_not_the_json_is_refused_and_what_was_cut_is_not() {
    let cases = [
        (vec![text("I cannot.")], StopReason::EndTurn, false),
        (vec![text("{\"b\": 1}")], StopReason::EndTurn, false),
        (
            vec![call(0, "give"), input(0, "{\"a\": \"x\"}")],
            StopReason::ToolUse,
            false,
        ),
        (vec![call(0, "give")], StopReason::ToolUse, false),
        (
            vec![call(0, "give"), input(0, "{\"a\": ")],
            StopReason::MaxTokens,
            true,
        ),
        (vec![text("{\"a\": ")], StopReason::MaxTokens, true),
        (vec![text("I will not.")], StopReason::ContentFiltered, true),
    ];
    for (mut events, stop, passes) in cases {
        events.push(Event::Stop(stop));
        let shown = format!("{events:?}");
        assert_eq!(shaped(by_tool(), events).is_ok(), passes, "{shown}");
    }
}

#[test]
fn json_is_checked_by_its_shape() {
    let schema = json!({
        "type": "object",
        "properties": {
            "kind": {"enum": ["x", "y"]},
            "list": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "number"}]},
        },
        "required": ["kind"],
        "additionalProperties": false,
        "$defs": {"item": {"type": ["string", "integer"]}},
    });
    let cases = [
        (
            json!({"kind": "x", "list": ["a", 1, 2.0], "maybe": null}),
            None,
        ),
        (json!({"kind": "z"}), Some("/kind is none")),
        (json!({"list": []}), Some("it lacks 'kind'")),
        (
            json!({"kind": "x", "list": [true]}),
            Some("/list/0 is not of type"),
        ),
        (
            json!({"kind": "x", "maybe": "m"}),
            Some("/maybe matches none"),
        ),
        (json!({"kind": "x", "more": 1}), Some("it has 'more'")),
        (json!([]), Some("it is not of type")),
    ];
    for (value, expected) in cases {
        let found = check::matches(&value, &schema).err();
        match expected {
            None => assert_eq!(found, None, "{value}"),
            Some(start) => assert!(
                found
                    .as_deref()
                    .is_some_and(|found| found.starts_with(start)),
                "{value}: {found:?}"
            ),
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let pieces = vec![
        "",
        " ",
        "{",
        "\"a\"",
        ": 1",
        "}",
        "`",
        "```json\n",
        "```",
        "\n",
        "x",
    ];
    let piece = move || select(pieces.clone()).prop_map(str::to_owned);
    let stops = vec![
        StopReason::EndTurn,
        StopReason::ToolUse,
        StopReason::MaxTokens,
    ];
    prop_oneof![
        4 => piece().prop_map(Event::Text),
        1 => piece().prop_map(Event::Thinking),
        2 => (0..4_usize, select(vec!["give", "f"])).prop_map(|(index, name)| call(index, name)),
        4 => (0..4_usize, piece()).prop_map(|(index, json)| Event::ToolInput { index, json }),
        1 => select(stops).prop_map(Event::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_model_says_no_call_of_the_answer_s_tool_is_seen(events in prop::collection::vec(any_event(), 0..30)) {
        let shapes = [by_tool(), Shape::Text { schema: None }, Shape::Free];
        for shape in shapes {
            let hides = matches!(shape, Shape::Tool { .. });
            for event in shaped(shape, events.clone()).unwrap_or_default() {
                let seen = matches!(&event, Event::ToolCall { name, .. } if name == "give");
                prop_assert!(!(hides && seen));
            }
        }
    }

    #[test]
    fn a_fence_falls_wherever_the_text_is_cut(cuts in prop::collection::vec(0..30_usize, 0..6), fenced in any::<bool>()) {
        let json = "{\"a\": \"`` ` \\n ``` \"}";
        let whole = if fenced { format!(" ```json\n{json}\n```\n") } else { format!("\n{json} ") };
        let mut fence = super::Fence::default();
        let mut out = String::new();
        let mut from = 0;
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        cuts.sort_unstable();
        cuts.push(whole.len());
        for cut in cuts {
            out += &fence.push(&whole[from..cut]);
            from = cut;
        }
        out += &fence.end();
        prop_assert_eq!(out, json);
    }
}
