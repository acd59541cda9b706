//! In which format a deployment is asked, as far as its entry and its model decide that.

use super::{Defaults, Deployment, is_pattern};
use crate::catalog::{Dialect, Family, Model};

/// What decides the format in which a deployment is asked. A conversation never changes it: that would cost its cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectRule {
    /// Claude's own format for requests that come in it, Converse for all others.
    ByWire,
    /// `dialect` says it.
    Pinned(Dialect),
    /// Converse, for Bedrock refused a guardrail beside a body of Claude's own
    /// (<https://github.com/anthropics/claude-agent-sdk-python/issues/999>).
    Guardrail,
    /// Converse, for the model has no other format here.
    NotClaude,
}

impl Defaults {
    /// What decides the format in which `model` is asked with these.
    pub fn dialect_rule(&self, model: &Model) -> DialectRule {
        match self.dialect {
            _ if model.family != Family::Claude => DialectRule::NotClaude,
            _ if self.guardrail.is_some() => DialectRule::Guardrail,
            Some(dialect) => DialectRule::Pinned(dialect),
            None => DialectRule::ByWire,
        }
    }
}

impl Deployment {
    /// What decides the format in which it is asked. `None`: another entry's models will stand here, or its model makes no
    /// conversation.
    pub fn dialect_rule(&self) -> Option<DialectRule> {
        let model = &self.model;
        let talks = !is_pattern(&self.model_id) && model.retrieval.is_none() && model.is_served();
        talks.then(|| self.defaults.dialect_rule(&self.model))
    }

    /// Why a `dialect` that its entry names has no effect.
    pub(super) fn idle_dialect(&self) -> Option<&'static str> {
        if self.defaults.dialect != Some(Dialect::Messages) {
            return None;
        }
        match self.dialect_rule()? {
            DialectRule::NotClaude => Some("only Claude can be asked in that format"),
            DialectRule::Guardrail => Some("Bedrock refuses a guardrail in that format"),
            DialectRule::Pinned(_) | DialectRule::ByWire => None,
        }
    }
}
