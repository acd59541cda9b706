//! Errors in Anthropic's shape, with its types and statuses
//! (<https://platform.claude.com/docs/en/api/errors>).

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
    // Clients look for Anthropic's own words at the beginning.
    let message = error.message.strip_prefix(ApiError::UPSTREAM);
    let message = message.unwrap_or(&error.message);
    let mut body = json!({"type": "error", "error": {"type": kind, "message": message}});
    if let (Some(id), Some(fields)) = (request_id, body.as_object_mut()) {
        fields.insert("request_id".to_owned(), id.into());
    }
    body
}
