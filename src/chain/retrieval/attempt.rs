//! The attempt under way: what its calls have brought so far, kept outside of them so that a time limit loses nothing
//! of it.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::time::Instant;

use crate::bedrock::Failure;
use crate::bedrock::retrieval::CallAnswer;
use crate::catalog::ServiceTerms;
use crate::conversation::Usage;
use crate::limits::{CountedRequest, Lease};
use crate::spend::Attempt;

use super::super::attempt::unfinished;
use super::super::queue::QueuedTarget;
use super::super::target::Target;

/// An attempt under way.
#[derive(Debug)]
pub(super) struct BatchAttempt {
    pub(super) target: Arc<Target>,
    hop: u32,
    started: Instant,
    /// The time of day at which it began: its price is the one of that moment.
    pub(super) began_at: Timestamp,
    /// Calls that were made.
    pub(super) calls: u32,
    /// Calls that were answered.
    pub(super) answered: u32,
    /// What those are billed.
    pub(super) usage: Usage,
    bytes: u64,
    /// US dollars that calls may have cost of which Bedrock has said nothing.
    pub(super) doubtful: Decimal,
    pub(super) counted_request: Option<CountedRequest>,
    pub(super) slot: Option<Lease>,
}

impl BatchAttempt {
    pub(super) fn new(queued: &QueuedTarget, began_at: Timestamp) -> Self {
        Self {
            target: Arc::clone(&queued.target),
            hop: queued.hop,
            started: Instant::now(),
            began_at,
            calls: 0,
            answered: 0,
            usage: Usage::default(),
            bytes: 0,
            doubtful: Decimal::ZERO,
            counted_request: None,
            slot: None,
        }
    }

    /// Adds what a call was answered.
    pub(super) fn add(&mut self, answer: &CallAnswer) {
        self.answered += 1;
        self.usage = self.usage.plus(answer.usage);
        self.bytes += answer.bytes;
    }

    /// US dollars that it has cost, or may have.
    pub(super) fn possible_cost(&self) -> Decimal {
        let cost = self.billed(Attempt::default()).cost;
        cost.map_or(Decimal::ZERO, |cost| cost.total) + self.doubtful
    }

    /// The attempt as the record keeps it.
    pub(super) fn to_attempt(&self, failure: Option<&Failure>) -> Attempt {
        self.billed(Attempt {
            outcome: failure
                .map_or("ok", |failure| failure.class.as_str())
                .to_owned(),
            status: failure.map_or(Some(200), |failure| failure.status),
            bytes: self.bytes,
            calls: self.calls,
            began: Some(self.began_at),
            ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..unfinished(&self.target, self.hop)
        })
    }

    /// Bedrock bills the calls that it has answered.
    fn billed(&self, attempt: Attempt) -> Attempt {
        if self.answered == 0 {
            return attempt;
        }
        let price = self.target.price(self.began_at);
        attempt.billed_on(&ServiceTerms::default(), self.usage, price.as_deref())
    }
}
