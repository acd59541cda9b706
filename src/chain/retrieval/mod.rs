//! Requests for vectors and for the order of documents along their chain.
//!
//! One attempt is many calls: most models take one text at a time. They are made some at a time, and each is tried
//! again by itself; what was answered stays, so that the next target of the same model is asked only for the rest.
//! Vectors of two models do not fit each other, so the targets of other models are passed over.

mod answers;
mod attempt;
mod calls;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::bedrock::{Class, Failure};
use crate::conversation::Usage;
use crate::limits::Lease;
use crate::panics;
use crate::retrieval::{RetrievalRequest, Retrieved};
use crate::spend::Attempt;

use super::attempt::unfinished;
use super::interface::ChainOptions;
use super::policy::{NextTargets, failure_policy};
use super::queue::{NextTarget, QueuedTarget, TargetQueue};
use super::routes::Routes;
use super::run::{LEAST_TIME, log_failure, with_reason};
use super::target::Target;

use answers::Answers;
use attempt::BatchAttempt;

/// Pays for attempts, and knows whether anybody waits for them.
pub trait Purse: Send {
    /// US dollars that these calls may cost at most; 0 where nothing is kept to.
    fn cost_bound(&self, offer: &RetrievalOffer<'_>) -> Decimal;

    /// Whether calls that Bedrock may bill can be paid for. Called before they are made.
    ///
    /// # Errors
    /// When they cannot: then they must not be made.
    fn afford(
        &mut self,
        offer: RetrievalOffer<'_>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Whether the client has gone.
    fn is_gone(&self) -> bool;
}

/// Calls that are about to be made.
#[derive(Debug, Clone, Copy)]
pub struct RetrievalOffer<'a> {
    /// The target to call.
    pub target: &'a Target,
    /// The whole request.
    pub request: &'a RetrievalRequest,
    /// The places of the inputs that are sent.
    pub inputs: &'a [usize],
    /// When the attempt began: it costs what it did then.
    pub began_at: Timestamp,
    /// US dollars that everything before has cost, or may have where Bedrock did not say.
    pub cost_so_far: Decimal,
}

/// How such a request ended.
#[derive(Debug, Default)]
pub struct RetrievalOutcome {
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// The target that answered last, if one did.
    pub target: Option<Arc<Target>>,
    /// The whole answer, or the failure instead.
    pub retrieved: Option<Retrieved>,
    /// The error for the client instead of an answer.
    pub failure: Option<Failure>,
    /// What was billed in all.
    pub usage: Usage,
    /// To be awaited before the process may be frozen.
    pub background_writes: Vec<JoinHandle<()>>,
}

/// Runs `request` along its chain.
pub async fn retrieve<P: Purse>(
    routes: &Routes,
    request: &RetrievalRequest,
    options: &ChainOptions,
    purse: &mut P,
) -> RetrievalOutcome {
    let mut run = RetrievalRun {
        routes,
        request,
        options,
        purse,
        answers: Answers::new(request),
        outcome: RetrievalOutcome::default(),
        current: None,
        cost_so_far: Decimal::ZERO,
    };
    // What was answered so far is billed: it outlives the time limit, and a panic as well.
    let ended = {
        let targets = pin!(run.try_targets());
        let in_time = timeout_at(options.deadline, targets);
        AssertUnwindSafe(in_time).catch_unwind().await
    };
    let failure = match ended {
        Ok(Ok(result)) => result.err(),
        Ok(Err(_)) => Some(Failure::new(
            Class::Deadline,
            "the request's time limit was reached",
        )),
        Err(panic) => {
            let panic = panics::text(&panic);
            tracing::error!(group = options.group, panic, "a request's chain panicked");
            Some(Failure::internal())
        }
    };
    run.close_attempt(failure.as_ref());
    let mut outcome = run.outcome;
    let is_refused = failure
        .as_ref()
        .is_some_and(|failure| failure.class.is_about_money());
    if is_refused && !outcome.attempts.iter().any(Attempt::was_called) {
        // It is a refusal like one before the chain: no target has anything to do with it.
        outcome.attempts.clear();
    }
    if failure.is_none() {
        outcome.retrieved = run.answers.finish();
    }
    outcome.failure = failure;
    outcome
}

struct RetrievalRun<'a, P> {
    routes: &'a Routes,
    request: &'a RetrievalRequest,
    options: &'a ChainOptions,
    purse: &'a mut P,
    answers: Answers,
    outcome: RetrievalOutcome,
    current: Option<BatchAttempt>,
    /// US dollars that the attempts so far have cost, or may have.
    cost_so_far: Decimal,
}

