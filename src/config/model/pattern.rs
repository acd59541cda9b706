//! Names with stars: `bedrock/*` stands for every name that begins so.
//!
//! The semantics are LiteLLM's: a star stands for any text, the first one for as much as it can; what the stars of a
//! `model_name` stand for goes into the stars of its `litellm_params.model`, one by one.

/// The longest name that a pattern serves, in bytes. Clients make such names up, and they stand in headers, log lines and
/// items; ARNs of inference profiles have some 120.
pub(super) const LONGEST_NAME: usize = 512;

/// Whether a name stands for others.
pub(in crate::config) fn is_pattern(name: &str) -> bool {
    name.contains('*')
}

/// How many stars there are.
pub(super) fn stars(name: &str) -> usize {
    name.matches('*').count()
}

/// What the stars stand for, if the name fits the pattern and may be the name of a model.
pub(super) fn parts<'n>(pattern: &str, name: &'n str) -> Option<Vec<&'n str>> {
    let may_be_a_model = name.len() <= LONGEST_NAME && !name.contains(char::is_control);
    may_be_a_model.then(|| split(pattern, name)).flatten()
}

/// Whether the name fits the pattern. A text without stars is no pattern, and an empty name fits none.
pub fn fits_pattern(pattern: &str, name: &str) -> bool {
    split(pattern, name).is_some()
}

/// The parts of a name for which the stars of a pattern stand.
fn split<'n>(pattern: &str, name: &'n str) -> Option<Vec<&'n str>> {
    if name.is_empty() {
        return None;
    }
    let mut pieces: Vec<&str> = pattern.split('*').collect();
    let last = pieces.pop()?;
    let first = pieces.first().copied()?;
    let mut rest = name.strip_suffix(last)?;
    let mut parts = Vec::with_capacity(pieces.len());
    // From the right, each piece as far right as it can be: what stands before it is as long as it can be.
    for piece in pieces.iter().skip(1).rev() {
        let at = rest.rfind(piece)?;
        parts.push(rest.get(at + piece.len()..)?);
        rest = rest.get(..at)?;
    }
    parts.push(rest.strip_prefix(first)?);
    parts.reverse();
    Some(parts)
}

/// The text with its stars replaced, one by one; further parts are not needed.
pub(super) fn fill(text: &str, parts: &[&str]) -> String {
    let mut parts = parts.iter();
    let mut filled = String::with_capacity(text.len() + 64);
    for (n, piece) in text.split('*').enumerate() {
        if n > 0 {
            filled.push_str(parts.next().copied().unwrap_or_default());
        }
        filled.push_str(piece);
    }
    filled
}

/// By this, the most specific pattern is the greatest: the longest, then the one with the most stars.
pub(super) fn rank(pattern: &str) -> (usize, usize) {
    (pattern.len(), stars(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_a_pattern_or_not_and_says_what_the_stars_stand_for() {
        let rows: [(&str, &str, Option<&[&str]>); 12] = [
            ("bedrock/*", "bedrock/a.b-v1:0", Some(&["a.b-v1:0"])),
            ("bedrock/*", "bedrock/", Some(&[""])),
            ("bedrock/*", "bedroc", None),
            ("*", "anything", Some(&["anything"])),
            ("*", "", None),
            ("claude-*", "claude-sonnet-5-5", Some(&["sonnet-5-5"])),
            ("claude-*", "my-claude-sonnet", None),
            ("*-latest", "sonnet-latest", Some(&["sonnet"])),
            ("*/*", "a/b/c", Some(&["a/b", "c"])),
            ("a*b*c", "a1b2b3c", Some(&["1b2", "3"])),
            ("a*a", "a", None),
            ("aé*", "aé…", Some(&["…"])),
        ];
        for (pattern, name, expected) in rows {
            assert_eq!(
                parts(pattern, name).as_deref(),
                expected,
                "{pattern} {name}"
            );
        }
        for nobody in [&"x".repeat(LONGEST_NAME + 1), "a\nb"] {
            assert_eq!(parts("*", nobody), None);
        }
    }

    #[test]
    fn what_the_stars_stand_for_is_filled_in_where_it_came_from() {
        let pattern = "a*b*c";
        let found = parts(pattern, "a1b2c").unwrap();
        assert_eq!(fill(pattern, &found), "a1b2c");
        assert_eq!(fill("bedrock/*", &found), "bedrock/1");
        assert_eq!(fill("none", &found), "none");
    }
}
