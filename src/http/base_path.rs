//! The pages below a path, where a proxy in front of the gateway takes it away: `public_url: https://example.com/gateway`,
//! or an API Gateway the name of its stage.
//!
//! Every link, form and redirect of the pages begins with `/ui`, and here alone it is known that browsers have to begin
//! with something else. Text of a page never looks like a link: what stands between quotes there is escaped.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::app::{AppState, BasePath};
use crate::wire::ApiError;

/// No page is longer.
const LONGEST_PAGE: usize = 64 * 1024 * 1024;

/// Puts the path before every address of the pages.
pub(crate) async fn add(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let base = base_of(&app, &request);
    let base = base.as_str();
    let response = next.run(request).await;
    if base.is_empty() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    replace(&mut parts.headers, LOCATION, |address| {
        address
            .starts_with("/ui")
            .then(|| format!("{base}{address}"))
    });
    replace(&mut parts.headers, SET_COOKIE, |line| {
        line.contains("Path=/ui")
            .then(|| line.replace("Path=/ui", &format!("Path={base}/ui")))
    });
    let kind = parts.headers.get(CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return Response::from_parts(parts, body);
    }
    let Ok(page) = to_bytes(body, LONGEST_PAGE).await else {
        return ApiError::internal().into_response();
    };
    parts.headers.remove(CONTENT_LENGTH);
    let page = with_base(&String::from_utf8_lossy(&page), base);
    Response::from_parts(parts, Body::from(page))
}

/// As the configuration says it, else as Lambda does.
fn base_of(app: &AppState, request: &Request) -> String {
    let stage = request.extensions().get::<BasePath>();
    match &app.config.general.public_url {
        Some(url) => url.path().trim_end_matches('/').to_owned(),
        None => stage.map(|BasePath(base)| base.clone()).unwrap_or_default(),
    }
}

/// Only attributes are changed: what a client has written has no quotation mark of the page's.
fn with_base(page: &str, base: &str) -> String {
    // The front page leads to what is no page, too.
    page.replace("=\"/ui", &format!("=\"{base}/ui"))
        .replace("=\"/v1/", &format!("=\"{base}/v1/"))
        .replace("=\"/health/", &format!("=\"{base}/health/"))
        .replace("content=\"0;url=/ui", &format!("content=\"0;url={base}/ui"))
}

/// Replaces the values of a header, where there is something else to be said.
fn replace(headers: &mut HeaderMap, name: HeaderName, change: impl Fn(&str) -> Option<String>) {
    let values: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
    headers.remove(&name);
    for value in values {
        let changed = value.to_str().ok().and_then(&change);
        let changed = changed.and_then(|changed| HeaderValue::from_str(&changed).ok());
        headers.append(name.clone(), changed.unwrap_or(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_forms_and_assets_begin_with_the_path() {
        let page = "<a href=\"/ui/models\"><form action=\"/ui/logout\"><script src=\"/ui/assets/1/page.js\">\
                    <meta content=\"0;url=/ui\"><a href=\"https://example.com/ui\"> =&#34;/ui url=/ui";
        assert_eq!(
            with_base(page, "/gw"),
            "<a href=\"/gw/ui/models\"><form action=\"/gw/ui/logout\"><script src=\"/gw/ui/assets/1/page.js\">\
             <meta content=\"0;url=/gw/ui\"><a href=\"https://example.com/ui\"> =&#34;/ui url=/ui"
        );
    }
}
