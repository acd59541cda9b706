//! The response around its items.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::conversation::{StopReason, Usage};
use crate::wire::{AnswerToStore, ApiError, ReplyMeta};

use super::error::code;
use super::usage::ResponsesUsage;

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
        "previous_response_id": meta.previous_response_id,
        "store": meta.store && !matches!(stand, Stand::Failed(_)),
        "tool_choice": "auto",
        "tools": [],
        "usage": usage.map(ResponsesUsage::from),
        "metadata": {},
    })
}

/// A response that has ended as it is stored, and so as it is when it is stored; `None` where it is no JSON, which none
/// can be.
pub(super) fn to_store(
    meta: &ReplyMeta,
    stand: Stand<'_>,
    output: &[Value],
    usage: &Usage,
) -> Option<AnswerToStore> {
    let items: Result<_, _> = output.iter().map(to_raw_value).collect();
    Some(AnswerToStore {
        items: items.ok()?,
        reply: to_raw_value(&response(meta, stand, &[], Some(usage))).ok()?,
    })
}
