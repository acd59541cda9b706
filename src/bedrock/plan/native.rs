//! What a request in Claude's own format has beyond Converse: kept where Claude is asked in it, and otherwise left out
//! and named, or said in another way.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::{Family, ThinkingSupport};
use crate::conversation::{NativeBlock, NativeRequest, Part, Request, Tool, Turn};

use super::service::{self, BETAS};
use super::thinking::{BINDING, BINDING_BETA};

const CONTEXT_MANAGEMENT: &str = "context_management";
const COMPACTION: &str = "compaction";
const OUTPUT_CONFIG: &str = "output_config";

const CONTEXT_MANAGEMENT_BETA: &str = "context-management-2025-06-27";
const COMPACT_EDIT_BETA: &str = "compact-2026-01-12";
const COMPACTION_BETA: &str = "compact-2026-09-04";
const TOOL_SEARCH_BETA: &str = "tool-search-tool-2025-10-19";
const TOOL_EXAMPLES_BETA: &str = "tool-examples-2025-10-29";
const OUTPUT_CONFIG_BETA: &str = "mid-conversation-output-config-2026-07-01";
const SAFEGUARDS_BETA: &str = "dangerous-tool-use-2026-09-03";

/// Betas that InvokeModel takes of a client. One that is not here is refused on some model ("invalid beta flag"), or
/// changes nothing, or comes with the field that needs it.
const ALLOWED_BETAS: [&str; 15] = [
    TOOL_SEARCH_BETA,
    TOOL_EXAMPLES_BETA,
    COMPACT_EDIT_BETA,
    COMPACTION_BETA,
    CONTEXT_MANAGEMENT_BETA,
    BINDING_BETA,
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    OUTPUT_CONFIG_BETA,
    "mid-conversation-tool-changes-2026-07-01",
    "thinking-display-updates-2026-08-18",
];
/// The betas that are allowed for models that think within a budget alone.
const ALLOWED_OF_OLD: [&str; 3] = [
    "computer-use-2024-10-22",
    "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19",
];
/// Names that Anthropic's own service has for a beta of Bedrock's.
const RENAMED_BETAS: [(&str, &str); 1] = [("advanced-tool-use-2025-11-20", TOOL_SEARCH_BETA)];

/// Tools that Claude knows by their type among its own fields, beside Converse's tools
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/computer-use.html>).
const DEFINED: [&str; 3] = ["bash_", "text_editor_", "computer_"];
/// A tool that the client runs, and that any model can call by its description.
const MEMORY: &str = "memory_";

/// Converse wants a tool of its own wherever a call is replayed; this one stands there where the client has none.
const STAND_IN: &str = "not_in_use";

/// The tools of a request as a target has them.
pub(super) struct OfferedTools<'a> {
    pub(super) tools: Cow<'a, [Tool]>,
    /// Definitions for Claude's own field.
    pub(super) defined: Vec<Value>,
    /// The types of those that have no place.
    pub(super) dropped: Vec<String>,
}

impl<'a> OfferedTools<'a> {
    /// All tools, in the client's order.
    pub(super) fn all(tools: &'a [Tool]) -> Self {
        Self {
            tools: Cow::Borrowed(tools),
            defined: Vec::new(),
            dropped: Vec::new(),
        }
    }
}

/// Sorts the tools that say by a type what they are.
pub(super) fn sorted_tools(tools: &[Tool], family: Family) -> OfferedTools<'_> {
    let mut sorted = OfferedTools::all(tools);
    if tools.iter().all(|tool| tool.kind.is_none()) {
        return sorted;
    }
    let knows = matches!(family, Family::Claude | Family::Other);
    let mut ordinary = Vec::with_capacity(tools.len());
    for tool in tools {
        match tool.kind.as_deref() {
            None => ordinary.push(tool.clone()),
            Some(kind) if kind.starts_with(MEMORY) => ordinary.push(Tool {
                kind: None,
                native: None,
                ..tool.clone()
            }),
            Some(kind) if knows && DEFINED.iter().any(|known| kind.starts_with(known)) => {
                sorted.defined.push(definition(kind, tool));
            }
            Some(kind) => sorted.dropped.push(kind.to_owned()),
        }
    }
    if ordinary.is_empty() && !sorted.defined.is_empty() {
        ordinary.push(Tool {
            name: STAND_IN.to_owned(),
            description: "Does nothing. Never call it.".to_owned(),
            schema: Arc::new(json!({"type": "object", "properties": {}})),
            strict: false,
            cache: None,
            kind: None,
            native: None,
        });
    }
    sorted.tools = Cow::Owned(ordinary);
    sorted
}

