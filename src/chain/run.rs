//! One request along its chain: target after target, until one answers.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rust_decimal::Decimal;
use tokio::time::{Instant, timeout_at};

use crate::bedrock::plan::{has_client_fields, marks};
use crate::bedrock::{Class, Failure, Feature};
use crate::config::FallbackKind;
use crate::conversation::Request;
use crate::panics;
use crate::spend::Attempt;

use super::attempt::{self, CurrentAttempt};
use super::interface::{ChainOptions, ChainOutcome, Sink};
use super::omitted::RefusedFeature;
use super::policy::{NextTargets, failure_policy};
use super::queue::{NextTarget, QueuedTarget, TargetQueue};
use super::recovery::{Continuation, Rescue, Sent};
use super::routes::Routes;
use super::target::Target;

/// With less time than this left, no other target is asked: no model answers so fast.
pub(super) const LEAST_TIME: Duration = Duration::from_millis(500);

/// Runs `request` along its chain.
pub async fn run(
    routes: &Routes,
    request: &Request,
    options: &ChainOptions,
    sink: &mut impl Sink,
) -> ChainOutcome {
    let mut run = ChainRun {
        routes,
        request,
        options,
        sink,
        outcome: ChainOutcome::default(),
        current: None,
        own_request: None,
        sent: Sent::default(),
        continuation: None,
        output_before: 0,
        cost_so_far: Decimal::ZERO,
    };
    // What was asked so far may be billed: it outlives the time limit, and a panic as well.
    let ended = {
        // Pinned, as below it: what wraps it would move its kilobytes.
        let targets = pin!(run.try_targets());
        let in_time = timeout_at(options.deadline, targets);
        AssertUnwindSafe(in_time).catch_unwind().await
    };
    let cut_short = match ended {
        Ok(Ok(result)) => {
            let mut outcome = run.outcome;
            outcome.failure = result.err();
            let failure = outcome.failure.as_ref();
            if failure.is_some_and(|failure| failure.class.is_about_money())
                && !outcome.attempts.iter().any(Attempt::was_called)
            {
                // It is a refusal like one before the chain: no target has anything to do with it.
                outcome.attempts.clear();
            }
            return outcome;
        }
        Ok(Err(_)) => Failure::new(Class::Deadline, "the request's time limit was reached"),
        Err(panic) => {
            let panic = panics::text(&panic);
            tracing::error!(group = options.group, panic, "a request's chain panicked");
            Failure::internal()
        }
    };
    run.close_attempt(Some(&cut_short));
    let mut outcome = run.outcome;
    outcome.failure = Some(cut_short);
    outcome
}

/// The failure for the client, with the reason why no other target was called.
pub(super) fn with_reason(mut failure: Failure, budget_failure: &Failure) -> Failure {
    let said = failure.message.trim_end_matches('.');
    failure.message = format!(
        "{said}. Another model was not asked: {}",
        budget_failure.message
    );
    failure
}

/// Logs a failure. Missing credentials are a warning once: the reason is the same for every target and every request,
/// and each request's own line names them too.
pub(super) fn log_failure(routes: &Routes, target: &Target, failure: &Failure) {
    let (group, model) = (target.group(), target.model_id());
    let (class, fault) = (failure.class.as_str(), &failure.loggable);
    if failure.class == Class::NoCredentials {
        if routes.is_first_without_credentials() {
            tracing::warn!("{fault}");
        }
        tracing::debug!(group, model, class, "target failed");
        return;
    }
    let status = failure.status;
    tracing::warn!(group, model, class, status, fault, "target failed");
}

pub(super) struct ChainRun<'a, S> {
    pub(super) routes: &'a Routes,
    pub(super) request: &'a Request,
    pub(super) options: &'a ChainOptions,
    pub(super) sink: &'a mut S,
    pub(super) outcome: ChainOutcome,
    pub(super) current: Option<CurrentAttempt>,
    /// The request of the last attempt, where a fallback has its own.
    pub(super) own_request: Option<Arc<Request>>,
    /// What the client has of a streamed answer.
    pub(super) sent: Sent,
    /// The request that continues a broken answer, instead of the client's.
    pub(super) continuation: Option<Continuation>,
    /// Tokens of the parts of the answer that were continued.
    pub(super) output_before: u64,
    /// US dollars that the attempts so far have cost, or may have.
    pub(super) cost_so_far: Decimal,
}

