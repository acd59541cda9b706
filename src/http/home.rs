//! `GET /`: what this is, for whoever opens the address in a browser.

use axum::response::Html;

/// `GET /`.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("home.html"))
}