/// Whether nothing but the stand-in is there to be called.
pub(super) fn are_stand_ins(tools: &[Tool]) -> bool {
    tools.iter().all(|tool| tool.name == STAND_IN)
}

fn definition(kind: &str, tool: &Tool) -> Value {
    let mut fields = Map::new();
    fields.insert("type".into(), kind.into());
    fields.insert("name".into(), tool.name.clone().into());
    let further = tool.native.iter().flat_map(|fields| fields.iter());
    fields.extend(further.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(fields)
}

/// Puts definitions beside those that the client or the configuration gives among the fields for the model.
pub(super) fn add_definitions(defined: Vec<Value>, fields: &mut Map<String, Value>) {
    if defined.is_empty() {
        return;
    }
    let tools = fields.entry("tools").or_insert_with(|| json!([]));
    if let Some(tools) = tools.as_array_mut() {
        tools.extend(defined);
    }
}

/// The betas that the definitions of tools came with, by their dates.
fn betas_of_dates(tools: &[Tool]) -> impl Iterator<Item = &'static str> {
    const OF_DATES: [(&str, &str); 3] = [
        ("_20241022", "computer-use-2024-10-22"),
        ("_20250124", "computer-use-2025-01-24"),
        ("_20251124", "computer-use-2025-11-24"),
    ];
    let kinds = tools.iter().filter_map(|tool| tool.kind.as_deref());
    let kinds = kinds.filter(|kind| DEFINED.iter().any(|known| kind.starts_with(known)));
    let dates = kinds.flat_map(|kind| OF_DATES.iter().filter(|(date, _)| kind.ends_with(date)));
    dates.map(|(_, beta)| *beta)
}

/// Asks for the betas with which Converse takes the definitions of these tools.
pub(super) fn ask_for_definitions(tools: &[Tool], fields: &mut Map<String, Value>) {
    for beta in betas_of_dates(tools) {
        service::ask_for_beta(beta, fields);
    }
}

/// What of a request is lost in another format than Claude's own, by the names that its client knows.
pub(super) fn lost_elsewhere(request: &Request) -> Vec<String> {
    let native = request.native.as_deref();
    let fields = native.map(|native| native.lost_elsewhere.clone());
    let mut lost = fields.unwrap_or_default();
    let of_system = request.system.iter().filter_map(|part| match part {
        Part::Native(block) => Some(&**block),
        _ => None,
    });
    for block in of_system.chain(blocks(&request.turns)) {
        for name in &block.lost_elsewhere {
            if !lost.contains(name) {
                lost.push(name.clone());
            }
        }
    }
    lost
}

/// The blocks of Claude's own format in these turns, in results too.
pub(super) fn blocks(turns: &[Turn]) -> impl Iterator<Item = &NativeBlock> {
    turns.iter().flat_map(|turn| &turn.parts).flat_map(|part| {
        let inside = match part {
            Part::ToolResult(result) => result.content.as_slice(),
            part => std::slice::from_ref(part),
        };
        inside.iter().filter_map(|part| match part {
            Part::Native(block) => Some(&**block),
            _ => None,
        })
    })
}

/// What a client says of how it wants to see the thinking. Models that think within a budget alone refuse it.
const DISPLAY: &str = "display";