impl<S: Sink> ChainRun<'_, S> {
    /// Tries target after target. The error is that of the earliest one in the chain; of a stream that broke off, the
    /// error that broke it, whatever the targets said that were to continue it.
    async fn try_targets(&mut self) -> Result<(), Failure> {
        let mut queue = TargetQueue::new(self.routes.queued_targets(self.options));
        let mut earliest: Option<(usize, Failure)> = None;
        let mut broken: Option<Failure> = None;
        let mut budget_failure: Option<Failure> = None;
        let mut is_requeued = false;
        while let Some(next) = queue.next(self.routes.cooldowns(), self.routes.clock()) {
            let (queued, reason) = match next {
                NextTarget::Try(queued, reason) => (queued, reason),
                NextTarget::Resting(queued) => {
                    self.record_skipped(&queued);
                    continue;
                }
            };
            let has_failed = broken.is_some() || earliest.is_some();
            if has_failed && Instant::now() + LEAST_TIME > self.options.deadline {
                self.routes.cooldowns().abandon_probe(&queued.target);
                break;
            }
            let Err(failure) = self.try_target(&queued, reason, &queue).await else {
                return Ok(());
            };
            log_failure(self.routes, &queued.target, &failure);
            if failure.class.is_about_money() && (has_failed || failure.class != Class::Unpriced) {
                let goes_on = failure.class == Class::Unpriced;
                budget_failure.get_or_insert(failure);
                if goes_on {
                    continue;
                }
                break;
            }
            let next_targets = failure_policy(failure.class).next;
            if self.sink.is_gone() {
                return Err(broken.unwrap_or(failure));
            }
            if self.sent.is_anything() {
                let hopeless = broken.is_none() && next_targets != NextTargets::InOrder;
                broken.get_or_insert(failure);
                if hopeless || !self.prepare_recovery(&queued, &mut queue, &mut is_requeued) {
                    break;
                }
                continue;
            }
            if next_targets == NextTargets::None {
                return Err(failure);
            }
            self.reorder(&mut queue, &queued.target, next_targets);
            if earliest
                .as_ref()
                .is_none_or(|(place, _)| queued.place < *place)
            {
                earliest = Some((queued.place, failure));
            }
        }
        let first = broken.or(earliest.map(|(_, failure)| failure));
        Err(match (first, budget_failure) {
            (Some(first), Some(unpaid)) => with_reason(first, &unpaid),
            (Some(failure), None) | (None, Some(failure)) => failure,
            (None, None) => Failure::new(Class::NoSuchModel, "the model group has no deployments"),
        })
    }

    /// Prepares the next target to go on where the stream broke off. False: no target can.
    fn prepare_recovery(
        &mut self,
        broken: &QueuedTarget,
        queue: &mut TargetQueue,
        is_requeued: &mut bool,
    ) -> bool {
        let request = self.own_request.as_deref().unwrap_or(self.request);
        let can_go_on: fn(&Self, &Target) -> bool = match self.sent.rescue(request) {
            None => return false,
            Some(Rescue::Restart) => {
                self.continuation = None;
                |_, _| true
            }
            Some(Rescue::Continue(continuation)) => {
                self.output_before = self.outcome.usage.map_or(0, |usage| usage.output);
                self.continuation = Some(*continuation);
                Self::takes_prefill
            }
        };
        queue.retain(|target| can_go_on(self, target));
        // Behind all others, and once, it may go on itself.
        if !*is_requeued && can_go_on(self, &broken.target) {
            *is_requeued = true;
            queue.push_last(broken.clone());
        }
        true
    }

    fn takes_prefill(&self, target: &Target) -> bool {
        let (learned, now) = (self.routes.learned(), self.routes.clock().now());
        target.model().abilities.prefill
            && !learned.knows(target.deployment_id(), Feature::Prefill, now)
    }

    /// Removes the targets that a failure rules out.
    fn reorder(&self, queue: &mut TargetQueue, failed: &Target, next: NextTargets) {
        if next == NextTargets::OtherCredentials {
            let credentials = &failed.deployment().credentials;
            queue.retain(|next| next.deployment().credentials != *credentials);
        }
        if self.options.disable_fallbacks || self.options.only.is_some() {
            return;
        }
        match next {
            NextTargets::InOrder | NextTargets::OtherCredentials | NextTargets::None => {}
            NextTargets::OtherFilter => {
                let named = self
                    .routes
                    .special_fallbacks(self.options, FallbackKind::ContentPolicy);
                queue.narrow(named, failed, |_| false);
            }
            NextTargets::LargerWindow => {
                let named = self
                    .routes
                    .special_fallbacks(self.options, FallbackKind::ContextWindow);
                queue.narrow(named, failed, |next| next.window() > failed.window());
            }
        }
    }

    /// Adds an attempt that says the target was passed over, so that the trail says why another one answered.
    fn record_skipped(&mut self, queued: &QueuedTarget) {
        if self.options.only.is_none() {
            let attempt = attempt::unfinished(&queued.target, queued.hop);
            self.outcome.attempts.push(attempt.skipped());
        }
    }

    /// Whether an answer that the client has in part is being continued.
    pub(super) fn is_continuing(&self) -> bool {
        self.continuation.is_some()
    }

    /// The request of the last attempt.
    pub(super) fn current_request(&self) -> &Request {
        match &self.continuation {
            Some(continuation) => &continuation.request,
            None => self.own_request.as_deref().unwrap_or(self.request),
        }
    }

    /// Remembers the features that a target refused and answers without, here and on other instances.
    pub(super) fn remember_refused(&mut self, target: &Target, refused: &[RefusedFeature]) {
        let request = self.current_request();
        if refused.is_empty() || has_client_fields(request) {
            return;
        }
        let (deployment, known) = (target.deployment_id(), self.routes.refused_thinking());
        for refusal in refused {
            match refusal.feature {
                Feature::EncryptedThinking => known.remember_encrypted(deployment, request),
                Feature::BoundThinking => known.remember_bound(deployment, request),
                _ => {}
            }
        }
        let marks = marks(request, target.defaults());
        for refusal in refused {
            let notice = self.routes.remember_lack(target, *refusal, marks.clone());
            self.outcome.background_writes.extend(notice);
        }
    }
}
