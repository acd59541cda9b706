//! In which language the pages are: as somebody has chosen, kept in a cookie, else as the browser asks for
//! (`Accept-Language`), else English. It holds for one request, and for all that is rendered for it.

use axum::extract::{RawQuery, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use http::HeaderValue;
use http::header::{CONTENT_LANGUAGE, COOKIE, REFERER, SET_COOKIE, VARY};
use url::{Url, form_urlencoded};

use super::texts::Texts;
use crate::http::accepted_language::accepted;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    #[default]
    English,
    Japanese,
}

const COOKIE_NAME: &str = "sidecar_language";
/// A year.
const KEPT_SECONDS: u32 = 365 * 24 * 60 * 60;

tokio::task_local! {
    static CURRENT: Language;
}

impl Language {
    pub(super) const ALL: [Language; 2] = [Language::English, Language::Japanese];

    /// Its tag.
    pub(super) fn tag(self) -> &'static str {
        self.texts().tag
    }

    /// What it calls itself.
    pub(super) fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Japanese => "日本語",
        }
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Language::English => &super::texts::EN,
            Language::Japanese => &super::texts::JA,
        }
    }

    fn tagged(tag: &str) -> Option<Language> {
        let primary = tag.split('-').next().unwrap_or_default();
        let mut known = Language::ALL.into_iter();
        known.find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    fn of(headers: &HeaderMap) -> Language {
        chosen(headers)
            .or_else(|| asked_for(headers))
            .unwrap_or_default()
    }
}

/// The language of the request that this is rendered for.
pub(super) fn current() -> Language {
    CURRENT.try_with(|language| *language).unwrap_or_default()
}

/// Does this in a language.
pub(super) async fn within<T>(language: Language, rendering: impl Future<Output = T>) -> T {
    CURRENT.scope(language, rendering).await
}

/// Serves a page in the language of its reader.
pub(super) async fn choose(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    let mut response = within(language, next.run(request)).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(VARY, HeaderValue::from_static("accept-language, cookie"));
    response
}

/// `GET /ui/language?to=ja`: the pages are in this language from now on; back to the page that led here.
pub(super) async fn switch(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let to = fields.find(|(name, _)| name == "to");
    let language = to
        .and_then(|(_, tag)| Language::tagged(&tag))
        .unwrap_or_default();
    let cookie = format!(
        "{COOKIE_NAME}={}; SameSite=Lax; Path=/; Max-Age={KEPT_SECONDS}",
        language.tag()
    );
    let mut response = Redirect::to(&back(&headers)).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// The path of the page that led here, where it is one of these pages. What was posted cannot be seen again.
fn back(headers: &HeaderMap) -> String {
    let referer = headers.get(REFERER).and_then(|value| value.to_str().ok());
    let page = referer.and_then(|address| Url::parse(address).ok());
    // A proxy may have put a path before it, which is put there again.
    let path = page
        .as_ref()
        .and_then(|page| page.path().find("/ui").and_then(|at| page.path().get(at..)));
    let path = path.filter(|path| *path == "/ui" || path.starts_with("/ui/"));
    match (path, page.as_ref().and_then(Url::query)) {
        (Some(path), Some(query)) => format!("{path}?{query}"),
        (Some(path), None) => path.to_owned(),
        (None, _) => super::HOME.to_owned(),
    }
}

fn chosen(headers: &HeaderMap) -> Option<Language> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .and_then(|(_, tag)| Language::tagged(tag))
}

/// The language of these pages that the browser would rather have than others.
fn asked_for(headers: &HeaderMap) -> Option<Language> {
    let tags = Language::ALL.map(Language::tag);
    Language::tagged(accepted(headers, &tags)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter();
        let lines = lines.map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        lines.collect()
    }

    #[test]
    fn the_language_is_the_chosen_one_or_the_one_that_is_asked_for() {
        let asked = |line| headers(&[("accept-language", line)]);
        for (headers, expected) in [
            (headers(&[]), Language::English),
            (asked("ja"), Language::Japanese),
            (asked("ja-JP,ja;q=0.9,en;q=0.8"), Language::Japanese),
            (
                headers(&[
                    ("accept-language", "en"),
                    ("cookie", "a=b; sidecar_language=ja"),
                ]),
                Language::Japanese,
            ),
            (
                headers(&[("accept-language", "ja"), ("cookie", "sidecar_language=xx")]),
                Language::Japanese,
            ),
        ] {
            assert_eq!(Language::of(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_way_back_leads_to_these_pages_alone() {
        for (referer, path) in [
            (
                "http://localhost:4000/ui/usage?split=key",
                "/ui/usage?split=key",
            ),
            ("http://localhost:4000/ui", "/ui"),
            ("https://example.com/gateway/ui/keys", "/ui/keys"),
            ("http://localhost:4000/v1/models", "/ui"),
            ("https://evil.example/ui/../x", "/ui"),
            ("nonsense", "/ui"),
        ] {
            assert_eq!(back(&headers(&[("referer", referer)])), path, "{referer}");
        }
        assert_eq!(back(&HeaderMap::new()), "/ui");
    }
}
