//! What instances tell each other through the table: rests, what targets turned out to lack, and what the settings page
//! has saved.
//!
//! Read at most every 10 s, before a request is admitted, and waited for no longer than 100 ms: a table that is slow
//! or down costs one request in 10 s that much, and never an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::Changes;
use crate::store::{Item, Order, Range, StoreError, Table, keys};

use super::cooldown::Cooldown;
use super::lacks::StoredLack;
use super::routes::Routes;
use super::runtime_config::Live;
use crate::clock::Clock;

/// A copy that is older is read again. Wall time: a frozen sandbox may wake after an hour.
const FRESH: Duration = Duration::from_secs(10);
/// How long a request waits for the reading; after that the old copy serves it.
const LONGEST_REFRESH: Duration = Duration::from_millis(100);
/// How long telling other instances, or a reading that no request waits for any more, may take.
const CALL: Duration = Duration::from_secs(2);
/// More rests or lacks than this are not read: a configuration has fewer deployments.
const MOST_SHARED: usize = 1_000;

/// The table, and when it was read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) table: Table,
    read_at: Mutex<Option<Timestamp>>,
}

/// What the settings page has saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
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
    /// The changes make no sense, in words for the page.
    #[error("{0}")]
    Invalid(String),
    /// Another admin has saved since the page was read.
    #[error("the settings were changed by somebody else in the meantime")]
    Conflict,
    /// This process has no table.
    #[error("there is no table to save the settings in")]
    NoTable,
    /// The table failed.
    #[error(transparent)]
    Store(StoreError),
}

/// A rest as the table keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct StoredRest {
    /// Part of the item's key.
    #[serde(rename = "sk", skip_serializing)]
    deployment: String,
    since: Timestamp,
    until: Timestamp,
    strikes: u32,
    long: bool,
    class: String,
}

impl Shared {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            read_at: Mutex::default(),
        }
    }

    /// Whether the copy is too old. Says so once: who is told reads it again.
    fn is_stale(&self, clock: &Clock) -> bool {
        let now = clock.now();
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = read_at.is_none_or(|at| now.duration_since(at).unsigned_abs() > FRESH);
        if stale {
            *read_at = Some(now);
        }
        stale
    }

    /// Tells the others that a target rests.
    pub(super) fn tell(&self, rest: &Cooldown) -> JoinHandle<()> {
        let stored = StoredRest {
            deployment: rest.deployment.clone(),
            since: rest.since,
            until: rest.until,
            strikes: rest.strikes,
            long: rest.is_long,
            class: rest.class.clone(),
        };
        let item = Item::new(&keys::cooldown(&stored.deployment), &stored);
        self.share(item.map(|item| item.expires(stored.until)), "a rest")
    }

    /// Writes an item that other instances read.
    pub(super) fn share(
        &self,
        item: Result<Item, StoreError>,
        what: &'static str,
    ) -> JoinHandle<()> {
        let table = self.table.clone();
        tokio::spawn(async move {
            let told = timeout(CALL, async { table.put(item?).await });
            match told.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, what, "something could not be shared"),
                Err(_) => tracing::warn!(what, "something could not be shared in time"),
            }
        })
    }
}

impl Routes {
    /// Takes over what other instances and the settings page have written, where the copy is older than 10 s. The
    /// reading starts at once; awaiting waits for it for at most 100 ms.
    pub fn refresh(&self) -> impl Future<Output = ()> + Send + use<> {
        let stale = self
            .shared
            .as_ref()
            .filter(|shared| shared.is_stale(self.clock()));
        let reading = stale.map(|shared| {
            let (table, live) = (shared.table.clone(), Arc::clone(&self.live));
            let clock = self.clock().clone();
            tokio::spawn(async move {
                if timeout(CALL, read(&table, &live, &clock)).await.is_err() {
                    tracing::warn!(
                        "the table's rests, lacks and settings could not be read in time"
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
    pub async fn saved(&self) -> Result<Option<Saved>, StoreError> {
        match &self.shared {
            Some(shared) => shared.table.get(&keys::routing()).await,
            None => Ok(None),
        }
    }

    /// Saves changes over the file ([`Changes::default`]: the file's again). They are in force here at once and on
    /// every other instance within 10 s. `seen` is the version that the page was made from; `None`: nothing was saved.
    pub async fn save(&self, changes: Changes, seen: Option<u64>) -> Result<Saved, SaveError> {
        let shared = self.shared.as_ref().ok_or(SaveError::NoTable)?;
        let checked = self.live.as_loaded.changed(&changes);
        checked.map_err(SaveError::Invalid)?;
        let saved = Saved {
            version: seen.unwrap_or(0) + 1,
            at: self.clock().now(),
            changes,
        };
        let item = Item::new(&keys::routing(), &saved).map_err(SaveError::Store)?;
        match shared.table.put_over(item, seen).await {
            Ok(()) => {}
            Err(StoreError::ConditionFailed { .. }) => return Err(SaveError::Conflict),
            Err(error) => return Err(SaveError::Store(error)),
        }
        adopt(&self.live, &saved);
        Ok(saved)
    }
}

async fn read(table: &Table, live: &Live, clock: &Clock) {
    let (all, routing) = (Range::All, keys::routing());
    let rests = table.query::<StoredRest>(keys::COOLDOWNS, &all, Order::Ascending, MOST_SHARED);
    let lacks = table.query::<StoredLack>(keys::LEARNED, &all, Order::Ascending, MOST_SHARED);
    let saved = table.get::<Saved>(&routing);
    let (rests, lacks, saved) = tokio::join!(rests, lacks, saved);
    match rests {
        Ok(rests) => rests.into_iter().for_each(|stored| {
            let rest = Cooldown {
                deployment: stored.deployment,
                since: stored.since,
                until: stored.until,
                strikes: stored.strikes,
                is_long: stored.long,
                class: stored.class,
            };
            live.cooldowns.learn(rest, clock);
        }),
        Err(error) => tracing::warn!(%error, "the table's rests could not be read"),
    }
    match lacks {
        Ok(lacks) => (lacks.into_iter()).for_each(|stored| stored.adopt(&live.learned, clock)),
        Err(error) => tracing::warn!(%error, "what targets lack could not be read"),
    }
    match saved {
        Ok(Some(saved)) => adopt(live, &saved),
        Ok(None) if live.version() != 0 => live.enforce(Arc::clone(&live.as_loaded), 0),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the saved settings could not be read"),
    }
}

/// Puts what was saved in force. What no longer fits the file is not: the file is newer.
fn adopt(live: &Live, saved: &Saved) {
    if live.version() == saved.version {
        return;
    }
    let config = match live.as_loaded.changed(&saved.changes) {
        Ok(config) => Arc::new(config),
        Err(reason) => {
            tracing::warn!(%reason, "the saved settings do not fit the configuration: the file's are used");
            Arc::clone(&live.as_loaded)
        }
    };
    live.enforce(config, saved.version);
}
