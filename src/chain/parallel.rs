//! `max_parallel_requests` of a deployment: slots in the table, so that all instances together keep to it.
//!
//! Only deployments that name it cost a call of the table. A table that does not answer in time lets the request pass.

use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use crate::bedrock::{Class, Failure};
use crate::store::keys;

use super::lease::{Lease, Slot};
use super::routes::Routes;
use super::target::Target;

/// How long a request waits for its slot.
const PATIENCE: Duration = Duration::from_millis(100);

impl Routes {
    /// Takes a slot of this target, for as long as the attempt lasts. Fails when all are taken. `None`: it has no limit.
    pub(super) async fn take_slot(&self, target: &Target) -> Result<Option<Lease>, Failure> {
        let most = target.deployment().share.max_parallel_requests;
        let (Some(shared), Some(most)) = (&self.shared, most) else {
            return Ok(None);
        };
        let (lease, taken) = Lease::begin(Slot {
            table: shared.table.clone(),
            key: keys::slots(target.deployment().entry_id()),
            holder: Uuid::new_v4().to_string(),
            most: most.into(),
            clock: self.clock().clone(),
        });
        match timeout(PATIENCE, taken).await {
            Ok(Ok(true)) | Err(_) => {}
            Ok(Ok(false)) => return Err(full(most)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a deployment's parallel requests could not be counted");
            }
        }
        Ok(Some(lease))
    }
}

fn full(most: u32) -> Failure {
    Failure {
        status: Some(429),
        ..Failure::new(
            Class::LimitReached,
            format!("this deployment has max_parallel_requests {most}, and as many are under way"),
        )
    }
}
