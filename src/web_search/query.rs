//! What is searched for, and where.

use serde_json::{Map, Value, json};

use crate::config::WebSearchSettings;

/// The longest query that the service takes, in characters.
pub const LONGEST_QUERY: usize = 200;
/// How many results are asked for.
const MOST_RESULTS: usize = 10;
/// How many domains the service takes in one list.
const MOST_DOMAINS: usize = 100;

/// A search that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    /// The words.
    pub text: String,
    /// Only results of these domains, or of these paths of them (`example.com/blog`). Empty: all.
    pub allowed_domains: Vec<String>,
    /// No results of these.
    pub blocked_domains: Vec<String>,
}

impl SearchQuery {
    /// The body of the call. The operator's domains stand beside the client's: a result must pass both.
    pub(super) fn body(&self, settings: &WebSearchSettings) -> String {
        let include = match (&*self.allowed_domains, &*settings.allowed_domains) {
            ([], operators) => hosts(operators),
            (clients, []) => hosts(clients),
            // What is within the operator's; results are held to both afterwards.
            (clients, operators) => {
                let within: Vec<String> = clients
                    .iter()
                    .filter(|client| operators.iter().any(|domain| is_within(client, domain)))
                    .cloned()
                    .collect();
                hosts(if within.is_empty() {
                    operators
                } else {
                    &within
                })
            }
        };
        let blocked = self.blocked_domains.iter().chain(&settings.blocked_domains);
        // A path alone is blocked among the results.
        let whole: Vec<String> = blocked
            .filter(|domain| !domain.contains('/'))
            .cloned()
            .collect();
        let exclude = hosts(&whole);
        let mut domains = Map::new();
        for (name, list) in [("include", include), ("exclude", exclude)] {
            if !list.is_empty() {
                domains.insert(name.to_owned(), json!(list));
            }
        }
        let mut body = Map::new();
        body.insert("searchQuery".to_owned(), json!(shortened(&self.text)));
        body.insert("maxResults".to_owned(), json!(MOST_RESULTS));
        if !domains.is_empty() {
            let filters = json!({"domainFilter": Value::Object(domains)});
            body.insert("filters".to_owned(), filters);
        }
        Value::Object(body).to_string()
    }

    /// Whether a result at this address may be shown.
    pub(super) fn allows(&self, settings: &WebSearchSettings, address: &str) -> bool {
        let any = |domains: &[String]| domains.iter().any(|domain| is_within(address, domain));
        let passes = |domains: &[String]| domains.is_empty() || any(domains);
        passes(&self.allowed_domains)
            && passes(&settings.allowed_domains)
            && !any(&self.blocked_domains)
            && !any(&settings.blocked_domains)
    }
}

/// The query, cut at a word.
fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= LONGEST_QUERY {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST_QUERY).collect();
    match cut.rsplit_once(char::is_whitespace) {
        Some((words, _)) if !words.trim().is_empty() => words.trim_end().to_owned(),
        _ => cut,
    }
}

/// The hosts of these domains, each once, as far as they are names that the service takes.
fn hosts(domains: &[String]) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for domain in domains {
        let (host, _) = parts(domain);
        let is_name = host.contains('.')
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if is_name && !hosts.contains(&host) && hosts.len() < MOST_DOMAINS {
            hosts.push(host);
        }
    }
    hosts
}

/// Host and path of a domain or an address, the host in lower case.
fn parts(written: &str) -> (String, &str) {
    let bare = written.trim();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let bare = bare.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = bare.find('/').map_or((bare, ""), |at| bare.split_at(at));
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let host = host.trim_start_matches("*.").trim_matches('.');
    (host.to_ascii_lowercase(), path.trim_end_matches('/'))
}

/// Whether an address is of a domain, or below its path.
fn is_within(address: &str, domain: &str) -> bool {
    let ((host, path), (of_host, of_path)) = (parts(address), parts(domain));
    let is_host = host == of_host
        || host
            .strip_suffix(&of_host)
            .is_some_and(|sub| sub.ends_with('.'));
    let is_path = of_path.is_empty()
        || path
            .strip_prefix(of_path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    !of_host.is_empty() && is_host && is_path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_query_is_cut_at_a_word_and_never_inside_a_character() {
        let long = "wörter ".repeat(60);
        let cut = shortened(&long);
        assert!(
            cut.chars().count() <= LONGEST_QUERY && cut.ends_with("wörter"),
            "{cut}"
        );
        assert_eq!(shortened(&"ü".repeat(300)).chars().count(), LONGEST_QUERY);
        assert_eq!(shortened("  a b "), "a b");
    }

    #[test]
    fn a_domain_holds_for_its_hosts_and_its_paths() {
        for (address, domain, expected) in [
            ("https://example.com/a", "example.com", true),
            ("https://docs.example.com/a", "Example.com", true),
            ("https://badexample.com/", "example.com", false),
            ("https://example.com.evil.org/", "example.com", false),
            ("https://evil.org/example.com", "example.com", false),
            ("https://x@evil.org:8080/a", "evil.org", true),
            ("https://example.com/blog/1?x=1", "example.com/blog", true),
            ("https://example.com/blogs", "example.com/blog/", false),
            ("https://a.example.com/", "*.example.com", true),
            ("https://example.com/", "", false),
        ] {
            assert_eq!(is_within(address, domain), expected, "{address} {domain}");
        }
    }

    #[test]
    fn the_operator_s_domains_bind_the_client_s() {
        let settings = WebSearchSettings {
            allowed_domains: texts(&["example.com", "rust-lang.org"]),
            blocked_domains: texts(&["private.example.com"]),
            ..WebSearchSettings::default()
        };
        let query = SearchQuery {
            text: "q".into(),
            allowed_domains: texts(&["docs.rust-lang.org/std", "evil.org"]),
            blocked_domains: texts(&["example.com/old", "spam.org"]),
        };
        let body: Value = serde_json::from_str(&query.body(&settings)).unwrap();
        assert_eq!(
            body,
            json!({"searchQuery": "q", "maxResults": 10, "filters": {"domainFilter": {
                "include": ["docs.rust-lang.org"], "exclude": ["spam.org", "private.example.com"]}}})
        );
        for (address, allowed) in [
            ("https://docs.rust-lang.org/std/x", true),
            ("https://docs.rust-lang.org/core", false),
            ("https://evil.org/", false),
        ] {
            assert_eq!(query.allows(&settings, address), allowed, "{address}");
        }
        // Nothing of the client's is the operator's: its own list is asked, and nothing passes.
        let other = SearchQuery {
            allowed_domains: texts(&["evil.org"]),
            ..SearchQuery::default()
        };
        assert!(!other.allows(&settings, "https://example.com/"));
        assert!(!other.body(&settings).contains("evil.org"));
    }
}
