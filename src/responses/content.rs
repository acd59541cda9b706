//! Items of `input`.

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::conversation::{Part, Role, ThinkingBlock, ToolCall, ToolResult, Turn, summary_turn};
use crate::wire::limits::{MOST_PARTS, MOST_TOOLS};
use crate::wire::loose::{Form, object};
use crate::wire::openai::{WirePart, WireToolCall, all_calls};
use crate::wire::tool::WireTool;
use crate::wire::tools::{ToolOffer, joined};
use crate::wire::{
    ApiError, Arguments, Content, DroppedFields, FoundReferences, ItemReference, List, Loose,
    LooseContent, Seal, free_form,
};

use super::compaction;
use super::error::no_such_item;
use super::ids::{REASONING, response_of_item};
use super::sealed;
use super::searches;

/// What stands for what was said before: a compaction, by the names that clients have for it.
pub(super) const COMPACTIONS: [&str; 3] =
    ["compaction", "compaction_summary", "context_compaction"];

const ITEM_REFERENCE: &str = "item_reference";

/// What asks at an input's end for a summary of it.
const COMPACTION_TRIGGER: &str = "compaction_trigger";

/// How what is no tool among an item's is named.
const MORE_TOOLS: &str = "additional_tools.tools";

/// What hosted tools note of their work, and what only steers their service: no model here would miss it.
const BOOKKEEPING: [&str; 9] = [
    "code_interpreter_call",
    COMPACTION_TRIGGER,
    "configuration_update",
    "file_search_call",
    "image_generation_call",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_list_tools",
    "tool_search_call",
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
    /// Of a search of the web: what was done, with its sources.
    action: Value,
    /// Of a search of the web: the pages that were found, where the client had asked for them.
    results: Value,
    /// Of a message as the chat wire writes it: some clients bring their old messages as `input`.
    tool_calls: Loose<List<Loose<WireToolCall>, MOST_PARTS>>,
    /// Of a tool's result as the chat wire writes it.
    tool_call_id: Loose<String>,
    /// What `encrypted_content` holds, once it was opened.
    #[serde(skip)]
    thinking: Vec<ThinkingBlock>,
    /// What `encrypted_content` of a compaction holds, once it was opened.
    #[serde(skip)]
    summary: Option<String>,
    /// It is a compaction that could not be opened.
    #[serde(skip)]
    is_foreign: bool,
}

impl Form for WireItem {
    const EXPECTED: &'static str = "an item (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// What an item is in a conversation.
#[derive(Debug)]
pub(super) enum InputItem {
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

    /// The id of the item that this one stands for.
    fn referred(&self) -> Option<&String> {
        let is_reference = self.kind() == ITEM_REFERENCE;
        self.id.as_given().filter(|_| is_reference)
    }

    /// What it refers to, if it refers to an item of the gateway's. Thinking is not needed: what led to a tool call is
    /// kept beside it and put back with it (see `thinking/`).
    pub(super) fn reference(&self) -> Option<ItemReference> {
        let id = self.referred()?;
        Some(ItemReference {
            id: id.clone(),
            response: response_of_item(id)?.to_owned(),
            is_needed: !id.starts_with(REASONING),
        })
    }

