//! One target, as often as the policy allows: call, hand on, judge.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::bedrock::plan::{LEAST_LEFT, UnsupportedFeatures, has_client_fields, marks, plan};
use crate::bedrock::{Class, Failure, Feature};
use crate::conversation::{Event, Request, StopReason};

use super::attempt::CurrentAttempt;
use super::interface::{Afforded, AnswerStarted, AttemptOffer, Sink};
use super::omitted::Omitted;
use super::policy::{Again, rule};
use super::queue::{AttemptReason, QueuedTarget, TargetQueue};
use super::recovery::Sent;
use super::run::Run;
use super::target::Target;
use super::times::Times;
use crate::limits::Lease;

/// What follows a failed try of a target.
enum Step {
    /// The target is given up.
    Leave,
    /// It is asked again after this pause.
    Again(Duration),
    /// It is asked again at once, without this.
    UnsupportedFeatures(Feature),
}

impl<S: Sink> Run<'_, S> {
    /// One target, as often as the policy allows.
    pub(super) async fn tries(
        &mut self,
        candidate: &QueuedTarget,
        turn: AttemptReason,
        queue: &TargetQueue,
    ) -> Result<(), Failure> {
        let target = &candidate.target;
        let mut pauses = self.routes.backoff().pauses();
        let mut tried = 0;
        let mut omitted = Omitted::default();
        let others = !queue.is_empty();
        loop {
            let mut times = Times::new(self.ask, target, others);
            let result = self.attempt(candidate, &mut omitted, &mut times).await;
            self.close(result.as_ref().err());
            let Err(failure) = result else { return Ok(()) };
            if self.sink.is_gone() {
                self.routes.cooldowns().unprobed(target);
                return Err(failure);
            }
            let step = match self.step(target, turn, queue, &failure, tried, &omitted) {
                Step::Again(least) => {
                    let jittered = pauses.next().unwrap_or(least).max(least);
                    let backoff = self.routes.backoff();
                    let others = queue.has_ready(self.routes.cooldowns());
                    match backoff.pause(jittered, &failure, others) {
                        Some(pause) if Instant::now() + pause < self.ask.deadline => {
                            Step::Again(pause)
                        }
                        _ => Step::Leave,
                    }
                }
                step => step,
            };
            let left = matches!(step, Step::Leave);
            let rests = self.judge(target, &failure, left, &times);
            match step {
                Step::Leave => return Err(failure),
                Step::Again(_) if rests && queue.has_ready(self.routes.cooldowns()) => {
                    return Err(failure);
                }
                Step::Again(pause) => {
                    tried += 1;
                    sleep(pause).await;
                }
                Step::UnsupportedFeatures(feature) => {
                    // Once for each feature at most: the same refusal twice means that leaving it out does not help.
                    if !omitted.also(feature) {
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// What the policy says to a failed try.
    fn step(
        &self,
        target: &Arc<Target>,
        turn: AttemptReason,
        queue: &TargetQueue,
        failure: &Failure,
        tried: u32,
        omitted: &Omitted,
    ) -> Step {
        if let Some(room) = self.answer_room(failure, omitted) {
            return Step::UnsupportedFeatures(Feature::AnswerRoom(room));
        }
        let configured = self.routes.retries(target, failure.class);
        let retries = self
            .ask
            .num_retries
            .or(configured)
            .unwrap_or_else(|| target.num_retries());
        let may_try = tried < retries && turn != AttemptReason::Probe && !self.sent.is_anything();
        let least = self.routes.least_pause();
        match rule(failure.class).again {
            // A continuation that is refused is not turned into another question.
            Again::UnsupportedFeatures(Feature::Prefill) if self.continues() => Step::Leave,
            Again::UnsupportedFeatures(feature) if self.continues() || !self.sent.is_anything() => {
                Step::UnsupportedFeatures(feature)
            }
            Again::PreferSibling if queue.has_ready_sibling(target, self.routes.cooldowns()) => {
                Step::Leave
            }
            Again::AfterPause | Again::PreferSibling if may_try => Step::Again(least),
            Again::No if may_try && configured.is_some_and(|named| tried < named) => {
                Step::Again(least)
            }
            _ => Step::Leave,
        }
    }

    /// How long an answer has room behind the prompt, where the length that was refused was the gateway's own choice. A
    /// client that chose it shortens its answer or its prompt by itself.
    fn answer_room(&self, failure: &Failure, omitted: &Omitted) -> Option<u32> {
        let chosen = self.asked().sampling.max_tokens;
        let may = omitted.asked_for_more_than(chosen) && !self.sent.is_anything();
        failure
            .answer_room
            .filter(|room| may && *room >= LEAST_LEFT)
    }

    /// What is known that the target lacks.
    fn known_lacks(&self, target: &Target) -> UnsupportedFeatures {
        let marks = || marks(self.asked(), target.defaults());
        let now = self.routes.clock().now();
        let learned = self.routes.learned();
        learned.of(target.deployment_id(), marks, now)
    }

    /// Tells the cooldowns of a failure. True: the target rests from now on. What the client chose, its impatience or
    /// fields of its own, says nothing about the target.
    fn judge(&mut self, target: &Target, failure: &Failure, left: bool, times: &Times) -> bool {
        let (routes, class) = (self.routes, failure.class);
        let impatient = times.is_impatience(class);
        if impatient || failure.is_refusal() && has_client_fields(self.asked()) {
            routes.cooldowns().unprobed(target);
            return false;
        }
        let asked = failure.retry_after;
        let rest = routes
            .cooldowns()
            .failed(target, class, asked, left, routes.clock());
        // A name that a client made up, and that is refused, is no news for other instances.
        let is_news = !(failure.is_refusal() && target.is_named_by_client());
        let told = rest.as_ref().filter(|_| is_news);
        let told = told.and_then(|rest| Some(routes.shared.as_ref()?.tell(rest)));
        self.outcome.notices.extend(told);
        rest.is_some()
    }

    /// One attempt, within its time.
    async fn attempt(
        &mut self,
        candidate: &QueuedTarget,
        omitted: &mut Omitted,
        times: &mut Times,
    ) -> Result<(), Failure> {
        self.current = Some(CurrentAttempt::new(candidate));
        let whole = times.whole;
        let call = pin!(self.call(candidate, omitted, times));
        let Some(limit) = whole else {
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

    /// One call.
    async fn call(
        &mut self,
        candidate: &QueuedTarget,
        omitted: &mut Omitted,
        times: &mut Times,
    ) -> Result<(), Failure> {
        let target = &candidate.target;
        if let Some(class) = self
            .ask
            .mock_failure
            .filter(|_| target.group() == self.ask.group)
        {
            let message =
                "this failure was asked for by a mock_testing parameter; nothing was called";
            return Err(Failure::new(class, message));
        }
        if let Some(text) = &target.deployment().mock_response {
            self.take(Event::Text(text.clone())).await;
            self.take(Event::Stop(StopReason::EndTurn)).await;
            return Ok(());
        }
        if self.continuation.is_none() {
            self.own = match &candidate.request {
                Some(own) => Some(own.get().await?),
                None => None,
            };
        }
        let without = omitted.without(|| self.known_lacks(target));
        let mut request = Cow::Borrowed(match &self.continuation {
            Some(continuation) => &continuation.request,
            None => self.own.as_deref().unwrap_or(self.request),
        });
        let planned = |request: &Request| plan(request, target.model(), target.defaults(), without);
        let mut plan = planned(&request);
        let cost_bound = loop {
            let offer = AttemptOffer {
                target,
                plan: &plan,
                sunk: self.sunk,
                may_shorten: request.sampling.max_tokens.is_none(),
            };
            match self.sink.afford(offer).await? {
                Afforded::Yes(bound) => break bound,
                Afforded::Shorter(tokens) => {
                    request.to_mut().sampling.max_tokens = Some(tokens);
                    plan = planned(&request);
                }
            }
        };
        if let Some(current) = &mut self.current {
            current.cost_bound = cost_bound;
        }
        let slot = self.routes.take_slot(target).await?;
        if let Some(current) = &mut self.current {
            current.slot = slot;
        }
        let counted = self.routes.count(target, &request).await?;
        if let Some(current) = &mut self.current {
            current.counted = counted;
        }
        if !self.ask.whole && !self.sent.is_anything() {
            self.sent = Sent::new(&request, target.recovery());
        }
        drop(request);
        let prompt_tokens = plan.estimated_prompt_tokens();
        if let Some(current) = &mut self.current {
            current.sends(&plan, prompt_tokens);
        }
        omitted.sends(&plan);
        let limits = times.of_call(target, prompt_tokens);
        let mut answer = target
            .endpoint()
            .call(target.model_id(), plan, limits)
            .await?;
        if let Some(current) = &mut self.current {
            current.begun();
        }
        self.routes
            .cooldowns()
            .succeeded(target, self.routes.clock());
        self.learn(target, &omitted.refused);
        let drain = self.routes.drain_limit();
        let mut drained_by: Option<Instant> = None;
        loop {
            let event = {
                let mut next = pin!(answer.next());
                tokio::select! {
                    biased;
                    event = &mut next => event?,
                    // The client has gone: what is left is the accounting, and it may not take for ever.
                    () = self.sink.gone() => {
                        let by = *drained_by.get_or_insert_with(|| Instant::now() + drain);
                        timeout_at(by, next).await.map_err(|_| client_gone(drain))??
                    }
                }
            };
            match event {
                Some(event) => {
                    if let (Event::Usage(_), Some(current)) = (&event, &mut self.current) {
                        current.served(answer.served());
                    }
                    self.take(event).await;
                }
                None => return Ok(()),
            }
        }
    }

    /// Counts an event and hands it on.
    async fn take(&mut self, event: Event) {
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
        if current.count(&event) {
            self.outcome.target = Some(Arc::clone(current.target()));
            self.outcome.first_piece.get_or_insert_with(Instant::now);
            let (attempt, _) = current.file(None);
            let attempts = self
                .outcome
                .attempts
                .iter()
                .cloned()
                .chain([attempt])
                .collect();
            let target = Arc::clone(current.target());
            let begun = AnswerStarted {
                target,
                attempts,
                not_sent: current.not_sent().clone(),
                estimated_prompt: current.estimated_prompt(),
            };
            self.sink.begin(begun).await;
        } else if !current.is_handed_on() {
            return;
        }
        if !self.ask.whole {
            self.sent.note(&event);
        }
        self.sink.event(event).await;
    }

    /// Files the attempt under way.
    pub(super) fn close(&mut self, failure: Option<&Failure>) {
        if let Some(mut current) = self.current.take() {
            let (attempt, usage) = current.file(failure);
            self.sunk += current.sunk(&attempt, failure);
            let freed = current.slot.take().map(Lease::end);
            self.outcome.notices.extend(freed);
            if let Some(counted) = current.counted.take() {
                let used = usage.map_or(0, |usage| usage.total());
                self.outcome
                    .notices
                    .extend(self.routes.correct(counted, used));
            }
            self.outcome.attempts.push(attempt);
            if let Some(mut usage) = usage {
                usage.output += self.output_before;
                self.outcome.usage = Some(usage);
            }
        }
    }
}

fn client_gone(limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    let message = format!("the client went away and the answer did not end within {seconds} s");
    Failure::new(Class::Cut, message)
}
