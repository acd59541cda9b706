//! Errors inside a response: the words by which clients tell them apart.

use crate::wire::ApiError;

/// The code that clients act on.
pub(super) fn code(error: &ApiError) -> &'static str {
    match (error.code, error.status.as_u16()) {
        (Some(code), _) => code,
        (None, 429) => "rate_limit_exceeded",
        (None, 503) => "server_is_overloaded",
        (None, 400) => "invalid_prompt",
        _ => "server_error",
    }
}
