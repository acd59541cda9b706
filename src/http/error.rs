//! Errors as responses, in the shape of the wire that the request speaks.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::anthropic;
use crate::wire::ApiError;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: a client that comes back early is refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The body is still to come, and is not read.
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Anthropic's clients read errors of another shape and name requests by another header. Whoever made the error, the
/// key's check and the router too, need not know who asks.
pub(super) fn in_anthropic_s_shape(mut response: Response) -> Response {
    let id = response.headers().get("x-litellm-call-id").cloned();
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let id = id.as_ref().and_then(|id| id.to_str().ok());
        let (status, body) = anthropic::error_response(&error, id);
        let mut shaped = (status, Json(body)).into_response();
        for (name, value) in response.headers() {
            if name != CONTENT_LENGTH && name != CONTENT_TYPE {
                shaped.headers_mut().append(name, value.clone());
            }
        }
        *shaped.extensions_mut() = std::mem::take(response.extensions_mut());
        response = shaped;
    }
    if let Some(id) = id {
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