impl<P: Purse> RetrievalRun<'_, P> {
    /// Tries target after target, until all inputs are answered. The error is that of the earliest one in the chain.
    async fn try_targets(&mut self) -> Result<(), Failure> {
        let mut queued_targets = self.routes.queued_targets(self.options);
        let others = self.take_others(&mut queued_targets);
        let mut queue = TargetQueue::new(queued_targets);
        let mut earliest: Option<(usize, Failure)> = None;
        while let Some(next) = queue.next(self.routes.cooldowns(), self.routes.clock()) {
            let (queued, reason) = match next {
                NextTarget::Try(queued, reason) => (queued, reason),
                NextTarget::Resting(queued) => {
                    if self.options.only.is_none() {
                        let attempt = unfinished(&queued.target, queued.hop);
                        self.outcome.attempts.push(attempt.skipped());
                    }
                    continue;
                }
            };
            let target = &queued.target;
            if earliest.is_some() && Instant::now() + LEAST_TIME > self.options.deadline {
                self.routes.cooldowns().abandon_probe(target);
                break;
            }
            let result = self.try_target(&queued, reason, &queue).await;
            self.close_attempt(result.as_ref().err());
            let Err(failure) = result else {
                return Ok(());
            };
            log_failure(self.routes, target, &failure);
            if failure.class.is_about_money() {
                return Err(match earliest {
                    Some((_, first)) => with_reason(first, &failure),
                    None => failure,
                });
            }
            if self.purse.is_gone() {
                self.routes.cooldowns().abandon_probe(target);
                return Err(failure);
            }
            self.report_failure(target, &failure);
            match failure_policy(failure.class).next {
                NextTargets::None => return Err(failure),
                NextTargets::OtherCredentials => {
                    let credentials = &target.deployment().credentials;
                    queue.retain(|next| next.deployment().credentials != *credentials);
                }
                NextTargets::InOrder | NextTargets::OtherFilter | NextTargets::LargerWindow => {}
            }
            if earliest
                .as_ref()
                .is_none_or(|(place, _)| queued.place < *place)
            {
                earliest = Some((queued.place, failure));
            }
        }
        let failure = earliest.map(|(_, failure)| failure);
        let failure = failure.unwrap_or_else(|| {
            Failure::new(Class::NoSuchModel, "the model group has no deployments")
        });
        Err(match others.as_slice() {
            [] => failure,
            others => without_others(failure, others),
        })
    }

    /// Takes the targets out of the chain that cannot answer in the place of the group's own: another model's vectors
    /// would be garbage among those that the client has. Returns the names of their groups.
    fn take_others(&self, queued_targets: &mut Vec<QueuedTarget>) -> Vec<String> {
        if self.options.only.is_some() {
            return Vec::new();
        }
        let targets = self.routes.targets(&self.options.group);
        let first = targets.first().map(|first| first.model());
        let fits = |target: &Target| match (first, target.model()) {
            (Some(first), model) => match (first.embedding(), model.embedding()) {
                (Some(own), Some(other)) => own.space == other.space,
                (None, None) => first.kind == model.kind,
                _ => false,
            },
            (None, _) => false,
        };
        let others = queued_targets.extract_if(.., |next| !fits(&next.target));
        let mut names: Vec<String> = others.map(|next| next.target.group().to_owned()).collect();
        names.dedup();
        names
    }

    /// Reports a failure to the cooldowns.
    fn report_failure(&mut self, target: &Target, failure: &Failure) {
        let routes = self.routes;
        if self.options.timeout.is_some() && failure.class == Class::FirstEventTimeout {
            // The client's own limit says nothing about the target.
            routes.cooldowns().abandon_probe(target);
            return;
        }
        let cooldown = routes.cooldowns().failed(
            target,
            failure.class,
            failure.retry_after,
            true,
            routes.clock(),
        );
        // A name that a client made up, and that is refused, is no news for other instances.
        let is_news = !(failure.is_refusal() && target.is_named_by_client());
        let notice = cooldown.as_ref().filter(|_| is_news);
        let notice = notice
            .and_then(|cooldown| Some(routes.shared_state.as_ref()?.share_cooldown(cooldown)));
        self.outcome.background_writes.extend(notice);
    }

    /// Ends the attempt under way and adds it to the outcome.
    fn close_attempt(&mut self, failure: Option<&Failure>) {
        let Some(mut current) = self.current.take() else {
            return;
        };
        let slot_release = current.slot.take().map(Lease::end);
        self.outcome.background_writes.extend(slot_release);
        if let Some(counted_request) = current.counted_request.take() {
            let correction = self
                .routes
                .correct_count(counted_request, current.usage.total());
            self.outcome.background_writes.extend(correction);
        }
        self.cost_so_far += current.possible_cost();
        self.outcome.usage = self.outcome.usage.plus(current.usage);
        self.outcome.attempts.push(current.to_attempt(failure));
    }
}

/// The failure for the client, with the reason why the models that follow were not asked.
fn without_others(failure: Failure, others: &[String]) -> Failure {
    let said = failure.message.trim_end_matches('.');
    let message = format!(
        "{said}. What follows in its chain was not asked, for another model's answers do not fit: {}",
        others.join(", ")
    );
    Failure { message, ..failure }
}
