//! The books: every record written exactly once together with the totals it moves, and both read back.

use std::collections::BTreeMap;
#[cfg(feature = "local")]
use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::record::Record;
use super::totals::{Counters, DayTotal, TotalOf};
use super::{RequestId, log};
use crate::store::keys::{self, SHARDS};
use crate::store::{Item, Order, Range, StoreError, Table, Write, WriteLimits};

/// The books over one table. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) table: Table,
    options: LedgerOptions,
}

/// How records are written and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerOptions {
    /// How long writing a record may take.
    pub write: WriteLimits,
    /// How long records are kept; `None`: for ever. Totals are.
    pub retention: Option<Duration>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is in the table, and its totals have moved.
    Now,
    /// It was there already; nothing has changed.
    AlreadyCounted,
}

/// A question that the books do not answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many days at once, or the end before the beginning.
    #[error(
        "a period of {MOST_DAYS} days at most, and none that ends before it begins: not {0} to {1}"
    )]
    Period(Date, Date),
}

/// A year and a day: each day costs a read per shard.
const MOST_DAYS: usize = 367;
const READS_AT_ONCE: usize = 16;

impl Ledger {
    /// The books in this table.
    pub fn new(table: Table, options: LedgerOptions) -> Ledger {
        Ledger { table, options }
    }

    /// The table that holds them.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Writes a record and moves the totals, all or nothing, and at most once however often it is called: the second
    /// record of one id changes nothing.
    ///
    /// # Errors
    /// When the table could not be written in time. Then the whole record has gone to the log as
    /// `spend_unrecorded`, and it may or may not be in the table: replaying it is safe.
    pub async fn record(&self, mut record: Record) -> Result<Written, StoreError> {
        let outcome = self.write(&mut record).await;
        match outcome {
            Ok(()) => Ok(Written::Now),
            // The record is the first write of its transaction and the only one with a condition.
            Err(StoreError::ConditionFailed { .. }) => Ok(Written::AlreadyCounted),
            Err(error) => {
                log::unrecorded(&record, &error);
                Err(error)
            }
        }
    }

    async fn write(&self, record: &mut Record) -> Result<(), StoreError> {
        record.seal();
        let id = record.request_id;
        let caller = &record.caller;
        let mut item = Item::new(&id.key(), record)?;
        if !caller.key_hash.is_empty() {
            item = item.by_key(keys::by_key(&caller.key_hash, id.day()));
        }
        if let Some(session) = &caller.session_id {
            item = item.by_session(keys::by_session(session));
        }
        if let Some(end) = self.expiry(&id) {
            item = item.expires(end);
        }
        let mut writes = vec![Write::Create(item)];
        let totals = record.seal().rows();
        writes.extend(totals.map(|(key, amounts)| Write::Add { key, amounts }));
        self.table.transact(&writes, self.options.write).await
    }

    /// The record of this id.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn get(&self, id: &RequestId) -> Result<Option<Record>, StoreError> {
        self.table.get(&id.key()).await
    }

    /// Which of these requests have a record.
    ///
    /// # Errors
    /// When the table fails.
    #[cfg(feature = "local")]
    pub(super) async fn recorded(
        &self,
        ids: &[RequestId],
    ) -> Result<HashSet<RequestId>, StoreError> {
        #[derive(Deserialize)]
        struct Recorded {
            request_id: RequestId,
        }
        let keys: Vec<_> = ids.iter().map(RequestId::key).collect();
        let found: Vec<Recorded> = self.table.get_many(&keys).await?;
        Ok(found.into_iter().map(|record| record.request_id).collect())
    }

    /// Whether a record of this id would not be kept any more: whether it was ever there, nobody can know.
    #[cfg(feature = "local")]
    pub(super) fn has_expired(&self, id: &RequestId, now: Timestamp) -> bool {
        self.expiry(id).is_some_and(|end| end <= now)
    }

    /// When a record of this id is deleted; `None`: never.
    fn expiry(&self, id: &RequestId) -> Option<Timestamp> {
        // Past the calendar's end is for ever.
        id.time().checked_add(self.options.retention?).ok()
    }

    /// The totals of the days from `first` to `last`, both included: at most one row per day and [`TotalOf`], by day.
    ///
    /// # Errors
    /// When the table fails, or the period is longer than a year.
    pub async fn totals(&self, first: Date, last: Date) -> Result<Vec<DayTotal>, ReadError> {
        let partitions = days(first, last)?
            .into_iter()
            .flat_map(|day| (0..SHARDS).map(move |shard| (day, shard)));
        let reads = partitions.map(|(day, shard)| async move {
            let rows: Vec<Box<RawValue>> = self
                .table
                .query(
                    &keys::usage_partition(day, shard),
                    &Range::All,
                    Order::Ascending,
                    usize::MAX,
                )
                .await?;
            Ok::<_, StoreError>((day, rows))
        });
        let mut reads = stream::iter(reads).buffered(READS_AT_ONCE);
        let mut totals = BTreeMap::<(Date, String), Counters>::new();
        while let Some((day, rows)) = reads.try_next().await? {
            for row in rows {
                let TotalRow { sk } = read(&row)?;
                *totals.entry((day, sk)).or_default() += read(&row)?;
            }
        }
        let total = |((day, sk), counters): ((Date, String), _)| {
            TotalOf::parse(&sk).map(|of| DayTotal { day, of, counters })
        };
        Ok(totals.into_iter().filter_map(total).collect())
    }
}

/// A totals row is its name and its [`Counters`], read one after the other: `serde(flatten)` would turn the money into
/// floats on the way.
#[derive(Deserialize)]
struct TotalRow {
    sk: String,
}

fn read<T: DeserializeOwned>(row: &RawValue) -> Result<T, StoreError> {
    Ok(serde_json::from_str(row.get())?)
}

pub(super) fn days(first: Date, last: Date) -> Result<Vec<Date>, ReadError> {
    let days: Vec<Date> = first
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= last)
        .take(MOST_DAYS + 1)
        .collect();
    if days.is_empty() || days.len() > MOST_DAYS {
        return Err(ReadError::Period(first, last));
    }
    Ok(days)
}
