//! What targets turn out to lack, learned from their refusals, and what a try of a target leaves out.
//!
//! A refusal alone teaches nothing: a feature is remembered once the same request without it was answered, for an hour,
//! and never from a request with fields of its client's own (see `bedrock/plan/client_fields.rs`). Other instances
//! learn of it through the table, and the admin pages can make all of them forget it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::bedrock::Feature;
use crate::bedrock::plan::{Plan, Without};

/// How long something is believed: models gain features, and a target's next request finds out at the cost of one
/// more call.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// Callers choose the names behind a pattern: of more deployments than this nothing is kept.
const MAX_DEPLOYMENTS: usize = 4_096;

/// Something that a target turned out to lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The feature.
    pub feature: Feature,
    /// The betas that were refused together, sorted: one of them is not known there, and Bedrock does not say which.
    /// Empty for every other feature.
    pub betas: Vec<String>,
    /// When it was learned.
    pub since: Timestamp,
    /// When it is forgotten.
    pub until: Timestamp,
}

impl Lack {
    /// What is lacking, as one name: the feature's, with the betas or the number behind it.
    pub fn name(&self) -> String {
        let feature = self.feature.name();
        match self.feature.limit() {
            Some(limit) => format!("{feature}:{limit}"),
            None if self.betas.is_empty() => feature.to_owned(),
            None => format!("{feature}:{}", self.betas.join(",")),
        }
    }

    /// Whether it concerns a request that asks for these betas.
    fn concerns(&self, betas: &[String]) -> bool {
        self.betas.iter().all(|beta| betas.contains(beta))
    }
}

/// Facts about deployments that the catalog did not know, by the deployment's id.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<HashMap<String, Vec<Lack>>>);

