//! One entry of `messages`, and `system`.

use serde::Deserialize;

use crate::conversation::{Part, Role, Turn};
use crate::wire::{ApiError, Content, LeftOut};

use super::content::{WireBlock, kind_of};

/// A message as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a message (an object)")]
pub(super) struct WireMessage {
    role: String,
    #[serde(default)]
    pub(super) content: Content<WireBlock>,
}

/// How Claude Code begins a system block that is meant for Anthropic's accounts.
const BILLING: &str = "x-anthropic-billing-header:";

/// The turns of a conversation. Up to the model's last words it is history, which its client sends again with every
/// request: a refusal of what cannot be read there would never end.
pub(super) fn turns(
    messages: Vec<WireMessage>,
    left_out: &mut LeftOut,
) -> Result<Vec<Turn>, ApiError> {
    let last = messages.iter().rposition(WireMessage::is_model_s);
    let turns = messages.into_iter().enumerate().map(|(at, message)| {
        let path = format!("messages[{at}]");
        if last.is_some_and(|last| at <= last) {
            left_out.healing(|left_out| message.into_turn(&path, left_out))
        } else {
            message.into_turn(&path, left_out)
        }
    });
    turns.collect()
}

impl WireMessage {
    fn is_model_s(&self) -> bool {
        self.role == "assistant"
    }

    /// The turn that this message is. `path` names the message in errors.
    fn into_turn(self, path: &str, left_out: &mut LeftOut) -> Result<Turn, ApiError> {
        let role = match self.role.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            other => {
                let param = format!("{path}.role");
                let message =
                    format!("'{param}' is '{other}'; it must be 'user', 'assistant' or 'system'.");
                return Err(ApiError::bad_request(message, param));
            }
        };
        let path = format!("{path}.content");
        let mut parts = self.content.into_parts(&path, left_out)?;
        let heals = left_out.heals();
        for part in &mut parts {
            let has_no_place = match role {
                Role::System => heals && !is_text(part),
                Role::User => matches!(part, Part::Thinking(_)),
                Role::Assistant => false,
            };
            if has_no_place {
                *part = left_out.note(kind_of(part));
            }
        }
        if role == Role::System {
            only_text(&parts, &path)?;
        }
        Ok(Turn { role, parts })
    }
}

/// The system prompt.
pub(super) fn system(
    content: Content<WireBlock>,
    left_out: &mut LeftOut,
) -> Result<Vec<Part>, ApiError> {
    let content = match content {
        Content::Parts(mut blocks) => {
            blocks.retain(|block| !block.begins_with(BILLING));
            Content::Parts(blocks)
        }
        other => other,
    };
    let parts = content.into_parts("system", left_out)?;
    only_text(&parts, "system")?;
    Ok(parts)
}

fn only_text(parts: &[Part], path: &str) -> Result<(), ApiError> {
    if parts.iter().all(is_text) {
        return Ok(());
    }
    let message = format!("'{path}' must be text: a string, or a list of text blocks.");
    Err(ApiError::bad_request(message, path))
}

fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text(_) | Part::CacheMark(_))
}
