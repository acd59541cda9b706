//! The targets that a request may still ask: in order, those in cooldown behind all the others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::cooldown::{Availability, Cooldowns};
use super::fallback::FallbackRequest;
use super::target::Target;
use crate::clock::Clock;

/// A target in a request's chain.
#[derive(Debug, Clone)]
pub(super) struct QueuedTarget {
    pub(super) target: Arc<Target>,
    /// What it is asked, where that is not what the others are asked.
    pub(super) request: Option<FallbackRequest>,
    /// Its group's place in the chain: 0 is the one that was asked for.
    pub(super) hop: u32,
    /// Its place in the chain: the client gets the error of the earliest one.
    pub(super) place: usize,
}

/// Why a target is asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptReason {
    /// It is the next in the queue.
    Regular,
    /// Its cooldown is over, and this request finds out whether it is well.
    Probe,
    /// It is in cooldown, but no other target is left: a cooldown never makes an outage.
    LastResort,
}

/// What the queue has next.
#[derive(Debug)]
pub(super) enum NextTarget {
    /// This one is asked.
    Try(QueuedTarget, AttemptReason),
    /// This one is in cooldown and is asked after all others.
    Resting(QueuedTarget),
}

/// The targets that may still be asked.
#[derive(Debug, Default)]
pub(super) struct TargetQueue {
    ahead: VecDeque<QueuedTarget>,
    resting: Vec<(Timestamp, QueuedTarget)>,
}

impl TargetQueue {
    pub(super) fn new(queued_targets: Vec<QueuedTarget>) -> Self {
        Self {
            ahead: queued_targets.into(),
            resting: Vec::new(),
        }
    }

    /// The next target; `None` when all have been asked.
    pub(super) fn next(&mut self, cooldowns: &Cooldowns, clock: &Clock) -> Option<NextTarget> {
        /// A probe that has not been heard of for this long is given up.
        const LEASE: Duration = Duration::from_secs(60);
        let Some(queued) = self.ahead.pop_front() else {
            // The one whose cooldown ends first is the likeliest to be well.
            let soonest = (0..self.resting.len())
                .min_by_key(|index| self.resting.get(*index).map(|(until, _)| *until))?;
            let (_, queued) = self.resting.remove(soonest);
            return Some(NextTarget::Try(queued, AttemptReason::LastResort));
        };
        Some(match cooldowns.availability(&queued.target, clock, LEASE) {
            Availability::Ready => NextTarget::Try(queued, AttemptReason::Regular),
            Availability::Probe => NextTarget::Try(queued, AttemptReason::Probe),
            Availability::Resting(until) => {
                self.resting.push((until, queued.clone()));
                NextTarget::Resting(queued)
            }
        })
    }

    /// Whether no target is left, resting or not.
    pub(super) fn is_empty(&self) -> bool {
        self.ahead.is_empty() && self.resting.is_empty()
    }

    /// Whether a target that is well could answer instead.
    pub(super) fn has_ready(&self, cooldowns: &Cooldowns) -> bool {
        self.ahead
            .iter()
            .any(|next| cooldowns.is_ready(&next.target))
    }

    /// Whether a sibling that is well comes next.
    pub(super) fn has_ready_sibling(&self, of: &Target, cooldowns: &Cooldowns) -> bool {
        let siblings = self
            .ahead
            .iter()
            .take_while(|next| next.target.group() == of.group());
        siblings
            .into_iter()
            .any(|next| cooldowns.is_ready(&next.target))
    }

    /// Keeps only these.
    pub(super) fn retain(&mut self, keep: impl Fn(&Target) -> bool) {
        self.ahead.retain(|next| keep(&next.target));
        self.resting.retain(|(_, next)| keep(&next.target));
    }

    /// Replaces the queue by the targets that the configuration names for this failure. If there are none, or the
    /// failed one is among them, keeps those that `keep` accepts.
    pub(super) fn narrow(
        &mut self,
        named: Vec<QueuedTarget>,
        failed: &Target,
        keep: impl Fn(&Target) -> bool,
    ) {
        let again = named
            .iter()
            .any(|next| next.target.deployment_id() == failed.deployment_id());
        if named.is_empty() || again {
            self.retain(keep);
        } else {
            *self = Self::new(named);
        }
    }

    /// One more, behind all others.
    pub(super) fn push_last(&mut self, queued: QueuedTarget) {
        self.ahead.push_back(queued);
    }
}
