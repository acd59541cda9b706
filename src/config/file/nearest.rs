//! The known name that is nearest to a misspelt one.

/// The known name that is most likely meant by `written`.
pub(in crate::config) fn nearest<'k>(
    written: &str,
    known: impl Iterator<Item = &'k str>,
) -> Option<&'k str> {
    known
        .map(|known| (strsim::damerau_levenshtein(written, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().max(written.len()) / 3)
        .map(|(_, known)| known)
}

/// The model that is most likely meant by `written`. Beside misspelling a name, people write another
/// provider in front of a name (`openai/…`), another version behind it, or its letters in another case.
pub fn nearest_model<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |name: &str| {
        let (_, last) = name.rsplit_once('/').unwrap_or(("", name));
        last.to_lowercase()
    };
    let meant = plain(written);
    let names: Vec<(String, &str)> = known.iter().map(|name| (plain(name), *name)).collect();
    let as_known = |found: &str| {
        let mut names = names.iter();
        names
            .find(|(plain, _)| plain == found)
            .map(|(_, name)| *name)
    };
    if let Some(found) = nearest(&meant, names.iter().map(|(plain, _)| plain.as_str())) {
        return as_known(found);
    }
    /// Shorter names are part of many others by chance.
    const SHORTEST_PART: usize = 4;
    let holds = |whole: &str, part: &str| part.len() >= SHORTEST_PART && whole.contains(part);
    let related = names
        .iter()
        .filter(|(plain, _)| holds(plain, &meant) || holds(&meant, plain));
    related
        .min_by_key(|(plain, _)| strsim::damerau_levenshtein(&meant, plain))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_near() {
        let known = || ["model", "model_name", "aws_region_name"].into_iter();
        assert_eq!(nearest("aws_regionname", known()), Some("aws_region_name"));
        assert_eq!(nearest("modle", known()), Some("model"));
        assert_eq!(nearest("temperature", known()), None);
    }

    #[test]
    fn the_nearest_model_is_the_one_that_was_meant() {
        let known = [
            "claude-sonnet-5-5",
            "claude-sonnet-5-5-global",
            "bedrock/us.amazon.nova-pro-v1:0",
            "Opus",
        ];
        for (written, expected) in [
            ("claude-sonet-5-5", Some("claude-sonnet-5-5")),
            ("Claude-Sonnet-5-5", Some("claude-sonnet-5-5")),
            ("anthropic/claude-sonnet-5-5", Some("claude-sonnet-5-5")),
            (
                "claude-sonnet-5-5-20260911-preview",
                Some("claude-sonnet-5-5"),
            ),
            ("sonnet", Some("claude-sonnet-5-5")),
            ("nova-pro", Some("bedrock/us.amazon.nova-pro-v1:0")),
            ("opus", Some("Opus")),
            ("anthropic.claude-opus-4-1-20250805-v1:0", Some("Opus")),
            ("gpt-6", None),
            ("", None),
        ] {
            assert_eq!(nearest_model(written, &known), expected, "{written}");
        }
        assert_eq!(nearest_model("claude", &[]), None);
    }
}
