//! Items of `input`.

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;

use crate::conversation::{Part, Role, ThinkingBlock, ToolCall, ToolResult, Turn};
use crate::wire::limits::{MOST_PARTS, MOST_TOOLS};
use crate::wire::loose::{Form, object};
use crate::wire::openai::{WirePart, WireToolCall, all_calls};
use crate::wire::tool::WireTool;
use crate::wire::tools::{ToolOffer, joined};
use crate::wire::{
    ApiError, Arguments, Content, LeftOut, List, Loose, LooseContent, Seal, free_form,
};

use super::sealed;

/// What the ids of reasoning items begin with.
pub(super) const REASONING: &str = "rs_";

/// How what is no tool among an item's is named.
const MORE_TOOLS: &str = "additional_tools.tools";

/// What hosted tools note of their work, and what only steers their service: no model here would miss it.
const BOOKKEEPING: [&str; 10] = [
    "code_interpreter_call",
    "compaction_trigger",
    "configuration_update",
    "file_search_call",
    "image_generation_call",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_list_tools",
    "tool_search_call",
    "web_search_call",
];

/// An item of whatever type. What an unknown type has under one of these names is read whatever it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an item (an object)")]
pub(super) struct WireItem {
    r#type: Loose<String>,
    id: Loose<String>,
    role: Loose<String>,
    content: Loose<LooseContent<WirePart>>,
    call_id: Loose<String>,
    name: Loose<String>,
    namespace: Loose<String>,
    arguments: Value,
    input: Value,
    output: Loose<LooseContent<WirePart>>,
    encrypted_content: Loose<String>,
    tools: Loose<List<Loose<WireTool>, MOST_TOOLS>>,
    /// Of a message as the chat wire writes it: some clients bring their old messages as `input`.
    tool_calls: Loose<List<Loose<WireToolCall>, MOST_PARTS>>,
    /// The same.
    tool_call_id: Loose<String>,
    /// What `encrypted_content` holds, once it was opened.
    #[serde(skip)]
    thinking: Vec<ThinkingBlock>,
}

impl Form for WireItem {
    const EXPECTED: &'static str = "an item (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// What an item is in a conversation.
#[derive(Debug)]
pub(super) enum Item {
    Turn(Turn),
    /// It is of an unknown kind, and this stands in its place.
    Note(Part),
    /// It says nothing to a model here.
    Nothing,
}

impl WireItem {
    fn kind(&self) -> &str {
        self.r#type.as_given().map_or("message", String::as_str)
    }

    /// The content of a message or of a call's output, with its field's name; other kinds' are not looked into.
    pub(super) fn contents(
        &mut self,
    ) -> impl Iterator<Item = (&'static str, &mut Content<WirePart>)> {
        let (field, content) = match self.kind() {
            "message" => ("content", &mut self.content),
            "function_call_output" | "custom_tool_call_output" => ("output", &mut self.output),
            _ => return None.into_iter(),
        };
        let content = content
            .as_given_mut()
            .and_then(LooseContent::as_content_mut);
        let content = content.map(|content| (field, content));
        content.into_iter()
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.kind() == "reasoning" && self.encrypted_content.as_given().is_some()
    }

    /// Opens the thinking that this gateway has sealed for this owner. Any other is dropped, as that of a model of
    /// another family is: the turn runs without.
    pub(super) fn unseal(&mut self, seal: &Seal) {
        if !self.is_sealed() {
            return;
        }
        let Some(sealed) = std::mem::take(&mut self.encrypted_content).given() else {
            return;
        };
        match sealed::open(&sealed, seal) {
            Some(blocks) => self.thinking = blocks,
            None => tracing::debug!("a reasoning item without the gateway's seal was left out"),
        }
    }

