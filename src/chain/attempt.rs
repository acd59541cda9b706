//! The attempt under way: what came of it so far, kept outside the call so that a time limit loses nothing of it.

use std::sync::Arc;

use rust_decimal::Decimal;
use tokio::time::Instant;

use crate::bedrock::plan::{NotSent, Plan};
use crate::bedrock::{Class, Failure};
use crate::catalog::Terms;
use crate::conversation::{Event, Usage};
use crate::spend::Attempt;

use super::queue::QueuedTarget;
use super::target::Target;
use crate::limits::CountedRequest;
use crate::limits::Lease;

/// An attempt under way.
pub(super) struct CurrentAttempt {
    target: Arc<Target>,
    hop: u32,
    started: Instant,
    /// The first event has come: Bedrock bills from here on.
    billed: bool,
    usage: Option<Usage>,
    /// What was sent decides what it costs, as far as Bedrock does not say what it served.
    estimated_prompt: u64,
    terms: Terms,
    /// What the client asked for that was not sent.
    not_sent: NotSent,
    /// Bytes of the answer so far, for an estimate where Bedrock reports no usage.
    bytes: usize,
    /// Something of it was handed on.
    handed_on: bool,
    /// US dollars that it may cost at most, where that is held of a budget.
    pub(super) cost_bound: Decimal,
    /// It stands in the deployment's `tpm` with an estimate.
    pub(super) counted: Option<CountedRequest>,
    /// It occupies one of the deployment's `max_parallel_requests`.
    pub(super) slot: Option<Lease>,
}

impl CurrentAttempt {
    pub(super) fn new(candidate: &QueuedTarget) -> Self {
        Self {
            target: Arc::clone(&candidate.target),
            hop: candidate.hop,
            started: Instant::now(),
            billed: false,
            usage: None,
            estimated_prompt: 0,
            terms: Terms::default(),
            not_sent: NotSent::default(),
            bytes: 0,
            handed_on: false,
            cost_bound: Decimal::ZERO,
            counted: None,
            slot: None,
        }
    }

    /// This is sent, with a prompt of about so many tokens.
    pub(super) fn sends(&mut self, plan: &Plan, estimated_prompt: u64) {
        self.estimated_prompt = estimated_prompt;
        self.terms = plan.terms();
        self.not_sent.clone_from(&plan.not_sent);
    }

    /// Bedrock has said this much of the terms on which it served.
    pub(super) fn served(&mut self, terms: &Terms) {
        self.terms = terms.clone().or(&self.terms);
    }

    /// The first event has come.
    pub(super) fn begun(&mut self) {
        self.billed = true;
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The prompt's tokens, as long as Bedrock has not counted them.
    pub(super) fn estimated_prompt(&self) -> u64 {
        self.estimated_prompt.max(1)
    }

    /// What the client asked for that was not sent.
    pub(super) fn not_sent(&self) -> &NotSent {
        &self.not_sent
    }

    /// Counts an event. True for the first one that a client sees something of, or the end.
    pub(super) fn count(&mut self, event: &Event) -> bool {
        match event {
            Event::Text(text) | Event::Thinking(text) => self.bytes += text.len(),
            Event::ToolInput { json, .. } => self.bytes += json.len(),
            Event::Usage(usage) => self.usage = Some(*usage),
            _ => {}
        }
        let first = !self.handed_on && (event.is_visible() || matches!(event, Event::Stop(_)));
        self.handed_on |= first;
        first
    }

    /// Whether something of the answer was handed on.
    pub(super) fn is_handed_on(&self) -> bool {
        self.handed_on
    }

    /// US dollars that it has cost, or may have where Bedrock did not say. A request that Bedrock refused is free.
    pub(super) fn sunk(&self, attempt: &Attempt, failure: Option<&Failure>) -> Decimal {
        let exact = attempt.usage.filter(|usage| !usage.estimated);
        if let (Some(_), Some(cost)) = (exact, &attempt.cost) {
            return cost.total;
        }
        let refused = failure.is_some_and(|failure| {
            let not_called = matches!(failure.class, Class::Credentials | Class::NoCredentials);
            failure.status.is_some() || not_called
        });
        if refused && !self.billed {
            return Decimal::ZERO;
        }
        self.cost_bound
    }

    /// The attempt as the record keeps it: what came of it and what it cost. Bedrock bills what it sent, whether or
    /// not its accounting arrived.
    pub(super) fn file(&self, failure: Option<&Failure>) -> (Attempt, Option<Usage>) {
        let attempt = Attempt {
            outcome: failure
                .map_or("ok", |failure| failure.class.as_str())
                .to_owned(),
            status: failure.map_or(Some(200), |failure| failure.status),
            bytes: self.bytes as u64,
            ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..of(&self.target, self.hop)
        };
        if !self.billed {
            return (attempt, None);
        }
        let usage = self.usage.unwrap_or_else(|| Usage {
            input: self.estimated_prompt(),
            output: (self.bytes as u64).div_ceil(4),
            estimated: true,
            ..Usage::default()
        });
        let price = self.target.price();
        (attempt.billed_on(&self.terms, usage, price), Some(usage))
    }
}

/// An attempt of this target, of which nothing else is known yet.
pub(super) fn of(target: &Target, hop: u32) -> Attempt {
    let deployment = target.deployment();
    let pattern = deployment.pattern.as_ref();
    Attempt {
        group: deployment.group.clone(),
        hop,
        pattern: pattern.map(|pattern| pattern.group.clone()),
        deployment: deployment.id.clone(),
        model: deployment.model_id.clone(),
        region: deployment.region.clone(),
        ..Attempt::default()
    }
}
