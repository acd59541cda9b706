//! Errors as responses, in the shape of the wire that the request speaks.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::anthropic;
use crate::wire::ApiError;

/// Whether the request is worth sending again. Anthropic's and OpenAI's SDKs obey it, and so does Claude Code.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

impl IntoResponse for ApiError {
    /// The error as a value in the response's extensions: [`write_error`] writes its body.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: a client that comes back early is refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(should_retry) = self.should_retry() {
            let value = if should_retry { "true" } else { "false" };
            headers.insert(SHOULD_RETRY, HeaderValue::from_static(value));
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The body is still to come, and is not read.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the error that a response is, if it is one, in the shape that its client reads. The code that made the error,
/// the key's check and the router too, need not know the client's wire. Anthropic's clients also name requests by
/// another header.
pub(super) fn write_error(mut response: Response, speaks_anthropic: bool) -> Response {
    let id = response.headers().get("x-litellm-call-id").cloned();
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let (status, body) = if speaks_anthropic {
            let id = id.as_ref().and_then(|id| id.to_str().ok());
            anthropic::error_response(&error, id)
        } else {
            (error.status, error.body())
        };
        *response.status_mut() = status;
        *response.body_mut() = Body::from(body.to_string());
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(id) = id.filter(|_| speaks_anthropic) {
        let name = HeaderName::from_static("request-id");
        response.headers_mut().insert(name, id);
    }
    response
}

/// Whether a request is one of Anthropic's API. Paths that both APIs have tell by the header that its clients send.
pub(super) fn speaks_anthropic(request: &Request) -> bool {
    let (path, headers) = (request.uri().path(), request.headers());
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let below = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below("/messages") || below("/models") && headers.contains_key("anthropic-version")
}

/// No route has this path.
pub(super) async fn not_found(method: Method, uri: Uri) -> ApiError {
    ApiError::not_found(format!(
        "Unknown request URL: {method} {}. Please check the URL for typos.",
        uri.path()
    ))
}

/// The path exists, but not with this method.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let message = format!("{method} is not allowed for {}.", uri.path());
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request_error",
        message,
    )
}
