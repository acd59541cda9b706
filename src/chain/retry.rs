//! One target: asked, and retried as often as the policy allows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::bedrock::plan::{LEAST_LEFT, has_client_fields};
use crate::bedrock::{Class, ContextOverflow, Failure, Feature};
use crate::catalog::Dialect;

use super::interface::Sink;
use super::omitted::OmittedFeatures;
use super::policy::{Retry, failure_policy};
use super::queue::{AttemptReason, QueuedTarget, TargetQueue};
use super::run::ChainRun;
use super::target::Target;
use super::timeouts::AttemptTimeouts;

/// What follows a failed attempt.
enum RetryDecision {
    /// The target is given up.
    GiveUp,
    /// It is retried after this pause.
    After(Duration),
    /// It is retried at once, without this feature.
    Without(Feature),
}

impl<S: Sink> ChainRun<'_, S> {
    /// Calls one target, and retries it as often as the policy allows.
    pub(super) async fn try_target(
        &mut self,
        queued: &QueuedTarget,
        reason: AttemptReason,
        queue: &TargetQueue,
    ) -> Result<(), Failure> {
        let target = &queued.target;
        let mut pauses = self.routes.backoff().pauses();
        let mut retries_made = 0;
        let mut omitted = OmittedFeatures::default();
        let has_others = !queue.is_empty();
        loop {
            let mut times = AttemptTimeouts::new(self.options, target, has_others);
            let result = self.run_attempt(queued, &mut omitted, &mut times).await;
            self.close_attempt(result.as_ref().err());
            let Err(failure) = result else { return Ok(()) };
            if self.sink.is_gone() {
                self.routes.cooldowns().abandon_probe(target);
                return Err(failure);
            }
            let decision =
                match self.decide(target, reason, queue, &failure, retries_made, &omitted) {
                    RetryDecision::After(min_pause) => {
                        let jittered = pauses.next().unwrap_or(min_pause).max(min_pause);
                        let backoff = self.routes.backoff();
                        let has_others = queue.has_ready(self.routes.cooldowns());
                        match backoff.pause(jittered, &failure, has_others) {
                            Some(pause) if Instant::now() + pause < self.options.deadline => {
                                RetryDecision::After(pause)
                            }
                            _ => RetryDecision::GiveUp,
                        }
                    }
                    decision => decision,
                };
            let gives_up = matches!(decision, RetryDecision::GiveUp);
            let is_resting = self.report_failure(target, &failure, gives_up, &times);
            match decision {
                RetryDecision::GiveUp => return Err(failure),
                RetryDecision::After(_)
                    if is_resting && queue.has_ready(self.routes.cooldowns()) =>
                {
                    return Err(failure);
                }
                RetryDecision::After(pause) => {
                    retries_made += 1;
                    sleep(pause).await;
                }
                RetryDecision::Without(feature) => {
                    // Once for each feature at most: the same refusal twice means that leaving it out does not help.
                    if !omitted.omit(feature) {
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// What follows a failed attempt, as the policy says.
    fn decide(
        &self,
        target: &Arc<Target>,
        reason: AttemptReason,
        queue: &TargetQueue,
        failure: &Failure,
        retries_made: u32,
        omitted: &OmittedFeatures,
    ) -> RetryDecision {
        if let Some(room) = self.answer_room(failure, omitted) {
            return RetryDecision::Without(Feature::AnswerRoom(room));
        }
        if omitted.sent_encrypted_thinking()
            && !self.sent.is_anything()
            && may_be_about_thinking(failure)
        {
            return RetryDecision::Without(Feature::EncryptedThinking);
        }
        // Some accounts may call Converse alone.
        if failure.class == Class::AccessDenied
            && omitted.sent_dialect() == Dialect::Messages
            && target.defaults().dialect.is_none()
            && !self.sent.is_anything()
        {
            return RetryDecision::Without(Feature::MessagesDialect);
        }
        let configured = self.routes.configured_retries(target, failure.class);
        let retries = self
            .options
            .num_retries
            .or(configured)
            .unwrap_or_else(|| target.num_retries());
        let may_retry =
            retries_made < retries && reason != AttemptReason::Probe && !self.sent.is_anything();
        let min_pause = self.routes.min_pause();
        match failure_policy(failure.class).retry {
            // A continuation that is refused is not turned into another request.
            Retry::WithoutFeature(Feature::Prefill) if self.is_continuing() => {
                RetryDecision::GiveUp
            }
            Retry::WithoutFeature(feature) if self.is_continuing() || !self.sent.is_anything() => {
                RetryDecision::Without(feature)
            }
            Retry::PreferSibling if queue.has_ready_sibling(target, self.routes.cooldowns()) => {
                RetryDecision::GiveUp
            }
            Retry::AfterPause | Retry::PreferSibling if may_retry => {
                RetryDecision::After(min_pause)
            }
            Retry::No if may_retry && configured.is_some_and(|named| retries_made < named) => {
                RetryDecision::After(min_pause)
            }
            _ => RetryDecision::GiveUp,
        }
    }

    /// How long an answer has room behind the prompt, where the length that was refused was the gateway's own choice. A
    /// client that chose it shortens its answer or its prompt by itself.
    fn answer_room(&self, failure: &Failure, omitted: &OmittedFeatures) -> Option<u32> {
        let chosen = self.current_request().sampling.max_tokens;
        let may = omitted.asked_for_more_than(chosen) && !self.sent.is_anything();
        failure
            .overflow
            .and_then(ContextOverflow::answer_room)
            .filter(|room| may && *room >= LEAST_LEFT)
    }

    /// Reports a failure to the cooldowns. True: the target's cooldown begins. What the client chose, its own time
    /// limits or fields of its own, says nothing about the target.
    fn report_failure(
        &mut self,
        target: &Target,
        failure: &Failure,
        gives_up: bool,
        times: &AttemptTimeouts,
    ) -> bool {
        let (routes, class) = (self.routes, failure.class);
        let is_own_timeout = times.is_own_timeout(class);
        if is_own_timeout || failure.is_refusal() && has_client_fields(self.current_request()) {
            routes.cooldowns().abandon_probe(target);
            return false;
        }
        let retry_after = failure.retry_after;
        let cooldown =
            routes
                .cooldowns()
                .failed(target, class, retry_after, gives_up, routes.clock());
        // A name that a client made up, and that is refused, is no news for other instances.
        let is_news = !(failure.is_refusal() && target.is_named_by_client());
        let notice = cooldown.as_ref().filter(|_| is_news);
        let notice = notice
            .and_then(|cooldown| Some(routes.shared_state.as_ref()?.share_cooldown(cooldown)));
        self.outcome.background_writes.extend(notice);
        cooldown.is_some()
    }
}

/// Whether a failure without a known reason may have the encrypted thinking of its request as its reason. Bedrock
/// refuses what another region wrote, and what it cannot read, in several ways: an opaque fault is one of them
/// (<https://github.com/maximhq/bifrost/pull/6834>).
fn may_be_about_thinking(failure: &Failure) -> bool {
    match failure.class {
        Class::Rejected => failure.status == Some(400),
        Class::Unavailable => failure.status == Some(500),
        _ => false,
    }
}
