//! `tools` and `tool_choice`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::conversation::{Tool, ToolChoice};
use crate::wire::{ApiError, CacheControl};

/// A tool: the client's own, or one that Anthropic's service defines or runs.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool (an object)")]
pub(super) struct WireTool {
    r#type: Option<String>,
    #[serde(default)]
    name: String,
    description: Option<String>,
    input_schema: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
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
    pub(super) choice: ToolChoice,
    pub(super) parallel: Option<bool>,
}

/// Tools that the client runs by a definition that Claude learned.
const DEFINED: [&str; 4] = ["bash_", "text_editor_", "computer_", "memory_"];

/// The tools in the domain's terms, in the client's order, without those that only Anthropic's service runs.
pub(super) fn offer(tools: Vec<WireTool>, choice: Option<WireChoice>) -> Result<Offer, ApiError> {
    let mut offered = Vec::with_capacity(tools.len());
    let mut left_out: Vec<(usize, WireTool)> = Vec::new();
    for (at, tool) in tools.into_iter().enumerate() {
        match tool.r#type.as_deref() {
            None | Some("custom") => offered.push(tool.into_tool(&format!("tools[{at}]"))?),
            Some(_) => left_out.push((at, tool)),
        }
    }
    let mut offer = Offer {
        tools: offered,
        ..Offer::default()
    };
    if let Some(choice) = choice {
        offer.parallel = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        offer.choice = choice.into_choice()?;
    }
    for (at, tool) in left_out {
        let kind = tool.r#type.unwrap_or_default();
        let chosen = matches!(&offer.choice, ToolChoice::Named(name) if *name == tool.name);
        let defined = DEFINED.iter().any(|known| kind.starts_with(known));
        if defined || chosen || offer.tools.is_empty() {
            let param = format!("tools[{at}].type");
            let what = if defined {
                "Bedrock's Converse API has no place for it; give it as a tool with a name, a description and an \
                 'input_schema'"
            } else {
                "it runs at Anthropic's own service, not on Bedrock"
            };
            let message = format!("'{param}' is '{kind}': {what}.");
            return Err(ApiError::bad_request(message, param));
        }
        tracing::debug!(kind, "a tool that Bedrock cannot run was left out");
    }
    if let ToolChoice::Named(name) = &offer.choice
        && !offer.tools.iter().any(|tool| tool.name == *name)
    {
        let message = format!("'tool_choice' names '{name}', which is not among 'tools'.");
        return Err(ApiError::bad_request(message, "tool_choice.name"));
    }
    Ok(offer)
}

impl WireTool {
    fn into_tool(self, path: &str) -> Result<Tool, ApiError> {
        if self.name.is_empty() {
            let param = format!("{path}.name");
            let message = format!("Missing required parameter: '{param}'.");
            return Err(ApiError::bad_request(message, param));
        }
        let schema = self.input_schema.filter(|schema| !schema.is_null());
        let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        Ok(Tool {
            name: self.name,
            description: self.description.unwrap_or_default(),
            schema: Arc::new(schema),
            strict: self.strict.unwrap_or(false),
            cache: self.cache_control.as_ref().map(CacheControl::ttl),
        })
    }
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
