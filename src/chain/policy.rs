//! What a failure of each kind leads to: the table, as data.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::bedrock::{Class, Failure, Feature};
use crate::config::RetryKind;

/// What follows a failure: whether the target is retried, which targets come next, and whether its cooldown begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePolicy {
    /// Whether the same target is asked again.
    pub retry: Retry,
    /// Which targets may be asked after it.
    pub next: NextTargets,
    /// Whether the target's cooldown begins, so that other requests do not meet the same failure.
    pub cooldown: CooldownMode,
}

/// Whether a target's cooldown begins after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CooldownMode {
    /// The failure says nothing about the target.
    No,
    /// Once there have been more than `allowed_fails` of them within a minute.
    AfterFails,
    /// As soon as a request gives it up: for `cooldown_time`, or as long as Bedrock asks.
    Briefly,
    /// As soon as a request gives it up: for `long_cooldown_time`. It will not be better in a few seconds.
    Long,
}

/// Whether the same target is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No: it would answer the same, or stay silent again.
    No,
    /// After a pause, as often as the retries allow.
    AfterPause,
    /// As above, but a sibling deployment of the same group is preferred to a pause.
    PreferSibling,
    /// Once, planned anew without the feature that it lacks.
    WithoutFeature(Feature),
}

/// Which targets may be asked after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTargets {
    /// The next of the chain.
    InOrder,
    /// Those of `context_window_fallbacks`; where there are none, those of the chain with a larger window.
    LargerWindow,
    /// Only those of `content_policy_fallbacks`.
    OtherFilter,
    /// The next target of the chain that is called with other credentials.
    OtherCredentials,
    /// None: it is the caller's mistake.
    None,
}

/// The policy table.
pub fn failure_policy(class: Class) -> FailurePolicy {
    use {Class as C, CooldownMode as Cool, NextTargets as Next};
    let (retry, next, cooldown) = match class {
        C::Throttled => (Retry::PreferSibling, Next::InOrder, Cool::Briefly),
        C::Unavailable | C::Connection => (Retry::AfterPause, Next::InOrder, Cool::AfterFails),
        // A fault after the answer had begun, with nothing of it handed on: as good as none.
        C::Cut => (Retry::AfterPause, Next::InOrder, Cool::AfterFails),
        C::FirstEventTimeout => (Retry::No, Next::InOrder, Cool::Briefly),
        C::IdleTimeout => (Retry::No, Next::InOrder, Cool::AfterFails),
        C::Credentials => (Retry::No, Next::InOrder, Cool::Briefly),
        // Nothing was asked, and the next request finds them as soon as they are there.
        C::NoCredentials => (Retry::No, Next::OtherCredentials, Cool::No),
        C::DailyQuota | C::AccessDenied | C::NoSuchModel => (Retry::No, Next::InOrder, Cool::Long),
        C::ContextWindow => (Retry::No, Next::LargerWindow, Cool::No),
        C::ContentFiltered => (Retry::No, Next::OtherFilter, Cool::No),
        C::BadRequest | C::Deadline | C::Internal => (Retry::No, Next::None, Cool::No),
        // A cheaper model is not what was asked for.
        C::OverBudget | C::BudgetUnknown => (Retry::No, Next::None, Cool::No),
        C::Unpriced | C::Rejected | C::Mocked | C::TooSlow | C::LimitReached => {
            (Retry::No, Next::InOrder, Cool::No)
        }
        C::Lacks(feature) => (Retry::WithoutFeature(feature), Next::InOrder, Cool::No),
    };
    FailurePolicy {
        retry,
        next,
        cooldown,
    }
}

/// Under which name of LiteLLM's `retry_policy` a failure falls; `None`: it is never tried again as it is.
pub fn retry_kind(class: Class) -> Option<RetryKind> {
    use Class as C;
    Some(match class {
        C::Throttled | C::DailyQuota => RetryKind::RateLimit,
        C::Unavailable | C::Connection | C::Cut => RetryKind::Unavailable,
        C::FirstEventTimeout | C::IdleTimeout => RetryKind::Timeout,
        C::Credentials | C::NoCredentials | C::AccessDenied => RetryKind::Authentication,
        C::NoSuchModel => RetryKind::NotFound,
        C::ContentFiltered => RetryKind::ContentPolicy,
        C::Rejected => RetryKind::BadRequest,
        C::ContextWindow
        | C::BadRequest
        | C::Lacks(_)
        | C::TooSlow
        | C::LimitReached
        | C::OverBudget
        | C::Unpriced
        | C::BudgetUnknown
        | C::Mocked
        | C::Deadline
        | C::Internal => return None,
    })
}

/// How long to wait between tries of one target.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first pause; it doubles with every further try.
    pub min: Duration,
    /// The longest pause.
    pub max: Duration,
    /// The longest `retry-after` that is obeyed; a longer one means: move on.
    pub longest_retry_after: Duration,
    /// The longest `retry-after` that is obeyed while another target could answer.
    pub longest_with_others: Duration,
}

impl Default for Backoff {
    /// Half a second, doubling to eight: the reference system's steps. A `retry-after` up to a minute is obeyed,
    /// up to five seconds where there is somewhere else to go.
    fn default() -> Self {
        Self {
            min: Duration::from_millis(500),
            max: Duration::from_secs(8),
            longest_retry_after: Duration::from_secs(60),
            longest_with_others: Duration::from_secs(5),
        }
    }
}

impl Backoff {
    /// The pauses between tries, each jittered, without an end.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.min)
            .with_max_delay(self.max)
            .with_factor(2.0)
            .without_max_times()
            .with_jitter()
            .build()
    }

    /// The pause before the next try: what Bedrock asks for, else the jittered one. `None`: not worth waiting for,
    /// all the less where `others` could answer.
    pub fn pause(&self, jittered: Duration, failure: &Failure, others: bool) -> Option<Duration> {
        let longest = if others {
            self.longest_with_others
        } else {
            self.longest_retry_after
        };
        match failure.retry_after {
            Some(asked) if asked > longest => None,
            Some(asked) => Some(asked),
            None => Some(jittered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_s_mistake_is_never_tried_elsewhere() {
        assert_eq!(
            failure_policy(Class::BadRequest),
            FailurePolicy {
                retry: Retry::No,
                next: NextTargets::None,
                cooldown: CooldownMode::No
            }
        );
    }

    #[test]
    fn a_silent_target_is_not_asked_twice() {
        assert_eq!(failure_policy(Class::FirstEventTimeout).retry, Retry::No);
    }

    #[test]
    fn retry_after_is_obeyed_up_to_a_minute() {
        let backoff = Backoff::default();
        let failure = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Failure::new(Class::Throttled, "slow down")
        };
        assert_eq!(
            backoff.pause(Duration::ZERO, &failure(30), false),
            Some(Duration::from_secs(30))
        );
        assert_eq!(backoff.pause(Duration::ZERO, &failure(61), false), None);
    }

    #[test]
    fn somebody_else_is_preferred_to_a_long_wait() {
        let backoff = Backoff::default();
        let failure = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Failure::new(Class::Throttled, "slow down")
        };
        let two = Some(Duration::from_secs(2));
        assert_eq!(backoff.pause(Duration::ZERO, &failure(2), true), two);
        assert_eq!(backoff.pause(Duration::ZERO, &failure(6), true), None);
    }
}
