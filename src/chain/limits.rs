//! `rpm`, `tpm` and `max_parallel_requests` of a deployment, which all instances keep together.
//!
//! Only deployments that name a limit cost a call of the table. A table that does not answer in time lets the request
//! pass: a limit is a courtesy to Bedrock's quota, not a wall.

use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use crate::bedrock::{Class, Failure};
use crate::limits::{CountedRequest, Lease, MinuteCount, MinuteLimits, Slot};
use crate::store::keys;

use super::routes::Routes;
use super::target::Target;

/// How long a request waits until it is counted, or has its slot.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// How long correcting a count may take.
const LONGEST_CORRECTION: Duration = Duration::from_secs(2);

impl Routes {
    /// Counts a request of this target, with so many estimated tokens. Fails when its minute is full. `None`: nothing
    /// is counted, or nothing of it needs to be corrected.
    pub(super) async fn count_request(
        &self,
        target: &Target,
        estimate: impl FnOnce() -> u64,
    ) -> Result<Option<CountedRequest>, Failure> {
        let of_deployment = target.deployment().limits;
        let limits = MinuteLimits {
            requests: of_deployment.rpm,
            tokens: of_deployment.tpm,
        };
        let Some(shared_state) = self
            .shared_state
            .as_ref()
            .filter(|_| limits != MinuteLimits::default())
        else {
            return Ok(None);
        };
        let (estimate, at) = (estimate(), self.clock().now());
        let name = target.deployment().entry_id();
        let counting = limits.count(&shared_state.table, name, estimate, at);
        match timeout(LONGEST_WAIT, counting).await {
            Ok(Ok(MinuteCount::Counted(counted_request, _))) => {
                Ok(limits.tokens.is_some().then_some(counted_request))
            }
            Ok(Ok(MinuteCount::Full(_))) => Err(minute_is_full(limits, at)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a deployment's limit could not be counted");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    /// Corrects a count by what the attempt really used.
    pub(super) fn correct_count(
        &self,
        counted: CountedRequest,
        used: u64,
    ) -> Option<JoinHandle<()>> {
        let table = self.shared_state.as_ref()?.table.clone();
        Some(tokio::spawn(async move {
            let correction = counted.correct(&table, used);
            if let Ok(Err(error)) = timeout(LONGEST_CORRECTION, correction).await {
                tracing::warn!(%error, "a deployment's tokens could not be counted");
            }
        }))
    }

    /// Takes a slot of this target, for as long as the attempt lasts. Fails when all are taken. `None`: it has no
    /// limit.
    pub(super) async fn take_slot(&self, target: &Target) -> Result<Option<Lease>, Failure> {
        let most = target.deployment().limits.max_parallel_requests;
        let (Some(shared_state), Some(most)) = (&self.shared_state, most) else {
            return Ok(None);
        };
        let (lease, taken) = Lease::begin(Slot {
            table: shared_state.table.clone(),
            key: keys::slots(target.deployment().entry_id()),
            holder: Uuid::new_v4().to_string(),
            most: most.into(),
            clock: self.clock().clone(),
        });
        match timeout(LONGEST_WAIT, taken).await {
            Ok(Ok(true)) | Err(_) => {}
            Ok(Ok(false)) => return Err(all_slots_are_taken(most)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a deployment's parallel requests could not be counted");
            }
        }
        Ok(Some(lease))
    }
}

fn minute_is_full(limits: MinuteLimits, at: Timestamp) -> Failure {
    let limits = [("rpm", limits.requests), ("tpm", limits.tokens)];
    let limits = limits
        .into_iter()
        .filter_map(|(name, limit)| Some(format!("{name} {}", limit?)));
    let limits = limits.collect::<Vec<_>>().join(" or ");
    let left = 60 - at.as_second().rem_euclid(60).unsigned_abs();
    Failure {
        status: Some(429),
        retry_after: Some(Duration::from_secs(left)),
        ..Failure::new(
            Class::LimitReached,
            format!("this deployment's {limits} is used up for this minute"),
        )
    }
}

fn all_slots_are_taken(most: u32) -> Failure {
    Failure {
        status: Some(429),
        ..Failure::new(
            Class::LimitReached,
            format!("this deployment has max_parallel_requests {most}, and as many are under way"),
        )
    }
}
