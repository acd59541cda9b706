//! The features that attempts on a target leave out, as one refusal after the other names them.

use crate::bedrock::Feature;
use crate::bedrock::plan::{Plan, UnsupportedFeatures, encrypted_thinking};
use crate::catalog::Dialect;

use super::learned_lacks::add_feature;

/// The features that attempts on a target leave out.
#[derive(Debug, Default)]
pub(super) struct OmittedFeatures {
    /// `None` before the first attempt.
    features: Option<UnsupportedFeatures>,
    /// What this request itself was refused for; remembered as soon as it is answered without it.
    pub(super) refused: Vec<RefusedFeature>,
    /// The last try asked for the gateway's own beta, for so long an answer, and had strict tools.
    sent_eager: bool,
    sent_max_tokens: u32,
    sent_strict_tools: bool,
    /// The last try replayed encrypted thinking.
    sent_encrypted_thinking: bool,
    /// The last try had the gateway's own words on bound thinking.
    sent_binding: bool,
    /// The language of the last try.
    sent_dialect: Dialect,
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

impl OmittedFeatures {
    /// What the next try leaves out: what is `known` of the target at the first one, and what was refused since.
    pub(super) fn features(
        &mut self,
        known: impl FnOnce() -> UnsupportedFeatures,
    ) -> UnsupportedFeatures {
        *self.features.get_or_insert_with(known)
    }

    /// Notes what is about to be sent.
    pub(super) fn record_plan(&mut self, plan: &Plan) {
        self.sent_eager = plan.asks_for_eager_tool_input();
        self.sent_max_tokens = plan.inference.max_tokens;
        self.sent_strict_tools = plan.tools.iter().any(|tool| tool.strict);
        self.sent_encrypted_thinking = encrypted_thinking(&plan.turns).next().is_some();
        let is_own = self
            .features
            .is_some_and(|features| features.bound_thinking);
        self.sent_binding = is_own && plan.controls_binding();
        self.sent_dialect = plan.dialect;
    }

    /// The language of the last try.
    pub(super) fn sent_dialect(&self) -> Dialect {
        self.sent_dialect
    }

    /// Whether the last try replayed encrypted thinking.
    pub(super) fn sent_encrypted_thinking(&self) -> bool {
        self.sent_encrypted_thinking
    }

    /// Whether the last try asked for a longer answer than the client did, which it did not do if it said `None`.
    pub(super) fn asked_for_more_than(&self, client: Option<u32>) -> bool {
        client.is_none_or(|client| self.sent_max_tokens > client)
    }

    /// Leaves out this as well. False: it was left out already, so the refusal has another reason.
    pub(super) fn omit(&mut self, feature: Feature) -> bool {
        let refused = match feature {
            // Its way out is refused too.
            Feature::Betas | Feature::NativeExtras if self.sent_binding => {
                Feature::BoundThinking.into()
            }
            // Bedrock does not say which beta it means. The gateway's own goes first: the client asked for the others.
            Feature::Betas if self.sent_eager => Feature::EagerToolInput.into(),
            // Refused without those that the client may do without: it is one that something in the body needs.
            Feature::Betas
                if self.sent_dialect == Dialect::Messages
                    && self.features.is_some_and(|features| features.betas) =>
            {
                Feature::NativeExtras.into()
            }
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
            Feature::EncryptedThinking if !self.sent_encrypted_thinking => return false,
            Feature::NativeExtras if self.sent_dialect != Dialect::Messages => return false,
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
        let features = self.features.get_or_insert_default();
        let before = *features;
        add_feature(features, refused.feature);
        self.refused.push(refused);
        *features != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_schemas_that_are_too_much_the_strict_tools_go_first() {
        let mut omitted = OmittedFeatures {
            sent_strict_tools: true,
            ..OmittedFeatures::default()
        };
        assert!(omitted.omit(Feature::CompiledSchemas));
        let without = omitted.features(UnsupportedFeatures::default);
        assert!(without.strict_tools && !without.json_schema);
        omitted.sent_strict_tools = false;
        assert!(omitted.omit(Feature::CompiledSchemas));
        assert!(omitted.features(UnsupportedFeatures::default).json_schema);
        assert!(!omitted.omit(Feature::CompiledSchemas), "nothing is left");
    }
}
