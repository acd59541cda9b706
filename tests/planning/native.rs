//! Requests in Claude's own format, sent in it: as the client wrote them, but for a short list of edits.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use bedrock_sidecar::anthropic::MessagesRequest;
use bedrock_sidecar::bedrock;
use bedrock_sidecar::bedrock::plan::{Plan, UnsupportedFeatures, plan};
use bedrock_sidecar::catalog::{Dialect, Model, ThinkingSupport};
use bedrock_sidecar::config::{CachePolicy, Defaults};
use bedrock_sidecar::conversation::Request;
use bedrock_sidecar::wire::WireRequest;

use super::{claude, newer_claude, nova};
use crate::support::with_fields;

fn request(body: &Value, headers: &HeaderMap) -> Request {
    let (request, _) = MessagesRequest::parse(body.to_string().as_bytes())
        .and_then(|messages| Box::new(messages).into_conversation(headers))
        .unwrap_or_else(|error| panic!("{body}: {error:?}"));
    request
}

/// The client's marks alone, so that what is compared is what the client wrote.
fn without_planned_marks() -> Defaults {
    Defaults {
        caching: CachePolicy::ClientOnly,
        ..Defaults::default()
    }
}

fn planned(body: &Value, model: &Model, unsupported: UnsupportedFeatures) -> Plan {
    let request = request(body, &HeaderMap::new());
    plan(&request, model, &without_planned_marks(), unsupported)
}

fn written(plan: &Plan) -> Value {
    serde_json::from_slice(&bedrock::body(plan).unwrap()).unwrap()
}

fn sent(body: &Value, model: &Model) -> Value {
    let plan = planned(body, model, UnsupportedFeatures::default());
    assert_eq!(plan.dialect, Dialect::Messages);
    written(&plan)
}

/// A Claude like Opus 4.8.
fn new_claude() -> Model {
    let mut model = newer_claude(ThinkingSupport::Adaptive { always_on: false });
    model.abilities.mid_conversation_system = true;
    model.abilities.documents = true;
    model
}

fn ask(fields: Value) -> Value {
    let question = json!({"max_tokens": 100, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "q"}]},
    ]});
    with_fields(question, &fields)
}

#[test]
fn a_field_that_nobody_here_knows_arrives_at_every_level() {
    let messages = json!([
        {"role": "user", "of_message": {"a": 1}, "content": [
            {"type": "text", "text": "q", "of_text": [1, {"b": null}]},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}, "of_image": true},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "t",
             "context": "c", "citations": {"enabled": true}, "of_document": 1},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "e"}]}, "title": "u"},
            {"type": "of_tomorrow", "deep": {"x": [1, 2.5, "y"]}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "text", "text": "see", "citations": [{"type": "char_location", "cited_text": "d"}]},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {"query": "w"}},
            {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1",
             "content": {"type": "tool_search_tool_search_result", "tool_references": [{"type": "tool_reference", "tool_name": "f"}]}},
            {"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "f", "input": {"k": 1}, "caller": {"type": "direct"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_01A09q90qw90lq917835lq9", "is_error": true, "of_result": "r", "content": [
                {"type": "text", "text": "out"},
                {"type": "tool_reference", "tool_name": "g"},
            ]},
            {"type": "compaction", "content": "before", "signature": "s"},
        ]},
        {"role": "system", "content": [{"type": "text", "text": "in the middle"}]},
        {"role": "user", "content": [{"type": "text", "text": "r"}]},
    ]);
    let tools = json!([
        {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"k": {"type": "integer"}}},
         "defer_loading": true, "input_examples": [{"k": 1}], "of_tool": {"z": 1}},
        {"name": "g", "description": "e", "input_schema": {"type": "object", "properties": {}}},
        {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "bash_20250124", "name": "bash", "of_bash": 1},
        {"type": "of_tomorrow_20300101", "name": "tomorrow", "settings": {"a": []}},
    ]);
    let body = json!({
        "max_tokens": 2000,
        "system": [{"type": "text", "text": "s", "of_system": 1}],
        "messages": messages,
        "tools": tools,
        "tool_choice": {"type": "auto", "of_choice": 1},
        "thinking": {"type": "adaptive", "display": "omitted", "of_thinking": 1},
        "output_config": {"effort": "high", "task_budget": {"type": "tokens", "total": 9}},
        "context_management": {"edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 60000}},
                                         {"type": "clear_thinking_20251015", "keep": "all"}], "of_management": 1},
        "stop_sequences": ["END"],
        "compaction": {"type": "summarize"},
        "metadata": {"user_id": "{\"a\":1}"},
        "anthropic_version": "2026-10-21",
    });
    let mut expected = body.clone();
    let fields = expected.as_object_mut().unwrap();
    fields.shift_remove("metadata");
    fields.insert("anthropic_version".into(), json!("bedrock-2023-05-31"));
    let betas = json!([
        "computer-use-2025-01-24",
        "compact-2026-01-12",
        "context-management-2025-06-27",
        "compact-2026-09-04",
        "tool-search-tool-2025-10-19",
        "tool-examples-2025-10-29",
    ]);
    fields.insert("anthropic_beta".into(), betas);
    assert_eq!(sent(&body, &new_claude()), expected);
}

