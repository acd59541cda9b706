//! The four ways in which clients ask a model to think.

use serde::Deserialize;

use crate::conversation::{Effort, Thinking};
use crate::wire::{ApiError, effort as parse_effort, numbers};

/// Anthropic's `thinking`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct ChatThinking {
    r#type: String,
    #[serde(default, deserialize_with = "numbers::count")]
    budget_tokens: Option<u32>,
}

/// Anthropic's `output_config`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct ChatOutputConfig {
    effort: Option<String>,
}

/// OpenAI's `reasoning_effort`: a word, or an object as in the Responses API.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a word or an object with `effort`")]
pub(super) enum ReasoningEffort {
    Word(String),
    Object { effort: Option<String> },
}

/// `reasoning`, as some routers and Cline's other providers send it.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct ChatReasoning {
    effort: Option<String>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_tokens: Option<u32>,
    enabled: Option<bool>,
}

/// Whether and how to think, the most explicit field first, and the effort that an answer is worth. Anthropic's
/// `output_config.effort` alone asks for no thinking: it says how much work the whole answer is worth.
pub(super) fn wish(
    thinking: Option<ChatThinking>,
    output: Option<ChatOutputConfig>,
    effort: Option<ReasoningEffort>,
    reasoning: Option<ChatReasoning>,
) -> Result<(Option<Thinking>, Option<Effort>), ApiError> {
    let output = output
        .and_then(|output| output.effort)
        .map(|word| parse_effort(&word, "output_config.effort"))
        .transpose()?
        .flatten();
    let effort = match effort {
        Some(ReasoningEffort::Word(word)) => Some(parse_effort(&word, "reasoning_effort")?),
        Some(ReasoningEffort::Object { effort }) => effort
            .map(|word| parse_effort(&word, "reasoning_effort.effort"))
            .transpose()?,
        None => None,
    };
    if let Some(thinking) = thinking {
        return match (thinking.r#type.as_str(), thinking.budget_tokens) {
            ("enabled", Some(budget)) => Ok((Some(Thinking::Budget(budget)), output)),
            ("enabled" | "adaptive", _) => {
                let effort = output.or(effort.flatten());
                Ok((Some(Thinking::Adaptive(effort)), effort))
            }
            ("disabled", _) => Ok((Some(Thinking::Off), output)),
            (other, _) => {
                let message = format!(
                    "'thinking.type' is '{other}'; it must be 'enabled', 'adaptive' or 'disabled'."
                );
                Err(ApiError::bad_request(message, "thinking.type"))
            }
        };
    }
    if let Some(effort) = effort {
        return Ok((Some(effort.map_or(Thinking::Off, Thinking::Effort)), output));
    }
    let Some(reasoning) = reasoning else {
        return Ok((None, output));
    };
    let thinking = match (reasoning.enabled, reasoning.max_tokens, reasoning.effort) {
        (Some(false), ..) => Some(Thinking::Off),
        (_, Some(budget), _) => Some(Thinking::Budget(budget)),
        (_, _, Some(word)) => {
            let effort = parse_effort(&word, "reasoning.effort")?;
            Some(effort.map_or(Thinking::Off, Thinking::Effort))
        }
        (enabled, None, None) => enabled.map(|_| Thinking::Adaptive(None)),
    };
    Ok((thinking, output))
}
