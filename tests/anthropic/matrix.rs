//! What of Claude's own format reaches which Claude in which format: the table of `docs/CLAUDE_FEATURES.md`, which
//! `UPDATE_DOCS=1` writes anew.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::{TestApp, dropped};

/// A model of each generation, and one of another family.
const MODELS: [(&str, &str); 5] = [
    ("Sonnet 4.5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("Opus 4.6", "us.anthropic.claude-opus-4-6-v1"),
    ("Opus 4.8", "us.anthropic.claude-opus-4-8"),
    ("Opus 5.5", "us.anthropic.claude-opus-5-5"),
    ("Nova Pro", "us.amazon.nova-pro-v1:0"),
];
const CLAUDES: usize = 4;
const DIALECTS: [&str; 2] = ["messages", "converse"];

struct Feature {
    name: &'static str,
    /// Has a request ask for it.
    ask: fn(&mut Value),
    /// What stands in a body that has it, in one format or the other.
    needles: &'static [&'static str],
}

const FEATURES: &[Feature] = &[
    Feature {
        name: "tool search: `tool_search_tool_*`, `defer_loading`",
        ask: |body| {
            body["tools"] = json!([tool("list", json!({})), tool("look", json!({"defer_loading": true})),
                {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}]);
        },
        needles: &["\"defer_loading\":true"],
    },
    Feature {
        name: "`tool_reference` in a tool's result",
        ask: |body| {
            body["tools"] = json!([
                tool("search", json!({})),
                tool("look", json!({"defer_loading": true}))
            ]);
            result(
                body,
                json!([{"type": "tool_reference", "tool_name": "look"}]),
            );
        },
        needles: &["\"tool_reference\""],
    },
    Feature {
        name: "`input_examples` of a tool",
        ask: |body| body["tools"] = json!([tool("look", json!({"input_examples": [{"at": "x"}]}))]),
        needles: &["input_examples"],
    },
    Feature {
        name: "`eager_input_streaming` of a tool",
        ask: |body| {
            body["stream"] = json!(true);
            body["tools"] = json!([tool("look", json!({"eager_input_streaming": true}))]);
        },
        needles: &["fine-grained-tool-streaming"],
    },
    Feature {
        name: "`strict` of a tool",
        ask: |body| {
            body["tools"] = json!([{"name": "look", "strict": true, "input_schema":
                {"type": "object", "properties": {}, "additionalProperties": false}}]);
        },
        needles: &["\"strict\":true"],
    },
    Feature {
        name: "structured output: `output_config.format`",
        ask: |body| {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema":
                {"type": "object", "properties": {}, "additionalProperties": false}}});
        },
        needles: &["\"format\":{\"type\":\"json_schema\"", "outputConfig"],
    },
    Feature {
        name: "`output_config.effort`",
        ask: |body| body["output_config"] = json!({"effort": "low"}),
        needles: &["\"effort\":\"low\""],
    },
    Feature {
        name: "`thinking: {type: adaptive}`",
        ask: |body| body["thinking"] = json!({"type": "adaptive"}),
        needles: &["\"type\":\"adaptive\""],
    },
    Feature {
        name: "`thinking: {type: enabled}`, a budget",
        ask: |body| body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000}),
        needles: &["\"budget_tokens\":2000"],
    },
    Feature {
        name: "`thinking.display`",
        ask: |body| body["thinking"] = json!({"type": "adaptive", "display": "omitted"}),
        needles: &["\"display\":\"omitted\""],
    },
    Feature {
        name: "compaction: `compact_20260112`",
        ask: |body| body["context_management"] = json!({"edits": [{"type": "compact_20260112"}]}),
        needles: &["compact_20260112"],
    },
    Feature {
        name: "compaction: `compaction`",
        ask: |body| body["compaction"] = json!({"type": "summarize"}),
        needles: &["\"compaction\":{"],
    },
    Feature {
        name: "context editing: `clear_tool_uses_20250919`",
        ask: |body| {
            body["context_management"] = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
        },
        needles: &["clear_tool_uses_20250919"],
    },
    Feature {
        name: "context editing: `clear_thinking_20251015`",
        ask: |body| {
            body["thinking"] = json!({"type": "adaptive"});
            body["context_management"] =
                json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]});
        },
        needles: &["clear_thinking_20251015"],
    },
    Feature {
        name: "memory: `memory_20250818`",
        ask: |body| body["tools"] = json!([{"type": "memory_20250818", "name": "memory"}]),
        needles: &["memory_20250818"],
    },
    Feature {
        name: "`bash_20250124`",
        ask: |body| body["tools"] = json!([{"type": "bash_20250124", "name": "bash"}]),
        needles: &["bash_20250124"],
    },
    Feature {
        name: "`text_editor_20250728`",
        ask: |body| {
            body["tools"] =
                json!([{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}]);
        },
        needles: &["text_editor_20250728"],
    },
    Feature {
        name: "a `system` message between turns",
        ask: |body| {
            body["messages"] = json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"},
                {"role": "user", "content": "go on"}, {"role": "system", "content": "be brief"}]);
        },
        needles: &["\"role\":\"system\""],
    },
    Feature {
        name: "a mark for the cache, five minutes",
        ask: |body| mark(body, json!({"type": "ephemeral"})),
        needles: &["cache_control", "cachePoint"],
    },
    Feature {
        name: "a mark for the cache, an hour",
        ask: |body| mark(body, json!({"type": "ephemeral", "ttl": "1h"})),
        needles: &["\"ttl\":\"1h\""],
    },
    Feature {
        name: "automatic caching: `cache_control` of the request",
        ask: |body| {
            mark(body, Value::Null);
            body["cache_control"] = json!({"type": "ephemeral"});
        },
        needles: &["cache_control", "cachePoint"],
    },
    Feature {
        name: "a PDF with citations",
        ask: |body| pdf(body, true),
        needles: &["\"citations\":{\"enabled\":true}"],
    },
    Feature {
        name: "a PDF without: its pages as pictures",
        ask: |body| pdf(body, false),
        needles: &["\"media_type\":\"application/pdf\""],
    },
    Feature {
        name: "`search_result` blocks",
        ask: |body| {
            body["messages"][0]["content"] = json!([{"type": "search_result", "source": "s", "title": "t",
                "content": [{"type": "text", "text": "found"}]}, {"type": "text", "text": "go"}]);
        },
        needles: &["\"search_result\"", "\"searchResult\""],
    },
    Feature {
        name: "server tools: `web_search_*` beside others",
        ask: |body| {
            body["tools"] = json!([tool("look", json!({})), {"type": "web_search_20250305", "name": "web_search"}]);
        },
        needles: &["web_search"],
    },
    Feature {
        name: "`mcp_servers`, `container`, `fallbacks`",
        ask: |body| {
            body["mcp_servers"] =
                json!([{"type": "url", "url": "https://example.com", "name": "x"}]);
            body["container"] = json!("c");
            body["fallbacks"] = json!([{"model": "claude-opus-4-8"}]);
        },
        needles: &["mcp_servers", "container", "fallbacks"],
    },
    Feature {
        name: "a field of the request that nobody knows yet",
        ask: |body| body["of_tomorrow"] = json!(true),
        needles: &["of_tomorrow"],
    },
];

