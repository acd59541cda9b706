//! One attempt at a target: planned, paid for, called, its events handed on, and closed.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::bedrock::plan::{UnsupportedFeatures, marks, plan};
use crate::bedrock::{Answer, Class, Failure, Feature};
use crate::conversation::{Event, Request, StopReason};
use crate::limits::Lease;

use super::attempt::CurrentAttempt;
use super::interface::{Afforded, AnswerStarted, AttemptOffer, Sink};
use super::omitted::OmittedFeatures;
use super::queue::QueuedTarget;
use super::recovery::Sent;
use super::routes::Routes;
use super::run::ChainRun;
use super::target::Target;
use super::timeouts::AttemptTimeouts;

impl<S: Sink> ChainRun<'_, S> {
    /// The features that the target is known to lack.
    fn known_lacks(&self, target: &Target) -> UnsupportedFeatures {
        let marks = || marks(self.current_request(), target.defaults());
        let now = self.routes.clock().now();
        let (learned, request) = (self.routes.learned(), self.current_request());
        let refused = self.routes.refused_thinking();
        UnsupportedFeatures {
            encrypted_thinking: refused.encrypted(target.deployment_id(), request),
            bound_thinking: refused.is_bound(target.deployment_id(), request),
            ..learned.of(target.deployment_id(), marks, now)
        }
    }

    /// Runs one attempt within its total time limit.
    pub(super) async fn run_attempt(
        &mut self,
        queued: &QueuedTarget,
        omitted: &mut OmittedFeatures,
        times: &mut AttemptTimeouts,
    ) -> Result<(), Failure> {
        self.current = Some(CurrentAttempt::new(queued, self.routes.clock().now()));
        let total = times.total;
        let call = pin!(self.call_target(queued, omitted, times));
        let Some(limit) = total else {
            return call.await;
        };
        match timeout(limit, call).await {
            Ok(result) => result,
            Err(_) => {
                let seconds = limit.as_secs_f32();
                let message = format!("the answer was not whole within {seconds} s");
                Err(Failure::new(Class::TooSlow, message))
            }
        }
    }

    /// Calls the target once, if the attempt can be paid for and its deployment's limits allow it, and hands on its
    /// events.
    async fn call_target(
        &mut self,
        queued: &QueuedTarget,
        omitted: &mut OmittedFeatures,
        times: &mut AttemptTimeouts,
    ) -> Result<(), Failure> {
        let target = &queued.target;
        if let Some(class) = self
            .options
            .mock_failure
            .filter(|_| target.group() == self.options.group)
        {
            let message =
                "this failure was asked for by a mock_testing parameter; nothing was called";
            return Err(Failure::new(class, message));
        }
        if let Some(text) = &target.deployment().mock_response {
            self.handle_event(Event::Text(text.clone())).await;
            self.handle_event(Event::Stop(StopReason::EndTurn)).await;
            return Ok(());
        }
        if self.continuation.is_none() {
            self.own_request = match &queued.request {
                Some(fallback) => Some(fallback.get().await?),
                None => None,
            };
        }
        let unsupported = omitted.features(|| self.known_lacks(target));
        let mut request = Cow::Borrowed(match &self.continuation {
            Some(continuation) => &continuation.request,
            None => self.own_request.as_deref().unwrap_or(self.request),
        });
        let plan_for =
            |request: &Request| plan(request, target.model(), target.defaults(), unsupported);
        let mut plan = plan_for(&request);
        let current = self.current.as_ref();
        let began_at = current.map_or_else(|| self.routes.clock().now(), CurrentAttempt::began_at);
        let cost_bound = loop {
            let offer = AttemptOffer {
                target,
                plan: &plan,
                began_at,
                cost_so_far: self.cost_so_far,
                may_shorten: request.sampling.max_tokens.is_none(),
            };
            match self.sink.afford(offer).await? {
                Afforded::Yes(bound) => break bound,
                Afforded::Shorter(tokens) => {
                    request.to_mut().sampling.max_tokens = Some(tokens);
                    plan = plan_for(&request);
                }
            }
        };
        if let Some(current) = &mut self.current {
            current.cost_bound = cost_bound;
            take_limits(self.routes, current, target, &request).await?;
        }
        if !self.options.buffered && !self.sent.is_anything() {
            self.sent = Sent::new(&request, target.recovery());
        }
        drop(request);
        let prompt_tokens = plan.estimated_prompt_tokens();
        let cache_life = plan.cache_life();
        if let Some(current) = &mut self.current {
            current.record_plan(&plan, prompt_tokens);
        }
        omitted.record_plan(&plan);
        let timeouts = times.for_call(target, prompt_tokens);
        let answer = target
            .endpoint()
            .of(&self.options.caller)
            .await
            .call(target.model_id(), plan, timeouts)
            .await?;
        if let Some(current) = &mut self.current {
            current.mark_billed(answer.request_id());
        }
        self.routes
            .cooldowns()
            .succeeded(target, self.routes.clock());
        self.remember_refused(target, &omitted.refused);
        if let Some(life) = cache_life {
            let life = self.routes.affinity().ttl.unwrap_or(life);
            let notice = self.routes.remember_session(self.options, queued, life);
            self.outcome.background_writes.extend(notice);
        }
        self.read_answer(target, answer).await
    }

    /// Hands on the events of an answer until its end. When the client has gone, what is left is read for a while.
    async fn read_answer(&mut self, target: &Target, mut answer: Answer) -> Result<(), Failure> {
        let drain = self.routes.drain_limit();
        let mut drained_by: Option<Instant> = None;
        loop {
            let event = {
                let mut next = pin!(answer.next());
                tokio::select! {
                    biased;
                    event = &mut next => event?,
                    // The client has gone: what is left is the accounting, and it may not take for ever.
                    () = self.sink.wait_until_gone() => {
                        let by = *drained_by.get_or_insert_with(|| Instant::now() + drain);
                        timeout_at(by, next).await.map_err(|_| client_gone(drain))??
                    }
                }
            };
            match event {
                Some(event) => {
                    if let (Event::Usage(_), Some(current)) = (&event, &mut self.current) {
                        current.record_terms(answer.served());
                        if answer.counts_cache_apart() {
                            self.remember_refused(target, &[Feature::CachedInInput.into()]);
                        }
                    }
                    self.handle_event(event).await;
                }
                None => return Ok(()),
            }
        }
    }

    /// Adds an event to the attempt and hands it on.
    async fn handle_event(&mut self, event: Event) {
        let Some(current) = &mut self.current else {
            return;
        };
        let event = match &mut self.continuation {
            Some(continuation) => continuation.join(event),
            None => event,
        };
        if let Event::Stop(reason) = &event {
            self.outcome.stop = Some(reason.clone());
        }
        if current.record_event(&event) {
            self.outcome.target = Some(Arc::clone(current.target()));
            self.outcome.first_piece.get_or_insert_with(Instant::now);
            let (attempt, _) = current.to_attempt(None);
            let attempts = self
                .outcome
                .attempts
                .iter()
                .cloned()
                .chain([attempt])
                .collect();
            let target = Arc::clone(current.target());
            let started = AnswerStarted {
                target,
                attempts,
                dropped: current.dropped().clone(),
                dialect: current.dialect(),
                estimated_prompt: current.estimated_prompt(),
                native: current.take_start(),
            };
            let early = current.take_early();
            self.sink.begin(started).await;
            for event in early {
                self.sink.send_event(event).await;
            }
        } else if !current.is_handed_on() {
            current.hold_back(event);
            return;
        }
        if !self.options.buffered {
            self.sent.note(&event);
        }
        self.sink.send_event(event).await;
    }

    /// Ends the attempt under way and adds it to the outcome.
    pub(super) fn close_attempt(&mut self, failure: Option<&Failure>) {
        if let Some(mut current) = self.current.take() {
            let (attempt, usage) = current.to_attempt(failure);
            self.cost_so_far += current.possible_cost(&attempt, failure);
            let slot_release = current.slot.take().map(Lease::end);
            self.outcome.background_writes.extend(slot_release);
            if let Some(counted_request) = current.counted_request.take() {
                let used = usage.map_or(0, |usage| usage.total());
                self.outcome
                    .background_writes
                    .extend(self.routes.correct_count(counted_request, used));
            }
            self.outcome.attempts.push(attempt);
            if let Some(mut usage) = usage {
                usage.output += self.output_before;
                self.outcome.usage = Some(usage);
            }
        }
    }
}

/// Takes a slot of the deployment and counts the request in its minute: the attempt holds both until it is closed.
async fn take_limits(
    routes: &Routes,
    current: &mut CurrentAttempt,
    target: &Target,
    request: &Request,
) -> Result<(), Failure> {
    current.slot = routes.take_slot(target).await?;
    let estimate = || request.estimated_prompt_tokens();
    current.counted_request = routes.count_request(target, estimate).await?;
    Ok(())
}

fn client_gone(limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    let message = format!("the client went away and the answer did not end within {seconds} s");
    Failure::new(Class::Cut, message)
}
