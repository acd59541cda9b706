//! One entry of `messages`, and `system`.

use serde::Deserialize;

use crate::conversation::{Part, Role, Turn};
use crate::wire::{ApiError, Content, LeftOut};

use super::block::WireBlock;

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

impl WireMessage {
    /// The turn that this message is. `path` names the message in errors.
    pub(super) fn into_turn(self, path: &str, left_out: &mut LeftOut) -> Result<Turn, ApiError> {
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
        let parts = self.content.into_parts(&path, left_out)?;
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
    let is_text = |part: &Part| matches!(part, Part::Text(_) | Part::CacheMark(_));
    if parts.iter().all(is_text) {
        return Ok(());
    }
    let message = format!("'{path}' must be text: a string, or a list of text blocks.");
    Err(ApiError::bad_request(message, path))
}
