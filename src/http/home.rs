//! `GET /`: a page that says what this is, for a browser.

use axum::response::Html;

/// `GET /`.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("home.html"))
}
