//! What is there without a key and without a model: a page that says what this is, for a browser, and nothing at all,
//! for Claude Code.

use axum::response::Html;

/// `GET /`.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("home.html"))
}

/// `HEAD` and `GET /api/hello`. Claude Code sends it as it starts, so that its first request finds an open connection.
pub(super) async fn hello() {}
