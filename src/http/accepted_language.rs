//! Which of several languages a browser would rather have (`Accept-Language`).

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The first of these tags among those that weigh most; `None`: it accepts none of them.
pub(crate) fn accepted<'t>(headers: &HeaderMap, tags: &[&'t str]) -> Option<&'t str> {
    let line = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut wanted: Vec<(u16, &str)> = Vec::new();
    for part in line.split(',') {
        let mut fields = part.split(';');
        let primary = fields.next().unwrap_or_default().trim();
        let primary = primary.split('-').next().unwrap_or_default();
        let weight = fields.find_map(|field| field.trim().strip_prefix("q="));
        let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        let tag = tags.iter().find(|tag| tag.eq_ignore_ascii_case(primary));
        let (Some(tag), Some(weight)) = (tag, weight) else {
            continue;
        };
        // Weights have three places at most.
        wanted.push(((weight.clamp(0.0, 1.0) * 1_000.0) as u16, tag));
    }
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wanted
        .first()
        .filter(|(weight, _)| *weight > 0)
        .map(|(_, tag)| *tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_weighs_most_is_taken() {
        for (line, expected) in [
            ("ja", Some("ja")),
            ("ja-JP,ja;q=0.9,en;q=0.8", Some("ja")),
            ("en-US,en;q=0.9,ja;q=0.8", Some("en")),
            ("de, ja;q=0.5, en;q=0.7", Some("en")),
            ("fr, *;q=0.5", None),
            ("ja;q=0", None),
            ("ja;q=x", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, line.parse().unwrap())]);
            assert_eq!(accepted(&headers, &["en", "ja"]), expected, "{line}");
        }
        assert_eq!(accepted(&HeaderMap::new(), &["en"]), None);
    }
}
