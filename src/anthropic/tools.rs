//! `tools` and `tool_choice`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::conversation::{Tool, ToolChoice};
use crate::wire::{ApiError, CacheControl, LeftOut, Loose};

/// A tool: the client's own, or one that Anthropic's service defines or runs.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool (an object)")]
pub(super) struct WireTool {
    r#type: Option<String>,
    // A tool of a kind that nobody here knows may have these in any form.
    #[serde(default)]
    name: Loose<String>,
    #[serde(default)]
    description: Loose<String>,
    input_schema: Option<Value>,
    #[serde(default)]
    strict: Loose<bool>,
    /// Whether the arguments are to come while they are written, unchecked.
    #[serde(default)]
    eager_input_streaming: Loose<bool>,
    #[serde(default)]
    cache_control: Loose<CacheControl>,
    // What the definitions take that Claude has learned.
    display_width_px: Option<Value>,
    display_height_px: Option<Value>,
    display_number: Option<Value>,
    enable_zoom: Option<Value>,
    max_characters: Option<Value>,
}

/// `tool_choice`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"auto\"}")]
pub(super) struct WireChoice {
    r#type: String,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

/// What the model may call, and how.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) tools: Vec<Tool>,
    /// Tools by a definition that Claude has learned, as its own field takes them.
    pub(super) defined: Vec<Value>,
    pub(super) choice: ToolChoice,
    pub(super) parallel: Option<bool>,
    /// Every tool wants its arguments in one checked piece (`eager_input_streaming: false`). Bedrock is asked for all of
    /// them alike, so one tool that does not say so is enough for pieces.
    pub(super) whole_input: bool,
}

/// Tools that the client runs by a definition that Claude has learned: those that Bedrock's Claude takes among its own
/// fields (<https://docs.aws.amazon.com/bedrock/latest/userguide/computer-use.html>).
const DEFINED: [&str; 3] = ["bash_", "text_editor_", "computer_"];

/// Tools that Anthropic's own service runs: without the only one, an answer is not what was asked for.
const SERVED: [&str; 5] = [
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "tool_search_",
    "mcp_toolset",
];

/// Another one, for which Converse is not known to have a place.
const MEMORY: &str = "memory_";

/// Converse wants a tool of its own wherever a call is replayed; this one stands there where the client has none.
const STAND_IN: &str = "not_in_use";

/// The tools in the domain's terms, in the client's order, without those that only Anthropic's service runs.
pub(super) fn offer(
    tools: Vec<WireTool>,
    choice: Option<WireChoice>,
    left_out: &mut LeftOut,
) -> Result<Offer, ApiError> {
    let mut offered = Vec::with_capacity(tools.len());
    let is_whole = |tool: &WireTool| tool.eager_input_streaming.as_given() == Some(&false);
    let mut offer = Offer {
        whole_input: tools.iter().all(is_whole),
        ..Offer::default()
    };
    let mut elsewhere: Vec<(String, usize, WireTool)> = Vec::new();
    for (at, tool) in tools.into_iter().enumerate() {
        match tool.r#type.as_deref() {
            None | Some("custom") => offered.push(tool.into_tool(&format!("tools[{at}]"))?),
            Some(kind) if DEFINED.iter().any(|known| kind.starts_with(known)) => {
                offer
                    .defined
                    .push(tool.into_definition(&format!("tools[{at}]"))?);
            }
            Some(kind) => elsewhere.push((kind.to_owned(), at, tool)),
        }
    }
    offer.tools = offered;
    if let Some(choice) = choice {
        offer.parallel = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        offer.choice = choice.into_choice()?;
    }
    let is_alone = offer.tools.is_empty() && offer.defined.is_empty();
    for (kind, at, tool) in elsewhere {
        let name = tool.name.as_given();
        let chosen = matches!(&offer.choice, ToolChoice::Named(named) if Some(named) == name);
        let memory = kind.starts_with(MEMORY);
        let is_served = SERVED.iter().any(|known| kind.starts_with(known));
        let needed = chosen || is_alone && (is_served || offer.choice == ToolChoice::Required);
        if memory || needed {
            let param = format!("tools[{at}].type");
            let what = if memory {
                "Bedrock's Converse API has no place for it; give it as a tool with a name, a description and an \
                 'input_schema'"
            } else {
                "it runs at Anthropic's own service, not on Bedrock"
            };
            let message = format!("'{param}' is '{kind}': {what}.");
            return Err(ApiError::bad_request(message, param));
        }
        left_out.add(&kind);
    }
    offer.refuse_to_force_definitions()?;
    if offer.choice == ToolChoice::None {
        // Claude's own field has no such choice.
        offer.defined.clear();
    }
    if !offer.defined.is_empty() && offer.tools.is_empty() {
        offer.tools.push(stand_in());
    }
    if let ToolChoice::Named(name) = &offer.choice
        && !offer.tools.iter().any(|tool| tool.name == *name)
    {
        let message = format!("'tool_choice' names '{name}', which is not among 'tools'.");
        return Err(ApiError::bad_request(message, "tool_choice.name"));
    }
    Ok(offer)
}

