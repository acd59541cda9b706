//! A panic becomes an error for the client, never a reply that breaks off.

use std::panic::AssertUnwindSafe;

use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::panics;
use crate::wire::ApiError;

/// Answers for a handler that panicked.
pub(super) async fn caught(handler: impl Future<Output = Response>) -> Response {
    let response = AssertUnwindSafe(handler).catch_unwind().await;
    response.unwrap_or_else(|panic| {
        tracing::error!(panic = panics::text(&panic), "a handler panicked");
        ApiError::internal().into_response()
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_an_error_in_words() {
        let response = caught(async { panic!("so it goes") }).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.extensions().get::<ApiError>(),
            Some(&ApiError::internal())
        );
    }
}
