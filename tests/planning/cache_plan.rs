//! Where points are added: one case for each client's way of talking, and one for each policy.

use serde_json::{Value, json};

use super::cache::points;
use super::{call, claude, nova, plain_claude, planned_by, tool};
use bedrock_sidecar::catalog::{Model, ThinkingSupport};
use bedrock_sidecar::config::{CachePolicy, Defaults, InjectionLocation, InjectionPoint};

/// Long enough to be cached by itself.
fn long(words: &str) -> String {
    format!("{words} ").repeat(4_200 / words.len())
}

fn long_tool(name: &str) -> Value {
    let mut tool = tool(name);
    tool["function"]["description"] = long("edits a file").into();
    tool
}

fn five_minutes() -> Value {
    json!({"type": "ephemeral"})
}

fn one_hour() -> Value {
    json!({"type": "ephemeral", "ttl": "1h"})
}

/// Cline of today: tools, a system prompt as a string, results as strings, and no mark anywhere.
fn cline() -> Value {
    json!({"tools": [long_tool("editor"), long_tool("run_commands")], "messages": [
        {"role": "system", "content": long("You are Cline.")},
        {"role": "user", "content": [{"type": "text", "text": "<task>do it</task>"}]},
        {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "{\"ok\":true}"},
        {"role": "tool", "tool_call_id": "b", "content": "{\"ok\":true}"}]})
}

/// The extension until spring 2026: tools in the prompt, marks on content parts of the system prompt and of the last
/// two messages of the user.
fn classic_cline() -> Value {
    let marked =
        |text: &str| json!([{"type": "text", "text": text, "cache_control": five_minutes()}]);
    json!({"messages": [
        {"role": "system", "content": marked(&long("You are Cline."))},
        {"role": "user", "content": [{"type": "text", "text": "<task>do it</task>"}]},
        {"role": "assistant", "content": "<read_file/>"},
        {"role": "user", "content": marked("[read_file] Result:")},
        {"role": "assistant", "content": "<read_file/>"},
        {"role": "user", "content": [{"type": "text", "text": "[read_file] Result:"},
            {"type": "text", "text": "<environment_details/>", "cache_control": five_minutes()}]}]})
}

/// opencode: marks beside the content of messages, tool messages included, and inside a call.
fn opencode() -> Value {
    let mut asked = call("a");
    asked["cache_control"] = five_minutes();
    json!({"tools": [long_tool("write")], "messages": [
        {"role": "system", "content": long("You are opencode."), "cache_control": five_minutes()},
        {"role": "user", "content": "do it"},
        {"role": "assistant", "content": "", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "a", "content": "done", "cache_control": five_minutes()}]})
}

/// Claude Code's way, in OpenAI's words: two marks in the system prompt and one on the last message.
fn claude_code() -> Value {
    json!({"tools": [long_tool("Write")], "messages": [
        {"role": "system", "content": [{"type": "text", "text": "header"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": one_hour()},
            {"type": "text", "text": long("Rules."), "cache_control": one_hour()}]},
        {"role": "user", "content": "do it"},
        {"role": "assistant", "content": "", "tool_calls": [call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "done", "cache_control": five_minutes()}]}]})
}

#[test]
fn every_client_s_conversation_is_cached_whether_or_not_it_asks_for_it() {
    let cases = [
        (
            "current Cline",
            cline(),
            vec![
                "tools[2] 5m",
                "system[1] 5m",
                "messages[0][1] 5m",
                "messages[2][2] 5m",
            ],
        ),
        (
            "classic Cline",
            classic_cline(),
            vec!["system[1] 5m", "messages[2][1] 5m", "messages[4][2] 5m"],
        ),
        (
            "opencode",
            opencode(),
            vec![
                "system[1] 5m",
                "messages[0][1] 5m",
                "messages[1][1] 5m",
                "messages[2][1] 5m",
            ],
        ),
        (
            "Claude Code",
            claude_code(),
            vec![
                "system[2] 1h",
                "system[4] 1h",
                "messages[0][1] 5m",
                "messages[2][1] 5m",
            ],
        ),
    ];
    for (client, request, expected) in cases {
        assert_eq!(points(&claude(), &request), expected, "{client}");
        assert_eq!(points(&plain_claude(), &request), [""; 0], "{client}");
    }
}

#[test]
fn nova_gets_no_point_among_the_tools_and_none_of_an_hour() {
    assert_eq!(
        points(&nova(ThinkingSupport::None), &cline()),
        ["system[1] 5m", "messages[0][1] 5m", "messages[2][2] 5m"]
    );
    assert_eq!(
        points(&nova(ThinkingSupport::None), &claude_code()),
        [
            "system[2] 5m",
            "system[4] 5m",
            "messages[0][1] 5m",
            "messages[2][1] 5m"
        ]
    );
}

#[test]
fn no_point_is_added_behind_a_prefix_too_short_to_be_cached() {
    let short = json!({"tools": [tool("f")], "messages": [
        {"role": "system", "content": "s"}, {"role": "user", "content": "q"}]});
    assert_eq!(points(&claude(), &short), [""; 0]);
    let grown = json!({"tools": [tool("f")], "messages": [
        {"role": "system", "content": "s"}, {"role": "user", "content": "q"},
        {"role": "assistant", "content": long("a")}, {"role": "user", "content": "q"}]});
    assert_eq!(points(&claude(), &grown), ["messages[2][1] 5m"]);
    let mut choosy = claude();
    choosy.abilities.caching.as_mut().unwrap().min_tokens = 4_096;
    assert_eq!(points(&choosy, &grown), [""; 0]);
}

