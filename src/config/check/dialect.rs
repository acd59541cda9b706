//! In which format a deployment is asked, as a check shows it.

use serde::Serialize;

use crate::catalog::Dialect;
use crate::config::DialectRule;

/// The format in which a deployment is asked, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DialectChoice {
    /// For requests to `/v1/messages`.
    for_messages: &'static str,
    /// For all other requests.
    for_others: &'static str,
    /// Why.
    reason: &'static str,
    /// As the table has it.
    #[serde(skip)]
    pub(super) cell: &'static str,
}

impl From<DialectRule> for DialectChoice {
    fn from(rule: DialectRule) -> Self {
        let (converse, messages) = (Dialect::Converse.as_str(), Dialect::Messages.as_str());
        let (for_messages, for_others, reason, cell) = match rule {
            DialectRule::ByWire => (
                messages,
                converse,
                "Claude is asked in the format of its client",
                "by client",
            ),
            DialectRule::Pinned(Dialect::Converse) => {
                (converse, converse, "dialect says so", "converse (dialect)")
            }
            DialectRule::Pinned(Dialect::Messages) => {
                (messages, messages, "dialect says so", "messages (dialect)")
            }
            DialectRule::Guardrail => (
                converse,
                converse,
                "Bedrock refuses a guardrail in Claude's own format",
                "converse (guardrail)",
            ),
            DialectRule::NotClaude => (
                converse,
                converse,
                "only Claude has a format of its own here",
                "converse (not Claude)",
            ),
        };
        Self {
            for_messages,
            for_others,
            reason,
            cell,
        }
    }
}
