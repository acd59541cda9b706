//! The stylesheet, the script and the icon: files under an address that changes with their content, so that a browser
//! asks for each of them once.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use super::error::PageError;

/// Name, media type, content.
const FILES: [(&str, &str, &str); 3] = [
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("assets/style.css"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("assets/page.js"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// The start of the SHA-256 over all of them.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (_, _, content) in FILES {
        hash.update(content);
    }
    let mut hex = hex::encode(hash.finalize());
    hex.truncate(16);
    hex
});

/// The address of a file's present content.
pub(super) fn address(file: &str) -> String {
    format!("/ui/assets/{}/{file}", *VERSION)
}

/// `GET /ui/assets/{version}/{file}`. While instances of two versions serve, a page of one may ask the other for its
/// files: it gets them as they are here, and does not keep them.
pub(super) async fn serve(
    Path((version, file)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let found = FILES.iter().find(|(name, _, _)| *name == file);
    let Some((_, media_type, content)) = found else {
        return Err(PageError::not_found());
    };
    let keep = if version == *VERSION {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    Ok((headers, *content).into_response())
}