#[test]
fn the_edits_are_these() {
    let new = new_claude();
    let old = claude();
    let text = |text: &str| json!({"type": "text", "text": text});
    let user = |content: Value| json!({"role": "user", "content": content});
    let rows: Vec<(&str, &Model, Value, Value)> = vec![
        (
            "a string is a block",
            &new,
            json!({"messages": [user(json!("q"))], "system": "s"}),
            json!({"messages": [user(json!([text("q")]))], "system": [text("s")]}),
        ),
        (
            "blank texts go",
            &new,
            json!({"messages": [user(json!([text(" "), text("q")]))]}),
            json!({"messages": [user(json!([text("q")]))]}),
        ),
        (
            "what is meant for Anthropic's accounts goes",
            &new,
            json!({"system": [text("x-anthropic-billing-header: cc_version=2"), text("s")]}),
            json!({"system": [text("s")]}),
        ),
        (
            "marks have no scope",
            &new,
            json!({"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "scope": "global"}}]}),
            json!({"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]}),
        ),
        (
            "a mark of the body stands on the last block",
            &new,
            json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
            json!({"messages": [user(json!([
                {"type": "text", "text": "q", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            ]))]}),
        ),
        (
            "blocks of an answer that fell back at Anthropic's go",
            &new,
            json!({"messages": [user(json!([{"type": "fallback", "from": {"model": "a"}}, text("q")]))]}),
            json!({"messages": [user(json!([text("q")]))]}),
        ),
        (
            "system messages speak in the user's turn where the model has none in the middle",
            &old,
            json!({"messages": [user(json!([text("q")])), {"role": "system", "content": "s"}]}),
            json!({"messages": [user(json!([text("q"), text("System message: s")]))]}),
        ),
        (
            "arguments as they are written are a beta",
            &new,
            json!({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "eager_input_streaming": true}]}),
            json!({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]}),
        ),
        (
            "tools that may not be called stay",
            &new,
            json!({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}], "tool_choice": {"type": "none"}}),
            json!({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}], "tool_choice": {"type": "none"}}),
        ),
        (
            "thinking is not cleared where there is none",
            &new,
            json!({"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}}),
            json!({}),
        ),
        (
            "what runs at Anthropic's alone goes",
            &new,
            json!({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}, {"type": "web_search_20260209", "name": "web_search"}],
                   "mcp_servers": [], "inference_geo": "us", "speed": "fast", "unknown_field": 1}),
            json!({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]}),
        ),
        (
            "sampling goes where the model refuses it",
            &new,
            json!({"temperature": 0.5, "top_k": 3}),
            json!({}),
        ),
        (
            "sampling stays where the model has it",
            &old,
            json!({"temperature": 0.5, "top_k": 3}),
            json!({"temperature": 0.5, "top_k": 3}),
        ),
    ];
    for (edit, model, fields, expected) in rows {
        let frame = json!({"anthropic_version": "bedrock-2023-05-31"});
        let expected = with_fields(with_fields(ask(json!({})), &expected), &frame);
        assert_eq!(sent(&ask(fields), model), expected, "{edit}");
    }
}

