//! Errors of the Responses API: the words by which clients tell them apart.

use crate::wire::ApiError;

/// No response with this id is stored. Clients that know the code (VS Code, for one) send the turn once more with its
/// whole history, so the code and OpenAI's sentence are the same as on OpenAI's API.
pub(super) fn no_such_response(id: &str) -> ApiError {
    let message = format!(
        "Previous response with id '{id}' not found. It was never stored for this key, or its time has passed: send the \
         whole conversation as 'input'."
    );
    ApiError {
        code: Some("previous_response_not_found"),
        ..ApiError::bad_request(message, "previous_response_id")
    }
}

/// No item with this id is stored. `param` is the reference to it.
pub(super) fn no_such_item(id: &str, param: String) -> ApiError {
    let message = format!(
        "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Send the item itself."
    );
    ApiError::bad_request(message, param)
}

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
