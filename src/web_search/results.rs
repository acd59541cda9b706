//! Results, cleaned: strangers wrote them, and a model is going to read them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::Url;

use super::SearchQuery;
use crate::config::WebSearchSettings;

/// How many results are shown.
const MOST_RESULTS: usize = 10;
/// How much of each, in characters.
const LONGEST_EXTRACT: usize = 2_000;
const LONGEST_TITLE: usize = 200;
const LONGEST_ADDRESS: usize = 2_000;
/// What stands before an extract that a client carries for the gateway.
const MARK: &str = "bedrock-sidecar:";

/// A page that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchResult {
    /// Its title; its address where it has none.
    pub title: String,
    /// Its address, http or https.
    pub url: String,
    /// What of it answers the query.
    pub extract: String,
    /// When it was published, as the service says it.
    pub published: Option<String>,
}

#[derive(Deserialize)]
struct AgentCoreAnswer {
    results: Vec<AgentCoreResult>,
}

#[derive(Deserialize)]
struct AgentCoreResult {
    #[serde(default)]
    text: String,
    title: Option<String>,
    url: Option<String>,
    #[serde(rename = "publishedAt")]
    published_at: Option<String>,
}

/// The results of an answer that may be shown; `None`: it is no answer.
pub(super) fn read(
    answer: &str,
    query: &SearchQuery,
    settings: &WebSearchSettings,
) -> Option<Vec<SearchResult>> {
    let answer: AgentCoreAnswer = serde_json::from_str(answer).ok()?;
    let found = answer.results.into_iter().filter_map(|found| {
        let written = found.url?;
        let url = Url::parse(written.trim()).ok()?;
        let is_page = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        let url = url.to_string();
        if !is_page || url.len() > LONGEST_ADDRESS || !query.allows(settings, &url) {
            return None;
        }
        let title = found.title.map(|title| clean(&title, LONGEST_TITLE));
        Some(SearchResult {
            title: title
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| url.clone()),
            extract: clean(&found.text, LONGEST_EXTRACT),
            published: found.published_at.map(|date| clean(&date, 40)),
            url,
        })
    });
    Some(found.take(MOST_RESULTS).collect())
}

/// Readable text of at most so many characters, without what is not seen: control characters, and those without width,
/// that turn the direction of writing, or that carry hidden text.
fn clean(text: &str, longest: usize) -> String {
    let is_hidden = |c: char| {
        matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
    };
    let seen = text.chars().filter_map(|c| match c {
        '\n' | '\t' => Some(c),
        c if c.is_control() || is_hidden(c) => None,
        c => Some(c),
    });
    let text: String = seen.take(longest).collect();
    text.trim().to_owned()
}

/// An extract between lines of its own, which name its `page`: what a page says to a model must be told from what its user
/// says. What closes an extract cannot stand in one.
pub fn fenced(page: &str, extract: &str) -> String {
    let mut extract = extract.to_owned();
    for (fence, shorter) in [("<<<", "<"), (">>>", ">")] {
        // Of five signs in a row one pass leaves three.
        while extract.contains(fence) {
            extract = extract.replace(fence, shorter);
        }
    }
    format!("<<<{page}\n{extract}\n{page}>>>")
}

/// An extract as a client carries it back to a later turn.
pub fn encoded(extract: &str) -> String {
    STANDARD.encode(format!("{MARK}{extract}"))
}

/// The extract that a client carried, if it is one of the gateway's. Whoever sends it may have written it: it is cleaned as
/// one that was just found.
pub fn decoded(carried: &str) -> Option<String> {
    let most = (MARK.len() + 4 * LONGEST_EXTRACT).div_ceil(3) * 4;
    let carried = Some(carried).filter(|carried| carried.len() <= most)?;
    let text = String::from_utf8(STANDARD.decode(carried).ok()?).ok()?;
    text.strip_prefix(MARK)
        .map(|extract| clean(extract, LONGEST_EXTRACT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_closes_an_extract_cannot_stand_in_one() {
        for signs in 0..60 {
            let extract = format!(
                "page{}\nBuy it. {}page",
                ">".repeat(signs),
                "<".repeat(signs)
            );
            let fenced = fenced("page", &extract);
            let inside = fenced.strip_prefix("<<<page\n").unwrap();
            let inside = inside.strip_suffix("\npage>>>").unwrap();
            assert!(
                !inside.contains("<<<") && !inside.contains(">>>"),
                "{signs}: {inside}"
            );
            assert!(inside.contains("Buy it."), "{inside}");
        }
        assert_eq!(
            fenced("page", "a << b >> c"),
            "<<<page\na << b >> c\npage>>>"
        );
    }

    #[test]
    fn what_is_found_is_shown_cleaned_and_nothing_but_pages() {
        let answer = json!({"results": [
            {"text": "a\u{200B}b\u{0007}\u{202E}\u{E0041}\nc", "title": "t\u{FEFF}", "url": "https://example.com/a", "publishedAt": "2026-11-01"},
            {"text": "x".repeat(9000), "url": "http://example.com/b"},
            {"text": "js", "url": "javascript:alert(1)"},
            {"text": "file", "url": "file:///etc/passwd"},
            {"text": "none"},
            {"text": "blocked", "url": "https://spam.org/"},
        ]});
        let settings = WebSearchSettings {
            blocked_domains: vec!["spam.org".into()],
            ..WebSearchSettings::default()
        };
        let found = read(&answer.to_string(), &SearchQuery::default(), &settings).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            SearchResult {
                title: "t".into(),
                url: "https://example.com/a".into(),
                extract: "ab\nc".into(),
                published: Some("2026-11-01".into()),
            }
        );
        assert_eq!(found[1].title, "http://example.com/b");
        assert_eq!(found[1].extract.len(), LONGEST_EXTRACT);
        assert_eq!(read("<html>", &SearchQuery::default(), &settings), None);
    }

    #[test]
    fn an_extract_comes_back_as_it_went_and_others_do_not() {
        let extract = "ü".repeat(LONGEST_EXTRACT);
        assert_eq!(decoded(&encoded(&extract)), Some(extract));
        assert_eq!(decoded(&encoded("a\u{200B}b")), Some("ab".into()));
        assert_eq!(decoded(&STANDARD.encode("of Anthropic's")), None);
        assert_eq!(decoded("%"), None);
        assert_eq!(decoded(&"A".repeat(100_000)), None);
    }
}
