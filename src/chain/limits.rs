//! `rpm` and `tpm` of a deployment: counted per minute in the table, so that all instances together keep to them.
//!
//! Only deployments that name a limit cost a call of the table. A table that does not answer in time lets the request
//! pass: a limit is a courtesy to Bedrock's quota, not a wall.

use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bedrock::{Class, Failure};
use crate::conversation::Request;
use crate::store::{Counter, Key, keys};

use super::routes::Routes;
use super::target::Target;

/// How long a request waits for the count.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long correcting it may take.
const CORRECTION: Duration = Duration::from_secs(2);
/// Counters outlive their minute by a little, for instances whose clocks differ.
const KEPT: Duration = Duration::from_secs(180);
const REQUESTS: &str = "requests";
const TOKENS: &str = "tokens";

/// A request that was counted, with tokens that are still an estimate.
#[derive(Debug)]
pub(super) struct Counted {
    key: Key,
    estimate: u64,
    at: Timestamp,
}

impl Routes {
    /// Counts a request of this target. Fails when its minute is full. `None`: nothing is counted, or nothing of it
    /// needs to be corrected.
    pub(super) async fn count(
        &self,
        target: &Target,
        request: &Request,
    ) -> Result<Option<Counted>, Failure> {
        let share = target.deployment().share;
        let Some(shared) = self
            .shared
            .as_ref()
            .filter(|_| share.rpm.is_some() || share.tpm.is_some())
        else {
            return Ok(None);
        };
        let at = self.clock().now();
        let counted = Counted {
            key: keys::rate(target.deployment().entry_id(), at),
            estimate: request.estimated_prompt_tokens(),
            at,
        };
        let counters = [
            Counter {
                field: REQUESTS,
                amount: 1,
                limit: share.rpm,
            },
            Counter {
                field: TOKENS,
                amount: amount(counted.estimate),
                limit: share.tpm,
            },
        ];
        let counting = shared.table.count(&counted.key, &counters, at + KEPT);
        match timeout(PATIENCE, counting).await {
            Ok(Ok(true)) => Ok(share.tpm.is_some().then_some(counted)),
            Ok(Ok(false)) => Err(full(target, at)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a deployment's limit could not be counted");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    /// Corrects a count by what the attempt really used.
    pub(super) fn correct(&self, counted: Counted, used: u64) -> Option<JoinHandle<()>> {
        let table = self.shared.as_ref()?.table.clone();
        Some(tokio::spawn(async move {
            let difference = Counter {
                field: TOKENS,
                amount: amount(used).saturating_sub(amount(counted.estimate)),
                limit: None,
            };
            let counters = [difference];
            let correction = table.count(&counted.key, &counters, counted.at + KEPT);
            if let Ok(Err(error)) = timeout(CORRECTION, correction).await {
                tracing::warn!(%error, "a deployment's tokens could not be counted");
            }
        }))
    }
}

fn amount(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn full(target: &Target, at: Timestamp) -> Failure {
    let share = target.deployment().share;
    let limits = [("rpm", share.rpm), ("tpm", share.tpm)]
        .map(|(name, limit)| limit.map_or_else(String::new, |limit| format!("{name} {limit}")));
    let limits = limits.into_iter().filter(|limit| !limit.is_empty());
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
