//! How long one attempt may take. The request's own limits go before the configuration's.

use std::time::Duration;

use tokio::time::Instant;

use crate::bedrock::{CallTimeouts, Class};

use super::interface::ChainOptions;
use super::target::Target;

/// Time limits of one attempt.
#[derive(Debug)]
pub(super) struct AttemptTimeouts {
    /// The request's own for the first event.
    own_first_event: Option<Duration>,
    /// The request's own for silence.
    own_idle: Option<Duration>,
    /// While others are left, a silent target gets at most half of the time that the request has.
    most_first_event: Option<Duration>,
    /// The attempt from its beginning to its end, where the answer is not streamed.
    pub(super) total: Option<Duration>,
    /// The limit of the call that was made is shorter than the target's own.
    is_cut_short: bool,
}

impl AttemptTimeouts {
    pub(super) fn new(options: &ChainOptions, target: &Target, has_others: bool) -> Self {
        let own = if options.buffered {
            options.timeout
        } else {
            options.stream_timeout.or(options.timeout)
        };
        let left = options.deadline.saturating_duration_since(Instant::now());
        Self {
            own_first_event: own,
            own_idle: options.stream_timeout.filter(|_| !options.buffered),
            most_first_event: has_others.then_some(left / 2),
            total: options
                .timeout
                .or(target.deployment().timeout)
                .filter(|_| options.buffered),
            is_cut_short: false,
        }
    }

    /// The limits of a call with a prompt of about so many tokens.
    pub(super) fn for_call(&mut self, target: &Target, prompt_tokens: u64) -> CallTimeouts {
        let configured = target.first_event_limit().for_prompt(prompt_tokens);
        let wanted = self.own_first_event.unwrap_or(configured);
        let first_event = self.most_first_event.unwrap_or(wanted).min(wanted);
        self.is_cut_short = first_event < configured;
        CallTimeouts {
            first_event,
            idle: self.own_idle.unwrap_or_else(|| target.idle_limit()),
            idle_in_tool_call: self
                .own_idle
                .unwrap_or_else(|| target.tool_call_idle_limit()),
        }
    }

    /// Whether a failure is a timeout of this request's own making: the limits that passed are its own and not the
    /// target's.
    pub(super) fn is_own_timeout(&self, class: Class) -> bool {
        let tight = self.is_cut_short || self.own_idle.is_some();
        tight && matches!(class, Class::FirstEventTimeout | Class::IdleTimeout)
    }
}