#[test]
fn an_added_point_lives_as_long_as_any_mark_behind_it() {
    let mut request = cline();
    request["messages"][4]["cache_control"] = one_hour();
    assert_eq!(
        points(&claude(), &request),
        [
            "tools[2] 1h",
            "system[1] 1h",
            "messages[0][1] 1h",
            "messages[2][2] 1h"
        ]
    );
}

#[test]
fn a_point_follows_the_text_beside_a_tool_s_result() {
    let mut request = cline();
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "user", "content": "<environment_details/>"}));
    assert_eq!(points(&claude(), &request)[3], "messages[2][3] 5m");
}

/// A Claude that reads documents.
fn reader() -> Model {
    let mut model = claude();
    model.abilities.documents = true;
    model
}

#[test]
fn a_point_never_stands_behind_a_document() {
    let text = json!({"type": "text", "text": long("Compare them.")});
    let file = json!({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,YQ=="}});
    let mut marked = file.clone();
    marked["cache_control"] = five_minutes();
    // Bedrock wants text beside documents, so one that stands alone has a full stop before it.
    let cases = [
        (
            "the planner's, before both",
            json!([text, file, file]),
            "text cachePoint document document",
        ),
        (
            "the client's, before it",
            json!([text, marked]),
            "text cachePoint document",
        ),
        (
            "the client's, before both",
            json!([text, marked, marked]),
            "text cachePoint document document",
        ),
        (
            "within a turn, parted",
            json!([marked, text]),
            "document text cachePoint text cachePoint",
        ),
        (
            "on nothing else",
            json!([marked]),
            "text cachePoint document",
        ),
        (
            "text after it",
            json!([file, text]),
            "document text cachePoint",
        ),
    ];
    for (name, content, expected) in cases {
        let request = json!({"messages": [
            {"role": "system", "content": long("s")},
            {"role": "user", "content": content}]});
        let sent = super::body(&reader(), &request);
        let blocks = sent["messages"][0]["content"].as_array().unwrap().iter();
        let kinds: Vec<&str> = blocks
            .filter_map(|block| block.as_object()?.keys().next().map(String::as_str))
            .collect();
        assert_eq!(kinds.join(" "), expected, "{name}");
    }
}

#[test]
fn documents_that_nothing_can_be_marked_before_are_cached_with_the_next_turn() {
    let file = json!({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,YQ=="}});
    let mut request = json!({"messages": [
        {"role": "user", "content": [{"type": "text", "text": long("Read it.")}, file]}]});
    assert_eq!(points(&reader(), &request), ["messages[0][1] 5m"]);
    let messages = request["messages"].as_array_mut().unwrap();
    messages.extend([
        json!({"role": "assistant", "content": "It says a."}),
        json!({"role": "user", "content": "And then?"}),
    ]);
    assert_eq!(
        points(&reader(), &request),
        ["messages[0][1] 5m", "messages[2][1] 5m"]
    );
}

#[test]
fn the_configuration_s_points_replace_the_planned_ones() {
    let at = |location, one_hour| InjectionPoint { location, one_hour };
    let role = |role: &str| InjectionLocation::Role(role.to_owned());
    let cases = [
        (CachePolicy::ClientOnly, vec![]),
        (
            CachePolicy::At(vec![at(role("system"), false)]),
            vec!["system[1] 5m"],
        ),
        (
            CachePolicy::At(vec![at(InjectionLocation::Message(0), false)]),
            vec!["system[1] 5m"],
        ),
        (
            CachePolicy::At(vec![
                at(InjectionLocation::Tools, false),
                at(InjectionLocation::Message(-1), true),
            ]),
            vec!["tools[2] 1h", "messages[2][2] 1h"],
        ),
        (
            CachePolicy::At(vec![at(InjectionLocation::Message(1), false)]),
            vec!["messages[0][1] 5m"],
        ),
        (
            CachePolicy::At(vec![
                at(role("user"), false),
                at(role("assistant"), false),
                at(role("tool"), false),
            ]),
            // Results of one turn are marked each; the last two of messages stay.
            vec![
                "messages[0][1] 5m",
                "messages[1][2] 5m",
                "messages[2][1] 5m",
                "messages[2][3] 5m",
            ],
        ),
        (
            CachePolicy::At(vec![at(InjectionLocation::Message(9), false)]),
            vec![],
        ),
        (
            CachePolicy::At(vec![at(InjectionLocation::Message(-9), false)]),
            vec![],
        ),
    ];
    for (caching, expected) in cases {
        let defaults = Defaults {
            caching: caching.clone(),
            ..Defaults::default()
        };
        let found = super::cache::points_of(&planned_by(&claude(), &cline(), &defaults));
        assert_eq!(found, expected, "{caching:?}");
    }
}

#[test]
fn a_policy_without_planning_keeps_the_client_s_own_marks() {
    let defaults = Defaults {
        caching: CachePolicy::ClientOnly,
        ..Defaults::default()
    };
    assert_eq!(
        super::cache::points_of(&planned_by(&claude(), &opencode(), &defaults)),
        ["system[1] 5m", "messages[1][1] 5m", "messages[2][1] 5m"]
    );
}
