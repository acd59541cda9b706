use serde_json::{Value, json};

use super::{body, call, claude, messages, newer_claude, plain_claude, text_only};
use bedrock_sidecar::catalog::ThinkingSupport;

fn user(texts: &[&str]) -> Value {
    turn("user", texts)
}

fn turn(role: &str, texts: &[&str]) -> Value {
    let texts: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
    json!({"role": role, "content": texts})
}

fn calls(ids: &[&str]) -> Value {
    let calls: Vec<Value> = ids
        .iter()
        .map(|id| json!({"toolUse": {"toolUseId": id, "name": "f", "input": {}}}))
        .collect();
    json!({"role": "assistant", "content": calls})
}

fn result(id: &str, text: &str) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": [{"text": text}]}})
}

fn not_carried_out(id: &str) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": [{"text": "(no result: the call was not carried out)"}], "status": "error"}})
}

#[test]
fn turns_alternate_begin_with_the_user_and_hold_no_blank_text() {
    let cases = [
        (
            "neighbours of one role are joined",
            json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"},
                   {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"},
                   {"role": "user", "content": "e"}]),
            json!([
                user(&["a", "b"]),
                turn("assistant", &["c", "d"]),
                user(&["e"])
            ]),
        ),
        (
            "blank text goes",
            json!([{"role": "user", "content": [{"type": "text", "text": " \n"}, {"type": "text", "text": "a"}, {"type": "text", "text": ""}]}]),
            json!([user(&["a"])]),
        ),
        (
            "a user who says nothing says a dot",
            json!([{"role": "user", "content": " "}]),
            json!([user(&["."])]),
        ),
        (
            "an assistant that says nothing said nothing",
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}, {"role": "user", "content": "b"}]),
            json!([user(&["a", "b"])]),
        ),
        (
            "an answer that was cut while it thought said nothing",
            json!([{"role": "user", "content": "a"},
                   {"role": "assistant", "content": "", "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]},
                   {"role": "user", "content": "b"}]),
            json!([user(&["a", "b"])]),
        ),
        (
            "the assistant speaks first",
            json!([{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]),
            json!([user(&["."]), turn("assistant", &["a"]), user(&["b"])]),
        ),
        (
            "only a system message",
            json!([{"role": "system", "content": "s"}]),
            json!([user(&["."])]),
        ),
        (
            "a late system message speaks in the user's turn, and a blank one not at all",
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                   {"role": "system", "content": "s"}, {"role": "system", "content": " "}, {"role": "user", "content": "c"}]),
            json!([
                user(&["a"]),
                turn("assistant", &["b"]),
                user(&["System message: s", "c"])
            ]),
        ),
        (
            "an assistant shows no picture",
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "image_url", "image_url": "data:image/png;base64,AAAA"}]}, {"role": "user", "content": "b"}]),
            json!([
                user(&["a"]),
                turn("assistant", &["[a picture stood here]"]),
                user(&["b"])
            ]),
        ),
        (
            "a user has no thinking",
            json!([{"role": "user", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "a"}]}]),
            json!([user(&["a"])]),
        ),
    ];
    for (rule, input, expected) in cases {
        assert_eq!(messages(&claude(), &input), expected, "{rule}");
    }
}

#[test]
fn an_assistant_at_the_end_is_continued_where_the_model_can() {
    let input = json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b \n"}]);
    assert_eq!(
        messages(&claude(), &input),
        json!([user(&["a"]), turn("assistant", &["b"])])
    );
    let asked = json!([
        user(&["a"]),
        turn("assistant", &["b \n"]),
        user(&["Please continue."])
    ]);
    let newer = newer_claude(ThinkingSupport::Adaptive { always_on: false });
    assert_eq!(messages(&newer, &input), asked);
}

