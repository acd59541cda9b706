//! Features that targets turn out to lack, learned from their refusals.
//!
//! A refusal alone teaches nothing: a feature is remembered once the same request without it was answered, for an hour,
//! and never from a request with fields of its client's own (see `bedrock/plan/client_fields.rs`). Schemas that are too
//! much to compile are remembered as these schemas: a request with others is not concerned. Other instances
//! learn of it through the table, and the admin pages can make all of them forget it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::bedrock::Feature;
use crate::bedrock::plan::{Marks, UnsupportedFeatures};

use super::omitted::RefusedFeature;

/// How long a learned lack is kept: models gain features, and a target's next request finds out at the cost of one
/// more call.
const LACK_KEPT_FOR: Duration = Duration::from_secs(3_600);
/// Callers choose the names behind a pattern: of more deployments than this nothing is kept.
const MAX_DEPLOYMENTS: usize = 4_096;

/// Callers choose their schemas: of more than this that one deployment cannot compile none is kept.
const MAX_SCHEMAS: usize = 32;

/// Something that a target turned out to lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The feature.
    pub feature: Feature,
    /// It is lacking in requests that have all of these marks (see [`marks`](crate::bedrock::plan::marks)); none: in
    /// any. Betas that were refused together, for Bedrock does not say which of them is not known there; or the digest
    /// of the schemas that were too much.
    pub only_with: Vec<String>,
    /// When it was learned.
    pub since: Timestamp,
    /// When it is forgotten.
    pub until: Timestamp,
}

impl Lack {
    /// What is lacking, as one name: the feature's, with the marks or the number behind it.
    pub fn name(&self) -> String {
        let feature = self.feature.name();
        match self.feature.limit() {
            Some(limit) => format!("{feature}:{limit}"),
            None if self.only_with.is_empty() => feature.to_owned(),
            None => format!("{feature}:{}", self.only_with.join(",")),
        }
    }

    /// Whether it concerns a request with these marks.
    fn concerns(&self, marks: &Marks) -> bool {
        self.only_with.iter().all(|mark| marks.has(mark))
    }

    /// Whether it is known of some schemas alone.
    fn is_of_schemas(&self) -> bool {
        self.feature != Feature::Betas && !self.only_with.is_empty()
    }
}

/// Facts about deployments that the catalog did not know, by the deployment's id.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<HashMap<String, Vec<Lack>>>);

impl Learned {
    /// What a request with these marks must be planned without for this deployment.
    pub(super) fn of(
        &self,
        deployment: &str,
        marks: impl FnOnce() -> Marks,
        now: Timestamp,
    ) -> UnsupportedFeatures {
        let lacks = self.lacks(deployment, now);
        let mut unsupported = UnsupportedFeatures::default();
        if lacks.is_empty() {
            return unsupported;
        }
        let marks = marks();
        for lack in lacks.iter().filter(|lack| lack.concerns(&marks)) {
            add_feature(&mut unsupported, lack.feature);
        }
        unsupported
    }

    /// Whether this deployment is known to lack a feature.
    pub(super) fn knows(&self, deployment: &str, feature: Feature, now: Timestamp) -> bool {
        let lacks = self.lacks(deployment, now);
        lacks.iter().any(|lack| lack.feature == feature)
    }

    /// Everything that is known of this deployment.
    pub(super) fn lacks(&self, deployment: &str, now: Timestamp) -> Vec<Lack> {
        let known = self.lock();
        let lacks = known.get(deployment).into_iter().flatten();
        lacks.filter(|lack| lack.until > now).cloned().collect()
    }

    /// Remembers what a refusal has shown, where it speaks of the target and not of this one conversation. Returns
    /// what is to be shared with other instances.
    pub(super) fn remember(
        &self,
        deployment: &str,
        refusal: RefusedFeature,
        marks: Marks,
        now: Timestamp,
    ) -> Option<Lack> {
        let only_with = match refusal.feature {
            Feature::Betas if marks.betas.is_empty() => return None,
            Feature::Betas => marks.betas,
            _ if refusal.of_schemas => vec![marks.schemas?],
            feature if feature.is_of_model() => Vec::new(),
            _ => return None,
        };
        let lack = Lack {
            feature: refusal.feature,
            only_with,
            since: now,
            until: now.checked_add(LACK_KEPT_FOR).unwrap_or(Timestamp::MAX),
        };
        self.insert(deployment, lack.clone(), now).then_some(lack)
    }

    /// Takes over what another instance has learned. One whose time is over was forgotten there: what was learned
    /// before that is forgotten here too.
    pub(super) fn adopt(&self, deployment: &str, lack: Lack, now: Timestamp) {
        if lack.until > now {
            self.insert(deployment, lack, now);
            return;
        }
        let name = lack.name();
        if let Some(lacks) = self.lock().get_mut(deployment) {
            lacks.retain(|known| known.name() != name || known.since > lack.until);
        }
    }

    /// Forgets it, whatever instance has learned it.
    pub(super) fn forget(&self, deployment: &str, name: &str) -> Option<Lack> {
        let mut known = self.lock();
        let lacks = known.get_mut(deployment)?;
        let place = lacks.iter().position(|lack| lack.name() == name)?;
        Some(lacks.swap_remove(place))
    }

