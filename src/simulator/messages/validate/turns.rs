//! Roles and the order of turns, and what may not be empty.

use serde_json::Value;

use super::{
    super::{
        super::json::{at, list},
        MessagesCall,
    },
    MessagesRefusal, MessagesRule, kind, refuse, role,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "roles",
        source: "Anthropic; the role `system` where the model has no messages of it: captured from what Claude Code acts on",
        check: roles,
    },
    MessagesRule {
        name: "no empty text",
        source: "reported: anomalyco/opencode#22364; Anthropic",
        check: not_empty,
    },
    MessagesRule {
        name: "prefill",
        source: "Anthropic, 4.6 and later",
        check: prefill,
    },
];

fn roles(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    for (n, message) in request.messages().iter().enumerate() {
        let content = at(message, "/content");
        match role(message) {
            "user" | "assistant" => {}
            "system" if !request.claude().is_new() => {
                return refuse(
                    "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.",
                );
            }
            "system" if !request.model.abilities.mid_conversation_system => {
                return refuse("role 'system' is not supported on this model");
            }
            "system" => {
                if list(content).iter().any(|block| kind(block) != "text") {
                    return refuse(format!(
                        "messages.{n}.content: `system` messages can only contain text blocks"
                    ));
                }
            }
            _ => {
                return refuse(format!(
                    "messages.{n}.role: Input should be 'user' or 'assistant'"
                ));
            }
        }
        if !content.is_string() && !content.is_array() {
            return refuse(format!("messages.{n}.content: Field required"));
        }
    }
    Ok(())
}

/// The text of a block, where it is one of text.
fn text(block: &Value) -> Option<&str> {
    (kind(block) == "text").then(|| at(block, "/text").as_str())?
}

fn not_empty(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let last = request.messages().len().saturating_sub(1);
    for (n, message) in request.messages().iter().enumerate() {
        let content = at(message, "/content");
        let is_empty = content == "" || content.as_array().is_some_and(Vec::is_empty);
        if is_empty && (n < last || role(message) != "assistant") {
            return refuse(format!(
                "messages.{n}: all messages must have non-empty content except for the optional final assistant message"
            ));
        }
    }
    let said = request.blocks().map(|placed| ("messages", placed.value));
    let system = list(at(request.body, "/system")).iter();
    for (owner, block) in said.chain(system.map(|block| ("system", block))) {
        match text(block) {
            // With a mark it has words of its own.
            Some("") if block.get("cache_control").is_none() => {
                return refuse(format!("{owner}: text content blocks must be non-empty"));
            }
            Some(text) if !text.is_empty() && text.trim().is_empty() => {
                return refuse(format!(
                    "{owner}: text content blocks must contain non-whitespace text"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn prefill(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let Some(last) = request.messages().last() else {
        return Ok(());
    };
    if role(last) != "assistant" {
        return Ok(());
    }
    if !request.model.abilities.prefill {
        return refuse(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        );
    }
    let content = at(last, "/content");
    let text = content
        .as_str()
        .or_else(|| list(content).last().and_then(text));
    if text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        return refuse("messages: final assistant content cannot end with trailing whitespace");
    }
    Ok(())
}