/// The names of what a model that thinks so is not told.
pub(super) fn untold(native: &NativeRequest, thinking: ThinkingSupport) -> Vec<String> {
    let mut names = Vec::new();
    let written = native.fields.get("thinking");
    if thinking == ThinkingSupport::Budget && written.is_some_and(|it| it.get(DISPLAY).is_some()) {
        names.push("thinking.display".to_owned());
    }
    let config = native.fields.get(CONTEXT_MANAGEMENT);
    let edits = config.and_then(|config| config.get("edits")?.as_array());
    let kinds = edits.into_iter().flatten().filter_map(edit_kind);
    let unknown = kinds.filter(|kind| is_unknown_edit(kind, thinking));
    names.extend(unknown.map(str::to_owned));
    names
}

/// The fields of a body in Claude's own format: those that were planned, with what the client says beyond them.
/// `thinks`: the model will think.
pub(super) fn merge(
    native: &NativeRequest,
    thinking: ThinkingSupport,
    thinks: bool,
    fields: &mut Map<String, Value>,
) {
    for (name, written) in &native.fields {
        match (name.as_str(), written) {
            ("thinking", Value::Object(written)) => {
                if let Some(Value::Object(planned)) = fields.get_mut(name)
                    && planned.get("type") == written.get("type")
                {
                    // The client says how it wants to see the thinking, or that it does not mind.
                    planned.shift_remove(DISPLAY);
                    add_missing(written, planned);
                    if thinking == ThinkingSupport::Budget {
                        planned.shift_remove(DISPLAY);
                    }
                }
            }
            (OUTPUT_CONFIG | "tool_choice", Value::Object(written)) => {
                let planned = fields.entry(name).or_insert_with(|| json!({}));
                if let Some(planned) = planned.as_object_mut() {
                    add_missing(written, planned);
                }
            }
            (CONTEXT_MANAGEMENT, written) => {
                let takes = |kind: &str| {
                    let is_thinking = kind.starts_with("clear_thinking_");
                    (thinks || !is_thinking) && !is_unknown_edit(kind, thinking)
                };
                if let Some(edits) = context_management(written, takes) {
                    fields.insert(name.clone(), edits);
                } else {
                    fields.shift_remove(name);
                }
            }
            _ => {
                fields.insert(name.clone(), written.clone());
            }
        }
    }
}

fn add_missing(written: &Map<String, Value>, planned: &mut Map<String, Value>) {
    for (name, value) in written {
        planned.entry(name).or_insert_with(|| value.clone());
    }
}

/// The edits that the model takes. Clearing thinking is refused where there is none, and an edit that nobody knows is
/// the model's to judge.
fn context_management(written: &Value, takes: impl Fn(&str) -> bool) -> Option<Value> {
    let mut config = written.clone();
    if let Some(Value::Array(edits)) = config.get_mut("edits") {
        let before = edits.len();
        edits.retain(|edit| edit_kind(edit).is_none_or(&takes));
        if edits.is_empty() && before > 0 {
            return None;
        }
    }
    Some(config)
}

fn edit_kind(edit: &Value) -> Option<&str> {
    edit.get("type").and_then(Value::as_str)
}

/// Models that think within a budget alone do not sum a conversation up
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-compaction.html>).
fn is_unknown_edit(kind: &str, thinking: ThinkingSupport) -> bool {
    kind.starts_with("compact_") && thinking == ThinkingSupport::Budget
}