    /// The item that it stands for, if that was found.
    pub(super) fn found<'f>(&self, found: &'f FoundReferences) -> Option<&'f RawValue> {
        found.items.get(self.referred()?).map(|item| &**item)
    }

    pub(super) fn is_sealed(&self) -> bool {
        let kind = self.kind();
        let may_be = kind == "reasoning" || COMPACTIONS.contains(&kind);
        may_be && self.encrypted_content.as_given().is_some()
    }

    /// Whether it asks for a summary of all before it.
    pub(super) fn asks_for_compaction(&self) -> bool {
        self.kind() == COMPACTION_TRIGGER
    }

    /// Opens what this gateway has sealed for this owner. Any other thinking is dropped, as that of a model of another
    /// family is: the turn runs without. Any other compaction is refused when it is read.
    pub(super) fn unseal(&mut self, seal: &Seal) {
        if !self.is_sealed() {
            return;
        }
        let Some(sealed) = std::mem::take(&mut self.encrypted_content).given() else {
            return;
        };
        if self.kind() != "reasoning" {
            self.summary = compaction::open(&sealed, seal);
            self.is_foreign = self.summary.is_none();
            return;
        }
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
        dropped: &mut DroppedFields,
    ) -> Result<InputItem, ApiError> {
        let kind = std::mem::take(&mut self.r#type).optional(path, "type")?;
        let kind = kind.unwrap_or_else(|| "message".to_owned());
        match kind.as_str() {
            "message" => self.into_message(path, arguments, dropped),
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
            "function_call_output" | "custom_tool_call_output" => self.into_result(path, dropped),
            "reasoning" => {
                let blocks = self.thinking.into_iter();
                let parts: Vec<Part> = blocks.map(Part::Thinking).collect();
                if parts.is_empty() {
                    return Ok(InputItem::Nothing);
                }
                let role = Role::Assistant;
                Ok(InputItem::Turn(Turn::new(role, parts)))
            }
            // It was not found.
            ITEM_REFERENCE => {
                let id = self.id.filled(path, "id")?;
                if id.starts_with(REASONING) {
                    return Ok(InputItem::Nothing);
                }
                Err(no_such_item(&id, format!("{path}.id")))
            }
            "additional_tools" => {
                let tools = self.tools.or_dropped(MORE_TOOLS, dropped);
                let tools = tools.unwrap_or_default().0;
                if tools.iter().any(|tool| tool.as_given().is_none()) {
                    dropped.add(MORE_TOOLS);
                }
                let tools = tools.into_iter();
                let tools = tools.filter(|tool| tool.as_given().is_some());
                offer.add(tools, &format!("{path}.tools"), dropped)?;
                Ok(InputItem::Nothing)
            }
            // What a search that the client ran has found may be called from then on.
            "tool_search_output" => {
                let tools = self.tools.given().unwrap_or_default();
                if tools.0.is_empty() {
                    dropped.add(&kind);
                }
                offer.add_readable(tools.0, &format!("{path}.tools"), dropped)?;
                Ok(InputItem::Nothing)
            }
            other if COMPACTIONS.contains(&other) => match (self.summary, self.encrypted_content) {
                (Some(summary), _) => Ok(InputItem::Turn(summary_turn(&summary))),
                // Nobody could look whether the seal is good.
                (None, Loose::Given(_)) => Err(ApiError::of_table(
                    "A compaction cannot be opened just now: the table does not answer.",
                )),
                (None, _) if self.is_foreign => Err(compaction::foreign(path)),
                (None, _) => {
                    dropped.add(other);
                    Ok(InputItem::Nothing)
                }
            },
            "web_search_call" => {
                dropped.add(&kind);
                let words = searches::in_words(self.action, &self.results);
                Ok(words.map_or(InputItem::Nothing, InputItem::Note))
            }
            other if BOOKKEEPING.contains(&other) => {
                dropped.add(other);
                Ok(InputItem::Nothing)
            }
            other => Ok(InputItem::Note(dropped.note(other))),
        }
    }

    fn into_message(
        self,
        path: &str,
        arguments: &mut Arguments,
        dropped: &mut DroppedFields,
    ) -> Result<InputItem, ApiError> {
        let written = self.role.optional(path, "role")?;
        let content = self
            .content
            .optional(path, "content")?
            .unwrap_or_default()
            .into_content();
        let content = content.into_parts(&format!("{path}.content"), dropped)?;
        let (role, parts) = match written.as_deref() {
            Some("user") => (Role::User, content),
            Some("assistant") => {
                let mut parts = content;
                parts.extend(all_calls(self.tool_calls, path, arguments, dropped)?);
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
        Ok(InputItem::Turn(Turn::new(role, parts)))
    }

    fn into_calls(self, inputs: Vec<Value>, path: &str) -> Result<InputItem, ApiError> {
        let name = self.name.filled(path, "name")?;
        let namespace = self.namespace.optional(path, "namespace")?;
        let name = joined(namespace.as_deref(), &name);
        let id = self.call_id.filled(path, "call_id")?;
        let calls = inputs.into_iter().map(|input| {
            Part::ToolCall(ToolCall {
                id: id.clone(),
                name: name.clone(),
                input,
                native: None,
            })
        });
        Ok(InputItem::Turn(Turn::new(Role::Assistant, calls.collect())))
    }

    fn into_result(self, path: &str, dropped: &mut DroppedFields) -> Result<InputItem, ApiError> {
        let id = self.call_id.filled(path, "call_id")?;
        let output = self
            .output
            .optional(path, "output")?
            .unwrap_or_default()
            .into_content();
        let content = output.into_parts(&format!("{path}.output"), dropped)?;
        Ok(InputItem::Turn(Turn::new(
            Role::User,
            vec![result(id, content)],
        )))
    }
}

fn result(id: String, content: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult {
        id,
        content,
        is_error: false,
        native: None,
    })
}