fn tool(name: &str, more: Value) -> Value {
    let mut tool = json!({"name": name, "description": name, "input_schema": {"type": "object"}});
    let fields = tool.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    tool
}

/// Has the conversation end in the result of a call.
fn result(body: &mut Value, content: Value) {
    let id = "toolu_01A09q90qw90lq917835lq9";
    body["messages"] = json!([{"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "search", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": content}]}]);
}

fn mark(body: &mut Value, control: Value) {
    let mut text = json!({"type": "text", "text": "a long text ".repeat(3000)});
    if !control.is_null() {
        text["cache_control"] = control;
    }
    body["messages"][0]["content"] = json!([text]);
}

fn pdf(body: &mut Value, citations: bool) {
    let mut document = json!({"type": "document", "title": "a",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}});
    if citations {
        document["citations"] = json!({"enabled": true});
    }
    body["messages"][0]["content"] = json!([document, {"type": "text", "text": "go"}]);
}

/// What becomes of a feature.
async fn cell(feature: &Feature, model: &str, dialect: &str) -> String {
    let yaml = format!(
        "model_list:\n- {{model_name: primary, litellm_params: {{model: \"bedrock/{model}\", dialect: {dialect}}}}}\n\
         litellm_settings: {{num_retries: 0, prompt_caching: false}}\n"
    );
    let app = TestApp::builder().config(&yaml).start().await;
    let mut body = ask("hi");
    body["max_tokens"] = json!(4000);
    (feature.ask)(&mut body);
    let reply = app
        .as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap();
    let named = dropped(&reply);
    reply.text().await.unwrap();
    let asked = app.bedrock.requests();
    let Some(last) = asked.last().filter(|last| last.status == 200) else {
        return "400".to_owned();
    };
    let sent = last.body.to_string();
    let is_healed = asked.len() > 1;
    let is_there = feature.needles.iter().any(|needle| sent.contains(needle));
    match (is_there, named.is_some()) {
        (true, _) if is_healed => "yes, asked twice",
        (true, _) => "yes",
        (false, true) => "named",
        (false, false) if is_healed => "nearest, asked twice",
        (false, false) => "nearest",
    }
    .to_owned()
}

async fn table() -> String {
    let mut columns = Vec::new();
    for (at, (name, model)) in MODELS.into_iter().enumerate() {
        for dialect in DIALECTS.into_iter().skip(usize::from(at >= CLAUDES)) {
            columns.push((name, model, dialect));
        }
    }
    let mut text = String::from("| |");
    for (name, _, dialect) in &columns {
        write!(text, " {name}, {dialect} |").unwrap();
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(columns.len()));
    text.push('\n');
    for feature in FEATURES {
        write!(text, "| {} |", feature.name).unwrap();
        for (_, model, dialect) in &columns {
            write!(text, " {} |", cell(feature, model, dialect).await).unwrap();
        }
        text.push('\n');
    }
    text
}

const BEGIN: &str = "<!-- made by tests/anthropic/matrix.rs -->\n";
const END: &str = "<!-- end -->\n";

#[tokio::test]
async fn the_table_of_claude_s_features_says_what_becomes_of_each() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/CLAUDE_FEATURES.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table().await;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "UPDATE_DOCS=1 writes the table anew");
}
