//! What is there without a key and without a model: a page that says what this is, for a browser, and nothing at all,
//! for Claude Code.

use axum::response::{Html, IntoResponse};
use http::HeaderMap;
use http::header::{CONTENT_LANGUAGE, VARY};

use super::accepted_language::accepted;

/// `GET /`, in the language that the browser asks for.
pub(super) async fn page(headers: HeaderMap) -> impl IntoResponse {
    let (language, page) = match accepted(&headers, &["en", "ja"]) {
        Some("ja") => ("ja", include_str!("home.ja.html")),
        _ => ("en", include_str!("home.en.html")),
    };
    let head = include_str!("home.head.html");
    let page = format!("<!doctype html>\n<html lang=\"{language}\">\n{head}{page}");
    let headers = [(CONTENT_LANGUAGE, language), (VARY, "accept-language")];
    (headers, Html(page))
}

/// `HEAD` and `GET /api/hello`. Claude Code sends it as it starts, so that its first request finds an open connection.
pub(super) async fn hello() {}
