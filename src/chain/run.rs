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
use super::interface::{ChainOptions, Outcome, Sink};
use super::omitted::RefusedFeature;
use super::policy::{Then, rule};
use super::queue::{Next, QueuedTarget, TargetQueue};
use super::recovery::{Continuation, Rescue, Sent};
use super::routes::Routes;
use super::target::Target;

/// With less time than this left, no other target is asked: no model answers so fast.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// Runs `request` along its chain.
pub async fn run(
    routes: &Routes,
    request: &Request,
    ask: &ChainOptions,
    sink: &mut impl Sink,
) -> Outcome {
    let mut run = Run {
        routes,
        request,
        ask,
        sink,
        outcome: Outcome::default(),
        current: None,
        own: None,
        sent: Sent::default(),
        continuation: None,
        output_before: 0,
        sunk: Decimal::ZERO,
    };
    // What was asked so far may be billed: it outlives the time limit, and a panic as well.
    let ended = {
        // Pinned, as below it: what wraps it would move its kilobytes.
        let targets = pin!(run.targets());
        let in_time = timeout_at(ask.deadline, targets);
        AssertUnwindSafe(in_time).catch_unwind().await
    };
    let cut_short = match ended {
        Ok(Ok(result)) => {
            let mut outcome = run.outcome;
            outcome.failure = result.err();
            let unpaid = outcome.failure.as_ref();
            if unpaid.is_some_and(|failure| failure.class.is_about_money())
                && !outcome.attempts.iter().any(Attempt::was_made)
            {
                // It is a refusal like one before the chain: no target has anything to do with it.
                outcome.attempts.clear();
            }
            return outcome;
        }
        Ok(Err(_)) => Failure::new(Class::Deadline, "the request's time limit was reached"),
        Err(panic) => {
            let panic = panics::text(&panic);
            tracing::error!(group = ask.group, panic, "a request's chain panicked");
            Failure::internal()
        }
    };
    run.close(Some(&cut_short));
    let mut outcome = run.outcome;
    outcome.failure = Some(cut_short);
    outcome
}

/// The failure that the caller is told, with the reason why no other target was asked.
fn with_reason(mut told: Failure, unpaid: &Failure) -> Failure {
    let said = told.message.trim_end_matches('.');
    told.message = format!("{said}. Another model was not asked: {}", unpaid.message);
    told
}

pub(super) struct Run<'a, S> {
    pub(super) routes: &'a Routes,
    pub(super) request: &'a Request,
    pub(super) ask: &'a ChainOptions,
    pub(super) sink: &'a mut S,
    pub(super) outcome: Outcome,
    pub(super) current: Option<CurrentAttempt>,
    /// What the last attempt was asked, where that is not the request: a fallback's own.
    pub(super) own: Option<Arc<Request>>,
    /// What the client has of a streamed answer.
    pub(super) sent: Sent,
    /// What is asked instead of the request, to continue a broken answer.
    pub(super) continuation: Option<Continuation>,
    /// Tokens of the parts of the answer that were continued.
    pub(super) output_before: u64,
    /// US dollars that the attempts so far have cost, or may have.
    pub(super) sunk: Decimal,
}

