//! `tools` and `tool_choice`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::conversation::{Tool, ToolChoice};
use crate::wire::{ApiError, LeftOut, Loose, Settings};

mod tool;

pub(super) use tool::WireTool;

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
pub(super) struct MessagesOffer {
    pub(super) tools: Vec<Tool>,
    /// Tools by a definition that Claude has learned, as its own field takes them.
    pub(super) defined: Vec<Value>,
    pub(super) choice: ToolChoice,
    pub(super) parallel: Option<bool>,
    /// Every tool wants its arguments in one checked piece (`eager_input_streaming: false`). Bedrock is asked for all of
    /// them alike, so one tool that does not say so is enough for pieces.
    pub(super) whole_input: bool,
    /// Of a request that is pointless without a tool that cannot be offered. Where that is to be ignored, the rest of the
    /// offer holds.
    pub(super) refusal: Option<ApiError>,
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
    choice: Option<Settings<WireChoice>>,
    left_out: &mut LeftOut,
) -> Result<MessagesOffer, ApiError> {
    let mut offered = Vec::with_capacity(tools.len());
    let is_whole = |tool: &WireTool| tool.eager_input_streaming.as_given() == Some(&false);
    let mut offer = MessagesOffer {
        whole_input: tools.iter().all(is_whole),
        ..MessagesOffer::default()
    };
    let mut elsewhere: Vec<(String, usize, WireTool)> = Vec::new();
    for (at, tool) in tools.into_iter().enumerate() {
        let tool = tool.unwrapped();
        let path = format!("tools[{at}]");
        let kind = match &tool.r#type {
            Loose::Missing => None,
            Loose::Given(kind) => Some(kind.clone()),
            Loose::Other(_) => Some(format!("{path}.type")),
        };
        match kind.as_deref() {
            None | Some("custom" | "function") => offered.push(tool.into_tool(&path)?),
            Some(kind) if DEFINED.iter().any(|known| kind.starts_with(known)) => {
                offer.defined.push(tool.into_definition(&path)?);
            }
            Some(kind) if !is_anthropic_s(kind) && tool.is_client_s() => {
                offered.push(tool.into_tool(&path)?);
            }
            Some(kind) => elsewhere.push((kind.to_owned(), at, tool)),
        }
    }
    offer.tools = offered;
    if let Some(choice) = choice {
        let choice = choice.known("tool_choice", left_out);
        offer.parallel = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        offer.choice = choice.into_choice()?;
    }
    let is_alone = offer.tools.is_empty() && offer.defined.is_empty();
    let choice = offer.choice.clone();
    for (kind, at, tool) in elsewhere {
        let name = tool.name.as_given();
        let is_chosen = matches!(&choice, ToolChoice::Named(named) if Some(named) == name);
        let is_needed = is_chosen
            || kind.starts_with(MEMORY)
            || is_alone && (is_served(&kind) || choice == ToolChoice::Required);
        if is_needed && choice != ToolChoice::None && offer.refusal.is_none() {
            offer.refusal = Some(refusal(&kind, at));
        }
        // Nothing is left to be forced.
        if is_chosen || is_alone && choice == ToolChoice::Required {
            offer.choice = ToolChoice::Auto;
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

impl MessagesOffer {
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

/// Whether tools of this type mean something to Anthropic's service, whatever else they say.
fn is_anthropic_s(kind: &str) -> bool {
    kind.starts_with(MEMORY) || is_served(kind)
}

/// Whether Anthropic's own service runs tools of this type.
fn is_served(kind: &str) -> bool {
    SERVED.iter().any(|known| kind.starts_with(known))
}

/// Says why the tool at this place cannot be offered.
fn refusal(kind: &str, at: usize) -> ApiError {
    let param = format!("tools[{at}].type");
    let what = if kind.starts_with(MEMORY) {
        "Bedrock's Converse API has no place for it; give it as a tool with a name, a description and an 'input_schema'"
    } else if is_served(kind) {
        "it runs at Anthropic's own service, not on Bedrock"
    } else {
        "this gateway does not know it; a tool that the client runs has a name and an 'input_schema'"
    };
    let message = format!("'{param}' is '{kind}': {what}.");
    ApiError::bad_request(message, param)
}

impl WireChoice {
    fn into_choice(self) -> Result<ToolChoice, ApiError> {
        match (self.r#type.as_str(), self.name) {
            ("auto", _) => Ok(ToolChoice::Auto),
            ("none", _) => Ok(ToolChoice::None),
            ("any", _) => Ok(ToolChoice::Required),
            ("tool", Some(name)) => Ok(ToolChoice::Named(name)),
            ("tool", None) => Err(ApiError::missing("tool_choice.name")),
            (other, _) => {
                let message = format!(
                    "'tool_choice.type' is '{other}'; it must be 'auto', 'any', 'tool' or 'none'."
                );
                Err(ApiError::bad_request(message, "tool_choice.type"))
            }
        }
    }
}
