//! One target: the calls of an attempt, some at a time, each tried again by itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rust_decimal::Decimal;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::bedrock::retrieval::{CallAnswer, RetrievalPlan};
use crate::bedrock::{Class, Endpoint, Failure};

use super::super::policy::{Retry, failure_policy};
use super::super::queue::{AttemptReason, QueuedTarget, TargetQueue};
use super::super::target::Target;
use super::attempt::BatchAttempt;
use super::{Purse, RetrievalOffer, RetrievalRun};

/// Calls at the same time. Fewer once a target is throttled: its quota is of requests in a minute.
const AT_ONCE: usize = 16;

/// A call that is to be made, or made again.
struct PlannedCall {
    /// The places of its inputs.
    inputs: Vec<usize>,
    /// Before it is made.
    pause: Duration,
    /// The pauses between its next tries.
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    /// How often it has failed without a call of the attempt being answered meanwhile.
    failures: u32,
    /// How many calls were answered when it failed last.
    answered: u32,
}

impl<P: Purse> RetrievalRun<'_, P> {
    /// Asks one target for all that is missing. The first call that fails for good ends it: no other begins, and those
    /// under way are waited for, because they are billed.
    pub(super) async fn try_target(
        &mut self,
        queued: &QueuedTarget,
        reason: AttemptReason,
        queue: &TargetQueue,
    ) -> Result<(), Failure> {
        let target = &*queued.target;
        let began_at = self.routes.clock().now();
        self.current = Some(BatchAttempt::new(queued, began_at));
        if let Some(class) = self
            .options
            .mock_failure
            .filter(|_| target.group() == self.options.group)
        {
            let message =
                "this failure was asked for by a mock_testing parameter; nothing was called";
            return Err(Failure::new(class, message));
        }
        let request = self.request;
        let plan = RetrievalPlan::new(request, target.model())?;
        let missing = self.answers.missing();
        self.afford(target, &missing).await?;
        let slot = self.routes.take_slot(target).await?;
        let estimate = request.estimated_tokens();
        if let Some(current) = &mut self.current {
            current.slot = slot;
            current.counted_request = self.routes.count_request(target, || estimate).await?;
        }
        let limit = self.call_limit(target, estimate);
        let endpoint = target.endpoint().of(&self.options.caller).await;
        let called = (endpoint, target.model_id());
        let pauses = || Box::new(self.routes.backoff().pauses());
        let mut calls = plan.calls(&missing).into_iter();
        let is_only = calls.len() == 1;
        let given_up = CancellationToken::new();
        let mut under_way = FuturesUnordered::new();
        let mut at_once = AT_ONCE;
        let mut failed: Option<Failure> = None;
        loop {
            while failed.is_none() && under_way.len() < at_once {
                let Some(inputs) = calls.next() else { break };
                let call = PlannedCall {
                    inputs,
                    pause: Duration::ZERO,
                    pauses: pauses(),
                    failures: 0,
                    answered: 0,
                };
                under_way.push(make(&plan, &called, limit, call, &given_up));
            }
            let (mut call, result) = match under_way.next().await {
                Some((call, Some(result))) => (call, result),
                Some((_, None)) => continue,
                None => break,
            };
            let Some(current) = &mut self.current else {
                return Err(Failure::internal());
            };
            current.calls += 1;
            match result {
                Ok(answer) => {
                    if current.answered == 0 {
                        let clock = self.routes.clock();
                        self.routes.cooldowns().succeeded(target, clock);
                        self.outcome.target = Some(Arc::clone(&queued.target));
                    }
                    at_once = (at_once + 1).min(AT_ONCE);
                    current.add(&answer);
                    self.answers.put(&call.inputs, answer.found);
                }
                Err(failure) => {
                    if failure.class == Class::Throttled {
                        at_once = (at_once / 2).max(1);
                    }
                    let is_doubtful = is_doubtful(&failure);
                    if is_doubtful {
                        let bound = self.cost_bound(target, &call.inputs);
                        if let Some(current) = &mut self.current {
                            current.doubtful += bound;
                        }
                    }
                    let is_preferred =
                        is_only && queue.has_ready_sibling(target, self.routes.cooldowns());
                    let may_retry =
                        failed.is_none() && reason != AttemptReason::Probe && !is_preferred;
                    let pause = may_retry
                        .then(|| self.pause(target, &mut call, &failure, queue))
                        .flatten();
                    match pause {
                        Some(pause) => {
                            if is_doubtful {
                                let missing = self.answers.missing();
                                failed = self.afford(target, &missing).await.err();
                            }
                            call.pause = pause;
                            under_way.push(make(&plan, &called, limit, call, &given_up));
                        }
                        None => failed = failed.or(Some(failure)),
                    }
                }
            }
            if failed.is_none() && self.purse.is_gone() {
                failed = Some(Failure::new(Class::Cut, "the client went away"));
            }
            if failed.is_some() {
                given_up.cancel();
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Holds what the attempt may cost with these inputs still to be answered.
    async fn afford(&mut self, target: &Target, inputs: &[usize]) -> Result<(), Failure> {
        let Some(current) = &self.current else {
            return Err(Failure::internal());
        };
        let cost_so_far = self.cost_so_far + current.possible_cost();
        let offer = RetrievalOffer {
            target,
            request: self.request,
            inputs,
            began_at: current.began_at,
            cost_so_far,
        };
        self.purse.afford(offer).await
    }

    /// US dollars that a call with these inputs may cost at most.
    fn cost_bound(&self, target: &Target, inputs: &[usize]) -> Decimal {
        let now = self.routes.clock().now();
        let began_at = self
            .current
            .as_ref()
            .map_or(now, |current| current.began_at);
        self.purse.cost_bound(&RetrievalOffer {
            target,
            request: self.request,
            inputs,
            began_at,
            cost_so_far: Decimal::ZERO,
        })
    }

    /// How long one call may take.
    fn call_limit(&self, target: &Target, tokens: u64) -> Duration {
        let configured = target.first_event_limit().for_prompt(tokens);
        let own = self.options.timeout.or(target.deployment().timeout);
        own.unwrap_or(configured)
    }

    /// The pause before a call is made again; `None`: it is not. A call is given up once its tries bring nothing: while
    /// others are answered, a throttled one only has to wait for its turn.
    fn pause(
        &self,
        target: &Target,
        call: &mut PlannedCall,
        failure: &Failure,
        queue: &TargetQueue,
    ) -> Option<Duration> {
        if !matches!(
            failure_policy(failure.class).retry,
            Retry::AfterPause | Retry::PreferSibling
        ) {
            return None;
        }
        let answered = self.current.as_ref().map_or(0, |current| current.answered);
        if answered > call.answered {
            call.failures = 0;
            call.answered = answered;
        }
        call.failures += 1;
        let configured = self.routes.configured_retries(target, failure.class);
        let retries = self.options.num_retries.or(configured);
        if call.failures > retries.unwrap_or_else(|| target.num_retries()) {
            return None;
        }
        let backoff = self.routes.backoff();
        let jittered = call.pauses.next().unwrap_or_default();
        let jittered = jittered.max(self.routes.min_pause());
        let has_others = queue.has_ready(self.routes.cooldowns());
        let pause = backoff.pause(jittered, failure, has_others)?;
        (Instant::now() + pause < self.options.deadline).then_some(pause)
    }
}

/// Makes a call after its pause; `None`: the attempt was given up meanwhile, and it was not made.
async fn make(
    plan: &RetrievalPlan<'_>,
    (endpoint, model_id): &(Endpoint, &str),
    limit: Duration,
    call: PlannedCall,
    given_up: &CancellationToken,
) -> (PlannedCall, Option<Result<CallAnswer, Failure>>) {
    if given_up.is_cancelled() {
        return (call, None);
    }
    if !call.pause.is_zero() {
        tokio::select! {
            biased;
            () = given_up.cancelled() => return (call, None),
            () = sleep(call.pause) => {}
        }
    }
    let result = plan.call(endpoint, model_id, &call.inputs, limit).await;
    (call, Some(result))
}

/// Whether Bedrock may have answered, and so bill, a call that failed: it has said nothing.
fn is_doubtful(failure: &Failure) -> bool {
    let not_called = matches!(failure.class, Class::Credentials | Class::NoCredentials);
    failure.status.is_none() && !not_called
}