impl<S: Sink> Run<'_, S> {
    /// Target by target. The caller gets the error of the earliest one in the chain; of a stream that broke off, the
    /// error that broke it, whatever those said who were to save it.
    async fn targets(&mut self) -> Result<(), Failure> {
        let mut queue = TargetQueue::new(self.routes.candidates(self.ask));
        let mut earliest: Option<(usize, Failure)> = None;
        let mut broken: Option<Failure> = None;
        let mut unpaid: Option<Failure> = None;
        let mut asked_again = false;
        while let Some(next) = queue.next(self.routes.cooldowns(), self.routes.clock()) {
            let (candidate, turn) = match next {
                Next::Ask(candidate, turn) => (candidate, turn),
                Next::Rests(candidate) => {
                    self.note_rest(&candidate);
                    continue;
                }
            };
            let told = broken.is_some() || earliest.is_some();
            if told && Instant::now() + LEAST_TIME > self.ask.deadline {
                self.routes.cooldowns().unprobed(&candidate.target);
                break;
            }
            let Err(failure) = self.tries(&candidate, turn, &queue).await else {
                return Ok(());
            };
            self.log(&candidate.target, &failure);
            if failure.class.is_about_money() && (told || failure.class != Class::Unpriced) {
                let goes_on = failure.class == Class::Unpriced;
                unpaid.get_or_insert(failure);
                if goes_on {
                    continue;
                }
                break;
            }
            let then = rule(failure.class).then;
            if self.sink.is_gone() {
                return Err(broken.unwrap_or(failure));
            }
            if self.sent.is_anything() {
                let hopeless = broken.is_none() && then != Then::Next;
                broken.get_or_insert(failure);
                if hopeless || !self.save(&candidate, &mut queue, &mut asked_again) {
                    break;
                }
                continue;
            }
            if then == Then::Stop {
                return Err(failure);
            }
            self.reorder(&mut queue, &candidate.target, then);
            if earliest
                .as_ref()
                .is_none_or(|(place, _)| candidate.place < *place)
            {
                earliest = Some((candidate.place, failure));
            }
        }
        let first = broken.or(earliest.map(|(_, failure)| failure));
        Err(match (first, unpaid) {
            (Some(first), Some(unpaid)) => with_reason(first, &unpaid),
            (Some(told), None) | (None, Some(told)) => told,
            (None, None) => Failure::new(Class::NoSuchModel, "the model group has no deployments"),
        })
    }

    /// Says in the log what failed. Missing credentials are said aloud once: what they are wanting is the same for
    /// every target and every request, and each request's own line names them too.
    fn log(&self, target: &Target, failure: &Failure) {
        let (group, model) = (target.group(), target.model_id());
        let (class, fault) = (failure.class.as_str(), &failure.fault);
        if failure.class == Class::NoCredentials {
            if self.routes.is_first_without_credentials() {
                tracing::warn!("{fault}");
            }
            tracing::debug!(group, model, class, "target failed");
            return;
        }
        let status = failure.status;
        tracing::warn!(group, model, class, status, fault, "target failed");
    }

    /// Prepares the next target to go on where the stream broke off. False: it cannot be saved.
    fn save(
        &mut self,
        broke: &QueuedTarget,
        queue: &mut TargetQueue,
        asked_again: &mut bool,
    ) -> bool {
        let request = self.own.as_deref().unwrap_or(self.request);
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
        if !*asked_again && can_go_on(self, &broke.target) {
            *asked_again = true;
            queue.push_last(broke.clone());
        }
        true
    }

    fn takes_prefill(&self, target: &Target) -> bool {
        let (learned, now) = (self.routes.learned(), self.routes.clock().now());
        target.model().abilities.prefill
            && !learned.knows(target.deployment_id(), Feature::Prefill, now)
    }

    /// Which targets are left after a failure.
    fn reorder(&self, queue: &mut TargetQueue, failed: &Target, then: Then) {
        if then == Then::OtherIdentity {
            let credentials = &failed.deployment().credentials;
            queue.retain(|next| next.deployment().credentials != *credentials);
        }
        if self.ask.disable_fallbacks || self.ask.only.is_some() {
            return;
        }
        match then {
            Then::Next | Then::OtherIdentity | Then::Stop => {}
            Then::OtherFilter => {
                let named = self.routes.special(self.ask, FallbackKind::ContentPolicy);
                queue.narrow(named, failed, |_| false);
            }
            Then::LargerWindow => {
                let named = self.routes.special(self.ask, FallbackKind::ContextWindow);
                queue.narrow(named, failed, |next| next.window() > failed.window());
            }
        }
    }

    /// Files that a target was passed over, so that the trail says why another one answered.
    fn note_rest(&mut self, candidate: &QueuedTarget) {
        if self.ask.only.is_none() {
            let attempt = attempt::of(&candidate.target, candidate.hop);
            self.outcome.attempts.push(attempt.passed_over());
        }
    }

    /// Whether an answer that the client has in part is being continued.
    pub(super) fn continues(&self) -> bool {
        self.continuation.is_some()
    }

    /// What the last attempt asked its target.
    pub(super) fn asked(&self) -> &Request {
        match &self.continuation {
            Some(continuation) => &continuation.request,
            None => self.own.as_deref().unwrap_or(self.request),
        }
    }

    /// Remembers what a target refused and answers without, and tells other instances.
    pub(super) fn learn(&mut self, target: &Target, refused: &[RefusedFeature]) {
        let request = self.asked();
        if refused.is_empty() || has_client_fields(request) {
            return;
        }
        let marks = marks(request, target.defaults());
        for refusal in refused {
            let told = self.routes.learn(target, *refusal, marks.clone());
            self.outcome.notices.extend(told);
        }
    }
}
