//! Items of `output`, and the response around them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::conversation::{StopReason, Usage};
use crate::wire::{ApiError, CacheCreation, ReplyMeta};

/// `usage`.
#[derive(Debug, Serialize)]
struct WireUsage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation_token_details: Option<CacheCreation>,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for WireUsage {
    /// `input_tokens` includes what was read from and written to the cache.
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.prompt(),
            input_tokens_details: InputDetails {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write(),
                cache_creation_token_details: CacheCreation::some(usage),
            },
            output_tokens: usage.output,
            output_tokens_details: OutputDetails {
                reasoning_tokens: usage.reasoning.unwrap_or(0),
            },
            total_tokens: usage.total(),
        }
    }
}

/// How a response stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stand<'a> {
    InProgress,
    Ended(Option<&'a StopReason>),
    Failed(&'a ApiError),
}

impl Stand<'_> {
    /// `status`, and the last part of the closing event's name.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Ended(reason) if reason.and_then(incomplete).is_some() => "incomplete",
            Self::Ended(_) => "completed",
            Self::Failed(_) => "failed",
        }
    }
}

/// Why an answer that has ended is not whole.
fn incomplete(reason: &StopReason) -> Option<&'static str> {
    match reason {
        StopReason::MaxTokens | StopReason::ContextWindowExceeded => Some("max_output_tokens"),
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => Some("content_filter"),
        _ => None,
    }
}

/// The response. `output` holds the whole items.
pub(super) fn response(
    meta: &ReplyMeta,
    stand: Stand<'_>,
    output: &[Value],
    usage: Option<&Usage>,
) -> Value {
    let reason = match stand {
        Stand::Ended(Some(reason)) => incomplete(reason),
        _ => None,
    };
    let error = match stand {
        Stand::Failed(error) => Some(json!({"code": code(error), "message": error.message})),
        _ => None,
    };
    json!({
        "id": meta.id,
        "object": "response",
        "created_at": meta.created,
        "status": stand.status(),
        "error": error,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})),
        "model": meta.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "store": false,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage.map(WireUsage::from),
        "metadata": {},
    })
}

/// The code that clients act on.
fn code(error: &ApiError) -> &'static str {
    match (error.code, error.status.as_u16()) {
        (Some(code), _) => code,
        (None, 429) => "rate_limit_exceeded",
        (None, 503) => "server_is_overloaded",
        (None, 400) => "invalid_prompt",
        _ => "server_error",
    }
}
