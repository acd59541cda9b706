//! Tools: which types there are, what they may hold, and how they are chosen.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    super::{
        super::json::{at, list},
        MessagesCall,
        search::is_deferred,
    },
    MessagesRefusal, MessagesRule, extra, kind, only, refuse, required, unknown_tag,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "types of tools",
        source: "Anthropic for types that are unknown; a matrix of what InvokeModel takes for those that Bedrock lacks, web \
                 search in LiteLLM's words for older models",
        check: types,
    },
    MessagesRule {
        name: "tools of the client's own",
        source: "Anthropic",
        check: custom,
    },
    MessagesRule {
        name: "unique tool names",
        source: "Anthropic",
        check: unique_names,
    },
    MessagesRule {
        name: "deferred tools",
        source: "Anthropic's page on tool search; anthropics/claude-code#25212",
        check: deferred,
    },
    MessagesRule {
        name: "tool choice",
        source: "Anthropic; own words for models that are never forced",
        check: choice,
    },
];

/// A type of tool that Anthropic defines.
struct ToolType {
    kind: &'static str,
    /// The name that it must have; empty: any.
    name: &'static str,
    /// The beta that it needs.
    beta: Option<&'static str>,
}

const fn tool(kind: &'static str, name: &'static str, beta: Option<&'static str>) -> ToolType {
    ToolType { kind, name, beta }
}

const EDITOR: &str = "str_replace_based_edit_tool";

/// What the client runs.
const CLIENT_S: &[ToolType] = &[
    tool("bash_20250124", "bash", None),
    tool(
        "computer_20250124",
        "computer",
        Some("computer-use-2025-01-24"),
    ),
    tool(
        "computer_20251124",
        "computer",
        Some("computer-use-2025-11-24"),
    ),
    tool("memory_20250818", "memory", None),
    tool("text_editor_20250124", "str_replace_editor", None),
    tool("text_editor_20250429", EDITOR, None),
    tool("text_editor_20250728", EDITOR, None),
];

/// What the service runs, and Bedrock has. The names of the types without a date are known too.
const SEARCHES: &[ToolType] = &[
    tool("tool_search_tool_bm25", "tool_search_tool_bm25", None),
    tool(
        "tool_search_tool_bm25_20251119",
        "tool_search_tool_bm25",
        None,
    ),
    tool("tool_search_tool_regex", "tool_search_tool_regex", None),
    tool(
        "tool_search_tool_regex_20251119",
        "tool_search_tool_regex",
        None,
    ),
];

/// What the types begin with that Anthropic's own API has and Bedrock lacks.
const ELSEWHERE: [&str; 7] = [
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "advisor_",
    "mcp_toolset",
    "computer_toolset_",
    "browser_toolset_",
];

/// Whether a tool is one of the client's own.
fn is_custom(tool: &Value) -> bool {
    matches!(at(tool, "/type"), Value::Null) || kind(tool) == "custom"
}

fn types(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let is_new = request.claude().is_new();
    // Older models are said to have the regular expressions alone.
    let searches = SEARCHES
        .iter()
        .filter(|tool| is_new || request.knows_tool_search() && tool.kind.contains("regex"));
    let known: Vec<&ToolType> = CLIENT_S.iter().chain(searches).collect();
    for (n, tool) in request.tools().iter().enumerate() {
        if is_custom(tool) {
            continue;
        }
        let kind = kind(tool);
        let Some(found) = known.iter().find(|known| known.kind == kind) else {
            let is_elsewhere = ELSEWHERE.iter().any(|start| kind.starts_with(start));
            if is_new && is_elsewhere {
                return refuse(format!(
                    "tool type '{kind}' is not supported for this model"
                ));
            }
            if kind.starts_with("web_search_") {
                return refuse("The provided request is not valid");
            }
            let mut expected: Vec<&str> = known.iter().map(|known| known.kind).collect();
            expected.insert(1, "custom");
            return unknown_tag(format!("tools.{n}"), kind, &expected);
        };
        let place = format!("tools.{n}.{kind}");
        if let Some(beta) = found.beta
            && !request.has_beta(beta)
        {
            let expected: Vec<&str> = known
                .iter()
                .filter(|known| known.beta.is_none())
                .map(|known| known.kind)
                .collect();
            return unknown_tag(format!("tools.{n}"), kind, &expected);
        }
        if at(tool, "/name") != found.name {
            return refuse(format!("{place}.name: Input should be '{}'", found.name));
        }
        let mut members = vec!["type", "name", "cache_control"];
        members.extend(request.members_by_beta());
        if kind.starts_with("text_editor_") {
            members.push("max_characters");
        }
        if kind.starts_with("computer_") {
            let screen = ["display_width_px", "display_height_px", "display_number"];
            members.extend(screen);
            members.push("enable_zoom");
        }
        only(tool, &members, &place)?;
    }
    Ok(())
}