impl Learned {
    /// What a request for this deployment must be planned without. `betas` names those that it asks for.
    pub(super) fn of(
        &self,
        deployment: &str,
        betas: impl FnOnce() -> Vec<String>,
        now: Timestamp,
    ) -> Without {
        let lacks = self.lacks(deployment, now);
        let mut without = Without::default();
        if lacks.is_empty() {
            return without;
        }
        let betas = betas();
        for lack in lacks.iter().filter(|lack| lack.concerns(&betas)) {
            add(&mut without, lack.feature);
        }
        without
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
        feature: Feature,
        betas: Vec<String>,
        now: Timestamp,
    ) -> Option<Lack> {
        let betas = match feature {
            Feature::Betas if betas.is_empty() => return None,
            Feature::Betas => betas,
            _ if feature.is_of_model() => Vec::new(),
            _ => return None,
        };
        let lack = Lack {
            feature,
            betas,
            since: now,
            until: now.checked_add(BELIEVED).unwrap_or(Timestamp::MAX),
        };
        self.insert(deployment, lack.clone(), now);
        Some(lack)
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

    fn insert(&self, deployment: &str, lack: Lack, now: Timestamp) {
        let mut known = self.lock();
        if known.len() >= MAX_DEPLOYMENTS && !known.contains_key(deployment) {
            known.retain(|_, lacks| lacks.iter().any(|lack| lack.until > now));
            if known.len() >= MAX_DEPLOYMENTS {
                return;
            }
        }
        let lacks = known.entry(deployment.to_owned()).or_default();
        let name = lack.name();
        match lacks.iter_mut().find(|known| known.name() == name) {
            Some(known) if known.until >= lack.until => {}
            Some(known) => *known = lack,
            None => {
                lacks.retain(|lack| lack.until > now);
                lacks.push(lack);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Lack>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the tries of a target leave out.
#[derive(Debug, Default)]
pub(super) struct Omitted {
    /// `None` before the first try.
    without: Option<Without>,
    /// What this request itself was refused for; remembered as soon as it is answered without it.
    pub(super) refused: Vec<Feature>,
    /// The last try asked for the gateway's own beta, and for so long an answer.
    sent_eager: bool,
    sent_max_tokens: u32,
}

impl Omitted {
    /// What the next try leaves out: what is `known` of the target at the first one, and what was refused since.
    pub(super) fn without(&mut self, known: impl FnOnce() -> Without) -> Without {
        *self.without.get_or_insert_with(known)
    }

    /// This is sent.
    pub(super) fn sends(&mut self, plan: &Plan) {
        self.sent_eager = plan.asks_for_eager_tool_input();
        self.sent_max_tokens = plan.inference.max_tokens;
    }

    /// Whether the last try asked for a longer answer than the client did, which it did not do if it said `None`.
    pub(super) fn asked_for_more_than(&self, client: Option<u32>) -> bool {
        client.is_none_or(|client| self.sent_max_tokens > client)
    }

    /// Leaves out this as well. False: it was left out already, so the refusal has another reason.
    pub(super) fn also(&mut self, feature: Feature) -> bool {
        let feature = match feature {
            // Bedrock does not say which beta it means. The gateway's own goes first: the client asked for the others.
            Feature::Betas if self.sent_eager => Feature::EagerToolInput,
            // Refused without it too, so nothing speaks against it.
            Feature::Betas => {
                self.refused
                    .retain(|refused| *refused != Feature::EagerToolInput);
                feature
            }
            // A number from outside: one that is not smaller than what was asked for does not explain the refusal.
            Feature::MaxTokens(limit) | Feature::AnswerRoom(limit)
                if limit == 0 || limit >= self.sent_max_tokens =>
            {
                return false;
            }
            feature => feature,
        };
        let without = self.without.get_or_insert_default();
        let before = *without;
        add(without, feature);
        self.refused.push(feature);
        *without != before
    }
}

/// Adds a feature to what is left out.
fn add(without: &mut Without, feature: Feature) {
    match feature {
        // The replayed blocks are the usual reason; refused without them as well, it is thinking itself.
        Feature::Thinking if !without.thinking_blocks => without.thinking_blocks = true,
        Feature::Thinking => without.thinking = true,
        Feature::Caching | Feature::CachePlaces => without.caching = true,
        Feature::ToolsWhileStreaming => without.tools_while_streaming = true,
        Feature::Prefill => without.prefill = true,
        Feature::Temperature => without.temperature = true,
        Feature::TopP => without.top_p = true,
        Feature::TopK => without.top_k = true,
        Feature::StopSequences => without.stop_sequences = true,
        Feature::ForcedToolChoice => {
            without.required_tool_choice = true;
            without.named_tool_choice = true;
        }
        Feature::RequiredToolChoice => without.required_tool_choice = true,
        Feature::NamedToolChoice => without.named_tool_choice = true,
        Feature::JsonSchema => without.json_schema = true,
        Feature::Betas => without.betas = true,
        Feature::EagerToolInput => without.eager_tool_input = true,
        Feature::MaxTokens(limit) | Feature::AnswerRoom(limit) => {
            let known = without.max_tokens.unwrap_or(limit);
            without.max_tokens = Some(known.min(limit));
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
            learned.remember(name, Feature::Caching, Vec::new(), now);
        };
        for n in 0..2 * MAX_DEPLOYMENTS {
            remember(&n.to_string(), now);
        }
        assert_eq!(learned.lock().len(), MAX_DEPLOYMENTS);
        assert!(learned.knows("0", Feature::Caching, now));
        // What is over makes room.
        let later = now + 2 * BELIEVED;
        remember("new", later);
        assert!(learned.knows("new", Feature::Caching, later));
        assert_eq!(learned.lock().len(), 1);
    }

    #[test]
    fn what_was_forgotten_elsewhere_is_forgotten_here_unless_it_was_learned_since() {
        let learned = Learned::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
        let lack = learned.remember("a", Feature::TopP, Vec::new(), at(10));
        let forgotten = |until| Lack {
            until,
            ..lack.clone().unwrap()
        };
        learned.adopt("a", forgotten(at(9)), at(20));
        assert!(learned.knows("a", Feature::TopP, at(20)));
        learned.adopt("a", forgotten(at(15)), at(20));
        assert!(!learned.knows("a", Feature::TopP, at(20)));
    }
}
