//! `tools` and `tool_choice`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::conversation::{Tool, ToolChoice};
use crate::wire::{ApiError, DroppedFields, Loose, SettingsObject};

mod memory;
mod tool;

use memory::MEMORY;
use tool::AnthropicTool;

pub(super) use tool::WrittenTool;

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
    pub(super) choice: ToolChoice,
    /// Fields of the choice that only Claude's own format has.
    pub(super) choice_fields: Map<String, Value>,
    pub(super) parallel: Option<bool>,
    /// Every tool wants its arguments in one checked piece (`eager_input_streaming: false`). Bedrock is asked for all
    /// of them alike, so one tool that does not say so is enough for pieces.
    pub(super) buffered_input: bool,
    /// Of a request that is pointless without a tool that cannot be offered. Where that is to be ignored, the rest of
    /// the offer holds.
    pub(super) refusal: Option<ApiError>,
    /// The tool that the request needs, where the gateway has an answer for it.
    pub(super) served: Option<ServedTool>,
}

/// A tool that the gateway answers for, as it came.
#[derive(Debug)]
pub(super) struct ServedTool {
    pub(super) kind: String,
    /// `tool_choice` names it.
    pub(super) is_chosen: bool,
    /// Its fields beside those of every tool.
    pub(super) fields: Map<String, Value>,
}

const SEARCH: &str = "web_search_";
const FETCH: &str = "web_fetch_";

/// Tools that Anthropic's own service runs and no Bedrock: without the only one, an answer is not what was asked for.
const SERVED: [&str; 4] = [SEARCH, FETCH, "code_execution_", "mcp_toolset"];

/// Another one, without which an answer is still one.
const ADVISOR: &str = "advisor_";

/// The tools in the domain's terms, in the client's order, without those that only Anthropic's service runs.
pub(super) fn offer(
    tools: Vec<WrittenTool>,
    choice: Option<SettingsObject<WireChoice>>,
    dropped: &mut DroppedFields,
) -> Result<MessagesOffer, ApiError> {
    let mut offer = MessagesOffer {
        buffered_input: tools.iter().all(|tool| tool.as_known().is_buffered()),
        ..MessagesOffer::default()
    };
    let mut elsewhere: Vec<(String, usize, AnthropicTool, Map<String, Value>)> = Vec::new();
    for (at, tool) in tools.into_iter().enumerate() {
        let (tool, fields) = tool.whole();
        let tool = tool.unwrapped();
        let path = format!("tools[{at}]");
        let kind = match &tool.r#type {
            Loose::Missing => None,
            Loose::Given(kind) => Some(kind.clone()),
            Loose::Other(_) => Some(format!("{path}.type")),
        };
        let has_name = matches!(&tool.name, Loose::Given(name) if !name.is_empty());
        let offered = match kind {
            None => tool.into_tool(fields, &path)?,
            Some(kind) if matches!(kind.as_str(), "custom" | "function") => {
                tool.into_tool(fields, &path)?
            }
            Some(kind) if is_served(&kind) || kind.starts_with(ADVISOR) => {
                elsewhere.push((kind, at, tool, fields));
                continue;
            }
            Some(kind) if kind.starts_with(MEMORY) => Tool {
                description: memory::DESCRIPTION.to_owned(),
                schema: Arc::new(memory::schema()),
                ..tool.into_native(kind, fields, &path)?
            },
            Some(kind) if is_known(&kind) => tool.into_native(kind, fields, &path)?,
            Some(_) if tool.is_client_s() => tool.into_tool(fields, &path)?,
            Some(kind) if has_name => tool.into_native(kind, fields, &path)?,
            Some(kind) => {
                elsewhere.push((kind, at, tool, fields));
                continue;
            }
        };
        offer.tools.push(offered);
    }
    if let Some(choice) = choice {
        let (choice, fields) = choice.whole();
        offer.choice_fields = fields;
        offer.parallel = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        offer.choice = choice.into_choice()?;
    }
    let is_alone = offer.tools.is_empty();
    let choice = offer.choice.clone();
    for (kind, at, tool, fields) in elsewhere {
        let name = tool.name.as_given();
        let is_chosen = matches!(&choice, ToolChoice::Named(named) if Some(named) == name);
        let is_needed =
            is_chosen || is_alone && (is_served(&kind) || choice == ToolChoice::Required);
        if is_needed && choice != ToolChoice::None && offer.refusal.is_none() {
            offer.refusal = Some(refusal(&kind, at));
            offer.served = Some(ServedTool {
                kind: kind.clone(),
                is_chosen,
                fields,
            })
            .filter(|tool| tool.is_search() || tool.kind.starts_with(FETCH));
        }
        // Nothing is left to be forced.
        if is_chosen || is_alone && choice == ToolChoice::Required {
            offer.choice = ToolChoice::Auto;
        }
        dropped.add(&kind);
    }
    if let ToolChoice::Named(name) = &offer.choice
        && !offer.tools.iter().any(|tool| tool.name == *name)
    {
        let message = format!("'tool_choice' names '{name}', which is not among 'tools'.");
        return Err(ApiError::bad_request(message, "tool_choice.name"));
    }
    Ok(offer)
}

impl ServedTool {
    pub(super) fn is_search(&self) -> bool {
        self.kind.starts_with(SEARCH)
    }
}

/// Whether Claude, or the service behind it on Bedrock, knows tools of this type whatever else they say.
fn is_known(kind: &str) -> bool {
    const KNOWN: [&str; 4] = ["bash_", "text_editor_", "computer_", "tool_search_tool_"];
    KNOWN.iter().any(|known| kind.starts_with(known))
}

/// Whether Anthropic's own service runs tools of this type.
fn is_served(kind: &str) -> bool {
    SERVED.iter().any(|known| kind.starts_with(known))
}

/// Says why the tool at this place cannot be offered.
fn refusal(kind: &str, at: usize) -> ApiError {
    let param = format!("tools[{at}].type");
    let what = if is_served(kind) {
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
