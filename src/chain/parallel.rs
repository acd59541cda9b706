//! `max_parallel_requests` of a deployment: slots in the table, so that all instances together keep to it.
//!
//! Only deployments that name it cost a call of the table. A table that does not answer in time lets the request pass.

use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::bedrock::{Class, Failure};
use crate::store::{Key, StoreError, Table, keys};
use crate::task;

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
    /// Under way, until there is an answer.
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
        let key = keys::slots(target.deployment().entry_id());
        let taken = Taken::begin(shared.table.clone(), key, most, now, until);
        // From here on it is freed, also when the attempt is given up while it waits.
        let mut slot = Slot(Some(taken));
        let answer = match &mut slot.0 {
            Some(taken) => taken.answer().await,
            None => None,
        };
        match answer {
            Some(Ok(true)) | None => {}
            Some(Ok(false)) => {
                slot.0 = None;
                return Err(full(most));
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "a deployment's parallel requests could not be counted");
            }
        }
        Ok(Some(slot))
    }
}

impl Slot {
    /// Frees the slot. The task is to be awaited before the process may be frozen.
    pub(super) fn free(mut self) -> Option<JoinHandle<()>> {
        Some(tokio::spawn(task::boxed(self.0.take()?.free())))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let (Some(taken), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(task::boxed(taken.free()));
        }
    }
}

impl Taken {
    fn begin(table: Table, key: Key, most: u32, now: Timestamp, until: Timestamp) -> Self {
        let holder = Uuid::new_v4().to_string();
        let (table_too, key_too, holder_too) = (table.clone(), key.clone(), holder.clone());
        let taking = tokio::spawn(async move {
            let taking = table_too.take_slot(&key_too, &holder_too, u64::from(most), now, until);
            let taken = timeout(CALL, taking).await;
            taken.unwrap_or(Err(StoreError::Timeout(CALL)))
        });
        Self {
            table,
            key,
            holder,
            taking: Some(taking),
        }
    }

    /// Whether a slot was free; `None`: that is not known in time.
    async fn answer(&mut self) -> Option<Result<bool, StoreError>> {
        let answer = timeout(PATIENCE, self.taking.as_mut()?).await.ok()?;
        self.taking = None;
        Some(answer.unwrap_or_else(|error| Err(StoreError::Unreachable(error.to_string()))))
    }

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
