//! The body of a request, read only after its key was found good.

use std::error::Error;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::app::AppState;
use crate::audit::{NotedRequest, json_fields};
use crate::wire::ApiError;

use super::paced::TooSlow;

/// Lambda itself refuses larger requests
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MAX_REQUEST_BYTES: u64 = 6 * 1024 * 1024;

/// The whole body, within the size limit.
#[derive(Debug)]
pub(super) struct RequestBody(pub(super) Bytes);

impl FromRequest<AppState> for RequestBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let most = longest_body(app);
        // Not a byte of it is waited for.
        if length(request.headers()).is_some_and(|length| length > most) {
            return Err(too_large(most));
        }
        let noted = request.extensions().get::<NotedRequest>().cloned();
        let body = Limited::new(request.into_body(), most_bytes(app));
        match body.collect().await {
            Ok(body) => {
                let body = body.to_bytes();
                if let Some(noted) = noted {
                    noted.set_fields(json_fields(&body));
                }
                Ok(Self(body))
            }
            Err(error) => Err(unread(&*error, most)),
        }
    }
}

fn longest_body(app: &AppState) -> u64 {
    let configured = app.config.general.max_request_bytes;
    configured.unwrap_or(MAX_REQUEST_BYTES)
}

/// How long a body may be.
pub(super) fn most_bytes(app: &AppState) -> usize {
    usize::try_from(longest_body(app)).unwrap_or(usize::MAX)
}

/// The length that the client announces.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn unread(error: &(dyn Error + 'static), most: u64) -> ApiError {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    if causes.clone().any(|cause| cause.is::<LengthLimitError>()) {
        return too_large(most);
    }
    if causes.any(|cause| cause.is::<TooSlow>()) {
        return ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout_error",
            "The request's body did not arrive in time: it may pause for 30 s at most and take 60 s and one more for \
             each 50 kB.",
        );
    }
    ApiError::bad_request(
        "The request's body could not be read to its end.",
        "request_body",
    )
}

fn too_large(most: u64) -> ApiError {
    let lambda = if most == MAX_REQUEST_BYTES {
        ", as AWS Lambda takes no more"
    } else {
        ""
    };
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "invalid_request_error",
        format!("The request is too large: its body may have {most} bytes at most{lambda}."),
    )
}