impl MessagesCall<'_> {
    /// Members of tools that a model knows by a beta or by its generation.
    fn members_by_beta(&self) -> Vec<&'static str> {
        let claude = self.claude();
        let mut members = Vec::new();
        if self.knows_tool_search() {
            members.push("defer_loading");
        }
        if claude.is_new() || self.has_beta("tool-examples-2025-10-29") {
            members.push("input_examples");
        }
        let streams_eagerly = self.has_beta("fine-grained-tool-streaming-2025-05-14");
        if claude.is_new() || claude.since_4_6() && streams_eagerly {
            members.push("eager_input_streaming");
        }
        if !claude.is_new() && claude.since_4_5() {
            members.push("strict");
        }
        members
    }
}

fn custom(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let mut members = vec![
        "type",
        "name",
        "description",
        "input_schema",
        "cache_control",
    ];
    members.extend(request.members_by_beta());
    for (n, tool) in request.tools().iter().enumerate() {
        if !is_custom(tool) {
            continue;
        }
        let place = format!("tools.{n}.custom");
        for name in ["name", "input_schema"] {
            if tool.get(name).is_none() {
                return required(format!("{place}.{name}"));
            }
        }
        only(tool, &members, &place)?;
        let name = at(tool, "/name").as_str().unwrap_or_default();
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_legal) {
            return refuse(format!(
                "{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            ));
        }
        let schema = at(tool, "/input_schema");
        match schema.get("type") {
            Some(Value::String(kind)) if kind == "object" => {}
            None => return required(format!("{place}.input_schema.type")),
            Some(_) => {
                return refuse(format!(
                    "{place}.input_schema.type: Input should be 'object'"
                ));
            }
        }
        let alternatives = ["oneOf", "allOf", "anyOf"];
        if alternatives.iter().any(|key| schema.get(*key).is_some()) {
            return refuse(format!(
                "{place}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            ));
        }
    }
    Ok(())
}

fn unique_names(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let mut names = HashSet::new();
    let mut tools = request.tools().iter();
    match tools.all(|tool| names.insert(at(tool, "/name").as_str())) {
        true => Ok(()),
        false => refuse("tools: Tool names must be unique."),
    }
}

fn deferred(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let tools = request.tools();
    if !tools.is_empty() && tools.iter().all(is_deferred) {
        return refuse(
            "At least one tool must have defer_loading=false. All tools cannot be deferred.",
        );
    }
    for tool in tools.iter().filter(|tool| is_deferred(tool)) {
        if tool.get("cache_control").is_some() {
            let name = at(tool, "/name").as_str().unwrap_or_default();
            return refuse(format!(
                "Tool '{name}' cannot have both defer_loading=true and cache_control set. Tools with defer_loading cannot use prompt caching."
            ));
        }
    }
    for placed in request.blocks() {
        let inside = match placed.kind() {
            "tool_result" => list(at(placed.value, "/content")),
            "tool_search_tool_result" => list(at(placed.value, "/content/tool_references")),
            _ => continue,
        };
        for reference in inside.iter().filter(|part| kind(part) == "tool_reference") {
            let name = at(reference, "/tool_name");
            if !tools.iter().any(|tool| at(tool, "/name") == name) {
                let name = name.as_str().unwrap_or_default();
                return refuse(format!(
                    "Tool reference '{name}' not found in available tools"
                ));
            }
        }
    }
    Ok(())
}

fn choice(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let choice = at(request.body, "/tool_choice");
    let kind = match choice {
        Value::Null => return Ok(()),
        choice => kind(choice),
    };
    if !["auto", "any", "tool", "none"].contains(&kind) {
        return unknown_tag("tool_choice", kind, &["any", "auto", "none", "tool"]);
    }
    let has_switch = choice.get("disable_parallel_tool_use").is_some();
    if has_switch && !request.model.abilities.parallel_tool_use_config {
        return extra(format!("tool_choice.{kind}.disable_parallel_tool_use"));
    }
    let is_forced = matches!(kind, "any" | "tool");
    if is_forced && !request.model.abilities.forced_tool_choice {
        return refuse(format!(
            "tool_choice type '{kind}' is not supported for this model"
        ));
    }
    if is_forced && matches!(request.thinking(), Some("enabled" | "adaptive")) {
        return refuse("Thinking may not be enabled when tool_choice forces tool use.");
    }
    if request.tools().is_empty() && kind != "none" {
        return refuse("tool_choice: `tools` must be provided when `tool_choice` is set");
    }
    let name = at(choice, "/name");
    if kind == "tool" && !request.tools().iter().any(|tool| at(tool, "/name") == name) {
        let name = name.as_str().unwrap_or_default();
        return refuse(format!("Tool '{name}' not found in provided tools"));
    }
    Ok(())
}
