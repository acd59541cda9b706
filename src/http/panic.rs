//! A fault in the gateway is told to the client in words, never by a reply that breaks off.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::panics;
use crate::wire::ApiError;

/// Answers for a handler that panicked.
pub(super) async fn caught(request: Request, next: Next) -> Response {
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    response.unwrap_or_else(|panic| {
        tracing::error!(panic = panics::text(&panic), "a handler panicked");
        ApiError::internal().into_response()
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use http::StatusCode;

    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_an_error_in_words() {
        let handler = async || -> &'static str { panic!("so it goes") };
        let app: Router = Router::new()
            .route("/", get(handler))
            .layer(from_fn(caught));
        let request = Request::<Body>::default();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 9999).await;
        assert!(body.unwrap().starts_with(b"{\"error\""));
    }
}
