//! What the generations of Claude differ in, where the catalog does not say it.

use crate::catalog::{Model, ThinkingSupport};

/// A model as one of Claude's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claude<'a>(pub(super) &'a Model);

/// Parts of the ids of models that think unless they are told not to, though they can be told.
const THINKS_BY_DEFAULT: [&str; 2] = ["claude-opus-5", "claude-sonnet-5"];

impl Claude<'_> {
    fn is_one_of(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.0.id.contains(name))
    }

    /// Opus 4.7 and everything later: served by the machinery of Bedrock's own Messages endpoint.
    pub(super) fn is_new(self) -> bool {
        matches!(self.0.abilities.thinking, ThinkingSupport::Adaptive { .. })
    }

    /// 4.6 and later.
    pub(super) fn since_4_6(self) -> bool {
        self.is_new() || self.0.abilities.thinking == ThinkingSupport::BudgetOrAdaptive
    }

    /// 4.5 and later.
    pub(super) fn since_4_5(self) -> bool {
        self.since_4_6() || self.is_one_of(&["-4-5"])
    }

    /// It thinks where nothing is said of thinking.
    pub(super) fn thinks_unasked(self) -> bool {
        let always = ThinkingSupport::Adaptive { always_on: true };
        self.0.abilities.thinking == always || self.is_one_of(&THINKS_BY_DEFAULT)
    }

    /// Its name on Anthropic's own API, which answers carry.
    pub(super) fn name(self) -> String {
        let Some((_, name)) = self.0.id.rsplit_once("anthropic.") else {
            return self.0.id.clone();
        };
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let version = name.rsplit_once("-v");
        match version {
            Some((name, number)) if number.chars().all(|c| c.is_ascii_digit()) => name.to_owned(),
            _ => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::model::able;

    #[test]
    fn answers_carry_anthropic_s_names() {
        for (id, name) in [
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "claude-sonnet-4-5-20250929",
            ),
            ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
            ("global.anthropic.claude-opus-4-8", "claude-opus-4-8"),
            ("my-model", "my-model"),
            (
                "arn:aws:bedrock:us-east-1:1:x/y",
                "arn:aws:bedrock:us-east-1:1:x/y",
            ),
        ] {
            assert_eq!(Claude(&able(id)).name(), name);
        }
    }
}