#[test]
fn every_call_is_answered_once_in_the_turn_that_follows() {
    let q = json!({"role": "user", "content": "q"});
    let asks = |ids: &[&str]| json!({"role": "assistant", "content": null, "tool_calls": ids.iter().map(|id| call(id)).collect::<Vec<_>>()});
    let answers =
        |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let with = |content: Vec<Value>| json!({"role": "user", "content": content});
    let cases = [
        (
            "parallel calls",
            json!([
                q,
                asks(&["a", "b"]),
                answers("b", "2"),
                answers("a", "1"),
                q
            ]),
            json!([
                user(&["q"]),
                calls(&["a", "b"]),
                with(vec![
                    result("b", "2"),
                    result("a", "1"),
                    json!({"text": "q"})
                ])
            ]),
        ),
        (
            "a system message between call and result",
            json!([q, asks(&["a"]), {"role": "system", "content": "s"}, answers("a", "1")]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![result("a", "1"), json!({"text": "System message: s"})])
            ]),
        ),
        (
            "an unanswered call",
            json!([q, asks(&["a", "b"]), answers("a", "1")]),
            json!([
                user(&["q"]),
                calls(&["a", "b"]),
                with(vec![result("a", "1"), not_carried_out("b")])
            ]),
        ),
        (
            "an unanswered call, and the user goes on",
            json!([q, asks(&["a"]), q]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![not_carried_out("a"), json!({"text": "q"})])
            ]),
        ),
        (
            "an unanswered call at the end",
            json!([q, asks(&["a"])]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![not_carried_out("a")])
            ]),
        ),
        (
            "a result that nothing asked for",
            json!([q, answers("x", "1")]),
            json!([user(&["q", "[tool result for x]", "1"])]),
        ),
        (
            "a second result for one call",
            json!([q, asks(&["a"]), answers("a", "1"), answers("a", "2")]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![
                    result("a", "1"),
                    json!({"text": "[tool result for a]"}),
                    json!({"text": "2"})
                ])
            ]),
        ),
        (
            "a result that comes a turn too late",
            json!([q, asks(&["a"]), q, {"role": "assistant", "content": "x"}, answers("a", "1")]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![not_carried_out("a"), json!({"text": "q"})]),
                turn("assistant", &["x"]),
                user(&["[tool result for a]", "1"])
            ]),
        ),
        (
            "an id that comes again in a later turn",
            json!([
                q,
                asks(&["a"]),
                answers("a", "1"),
                asks(&["a"]),
                answers("a", "2"),
                asks(&["a_2"]),
                answers("a_2", "3")
            ]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![result("a", "1")]),
                calls(&["a_2"]),
                with(vec![result("a_2", "2")]),
                calls(&["a_2_2"]),
                with(vec![result("a_2_2", "3")])
            ]),
        ),
        (
            "a call that stands twice in one turn",
            json!([q, asks(&["a", "a"]), answers("a", "1")]),
            json!([user(&["q"]), calls(&["a"]), with(vec![result("a", "1")])]),
        ),
        (
            "an empty result",
            json!([q, asks(&["a"]), answers("a", " ")]),
            json!([
                user(&["q"]),
                calls(&["a"]),
                with(vec![result("a", "(no output)")])
            ]),
        ),
    ];
    for (rule, input, expected) in cases {
        assert_eq!(messages(&claude(), &input), expected, "{rule}");
    }
}

#[test]
fn two_calls_of_one_id_and_different_arguments_are_two_calls() {
    let mut second = call("a");
    second["function"]["arguments"] = json!("{\"n\": 2}");
    let input = json!([{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call("a"), second]},
        {"role": "tool", "tool_call_id": "a", "content": "1"}, {"role": "tool", "tool_call_id": "a", "content": "2"}]);
    let sent = messages(&claude(), &input);
    assert_eq!(sent[1]["content"][1]["toolUse"]["toolUseId"], "a_2");
    assert_eq!(
        sent[2]["content"],
        json!([result("a", "1"), result("a_2", "2")])
    );
}

#[test]
fn without_tools_their_history_is_told_in_words() {
    let history = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "my tool", "arguments": "{\"x\": 1}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "r"}]);
    let told = json!([
        user(&["q"]),
        turn(
            "assistant",
            &["I look.", "[tool call a: my tool({\"x\":1})]"]
        ),
        user(&["[tool result for a]", "r"])
    ]);
    let tools = json!([super::tool("f")]);
    let cases = [
        (claude(), json!({"messages": history})),
        (claude(), json!({"messages": history, "tools": []})),
        (
            claude(),
            json!({"messages": history, "tools": tools, "tool_choice": "none"}),
        ),
        (text_only(), json!({"messages": history, "tools": tools})),
    ];
    for (model, request) in cases {
        let sent = body(&model, &request);
        assert_eq!(sent["messages"], told, "{request}");
        assert!(sent.get("toolConfig").is_none(), "{request}");
    }
}

#[test]
fn a_picture_is_shown_where_the_model_can_see_and_named_where_it_cannot() {
    let picture = json!({"type": "image_url", "image_url": "data:image/gif;base64,R0lGODdh"});
    let input = json!([{"role": "user", "content": [{"type": "text", "text": "q"}, picture]},
        {"role": "assistant", "tool_calls": [call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": [picture]}]);
    let shown = json!({"image": {"format": "gif", "source": {"bytes": "R0lGODdh"}}});
    let named = json!({"text": "[a picture stood here; this model cannot see pictures]"});
    let mut blind = claude();
    blind.abilities.vision = false;
    blind.abilities.tool_result_images = false;
    for (model, of_user, of_tool) in [(claude(), &shown, &shown), (blind, &named, &named)] {
        let sent = messages(&model, &input);
        assert_eq!(&sent[0]["content"][1], of_user);
        assert_eq!(&sent[2]["content"][0]["toolResult"]["content"][0], of_tool);
    }
}

#[test]
fn thinking_goes_back_only_to_models_that_can_verify_it() {
    let input = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted_thinking", "data": "AAE="}]},
        {"role": "user", "content": "b"}]);
    let sent = messages(&claude(), &input);
    assert_eq!(
        sent[1]["content"],
        json!([{"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
               {"reasoningContent": {"redactedContent": "AAE="}}, {"text": "a"}])
    );
    assert_eq!(
        messages(&plain_claude(), &input)[1],
        turn("assistant", &["a"])
    );
}

#[test]
fn a_model_without_system_prompts_reads_it_from_the_user() {
    let request = json!({"messages": [{"role": "system", "content": "s", "cache_control": {"type": "ephemeral"}}, {"role": "user", "content": "q"}]});
    let sent = body(&text_only(), &request);
    assert_eq!(sent["messages"], json!([user(&["s", "q"])]));
    assert!(sent.get("system").is_none());
}