impl Offer {
    /// Converse's own choice knows Converse's own tools alone.
    fn refuse_to_force_definitions(&self) -> Result<(), ApiError> {
        let forced = match &self.choice {
            ToolChoice::Named(name) => self.defines(name),
            ToolChoice::Required => self.tools.is_empty() && !self.defined.is_empty(),
            ToolChoice::Auto | ToolChoice::None => false,
        };
        if !forced {
            return Ok(());
        }
        let message = "'tool_choice' must be 'auto' or 'none' for a tool that Anthropic defines: Bedrock's Converse API \
             cannot force its call.";
        Err(ApiError::bad_request(message, "tool_choice"))
    }

    fn defines(&self, name: &str) -> bool {
        let mut names = self.defined.iter().map(|tool| tool.get("name"));
        names.any(|defined| defined.is_some_and(|defined| defined == name))
    }

    /// The betas that the definitions came with, by their dates.
    pub(super) fn betas(&self) -> Vec<&'static str> {
        const OF_DATES: [(&str, &str); 3] = [
            ("_20241022", "computer-use-2024-10-22"),
            ("_20250124", "computer-use-2025-01-24"),
            ("_20251124", "computer-use-2025-11-24"),
        ];
        let kinds = self
            .defined
            .iter()
            .filter_map(|tool| tool.get("type")?.as_str());
        let kinds: Vec<&str> = kinds.collect();
        let needed = |date: &str| kinds.iter().any(|kind| kind.ends_with(date));
        let needed = OF_DATES.into_iter().filter(|(date, _)| needed(date));
        needed.map(|(_, beta)| beta).collect()
    }
}

fn stand_in() -> Tool {
    Tool {
        name: STAND_IN.to_owned(),
        description: "Does nothing. Never call it.".to_owned(),
        schema: Arc::new(json!({"type": "object", "properties": {}})),
        strict: false,
        cache: None,
    }
}

impl WireTool {
    /// The definition in Claude's own form. Its mark for the cache is left out: the planner's stand after all tools.
    fn into_definition(self, path: &str) -> Result<Value, ApiError> {
        let name = named(self.name, path)?;
        let mut fields = Map::new();
        fields.insert("type".to_owned(), self.r#type.into());
        fields.insert("name".to_owned(), name.into());
        let further = [
            ("display_width_px", self.display_width_px),
            ("display_height_px", self.display_height_px),
            ("display_number", self.display_number),
            ("enable_zoom", self.enable_zoom),
            ("max_characters", self.max_characters),
        ];
        for (name, value) in further {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(Value::Object(fields))
    }

    fn into_tool(self, path: &str) -> Result<Tool, ApiError> {
        let name = named(self.name, path)?;
        let schema = self.input_schema.filter(|schema| !schema.is_null());
        let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        Ok(Tool {
            name,
            description: self
                .description
                .optional(path, "description")?
                .unwrap_or_default(),
            schema: Arc::new(schema),
            strict: self.strict.optional(path, "strict")?.unwrap_or(false),
            cache: self
                .cache_control
                .optional(path, "cache_control")?
                .map(|control| control.ttl()),
        })
    }
}

/// The name of the tool at `path`, which it must have.
fn named(name: Loose<String>, path: &str) -> Result<String, ApiError> {
    let name = name.required(path, "name")?;
    if name.is_empty() {
        return Loose::Missing.required(path, "name");
    }
    Ok(name)
}

impl WireChoice {
    fn into_choice(self) -> Result<ToolChoice, ApiError> {
        match (self.r#type.as_str(), self.name) {
            ("auto", _) => Ok(ToolChoice::Auto),
            ("none", _) => Ok(ToolChoice::None),
            ("any", _) => Ok(ToolChoice::Required),
            ("tool", Some(name)) => Ok(ToolChoice::Named(name)),
            ("tool", None) => Err(ApiError::bad_request(
                "Missing required parameter: 'tool_choice.name'.",
                "tool_choice.name",
            )),
            (other, _) => {
                let message = format!(
                    "'tool_choice.type' is '{other}'; it must be 'auto', 'any', 'tool' or 'none'."
                );
                Err(ApiError::bad_request(message, "tool_choice.type"))
            }
        }
    }
}
