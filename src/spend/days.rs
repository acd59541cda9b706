//! Reading the totals: a day from its shards, and once it is over from the one item that its first reader makes of
//! them.
//!
//! Nothing that comes late may be hidden by that item, and a record may come weeks late, when it is replayed from the
//! log. So a transaction that moves the counters of a day that ended [`LATE_AFTER`] ago also adds one to the `version`
//! of the day's item. A roll-up names the version it was made of: it is written only over that version, and it counts
//! only while there is no other. A record in time does not touch the item, for no day is rolled up before
//! [`ROLL_UP_AFTER`]: a request that began before midnight has long ended by then, and so has every try to write its
//! record.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::{try_join, try_join_all};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ledger::{Ledger, ReadError, days_of};
use super::shards;
use super::totals::{Counters, DayTotal, TotalOf};
use crate::json;
use crate::store::keys::SHARDS;
use crate::store::{Item, Key, Query, StoreError, Write, keys, pieces, time};

/// Counter deltas of a day that ended this long ago are late.
const LATE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Days that ended this long ago are rolled up. The hour in between is for clocks that differ.
const ROLL_UP_AFTER: SignedDuration = SignedDuration::from_hours(2);

const READS_AT_ONCE: usize = 16;

/// A day's totals by the sort keys of their rows.
type DayRows = BTreeMap<String, Counters>;

/// The item of a day that is over.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct RolledUp {
    /// How many counter deltas came late.
    version: u64,
    /// The version that `totals` was made of.
    of: Option<u64>,
    /// The rows, packed; empty until they are made.
    totals: String,
    /// What the rows have: see [`LAYOUT`].
    layout: u32,
}

/// What is told apart and counted. A day that a version of an earlier layout has rolled up may have lost what that
/// version did not know, and is made anew.
const LAYOUT: u32 = 1;

#[derive(Deserialize)]
struct FoundTotal {
    pk: String,
    #[serde(flatten)]
    item: RolledUp,
}

/// A row in a roll-up.
#[derive(Serialize, Deserialize)]
struct StoredTotal {
    sk: String,
    counters: Counters,
}

/// A row in a shard is its name and its [`Counters`], read one after the other: `serde(flatten)` would turn the money
/// into floats on the way.
#[derive(Deserialize)]
struct RowName {
    sk: String,
}

/// What a late record of this day has to write beside its counters: it makes the day's roll-up void. `None`: it is not
/// late.
pub(super) fn invalidate_roll_up(day: Date, now: Timestamp) -> Option<Write> {
    has_ended(day, now, LATE_AFTER).then(|| Write::Add {
        key: keys::rolled_up(day),
        amounts: vec![("version".to_owned(), Decimal::ONE)],
    })
}

/// Whether nothing is added to the day any more, but what comes late.
pub(super) fn is_over(day: Date, now: Timestamp) -> bool {
    has_ended(day, now, ROLL_UP_AFTER)
}

/// Whether the day ended at least so long ago.
fn has_ended(day: Date, now: Timestamp, ago: SignedDuration) -> bool {
    let end = day.tomorrow().map(time::beginning);
    end.is_ok_and(|end| now.duration_since(end) >= ago)
}

impl Ledger {
    /// The totals of the days from `first` to `last`, both included: at most one row per day and [`TotalOf`], by day.
    ///
    /// # Errors
    /// When the table fails, or the period is longer than a year.
    pub async fn totals(&self, first: Date, last: Date) -> Result<Vec<DayTotal>, ReadError> {
        let days = days_of(first, last)?;
        let now = Timestamp::now();
        let over: Vec<Date> = (days.iter().copied())
            .filter(|day| is_over(*day, now))
            .collect();
        let mut rolled = self.rolled_up(&over).await?;
        let reads = days.into_iter().map(|day| {
            let rolled = rolled.remove(&keys::rolled_up(day).pk);
            async move {
                let rows = match rolled {
                    None if !is_over(day, now) => self.of_shards(day, false).await?,
                    None => self.roll_up(day, None).await?,
                    Some(rolled) => match rolled.rows() {
                        Some(rows) => rows,
                        None => self.roll_up(day, Some(rolled.version)).await?,
                    },
                };
                Ok::<_, StoreError>((day, rows))
            }
        });
        let reads: Vec<_> = reads.collect();
        let read: Vec<(Date, DayRows)> = stream::iter(reads)
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let totals = read.into_iter().flat_map(|(day, rows)| {
            rows.into_iter().filter_map(move |(sk, counters)| {
                TotalOf::parse(&sk).map(|of| DayTotal { day, of, counters })
            })
        });
        Ok(totals.collect())
    }