#[test]
fn of_a_client_s_betas_those_go_up_that_bedrock_has() {
    let mut headers = HeaderMap::new();
    let named = "claude-code-20250219,interleaved-thinking-2025-05-14,prompt-caching-scope-2026-01-05,\
                 advanced-tool-use-2025-11-20,context-1m-2025-08-07,effort-2025-11-24,oauth-2025-04-20";
    headers.insert("anthropic-beta", HeaderValue::from_static(named));
    let betas = |thinking: Value, model: &Model| {
        let request = request(&ask(json!({"thinking": thinking})), &headers);
        let defaults = without_planned_marks();
        let plan = plan(&request, model, &defaults, UnsupportedFeatures::default());
        written(&plan)["anthropic_beta"].clone()
    };
    let adaptive = betas(json!({"type": "adaptive"}), &new_claude());
    let of_both = json!([
        "context-1m-2025-08-07",
        "tool-search-tool-2025-10-19",
        "effort-2025-11-24"
    ]);
    assert_eq!(adaptive, of_both);
    let budget = betas(json!({"type": "enabled", "budget_tokens": 1024}), &claude());
    assert!(
        budget
            .as_array()
            .unwrap()
            .iter()
            .any(|beta| beta == "interleaved-thinking-2025-05-14"),
        "{budget}"
    );
}

#[test]
fn the_format_follows_from_the_wire_and_the_deployment() {
    let body = ask(json!({}));
    let request = request(&body, &HeaderMap::new());
    let none = UnsupportedFeatures::default();
    let dialect = |model: &Model, defaults: &Defaults, unsupported| {
        plan(&request, model, defaults, unsupported).dialect
    };
    let usual = Defaults::default();
    assert_eq!(dialect(&claude(), &usual, none), Dialect::Messages);
    assert_eq!(
        dialect(&nova(ThinkingSupport::None), &usual, none),
        Dialect::Converse
    );
    let guarded = Defaults {
        guardrail: Some(json!({"guardrailIdentifier": "g"})),
        ..Defaults::default()
    };
    assert_eq!(dialect(&claude(), &guarded, none), Dialect::Converse);
    let pinned = |dialect| Defaults {
        dialect: Some(dialect),
        ..Defaults::default()
    };
    assert_eq!(
        dialect(&claude(), &pinned(Dialect::Converse), none),
        Dialect::Converse
    );
    let denied = UnsupportedFeatures {
        messages_dialect: true,
        ..none
    };
    assert_eq!(dialect(&claude(), &usual, denied), Dialect::Converse);
    // Files that only Converse reads, whatever else their block says.
    for further in [json!({}), json!({"context": "c"})] {
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let source = json!({"type": "base64", "media_type": word, "data": "UEsDBA=="});
        let file = with_fields(json!({"type": "document", "source": source}), &further);
        let content = json!([file, {"type": "text", "text": "q"}]);
        let asked = ask(json!({"messages": [{"role": "user", "content": content}]}));
        let plan = planned(&asked, &new_claude(), none);
        assert_eq!(plan.dialect, Dialect::Converse, "{further}");
    }
    // A chat in OpenAI's words goes by Converse, unless its deployment says otherwise.
    let chat = super::request(&super::ask(&json!({})));
    let of_chat = |defaults: &Defaults| plan(&chat, &claude(), defaults, none).dialect;
    assert_eq!(of_chat(&usual), Dialect::Converse);
    assert_eq!(of_chat(&pinned(Dialect::Messages)), Dialect::Messages);
}

#[test]
fn elsewhere_something_stands_in_the_place_of_what_only_claude_s_format_has() {
    let body = ask(json!({
        "messages": [
            {"role": "user", "content": [{"type": "compaction", "content": "before"}, {"type": "of_tomorrow", "x": 1}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1a2b3c4d5e6f", "name": "memory", "input": {"command": "view"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1a2b3c4d5e6f", "content": [
                {"type": "tool_reference", "tool_name": "f"},
            ]}]},
        ],
        "tools": [
            {"name": "f", "description": "d", "input_schema": {"type": "object"}, "defer_loading": true},
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
            {"type": "memory_20250818", "name": "memory"},
        ],
        "context_management": {"edits": [{"type": "compact_20260112"}]},
    }));
    let plan = planned(
        &body,
        &nova(ThinkingSupport::None),
        UnsupportedFeatures::default(),
    );
    assert_eq!(plan.dialect, Dialect::Converse);
    let names: Vec<&str> = plan.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["f", "memory"]);
    let sent = written(&plan);
    let first = &sent["messages"][0]["content"];
    assert_eq!(
        first[0]["text"],
        "[summary of the conversation before]\nbefore"
    );
    assert_eq!(first[1]["text"], "[a of_tomorrow stood here]");
    let result = &sent["messages"][2]["content"][0]["toolResult"]["content"][0];
    assert_eq!(result["text"], "[the tool f is available]");
    let dropped = &plan.dropped.settings;
    for lost in [
        "tool_search_tool_regex_20251119",
        "compact_20260112",
        "of_tomorrow",
    ] {
        assert!(
            dropped.iter().any(|name| name == lost),
            "{lost}: {dropped:?}"
        );
    }
}

