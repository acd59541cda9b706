//! Items of `input`.

use serde::Deserialize;
use serde_json::json;

use crate::conversation::{Part, Role, ThinkingBlock, ToolCall, ToolResult, Turn};
use crate::openai::content::WirePart;
use crate::wire::{ApiError, Arguments, Content, LeftOut, Seal};

use super::sealed;
use super::tools::{FREE_FORM, joined};

/// What the ids of reasoning items begin with.
pub(super) const REASONING: &str = "rs_";

/// An item of whatever type.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an item (an object)")]
pub(super) struct WireItem {
    r#type: Option<String>,
    id: Option<String>,
    role: Option<String>,
    #[serde(default)]
    pub(super) content: Content<WirePart>,
    call_id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    arguments: Option<String>,
    input: Option<String>,
    #[serde(default)]
    pub(super) output: Content<WirePart>,
    encrypted_content: Option<String>,
    /// What `encrypted_content` holds, once it was opened.
    #[serde(skip)]
    thinking: Vec<ThinkingBlock>,
}

impl WireItem {
    pub(super) fn is_sealed(&self) -> bool {
        self.encrypted_content.is_some()
    }

    /// Opens the thinking that this gateway has sealed for this owner. Any other is dropped, as that of a model of
    /// another family is: the turn runs without.
    pub(super) fn unseal(&mut self, seal: &Seal) {
        let Some(sealed) = self.encrypted_content.take() else {
            return;
        };
        match sealed::open(&sealed, seal) {
            Some(blocks) => self.thinking = blocks,
            None => tracing::debug!("a reasoning item without the gateway's seal was left out"),
        }
    }

    /// The turn that this item is; `None` for items that mean nothing to a model here. `path` names it in errors.
    pub(super) fn into_turn(
        self,
        path: &str,
        arguments: &mut Arguments,
        left_out: &mut LeftOut,
    ) -> Result<Option<Turn>, ApiError> {
        let turn = |role: Role, parts: Vec<Part>| Ok(Some(Turn { role, parts }));
        match self.r#type.as_deref().unwrap_or("message") {
            "message" => {
                let role = match self.role.as_deref() {
                    Some("user") => Role::User,
                    Some("assistant") => Role::Assistant,
                    Some("system" | "developer") => Role::System,
                    other => {
                        let param = format!("{path}.role");
                        let message = format!(
                            "'{param}' is '{}'; it must be 'user', 'assistant', 'system' or 'developer'.",
                            other.unwrap_or("missing")
                        );
                        return Err(ApiError::bad_request(message, param));
                    }
                };
                turn(
                    role,
                    self.content
                        .into_parts(&format!("{path}.content"), left_out)?,
                )
            }
            kind @ ("function_call" | "custom_tool_call") => {
                let inputs = if kind == "custom_tool_call" {
                    vec![json!({FREE_FORM: self.input.unwrap_or_default()})]
                } else {
                    let path = format!("{path}.arguments");
                    arguments.read(self.arguments.unwrap_or_default().into(), &path)?
                };
                let name = required(self.name, path, "name")?;
                let name = joined(self.namespace.as_deref(), &name);
                let id = required(self.call_id, path, "call_id")?;
                let calls = inputs.into_iter().map(|input| {
                    Part::ToolCall(ToolCall {
                        id: id.clone(),
                        name: name.clone(),
                        input,
                    })
                });
                turn(Role::Assistant, calls.collect())
            }
            "function_call_output" | "custom_tool_call_output" => {
                let result = ToolResult {
                    id: required(self.call_id, path, "call_id")?,
                    content: self
                        .output
                        .into_parts(&format!("{path}.output"), left_out)?,
                    is_error: false,
                };
                turn(Role::User, vec![Part::ToolResult(result)])
            }
            "reasoning" => {
                let blocks = self.thinking.into_iter();
                let parts: Vec<Part> = blocks.map(Part::Thinking).collect();
                if parts.is_empty() {
                    return Ok(None);
                }
                turn(Role::Assistant, parts)
            }
            // Thinking that led to a tool call is kept beside it and put back with it (see `thinking/`).
            "item_reference" if self.id.is_some_and(|id| id.starts_with(REASONING)) => Ok(None),
            "item_reference" => {
                let param = format!("{path}.type");
                let message = format!(
                    "'{param}' is 'item_reference', and this gateway stores no items: send the item itself."
                );
                Err(ApiError::bad_request(message, param))
            }
            kind => {
                tracing::debug!(kind, "an item of a hosted tool was left out");
                Ok(None)
            }
        }
    }
}

fn required(value: Option<String>, path: &str, field: &str) -> Result<String, ApiError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| {
        let param = format!("{path}.{field}");
        ApiError::bad_request(format!("Missing required parameter: '{param}'."), param)
    })
}