    /// The items of these days, by partition.
    async fn rolled_up(&self, days: &[Date]) -> Result<HashMap<String, RolledUp>, StoreError> {
        let keys: Vec<Key> = days.iter().map(|day| keys::rolled_up(*day)).collect();
        let found: Vec<FoundTotal> = self.table().get_many(&keys).await?;
        Ok(found
            .into_iter()
            .map(|found| (found.pk, found.item))
            .collect())
    }

    /// The sums over a day's shards.
    pub(super) async fn of_shards(
        &self,
        day: Date,
        consistent: bool,
    ) -> Result<DayRows, StoreError> {
        let of_shard = |shard| async move {
            let query = Query {
                consistent,
                ..Query::all(keys::usage_partition(day, shard))
            };
            self.table().run::<Box<RawValue>>(&query, usize::MAX).await
        };
        let usual = try_join_all((0..SHARDS).map(of_shard));
        let (usual, further) = try_join(usual, shards::further(self.table(), day)).await?;
        let further = try_join_all(further.map(of_shard)).await?;
        let mut rows = DayRows::new();
        for row in usual.iter().chain(&further).flatten() {
            let RowName { sk } = read(row)?;
            *rows.entry(sk).or_default() += read(row)?;
        }
        Ok(rows)
    }

    /// Reads a day's shards and keeps what it found, unless the version that was seen before is no longer there.
    async fn roll_up(&self, day: Date, seen: Option<u64>) -> Result<DayRows, StoreError> {
        let rows = self.of_shards(day, true).await?;
        match self.keep_rolled_up(day, seen, &rows).await {
            Ok(()) => {}
            // Another process was quicker, or a record came in between: what was read is right all the same.
            Err(StoreError::ConditionFailed { .. }) => {}
            Err(error) => tracing::warn!(%day, %error, "a day's totals were not rolled up"),
        }
        Ok(rows)
    }

    /// `seen`: the version before the shards were read; `None`: there was no item.
    pub(super) async fn keep_rolled_up(
        &self,
        day: Date,
        seen: Option<u64>,
        rows: &DayRows,
    ) -> Result<(), StoreError> {
        let rows = rows.iter().map(|(sk, counters)| StoredTotal {
            sk: sk.clone(),
            counters: *counters,
        });
        let json = serde_json::to_vec(&rows.collect::<Vec<_>>())?;
        let mut pieces = pieces::pack(&json).map_err(serde_json::Error::io)?;
        // Thousands of keys on one day: its shards are read each time.
        let (Some(totals), true) = (pieces.pop(), pieces.is_empty()) else {
            return Ok(());
        };
        let version = seen.unwrap_or(0);
        let item = RolledUp {
            version,
            of: Some(version),
            totals,
            layout: LAYOUT,
        };
        let item = Item::new(&keys::rolled_up(day), &item)?;
        self.table().put_over(item, seen).await
    }
}

impl RolledUp {
    /// The rows, if they are still the day's.
    fn rows(&self) -> Option<DayRows> {
        if self.of != Some(self.version) || self.layout < LAYOUT {
            return None;
        }
        let json = pieces::unpack(&self.totals).ok()?;
        let rows: Vec<StoredTotal> = serde_json::from_slice(&json).ok()?;
        let rows = rows.into_iter().map(|row| (row.sk, row.counters));
        Some(rows.collect())
    }
}

fn read<T: DeserializeOwned>(row: &RawValue) -> Result<T, StoreError> {
    Ok(json::parse(row.get())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movement_is_late_before_its_day_can_be_rolled_up() {
        let day: Date = "2026-11-23".parse().unwrap();
        for (now, late, over) in [
            ("2026-11-23T12:00:00Z", false, false),
            ("2026-11-24T00:59:59Z", false, false),
            ("2026-11-24T01:00:00Z", true, false),
            ("2026-11-24T01:59:59Z", true, false),
            ("2026-11-24T02:00:00Z", true, true),
            ("2027-01-01T00:00:00Z", true, true),
        ] {
            let now = now.parse().unwrap();
            assert_eq!(invalidate_roll_up(day, now).is_some(), late, "{now}");
            assert_eq!(has_ended(day, now, ROLL_UP_AFTER), over, "{now}");
        }
    }
}
