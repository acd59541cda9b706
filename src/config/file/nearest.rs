//! The known name that is nearest to a misspelt one.

/// The known name that is most likely meant by `written`: a misspelling away, of the same numbers, and not its opposite.
pub(in crate::config) fn nearest<'k>(
    written: &str,
    known: impl Iterator<Item = &'k str>,
) -> Option<&'k str> {
    let numbers = |name: &str| -> String {
        let digits = |c: char| if c.is_ascii_digit() { c } else { ' ' };
        let numbers: String = name.chars().map(digits).collect();
        numbers.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let own_numbers = numbers(written);
    known
        .filter(|known| numbers(known) == own_numbers && !are_opposites(written, known))
        .map(|known| (strsim::damerau_levenshtein(written, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().max(written.len()) / 4)
        .map(|(_, known)| known)
}

/// The known name that has the most in common with `written`, if that is two thirds of it.
fn closest<'k>(written: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|known| (strsim::damerau_levenshtein(written, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().max(written.len()) / 3)
        .map(|(_, known)| known)
}

/// Whether two names differ in words that mean the opposite of each other.
fn are_opposites(one: &str, other: &str) -> bool {
    const OPPOSITES: [(&str, &str); 16] = [
        ("enable", "disable"),
        ("enabled", "disabled"),
        ("include", "exclude"),
        ("allow", "block"),
        ("allow", "deny"),
        ("allowed", "blocked"),
        ("allowed", "banned"),
        ("allowed", "denied"),
        ("allow", "disallow"),
        ("min", "max"),
        ("minimum", "maximum"),
        ("input", "output"),
        ("read", "write"),
        ("on", "off"),
        ("success", "failure"),
        ("private", "public"),
    ];
    const NEGATIONS: [&str; 6] = ["no", "not", "non", "dont", "never", "without"];
    let words = |name: &str| -> Vec<String> {
        let words = name.split(|c: char| !c.is_alphanumeric());
        words.map(str::to_lowercase).collect()
    };
    let (one, other) = (words(one), words(other));
    let only_in = |words: &[String], others: &[String]| -> Vec<String> {
        let only = words.iter().filter(|word| !others.contains(word));
        only.cloned().collect()
    };
    let (ours, theirs) = (only_in(&one, &other), only_in(&other, &one));
    let is_negated = |words: &[String]| words.iter().any(|word| NEGATIONS.contains(&word.as_str()));
    let are_paired = ours.iter().any(|our| {
        theirs.iter().any(|their| {
            let pair = (our.as_str(), their.as_str());
            OPPOSITES.contains(&pair) || OPPOSITES.contains(&(pair.1, pair.0))
        })
    });
    are_paired || is_negated(&ours) != is_negated(&theirs)
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
    if let Some(found) = closest(&meant, names.iter().map(|(plain, _)| plain.as_str())) {
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
    fn the_nearest_key_is_no_opposite_and_has_the_same_numbers() {
        for (written, known) in [
            ("enable_cooldowns", "disable_cooldowns"),
            ("disable_spend_log", "enable_spend_log"),
            ("allowed_user_list", "blocked_user_list"),
            ("include_tags", "exclude_tags"),
            ("max_tokens", "min_tokens"),
            ("input_cost_per_token", "output_cost_per_token"),
            ("success_callback", "failure_callback"),
            ("log_verbose", "set_verbose"),
            ("claude-sonnet-4-5", "claude-sonnet-4-6"),
            ("claude-opus-4-6", "claude-opus-5-us"),
            ("", "model"),
        ] {
            assert_eq!(nearest(written, [known].into_iter()), None, "{written}");
        }
        let known = ["disable_cooldowns", "enable_cooldown"].into_iter();
        assert_eq!(nearest("enable_cooldowns", known), Some("enable_cooldown"));
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