    /// False: there is no room for it.
    fn insert(&self, deployment: &str, lack: Lack, now: Timestamp) -> bool {
        let mut known = self.lock();
        if known.len() >= MAX_DEPLOYMENTS && !known.contains_key(deployment) {
            known.retain(|_, lacks| lacks.iter().any(|lack| lack.until > now));
            if known.len() >= MAX_DEPLOYMENTS {
                return false;
            }
        }
        let lacks = known.entry(deployment.to_owned()).or_default();
        let name = lack.name();
        let of_schemas = lacks
            .iter()
            .filter(|known| known.until > now && known.is_of_schemas());
        if lack.is_of_schemas()
            && of_schemas.count() >= MAX_SCHEMAS
            && !lacks.iter().any(|known| known.name() == name)
        {
            return false;
        }
        match lacks.iter_mut().find(|known| known.name() == name) {
            Some(known) if known.until >= lack.until => {}
            Some(known) => *known = lack,
            None => {
                lacks.retain(|lack| lack.until > now);
                lacks.push(lack);
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Lack>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a feature to what is left out.
pub(super) fn add_feature(unsupported: &mut UnsupportedFeatures, feature: Feature) {
    match feature {
        // The model leaves them out by itself, where it can; refused all the same, they go like any others.
        Feature::BoundThinking if !unsupported.bound_thinking && !unsupported.thinking_blocks => {
            unsupported.bound_thinking = true;
        }
        // The replayed blocks are the usual reason; refused without them as well, it is thinking itself.
        Feature::Thinking | Feature::BoundThinking if !unsupported.thinking_blocks => {
            unsupported.thinking_blocks = true;
        }
        Feature::Thinking | Feature::BoundThinking => unsupported.thinking = true,
        // All blocks of this request; those of its next turns are others.
        Feature::EncryptedThinking => unsupported.encrypted_thinking = usize::MAX,
        Feature::EffortNone => unsupported.effort_none = true,
        Feature::CachedInInput => unsupported.cached_in_input = true,
        Feature::Caching | Feature::CachePlaces => unsupported.caching = true,
        Feature::ToolsWhileStreaming => unsupported.tools_while_streaming = true,
        Feature::Prefill => unsupported.prefill = true,
        Feature::Temperature => unsupported.temperature = true,
        Feature::TopP => unsupported.top_p = true,
        Feature::TopK => unsupported.top_k = true,
        Feature::StopSequences => unsupported.stop_sequences = true,
        Feature::ForcedToolChoice => {
            unsupported.required_tool_choice = true;
            unsupported.named_tool_choice = true;
        }
        Feature::RequiredToolChoice => unsupported.required_tool_choice = true,
        Feature::NamedToolChoice => unsupported.named_tool_choice = true,
        // Which schemas are too much is decided before: see `OmittedFeatures::omit`.
        Feature::JsonSchema | Feature::CompiledSchemas => unsupported.json_schema = true,
        Feature::StrictTools => unsupported.strict_tools = true,
        Feature::MessagesDialect => unsupported.messages_dialect = true,
        Feature::NativeExtras => unsupported.native_extras = true,
        Feature::Betas => unsupported.betas = true,
        Feature::EagerToolInput => unsupported.eager_tool_input = true,
        Feature::MaxTokens(limit) | Feature::AnswerRoom(limit) => {
            let known = unsupported.max_tokens.unwrap_or(limit);
            unsupported.max_tokens = Some(known.min(limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_made_up_names_has_an_end() {
        let learned = Learned::default();
        let now = Timestamp::UNIX_EPOCH;
        let remember = |name: &str, now| {
            learned.remember(name, Feature::Caching.into(), Marks::default(), now);
        };
        for n in 0..2 * MAX_DEPLOYMENTS {
            remember(&n.to_string(), now);
        }
        assert_eq!(learned.lock().len(), MAX_DEPLOYMENTS);
        assert!(learned.knows("0", Feature::Caching, now));
        // What is over makes room.
        let later = now + 2 * LACK_KEPT_FOR;
        remember("new", later);
        assert!(learned.knows("new", Feature::Caching, later));
        assert_eq!(learned.lock().len(), 1);
    }

    #[test]
    fn what_was_forgotten_elsewhere_is_forgotten_here_unless_it_was_learned_since() {
        let learned = Learned::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
        let lack = learned.remember("a", Feature::TopP.into(), Marks::default(), at(10));
        let forgotten = |until| Lack {
            until,
            ..lack.clone().unwrap()
        };
        learned.adopt("a", forgotten(at(9)), at(20));
        assert!(learned.knows("a", Feature::TopP, at(20)));
        learned.adopt("a", forgotten(at(15)), at(20));
        assert!(!learned.knows("a", Feature::TopP, at(20)));
    }

    #[test]
    fn schemas_that_are_too_much_are_known_as_these_schemas_and_not_without_end() {
        let learned = Learned::default();
        let now = Timestamp::UNIX_EPOCH;
        let of = |n: usize| Marks {
            betas: Vec::new(),
            schemas: Some(n.to_string()),
        };
        let refusal = RefusedFeature {
            feature: Feature::StrictTools,
            of_schemas: true,
        };
        for n in 0..2 * MAX_SCHEMAS {
            let lack = learned.remember("a", refusal, of(n), now);
            assert_eq!(lack.is_some(), n < MAX_SCHEMAS);
        }
        assert!(learned.of("a", || of(0), now).strict_tools);
        assert!(!learned.of("a", || of(MAX_SCHEMAS), now).strict_tools);
        assert!(!learned.of("a", Marks::default, now).strict_tools);
        // One that is known may be learned again, and other things still are.
        assert!(learned.remember("a", refusal, of(1), now).is_some());
        let caching = Feature::Caching.into();
        assert!(
            learned
                .remember("a", caching, Marks::default(), now)
                .is_some()
        );
    }
}
