//! How often keys that are blocked or over were sent: counted by the hour, for their pages. Not a record each, for
//! whoever goes on with an old key may send any number of requests; and not a write each: what one process refuses
//! within ten seconds is added at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::store::{Counter, StoreError, Table, keys, time};

use super::KeyRefusal;

/// How often the counts of a key are written.
const WRITE_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// How long they are kept.
const RETENTION: Duration = Duration::from_secs(35 * 24 * 60 * 60);
/// Keys that are counted at a time.
const MOST_KEYS: usize = 10_000;

/// Counts refused keys. Clones share what they count.
#[derive(Debug, Clone)]
pub struct RefusedKeys {
    table: Table,
    clock: Clock,
    tasks: TaskTracker,
    write_every: SignedDuration,
    counts: Arc<Mutex<HashMap<String, Pending>>>,
}

/// What was counted of a key and is not in the table yet.
#[derive(Debug, Default)]
struct Pending {
    /// By day, and by hour and reason.
    counts: BTreeMap<(Date, String), i64>,
    written: Option<Timestamp>,
    /// A task will write them when their time has come.
    is_waiting: bool,
}

/// How often a key was refused on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusedOfDay {
    /// Because it was blocked, or its team or user was.
    pub blocked: u64,
    /// Because its time was over.
    pub expired: u64,
}

impl RefusedKeys {
    /// Counts in this table. What is still to be written is a task of `tasks`.
    pub fn new(table: Table, clock: Clock, tasks: TaskTracker) -> Self {
        Self {
            table,
            clock,
            tasks,
            write_every: WRITE_EVERY,
            counts: Arc::default(),
        }
    }

    /// The key of this hash was refused. Only one that there is, and that is not good, is counted.
    pub fn count(&self, key_hash: &str, refusal: &KeyRefusal) {
        let reason = match refusal {
            KeyRefusal::Blocked
            | KeyRefusal::TeamBlocked(_)
            | KeyRefusal::TeamDeleted(_)
            | KeyRefusal::UserBlocked(_) => "blocked",
            KeyRefusal::Expired(_) => "expired",
            _ => return,
        };
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_KEYS && !counts.contains_key(key_hash) {
            return;
        }
        let pending = counts.entry(key_hash.to_owned()).or_default();
        let hour = now.as_second().div_euclid(3600).rem_euclid(24);
        let field = (time::day(now), format!("{reason}_{hour:02}"));
        *pending.counts.entry(field).or_default() += 1;
        // The first of a while is written at once, those that follow within ten seconds together after these.
        let wait = pending
            .written
            .map(|at| self.write_every - now.duration_since(at));
        match wait.and_then(|wait| Duration::try_from(wait).ok()) {
            Some(wait) if !wait.is_zero() => {
                if !std::mem::replace(&mut pending.is_waiting, true) {
                    let (counter, key_hash) = (self.clone(), key_hash.to_owned());
                    // No task that the end of the process waits for: what it has counted is of some seconds.
                    tokio::spawn(async move {
                        tokio::time::sleep(wait).await;
                        counter.write_due(&key_hash).await;
                    });
                }
            }
            _ => {
                let (counter, key_hash) = (self.clone(), key_hash.to_owned());
                pending.written = Some(now);
                (self.tasks).spawn(async move { counter.write_due(&key_hash).await });
            }
        }
    }

    /// Writes what was counted of a key so far.
    async fn write_due(&self, key_hash: &str) {
        let due = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(pending) = counts.get_mut(key_hash) else {
                return;
            };
            pending.is_waiting = false;
            pending.written = Some(self.clock.now());
            std::mem::take(&mut pending.counts)
        };
        if let Err(error) = write(&self.table, key_hash, due).await {
            tracing::warn!(%error, "refused requests of a key could not be counted");
        }
    }

    /// How often the key of this hash was refused today, as far as it is written.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn today(&self, key_hash: &str) -> Result<RefusedOfDay, StoreError> {
        let day = time::day(self.clock.now());
        let found: Option<DayCounts> = self.table.get(&keys::refused(key_hash, day)).await?;
        let counts = found.unwrap_or_default().0;
        let sum = |reason: &str| {
            let of_reason = counts.iter().filter(|(field, _)| field.starts_with(reason));
            of_reason.map(|(_, count)| count).sum()
        };
        Ok(RefusedOfDay {
            blocked: sum("blocked_"),
            expired: sum("expired_"),
        })
    }
}

/// The counters of a day, by their names, whatever stands beside them.
#[derive(Debug, Default)]
struct DayCounts(BTreeMap<String, u64>);

impl<'de> Deserialize<'de> for DayCounts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = serde_json::Map::deserialize(deserializer)?;
        let counts = fields.into_iter();
        Ok(Self(
            counts
                .filter_map(|(field, value)| Some((field, value.as_u64()?)))
                .collect(),
        ))
    }
}

async fn write(
    table: &Table,
    key_hash: &str,
    counts: BTreeMap<(Date, String), i64>,
) -> Result<(), StoreError> {
    let mut days = BTreeMap::<Date, Vec<(String, i64)>>::new();
    for ((day, field), count) in counts {
        days.entry(day).or_default().push((field, count));
    }
    for (day, fields) in days {
        let counters: Vec<Counter<'_>> = fields
            .iter()
            .map(|(field, amount)| Counter {
                field,
                amount: *amount,
                limit: None,
            })
            .collect();
        let expires = time::beginning(day) + RETENTION;
        table
            .count(&keys::refused(key_hash, day), &counters, expires)
            .await?;
    }
    Ok(())
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use super::*;
    use crate::store::Embedded;

    #[tokio::test]
    async fn a_burst_is_counted_whole_though_nothing_follows_it() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("keys").await.unwrap();
        let counter = RefusedKeys {
            write_every: SignedDuration::from_millis(50),
            ..RefusedKeys::new(table, Clock::default(), TaskTracker::new())
        };
        for _ in 0..7 {
            counter.count("hash", &KeyRefusal::Blocked);
        }
        counter.count("hash", &KeyRefusal::TeamBlocked("red".into()));
        counter.count("hash", &KeyRefusal::Unknown);
        let counted = async {
            while counter.today("hash").await.unwrap().blocked < 8 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, counted).await.unwrap();
        assert_eq!(counter.today("hash").await.unwrap().blocked, 8);
    }
}
