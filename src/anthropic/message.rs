//! One entry of `messages`, and `system`.

use serde::Deserialize;

use crate::conversation::{Part, Role, Turn};
use crate::wire::{ApiError, Content, DroppedFields, SettingsObject};

use super::content::{WireBlock, kind_of, native};

/// A message as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a message (an object)")]
pub(super) struct MessagesMessage {
    role: String,
    #[serde(default)]
    pub(super) content: Content<WireBlock>,
}

/// A message with the fields that only Claude's own format has.
pub(super) type WrittenMessage = SettingsObject<MessagesMessage>;

/// How Claude Code begins a system block that is meant for Anthropic's accounts.
const BILLING: &str = "x-anthropic-billing-header:";

/// The turns of a conversation. Up to the model's last words it is history, which its client sends again with every
/// request: a refusal of what cannot be read there would never end.
pub(super) fn turns(
    messages: Vec<WrittenMessage>,
    dropped: &mut DroppedFields,
) -> Result<Vec<Turn>, ApiError> {
    let last = (messages.iter()).rposition(|message| message.as_known().is_model_s());
    let turns = messages.into_iter().enumerate().map(|(at, message)| {
        let path = format!("messages[{at}]");
        let (message, fields) = message.whole();
        let turn = if last.is_some_and(|last| at <= last) {
            dropped.healing(|dropped| message.into_turn(&path, dropped))?
        } else {
            message.into_turn(&path, dropped)?
        };
        Ok(Turn {
            native: native(fields),
            ..turn
        })
    });
    turns.collect()
}

impl MessagesMessage {
    fn is_model_s(&self) -> bool {
        self.role == "assistant"
    }

    /// The turn that this message is. `path` names the message in errors.
    fn into_turn(self, path: &str, dropped: &mut DroppedFields) -> Result<Turn, ApiError> {
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
        let mut parts = self.content.into_parts(&path, dropped)?;
        let heals = dropped.heals();
        for part in &mut parts {
            let has_no_place = match role {
                Role::System => heals && !is_text(part),
                Role::User => matches!(part, Part::Thinking(_)),
                Role::Assistant => false,
            };
            if has_no_place {
                *part = dropped.note(kind_of(part));
            }
        }
        if role == Role::System {
            only_text(&parts, &path)?;
        }
        Ok(Turn::new(role, parts))
    }
}

/// The system prompt.
pub(super) fn system(
    content: Content<WireBlock>,
    dropped: &mut DroppedFields,
) -> Result<Vec<Part>, ApiError> {
    let content = match content {
        Content::Parts(mut blocks) => {
            blocks.retain(|block| !block.begins_with(BILLING));
            Content::Parts(blocks)
        }
        other => other,
    };
    let parts = content.into_parts("system", dropped)?;
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
    match part {
        Part::Text(_) | Part::CacheMark(_) => true,
        Part::Native(block) => match &block.part {
            Some(part) => is_text(part),
            None => block.instead.iter().all(is_text),
        },
        _ => false,
    }
}