    /// What this item is. Tools that it brings join `offer`. `path` names it in errors.
    pub(super) fn read(
        mut self,
        path: &str,
        arguments: &mut Arguments,
        offer: &mut ToolOffer,
        left_out: &mut LeftOut,
    ) -> Result<Item, ApiError> {
        let kind = std::mem::take(&mut self.r#type).optional(path, "type")?;
        let kind = kind.unwrap_or_else(|| "message".to_owned());
        match kind.as_str() {
            "message" => self.into_message(path, arguments, left_out),
            "function_call" => {
                let written = std::mem::take(&mut self.arguments);
                let inputs = arguments.read(written, &format!("{path}.arguments"))?;
                self.into_calls(inputs, path)
            }
            "custom_tool_call" => {
                let text = free_form::written(std::mem::take(&mut self.input));
                let input = free_form::arguments(&text);
                self.into_calls(vec![input], path)
            }
            "function_call_output" | "custom_tool_call_output" => self.into_result(path, left_out),
            "reasoning" => {
                let blocks = self.thinking.into_iter();
                let parts: Vec<Part> = blocks.map(Part::Thinking).collect();
                if parts.is_empty() {
                    return Ok(Item::Nothing);
                }
                let role = Role::Assistant;
                Ok(Item::Turn(Turn { role, parts }))
            }
            "item_reference" => {
                // Thinking that led to a tool call is kept beside it and put back with it (see `thinking/`).
                if self.id.given().is_some_and(|id| id.starts_with(REASONING)) {
                    return Ok(Item::Nothing);
                }
                let param = format!("{path}.type");
                let message = format!(
                    "'{param}' is 'item_reference', and this gateway stores no items: send the item itself."
                );
                Err(ApiError::bad_request(message, param))
            }
            "additional_tools" => {
                let tools = self.tools.or_left_out(MORE_TOOLS, left_out);
                let tools = tools.unwrap_or_default().0;
                if tools.iter().any(|tool| tool.as_given().is_none()) {
                    left_out.add(MORE_TOOLS);
                }
                let tools = tools.into_iter();
                let tools = tools.filter(|tool| tool.as_given().is_some());
                offer.add(tools, &format!("{path}.tools"), left_out)?;
                Ok(Item::Nothing)
            }
            // What a search that the client ran has found may be called from then on.
            "tool_search_output" => {
                let tools = self.tools.given().unwrap_or_default();
                if tools.0.is_empty() {
                    left_out.add(&kind);
                }
                offer.add_readable(tools.0, &format!("{path}.tools"), left_out)?;
                Ok(Item::Nothing)
            }
            other if BOOKKEEPING.contains(&other) => {
                left_out.add(other);
                Ok(Item::Nothing)
            }
            other => Ok(Item::Note(left_out.note(other))),
        }
    }

    fn into_message(
        self,
        path: &str,
        arguments: &mut Arguments,
        left_out: &mut LeftOut,
    ) -> Result<Item, ApiError> {
        let written = self.role.optional(path, "role")?;
        let content = self
            .content
            .optional(path, "content")?
            .unwrap_or_default()
            .into_content();
        let content = content.into_parts(&format!("{path}.content"), left_out)?;
        let (role, parts) = match written.as_deref() {
            Some("user") => (Role::User, content),
            Some("assistant") => {
                let mut parts = content;
                parts.extend(all_calls(self.tool_calls, path, arguments, left_out)?);
                (Role::Assistant, parts)
            }
            Some("tool") => {
                let id = self.tool_call_id.filled(path, "tool_call_id")?;
                (Role::User, vec![result(id, content)])
            }
            Some("system" | "developer") => (Role::System, content),
            other => {
                let param = format!("{path}.role");
                let message = format!(
                    "'{param}' is '{}'; it must be 'user', 'assistant', 'system' or 'developer'.",
                    other.unwrap_or("missing")
                );
                return Err(ApiError::bad_request(message, param));
            }
        };
        Ok(Item::Turn(Turn { role, parts }))
    }

    fn into_calls(self, inputs: Vec<Value>, path: &str) -> Result<Item, ApiError> {
        let name = self.name.filled(path, "name")?;
        let namespace = self.namespace.optional(path, "namespace")?;
        let name = joined(namespace.as_deref(), &name);
        let id = self.call_id.filled(path, "call_id")?;
        let calls = inputs.into_iter().map(|input| {
            Part::ToolCall(ToolCall {
                id: id.clone(),
                name: name.clone(),
                input,
            })
        });
        Ok(Item::Turn(Turn {
            role: Role::Assistant,
            parts: calls.collect(),
        }))
    }

    fn into_result(self, path: &str, left_out: &mut LeftOut) -> Result<Item, ApiError> {
        let id = self.call_id.filled(path, "call_id")?;
        let output = self
            .output
            .optional(path, "output")?
            .unwrap_or_default()
            .into_content();
        let content = output.into_parts(&format!("{path}.output"), left_out)?;
        Ok(Item::Turn(Turn {
            role: Role::User,
            parts: vec![result(id, content)],
        }))
    }
}

fn result(id: String, content: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult {
        id,
        content,
        is_error: false,
    })
}
