//! The stop reason agrees with the answer, whatever the model says: an answer with tool calls waits for their results,
//! one without has ended.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::responses::last_response;
use crate::support::{LAST, PRIMARY, TestApp};

/// The three wires' words, in this order.
type Words = [&'static str; 3];

const CALLS: Words = ["tool_calls", "tool_use", "completed"];
const ENDED: Words = ["stop", "end_turn", "completed"];
const CUT: Words = ["length", "max_tokens", "incomplete"];
const FILTERED: Words = ["content_filter", "refusal", "incomplete"];

/// A request on each wire with one tool.
fn bodies(model: &str) -> [Value; 3] {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let messages = json!([{"role": "user", "content": "hi"}]);
    [
        json!({"model": model, "messages": messages,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}),
        json!({"model": model, "max_tokens": 100, "messages": messages,
            "tools": [{"name": "f", "input_schema": schema}]}),
        json!({"model": model, "input": "hi",
            "tools": [{"type": "function", "name": "f", "parameters": schema}]}),
    ]
}

/// The stop reason on each wire, streamed and whole, of an answer that Bedrock gives to each.
async fn reasons(app: &TestApp, model: &str, id: &str, answer: &Step) -> [Vec<String>; 2] {
    let steps = || vec![answer.clone(); 3];
    let [chat, messages, responses] = bodies(model);
    app.bedrock.script(id, steps());
    let chunks = app.chat_stream(&chat).await;
    assert!(chunks.done, "{chunks:?}");
    let finish_reasons = chunks.finish_reasons();
    assert_eq!(finish_reasons.len(), 1);
    let events = app.message_events(&messages).await;
    let response = last_response(&app.response_events(&responses).await);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let streamed = vec![
        finish_reasons[0].to_owned(),
        text(&events.of("message_delta")[0]["delta"]["stop_reason"]),
        text(&response["status"]),
    ];
    app.bedrock.script(id, steps());
    let whole = vec![
        text(&app.chat_json(&chat).await["choices"][0]["finish_reason"]),
        text(&app.message(&messages).await["stop_reason"]),
        text(&app.response(&responses).await["status"]),
    ];
    [streamed, whole]
}

#[tokio::test]
async fn calls_are_waited_for_and_nothing_else_is() {
    let app = TestApp::new().await;
    let call = || ScriptedReply::text("ok").with_tool("f", &json!({"a": "b"}));
    let two = || call().with_tool("f", &json!({}));
    let said = || ScriptedReply::text("ok");
    for (model, id) in [("primary", PRIMARY), ("last", LAST)] {
        for (answer, words) in [
            (call().with_stop("end_turn"), CALLS),
            (two().with_stop("end_turn"), CALLS),
            (
                ScriptedReply::tool("f", &json!({})).with_stop("end_turn"),
                CALLS,
            ),
            (call().with_stop("malformed_tool_use"), CALLS),
            (call().with_stop("tool_use"), CALLS),
            (call().with_stop("stop_sequence"), CALLS),
            (call().with_stop("pause_turn"), CALLS),
            (call().with_stop("of_tomorrow"), CALLS),
            (said().with_stop("tool_use"), ENDED),
            (ScriptedReply::text("").with_stop("tool_use"), ENDED),
            (said().with_thinking("Hm.").with_stop("tool_use"), ENDED),
            (said().with_stop("end_turn"), ENDED),
            (call().with_stop("max_tokens"), CUT),
            (said().with_stop("max_tokens"), CUT),
            (call().with_stop("content_filtered"), FILTERED),
        ] {
            let [streamed, whole] = reasons(&app, model, id, &Step::reply(answer.clone())).await;
            assert_eq!(streamed, words, "streamed by {model}: {answer:?}");
            assert_eq!(whole, words, "whole from {model}: {answer:?}");
        }
    }
}

/// `last` has no schemas, so its answer comes as the call of a tool that the client does not know.
#[tokio::test]
async fn an_answer_by_schema_that_came_as_a_call_has_ended() {
    let app = TestApp::new().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let [mut chat, ..] = bodies("last");
    chat["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "out", "schema": schema}});
    let answer = ScriptedReply::tool("give_answer", &json!({"a": 1}));
    let both = answer.clone().with_tool("f", &json!({"a": "b"}));
    for (answer, word) in [(answer, "stop"), (both, "tool_calls")] {
        for stop in ["tool_use", "end_turn"] {
            let step = Step::reply(answer.clone().with_stop(stop));
            app.bedrock.script(LAST, [step.clone(), step]);
            let chunks = app.chat_stream(&chat).await;
            assert_eq!(chunks.finish_reasons(), [word], "{stop}");
            assert_eq!(chunks.text(), "{\"a\":1}");
            let reply = app.chat_json(&chat).await;
            assert_eq!(reply["choices"][0]["finish_reason"], word, "{stop}");
        }
    }
}

#[tokio::test]
async fn what_a_broken_chain_of_thought_left_behind_changes_no_reason() {
    let app = TestApp::new().await;
    let [chat, ..] = bodies("primary");
    let thought = ScriptedReply::text("never said").with_thinking("Let me see.");
    app.bedrock
        .script(PRIMARY, [Step::reply(thought).cut_after(3)]);
    let call = ScriptedReply::tool("f", &json!({"a": "b"})).with_stop("end_turn");
    app.bedrock
        .script(crate::support::BACKUP, [Step::reply(call)]);
    let chunks = app.chat_stream(&chat).await;
    assert_eq!(chunks.finish_reasons(), ["tool_calls"]);
    assert_eq!(chunks.tool_calls().len(), 1);
}
