//! `max_parallel_requests` of a deployment: slots in the table, so that all instances together keep to it.
//!
//! Only deployments that name it cost a call of the table. A table that does not answer in time lets the request pass.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::bedrock::{Class, Failure};
use crate::store::{Key, StoreError, Table, keys};

use super::routes::Routes;
use super::target::Target;

/// How long a request waits for its slot.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long taking and freeing may take each, where nobody waits for it.
const CALL: Duration = Duration::from_secs(2);

/// A slot of a deployment. It is freed with the value, however the attempt ends; a process that dies with it leaves it
/// to expire.
#[derive(Debug)]
pub(super) struct Slot(Option<Taken>);

#[derive(Debug)]
struct Taken {
    table: Table,
    key: Key,
    holder: String,
    /// Still under way when the request went on without the answer.
    taking: Option<JoinHandle<Result<bool, StoreError>>>,
}

impl Routes {
    /// Takes a slot of this target for as long as the request may last. Fails when all are taken. `None`: it has no
    /// limit.
    pub(super) async fn take_slot(
        &self,
        target: &Target,
        deadline: Instant,
    ) -> Result<Option<Slot>, Failure> {
        let most = target.deployment().share.max_parallel_requests;
        let (Some(shared), Some(most)) = (&self.shared, most) else {
            return Ok(None);
        };
        let now = self.clock().now();
        let left = deadline.saturating_duration_since(Instant::now());
        let until = now.checked_add(left).unwrap_or(now);
        let mut taken = Taken {
            table: shared.table.clone(),
            key: keys::slots(target.deployment().entry_id()),
            holder: Uuid::new_v4().to_string(),
            taking: None,
        };
        let (table, key, holder) = (taken.table.clone(), taken.key.clone(), taken.holder.clone());
        let mut taking = tokio::spawn(async move {
            let taking = table.take_slot(&key, &holder, u64::from(most), now, until);
            let taking = timeout(CALL, taking).await;
            taking.unwrap_or(Err(StoreError::Timeout(CALL)))
        });
        match timeout(PATIENCE, &mut taking).await {
            Ok(Ok(Ok(true))) => {}
            Ok(Ok(Ok(false))) => return Err(full(most)),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "a deployment's parallel requests could not be counted");
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a deployment's parallel requests could not be counted");
            }
            Err(_) => taken.taking = Some(taking),
        }
        Ok(Some(Slot(Some(taken))))
    }
}

impl Slot {
    /// Frees the slot. The task is to be awaited before the process may be frozen.
    pub(super) fn free(mut self) -> Option<JoinHandle<()>> {
        Some(tokio::spawn(self.0.take()?.free()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let (Some(taken), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(taken.free());
        }
    }
}

impl Taken {
    /// Freed, also where nobody knows whether it was taken: that is no harm.
    async fn free(self) {
        if let Some(taking) = self.taking {
            taking.await.ok();
        }
        match timeout(CALL, self.table.free_slot(&self.key, &self.holder)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a deployment's slot could not be freed"),
            Err(_) => tracing::warn!("a deployment's slot could not be freed in time"),
        }
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
