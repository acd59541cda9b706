//! What other instances have written into the table: cooldowns, features that targets turned out to lack, and the
//! settings that the settings page has saved.
//!
//! Read at most every 10 s, before a request is admitted, and waited for no longer than 100 ms: a table that is slow
//! or down costs one request in 10 s that much, and never an answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::config::{Changes, WrongFallbacks};
use crate::store::{Item, Order, Range, StoreError, Table, keys};

use super::routes::Routes;
use super::runtime_state::RuntimeState;
use super::shared_lacks::StoredLack;
use super::shared_state::{SHARED_CALL_LIMIT, StoredCooldown};

/// How long a request waits for the reading; after that the old copy serves it.
const LONGEST_REFRESH: Duration = Duration::from_millis(100);
/// More cooldowns or lacks than this are not read: a configuration has fewer deployments.
const MOST_SHARED: usize = 1_000;

/// What the settings page has saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSettings {
    /// Counts up by one with every save.
    pub version: u64,
    /// When it was saved.
    pub at: Timestamp,
    /// What is laid over the file.
    #[serde(flatten)]
    pub changes: Changes,
}

/// Why something could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The changes make no sense.
    #[error(transparent)]
    Invalid(#[from] WrongFallbacks),
    /// Another admin has saved since the page was read.
    #[error("the settings were changed by another admin in the meantime")]
    Conflict,
    /// This process has no table.
    #[error("there is no table to save the settings in")]
    NoTable,
    /// The table failed.
    #[error(transparent)]
    Store(StoreError),
}

impl Routes {
    /// Takes over what other instances and the settings page have written, where the copy is older than 10 s. The
    /// reading starts at once; awaiting waits for it for at most 100 ms.
    pub fn refresh_shared_state(&self) -> impl Future<Output = ()> + Send + use<> {
        let stale = self
            .shared_state
            .as_ref()
            .filter(|shared_state| shared_state.is_stale(self.clock()));
        let reading = stale.map(|shared_state| {
            let (table, runtime) = (shared_state.table.clone(), Arc::clone(&self.runtime));
            let clock = self.clock().clone();
            tokio::spawn(async move {
                if timeout(SHARED_CALL_LIMIT, read(&table, &runtime, &clock))
                    .await
                    .is_err()
                {
                    tracing::warn!(
                        "the table's cooldowns, lacks and settings could not be read in time"
                    );
                }
            })
        });
        async move {
            if let Some(reading) = reading {
                // Late or failed: the old copy serves.
                timeout(LONGEST_REFRESH, reading).await.ok();
            }
        }
    }

    /// What the settings page has saved, as it stands in the table now.
    pub async fn saved(&self) -> Result<Option<SavedSettings>, StoreError> {
        match &self.shared_state {
            Some(shared_state) => shared_state.table.get(&keys::routing()).await,
            None => Ok(None),
        }
    }

    /// Saves changes over the file ([`Changes::default`]: the file's again). They are in force here at once and on
    /// every other instance within 10 s. `seen` is the version that the page was made from; `None`: nothing was saved.
    pub async fn save(
        &self,
        changes: Changes,
        seen: Option<u64>,
    ) -> Result<SavedSettings, SaveError> {
        let shared_state = self.shared_state.as_ref().ok_or(SaveError::NoTable)?;
        self.runtime.as_loaded.changed(&changes)?;
        let saved = SavedSettings {
            version: seen.unwrap_or(0) + 1,
            at: self.clock().now(),
            changes,
        };
        let item = Item::new(&keys::routing(), &saved).map_err(SaveError::Store)?;
        match shared_state.table.put_over(item, seen).await {
            Ok(()) => {}
            Err(StoreError::ConditionFailed { .. }) => return Err(SaveError::Conflict),
            Err(error) => return Err(SaveError::Store(error)),
        }
        adopt(&self.runtime, &saved);
        Ok(saved)
    }
}

async fn read(table: &Table, runtime: &RuntimeState, clock: &Clock) {
    let (all, routing) = (Range::All, keys::routing());
    let cooldowns =
        table.query::<StoredCooldown>(keys::COOLDOWNS, &all, Order::Ascending, MOST_SHARED);
    let lacks = table.query::<StoredLack>(keys::LEARNED, &all, Order::Ascending, MOST_SHARED);
    let saved = table.get::<SavedSettings>(&routing);
    let (cooldowns, lacks, saved) = tokio::join!(cooldowns, lacks, saved);
    match cooldowns {
        Ok(cooldowns) => (cooldowns.into_iter())
            .for_each(|cooldown| runtime.cooldowns.adopt(cooldown.into(), clock)),
        Err(error) => tracing::warn!(%error, "the table's cooldowns could not be read"),
    }
    match lacks {
        Ok(lacks) => (lacks.into_iter()).for_each(|stored| stored.adopt(&runtime.learned, clock)),
        Err(error) => tracing::warn!(%error, "what targets lack could not be read"),
    }
    match saved {
        Ok(Some(saved)) => adopt(runtime, &saved),
        Ok(None) if runtime.version() != 0 => runtime.enforce(Arc::clone(&runtime.as_loaded), 0),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the saved settings could not be read"),
    }
}

/// Puts what was saved in force. What no longer fits the file is not: the file is newer.
fn adopt(runtime: &RuntimeState, saved: &SavedSettings) {
    if runtime.version() == saved.version {
        return;
    }
    let config = match runtime.as_loaded.changed(&saved.changes) {
        Ok(config) => Arc::new(config),
        Err(reason) => {
            tracing::warn!(%reason, "the saved settings do not fit the configuration: the file's are used");
            Arc::clone(&runtime.as_loaded)
        }
    };
    runtime.enforce(config, saved.version);
}
