use serde_json::{Value, json};

use super::{Plan, body, call, claude, nova, plain_claude, planned, sent, tool};
use bedrock_sidecar::catalog::{Model, ThinkingSupport};

/// Where the points stand and how long they live, in Bedrock's order.
pub(super) fn points(model: &Model, request: &Value) -> Vec<String> {
    body(model, request);
    points_of(&planned(model, request))
}

pub(super) fn points_of(plan: &Plan) -> Vec<String> {
    let sent = sent(plan);
    let mut found = Vec::new();
    let mut look = |place: String, list: &Value| {
        for (at, block) in list.as_array().into_iter().flatten().enumerate() {
            if let Some(point) = block.get("cachePoint") {
                let ttl = point["ttl"].as_str().unwrap_or("5m");
                found.push(format!("{place}[{at}] {ttl}"));
            }
        }
    };
    look("tools".into(), &sent["toolConfig"]["tools"]);
    look("system".into(), &sent["system"]);
    for (at, message) in sent["messages"].as_array().unwrap().iter().enumerate() {
        look(format!("messages[{at}]"), &message["content"]);
    }
    found
}

fn ttl(ttl: &str) -> Value {
    json!({"type": "ephemeral", "ttl": ttl})
}

fn marked(name: &str, control: Value) -> Value {
    let mut tool = tool(name);
    tool["cache_control"] = control;
    tool
}

#[test]
fn marks_are_kept_where_the_model_takes_them() {
    let request = json!({"tools": [marked("f", ttl("1h"))], "messages": [
        {"role": "system", "content": "s", "cache_control": ttl("1h")},
        {"role": "user", "content": "q", "cache_control": ttl("5m")}]});
    assert_eq!(
        points(&claude(), &request),
        ["tools[1] 1h", "system[1] 1h", "messages[0][1] 5m"]
    );
    assert_eq!(
        points(&nova(ThinkingSupport::None), &request),
        ["system[1] 5m", "messages[0][1] 5m"]
    );
    assert_eq!(points(&plain_claude(), &request), [""; 0]);
}

#[test]
fn of_more_than_four_the_last_of_each_kind_and_the_last_two_of_messages_stay() {
    let mark = ttl("5m");
    let user = json!({"role": "user", "content": "q", "cache_control": mark});
    let reply = json!({"role": "assistant", "content": "a", "cache_control": mark});
    let request = json!({"tools": [marked("f", mark.clone()), tool("g"), marked("h", mark.clone())], "messages": [
        {"role": "system", "content": "s", "cache_control": mark}, {"role": "system", "content": "t", "cache_control": mark},
        user, reply, user, reply, user]});
    assert_eq!(
        points(&claude(), &request),
        [
            "tools[3] 5m",
            "system[2] 5m",
            "messages[3][1] 5m",
            "messages[4][1] 5m"
        ]
    );
}

#[test]
fn an_earlier_point_lives_at_least_as_long_as_a_later_one() {
    let request = json!({"tools": [marked("f", ttl("5m"))], "messages": [
        {"role": "system", "content": "s", "cache_control": ttl("5m")},
        {"role": "user", "content": "q", "cache_control": ttl("1h")},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "q", "cache_control": ttl("5m")}]});
    assert_eq!(
        points(&claude(), &request),
        [
            "tools[1] 1h",
            "system[1] 1h",
            "messages[0][1] 1h",
            "messages[2][1] 5m"
        ]
    );
}

#[test]
fn a_point_stands_beside_a_tool_s_result_and_after_its_call() {
    let mut asks = call("a");
    asks["cache_control"] = ttl("5m");
    let request = json!({"tools": [tool("f")], "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": [asks, call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "r", "cache_control": ttl("5m")}]},
        {"role": "tool", "tool_call_id": "b", "content": "r", "cache_control": ttl("5m")}]});
    assert_eq!(
        points(&claude(), &request),
        [
            "messages[1][1] 5m",
            "messages[2][1] 5m",
            "messages[2][3] 5m"
        ]
    );
}

#[test]
fn a_mark_on_nothing_marks_nothing() {
    let mark = ttl("5m");
    let request = json!({"messages": [
        {"role": "system", "content": " ", "cache_control": mark},
        {"role": "user", "content": [{"type": "text", "text": "", "cache_control": mark}, {"type": "text", "text": "q", "cache_control": mark}], "cache_control": ttl("1h")},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s", "cache_control": mark}, {"type": "text", "text": "a"}]},
        {"role": "user", "content": "q"}]});
    assert_eq!(points(&claude(), &request), ["messages[0][1] 1h"]);
}
