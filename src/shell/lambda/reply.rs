//! No reply is empty: behind a streaming function URL a client waits for the first byte of a body that has none, until
//! the invocation times out (<https://github.com/aws/aws-lambda-web-adapter/issues/499>).

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_LENGTH;

/// Gives an empty reply a line's end. A reply that may have no body becomes one that may.
pub(super) async fn fill(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.body().size_hint().exact() == Some(0) {
        *response.body_mut() = Body::from("\n");
        response.headers_mut().remove(CONTENT_LENGTH);
        if response.status() == StatusCode::NO_CONTENT {
            *response.status_mut() = StatusCode::OK;
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;

    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn an_empty_reply_gets_a_byte() {
        let app: Router = Router::new()
            .route("/", get(async || StatusCode::NO_CONTENT))
            .layer(from_fn(fill));
        let request = Request::<Body>::default();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), 9999).await;
        assert_eq!(body.unwrap(), "\n");
    }
}
