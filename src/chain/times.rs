//! How long one attempt may take: what the request says goes before what the configuration does.

use std::time::Duration;

use tokio::time::Instant;

use crate::bedrock::{Class, Limits};

use super::interface::ChainOptions;
use super::target::Target;

/// Time limits of one attempt.
#[derive(Debug)]
pub(super) struct Times {
    /// The request's own for the first event.
    own_first_event: Option<Duration>,
    /// The request's own for silence.
    own_idle: Option<Duration>,
    /// While others are left, a silent target gets at most half of the time that the request has.
    most_first_event: Option<Duration>,
    /// The whole attempt, where the answer is handed on as a whole.
    pub(super) whole: Option<Duration>,
    /// The limit of the call that was made is shorter than the target's own.
    is_cut_short: bool,
}

impl Times {
    pub(super) fn new(ask: &ChainOptions, target: &Target, others: bool) -> Self {
        let own = if ask.whole {
            ask.timeout
        } else {
            ask.stream_timeout.or(ask.timeout)
        };
        let left = ask.deadline.saturating_duration_since(Instant::now());
        Self {
            own_first_event: own,
            own_idle: ask.stream_timeout.filter(|_| !ask.whole),
            most_first_event: others.then_some(left / 2),
            whole: ask
                .timeout
                .or(target.deployment().timeout)
                .filter(|_| ask.whole),
            is_cut_short: false,
        }
    }

    /// The limits of a call with a prompt of about so many tokens.
    pub(super) fn of_call(&mut self, target: &Target, prompt_tokens: u64) -> Limits {
        let configured = target.first_event_limit().for_prompt(prompt_tokens);
        let wanted = self.own_first_event.unwrap_or(configured);
        let first_event = self.most_first_event.unwrap_or(wanted).min(wanted);
        self.is_cut_short = first_event < configured;
        Limits {
            first_event,
            idle: self.own_idle.unwrap_or_else(|| target.idle_limit()),
            idle_in_tool_call: self
                .own_idle
                .unwrap_or_else(|| target.tool_call_idle_limit()),
        }
    }

    /// Whether a failure says no more than that this request was impatient: the limits that passed are its own and not
    /// the target's.
    pub(super) fn is_impatience(&self, class: Class) -> bool {
        let tight = self.is_cut_short || self.own_idle.is_some();
        tight && matches!(class, Class::FirstEventTimeout | Class::IdleTimeout)
    }
}
