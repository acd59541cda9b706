//! The table in which instances tell each other of cooldowns, of features that targets turned out to lack, and of saved
//! settings. `refresh.rs` reads it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::store::{Item, StoreError, Table, keys};

use super::cooldown::Cooldown;
use crate::clock::Clock;

/// A copy of the shared state that is older is read again. Wall time: a frozen sandbox may wake after an hour.
const SHARED_STATE_FRESH: Duration = Duration::from_secs(10);
/// How long one call of the table may take that writes shared state, or reads it while no request waits.
pub(super) const SHARED_CALL_LIMIT: Duration = Duration::from_secs(2);

/// The table, and when it was read.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) table: Table,
    read_at: Mutex<Option<Timestamp>>,
}

/// A cooldown as the table keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredCooldown {
    /// Part of the item's key.
    #[serde(rename = "sk", skip_serializing)]
    deployment: String,
    since: Timestamp,
    until: Timestamp,
    strikes: u32,
    long: bool,
    class: String,
}

impl From<StoredCooldown> for Cooldown {
    fn from(stored: StoredCooldown) -> Self {
        Self {
            deployment: stored.deployment,
            since: stored.since,
            until: stored.until,
            strikes: stored.strikes,
            is_long: stored.long,
            class: stored.class,
        }
    }
}

impl SharedState {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            read_at: Mutex::default(),
        }
    }

    /// Whether the copy is too old. True once: that caller reads it again.
    pub(super) fn is_stale(&self, clock: &Clock) -> bool {
        let now = clock.now();
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let stale =
            read_at.is_none_or(|at| now.duration_since(at).unsigned_abs() > SHARED_STATE_FRESH);
        if stale {
            *read_at = Some(now);
        }
        stale
    }

    /// Tells the other instances of a target's cooldown.
    pub(super) fn share_cooldown(&self, cooldown: &Cooldown) -> JoinHandle<()> {
        let stored = StoredCooldown {
            deployment: cooldown.deployment.clone(),
            since: cooldown.since,
            until: cooldown.until,
            strikes: cooldown.strikes,
            long: cooldown.is_long,
            class: cooldown.class.clone(),
        };
        let item = Item::new(&keys::cooldown(&stored.deployment), &stored);
        self.write_item(item.map(|item| item.expires(stored.until)), "a cooldown")
    }

    /// Writes an item that other instances read.
    pub(super) fn write_item(
        &self,
        item: Result<Item, StoreError>,
        what: &'static str,
    ) -> JoinHandle<()> {
        let table = self.table.clone();
        tokio::spawn(async move {
            let written = timeout(SHARED_CALL_LIMIT, async { table.put(item?).await });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, what, "something could not be shared"),
                Err(_) => tracing::warn!(what, "something could not be shared in time"),
            }
        })
    }
}
