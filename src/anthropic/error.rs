//! Errors in Anthropic's shape, with its types and statuses
//! (<https://platform.claude.com/docs/en/api/errors>).

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Value, json};

use crate::wire::ApiError;

/// `overloaded_error` has a status of its own, which clients wait for a while at.
const OVERLOADED: u16 = 529;

/// The status that Anthropic's service would give.
pub(super) fn status(error: &ApiError) -> StatusCode {
    match error.status {
        StatusCode::REQUEST_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
        StatusCode::SERVICE_UNAVAILABLE => {
            StatusCode::from_u16(OVERLOADED).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
        }
        other => other,
    }
}

/// The body, also of an error inside a stream.
pub(super) fn body(error: &ApiError, request_id: Option<&str>) -> Value {
    let kind = match status(error).as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        OVERLOADED => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    };
    let message = message(error);
    let mut body = json!({"type": "error", "error": {"type": kind, "message": message}});
    if let (Some(id), Some(fields)) = (request_id, body.as_object_mut()) {
        fields.insert("request_id".to_owned(), id.into());
    }
    body
}

/// The shortest answer that Claude Code asks for where a longer one does not fit behind its prompt: 3,000 tokens, and
/// 1,000 that it keeps free. Where there is less room it stops, unless the words make it compact its conversation.
const SHORTEST_ANSWER: u32 = 4_000;

/// The message. Clients look for Anthropic's own words at its beginning: a prompt that is too long has them compact the
/// conversation, an answer that does not fit behind its prompt has them ask for a shorter one.
fn message(error: &ApiError) -> Cow<'_, str> {
    let own = error.message.strip_prefix(ApiError::UPSTREAM);
    let own = own.unwrap_or(&error.message);
    let upstream = error.upstream.as_ref();
    let Some(overflow) = upstream.and_then(|upstream| upstream.overflow) else {
        return own.into();
    };
    let (prompt, window) = (overflow.prompt, overflow.window);
    match (overflow.answer, window.checked_sub(prompt)) {
        (_, None) => format!("prompt is too long: {prompt} tokens > {window} maximum").into(),
        (Some(answer), Some(room)) => {
            let words = "input length and `max_tokens` exceed context limit";
            let too_long = match room {
                0..SHORTEST_ANSWER => "prompt is too long: ",
                _ => "",
            };
            format!("{too_long}{words}: {prompt} + {answer} > {window}").into()
        }
        // The numbers contradict the refusal.
        (None, Some(_)) => own.into(),
    }
}