/// The betas of a body in Claude's own format: the deployment's, those of the client's that InvokeModel takes, and
/// those that what stands in the body needs. `optional`: the target has not refused any.
pub(super) fn betas(
    request: &Request,
    turns: &[Turn],
    thinking: ThinkingSupport,
    configured: &Map<String, Value>,
    optional: bool,
    fields: &mut Map<String, Value>,
) {
    let planned = fields.shift_remove(BETAS);
    let planned = planned.as_ref().and_then(Value::as_array);
    let configured = configured.get(BETAS).and_then(Value::as_array);
    let is_allowed = |beta: &str| {
        ALLOWED_BETAS.contains(&beta)
            || thinking == ThinkingSupport::Budget && ALLOWED_OF_OLD.contains(&beta)
    };
    let mut betas: Vec<&str> = Vec::new();
    if optional {
        let native = request.native.as_deref();
        let named = native.into_iter().flat_map(allowed_betas);
        let named = named.filter(|beta| is_allowed(beta));
        let planned = planned.into_iter().flatten().filter_map(Value::as_str);
        let is_configured =
            |beta: &&str| configured.is_some_and(|list| list.iter().any(|own| own == *beta));
        let planned = planned.filter(|beta| is_configured(beta) || is_allowed(beta));
        betas.extend(planned.chain(named));
    }
    betas.extend(needed(request, turns, fields));
    let has_budget = fields
        .get("thinking")
        .is_some_and(|thinking| thinking["type"] == "enabled");
    let mut seen: Vec<Value> = Vec::new();
    for beta in betas {
        // Adaptive thinking does it by itself, and its models refuse the beta.
        let is_idle = beta.starts_with("interleaved-thinking-") && !has_budget;
        if !is_idle && !seen.iter().any(|known| known == beta) {
            seen.push(beta.into());
        }
    }
    if !seen.is_empty() {
        fields.insert(BETAS.to_owned(), Value::Array(seen));
    }
}

/// The betas that a client names and that InvokeModel takes of one, by Bedrock's names.
pub(super) fn allowed_betas(native: &NativeRequest) -> impl Iterator<Item = &str> {
    let named = native.betas.iter().map(|beta| renamed(beta));
    named.filter(|beta| ALLOWED_BETAS.contains(beta) || ALLOWED_OF_OLD.contains(beta))
}

fn renamed(beta: &str) -> &str {
    let mut names = RENAMED_BETAS.into_iter();
    names
        .find(|(of_client, _)| *of_client == beta)
        .map_or(beta, |(_, of_bedrock)| of_bedrock)
}

/// The betas without which something in the body is unknown to Bedrock.
fn needed(request: &Request, turns: &[Turn], fields: &Map<String, Value>) -> Vec<&'static str> {
    let mut needed: Vec<&'static str> = betas_of_dates(&request.tools).collect();
    let mut of_turns = turns.iter().filter_map(|turn| turn.native.as_deref());
    if of_turns.any(|fields| fields.contains_key(OUTPUT_CONFIG)) {
        needed.push(OUTPUT_CONFIG_BETA);
    }
    let edits = fields
        .get(CONTEXT_MANAGEMENT)
        .and_then(|config| config.get("edits")?.as_array());
    for edit in edits.into_iter().flatten() {
        let kind = edit.get("type").and_then(Value::as_str).unwrap_or_default();
        needed.push(if kind.starts_with("compact_") {
            COMPACT_EDIT_BETA
        } else {
            CONTEXT_MANAGEMENT_BETA
        });
    }
    if fields.contains_key(COMPACTION) {
        needed.push(COMPACTION_BETA);
    }
    if fields.contains_key("safeguards") {
        needed.push(SAFEGUARDS_BETA);
    }
    let thinking = fields.get("thinking");
    if thinking.is_some_and(|thinking| thinking.get(BINDING).is_some()) {
        needed.push(BINDING_BETA);
    }
    for tool in &request.tools {
        let kind = tool.kind.as_deref().unwrap_or_default();
        let has = |field: &str| {
            let native = tool.native.as_deref();
            native.is_some_and(|fields| fields.contains_key(field))
        };
        if kind.starts_with("tool_search_tool_") || tool.is_deferred() {
            needed.push(TOOL_SEARCH_BETA);
        }
        if kind.starts_with(MEMORY) {
            needed.push(CONTEXT_MANAGEMENT_BETA);
        }
        if has("input_examples") {
            needed.push(TOOL_EXAMPLES_BETA);
        }
    }
    for block in blocks(&request.turns) {
        match block.kind.as_str() {
            "tool_reference" | "server_tool_use" | "tool_search_tool_result" => {
                needed.push(TOOL_SEARCH_BETA);
            }
            // The second kind of compaction is signed.
            COMPACTION if block.fields.contains_key("signature") => needed.push(COMPACTION_BETA),
            COMPACTION => needed.push(COMPACT_EDIT_BETA),
            _ => {}
        }
    }
    needed
}
