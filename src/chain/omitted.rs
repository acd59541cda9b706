//! What the tries of a target leave out, as one refusal after the other names it.

use crate::bedrock::Feature;
use crate::bedrock::plan::{Plan, UnsupportedFeatures};

use super::unsupported_features::add;

/// What the tries of a target leave out.
#[derive(Debug, Default)]
pub(super) struct Omitted {
    /// `None` before the first try.
    without: Option<UnsupportedFeatures>,
    /// What this request itself was refused for; remembered as soon as it is answered without it.
    pub(super) refused: Vec<RefusedFeature>,
    /// The last try asked for the gateway's own beta, for so long an answer, and had strict tools.
    sent_eager: bool,
    sent_max_tokens: u32,
    sent_strict_tools: bool,
}

/// What a request was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefusedFeature {
    pub(super) feature: Feature,
    /// For the sake of the schemas that it has, and not of the feature as such.
    pub(super) of_schemas: bool,
}

impl From<Feature> for RefusedFeature {
    fn from(feature: Feature) -> Self {
        Self {
            feature,
            of_schemas: false,
        }
    }
}

impl Omitted {
    /// What the next try leaves out: what is `known` of the target at the first one, and what was refused since.
    pub(super) fn without(
        &mut self,
        known: impl FnOnce() -> UnsupportedFeatures,
    ) -> UnsupportedFeatures {
        *self.without.get_or_insert_with(known)
    }

    /// This is sent.
    pub(super) fn sends(&mut self, plan: &Plan) {
        self.sent_eager = plan.asks_for_eager_tool_input();
        self.sent_max_tokens = plan.inference.max_tokens;
        self.sent_strict_tools = plan.tools.iter().any(|tool| tool.strict);
    }

    /// Whether the last try asked for a longer answer than the client did, which it did not do if it said `None`.
    pub(super) fn asked_for_more_than(&self, client: Option<u32>) -> bool {
        client.is_none_or(|client| self.sent_max_tokens > client)
    }

    /// Leaves out this as well. False: it was left out already, so the refusal has another reason.
    pub(super) fn also(&mut self, feature: Feature) -> bool {
        let refused = match feature {
            // Bedrock does not say which beta it means. The gateway's own goes first: the client asked for the others.
            Feature::Betas if self.sent_eager => Feature::EagerToolInput.into(),
            // Refused without it too, so nothing speaks against it.
            Feature::Betas => {
                self.refused
                    .retain(|refused| refused.feature != Feature::EagerToolInput);
                feature.into()
            }
            // A number from outside: one that is not smaller than what was asked for does not explain the refusal.
            Feature::MaxTokens(limit) | Feature::AnswerRoom(limit)
                if limit == 0 || limit >= self.sent_max_tokens =>
            {
                return false;
            }
            // All schemas of a request are compiled together. The tools' go first: the answer's form is asked for.
            Feature::CompiledSchemas => RefusedFeature {
                feature: match self.sent_strict_tools {
                    true => Feature::StrictTools,
                    false => Feature::JsonSchema,
                },
                of_schemas: true,
            },
            feature => feature.into(),
        };
        let without = self.without.get_or_insert_default();
        let before = *without;
        add(without, refused.feature);
        self.refused.push(refused);
        *without != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_schemas_that_are_too_much_the_strict_tools_go_first() {
        let mut omitted = Omitted {
            sent_strict_tools: true,
            ..Omitted::default()
        };
        assert!(omitted.also(Feature::CompiledSchemas));
        let without = omitted.without(UnsupportedFeatures::default);
        assert!(without.strict_tools && !without.json_schema);
        omitted.sent_strict_tools = false;
        assert!(omitted.also(Feature::CompiledSchemas));
        assert!(omitted.without(UnsupportedFeatures::default).json_schema);
        assert!(!omitted.also(Feature::CompiledSchemas), "nothing is left");
    }
}