/// A conversation of an agent that has made so many steps, with what only Claude's format has in some of them.
fn steps(seed: &[u8]) -> Vec<Value> {
    let mut messages = vec![json!({"role": "user", "content": "go"})];
    for (at, kind) in seed.iter().enumerate() {
        let id = format!("toolu_01A09q90qw90lq91783{at:05}");
        let mut said = vec![
            json!({"type": "thinking", "thinking": format!("t{at}"), "signature": format!("c2ln{at}")}),
        ];
        if kind % 3 == 0 {
            said.push(json!({"type": "text", "text": format!("says {at}")}));
            said.push(
                json!({"type": "thinking", "thinking": "", "signature": format!("bW9yZQ{at}")}),
            );
        }
        said.push(json!({"type": "tool_use", "id": id, "name": "f", "input": {"n": at}}));
        messages.push(json!({"role": "assistant", "content": said}));
        let mut result = vec![json!({"type": "tool_result", "tool_use_id": id, "content": "out"})];
        if kind % 5 == 0 {
            result.push(json!({"type": "text", "text": "and more"}));
        }
        messages.push(json!({"role": "user", "content": result}));
        if kind % 7 == 0 {
            messages.push(json!({"role": "system", "content": "remember"}));
        }
    }
    messages
}

/// Without the marks for the cache: they bind nothing.
fn without_marks(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| item.get("cachePoint").is_none());
            items.iter_mut().for_each(without_marks);
        }
        Value::Object(fields) => {
            fields.shift_remove("cache_control");
            fields.values_mut().for_each(without_marks);
        }
        _ => {}
    }
}

/// What stands before a turn's thinking: the tools, the system prompt and the messages so far.
fn beginning(body: &Value, messages: usize) -> Value {
    let mut begins: Map<String, Value> = Map::new();
    for field in ["tools", "toolConfig", "system"] {
        begins.extend(
            body.get(field)
                .map(|value| (field.to_owned(), value.clone())),
        );
    }
    let all = body["messages"].as_array().unwrap();
    begins.insert("messages".into(), all[..messages].to_vec().into());
    let mut begins = Value::Object(begins);
    without_marks(&mut begins);
    begins
}

proptest! {
    /// Thinking is bound to what stands before it, so that must not change from turn to turn, in either format.
    #[test]
    fn what_stands_before_a_thought_stays_as_it_was(seed in proptest::collection::vec(0u8..40, 1..30)) {
        for dialect in [Dialect::Messages, Dialect::Converse] {
            let defaults = Defaults { dialect: Some(dialect), ..Defaults::default() };
            let mut before: Option<Value> = None;
            for turns in 1..=seed.len() {
                let body = ask(json!({
                    "system": [{"type": "text", "text": "x-anthropic-billing-header: a"}, {"type": "text", "text": "s".repeat(5000)}],
                    "messages": steps(&seed[..turns]),
                    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
                    "thinking": {"type": "adaptive"},
                }));
                let request = request(&body, &HeaderMap::new());
                let plan = plan(&request, &new_claude(), &defaults, UnsupportedFeatures::default());
                prop_assert_eq!(plan.dialect, dialect);
                let sent = written(&plan);
                if let Some(before) = &before {
                    // The last message of the turn before may have been the beginning of a longer one.
                    let known = before["messages"].as_array().unwrap().len() - 1;
                    prop_assert_eq!(beginning(before, known), beginning(&sent, known));
                }
                before = Some(sent);
            }
        }
    }
}
