//! The ledger: every record written exactly once together with the totals it moves, and both read back.

use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;

use super::counted_names::KnownNames;
use super::day_sums::KnownSums;
use super::record::Record;
#[cfg(feature = "local")]
use super::settle::Recorded;
use super::shards::AnnouncedShards;
use super::signature::Signer;
use super::{PendingRequest, RequestId, days, log, settle};
use crate::config::Config;
use crate::store::keys::SHARDS;
use crate::store::{
    GroupCommit, Item, Settlement, StoreError, Table, TableSecret, Write, WriteLimits, keys,
};

/// The ledger in one table. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) table: Table,
    commit: GroupCommit,
    options: LedgerOptions,
    pub(super) announced_shards: AnnouncedShards,
    pub(super) names: KnownNames,
    pub(super) day_sums: KnownSums,
    /// Signs what goes to the log instead of the table.
    secret: TableSecret,
}

/// How records are written and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerOptions {
    /// How long writing a record may take.
    pub write: WriteLimits,
    /// How long a record waits for others that are written with it ([`GroupCommit::delayed`]).
    pub commit_delay: Duration,
    /// How long records are kept; `None`: for ever. Totals are.
    pub retention: Option<Duration>,
    /// How long prompts and replies are kept, where they are stored.
    pub content_retention: Duration,
    /// Over how many partitions what is written on a day is spread, [`SHARDS`] at least. Reading does not depend on it.
    pub shards: u8,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for LedgerOptions {
    fn default() -> Self {
        LedgerOptions {
            write: WriteLimits::default(),
            commit_delay: Duration::ZERO,
            retention: None,
            content_retention: DAY * 14,
            shards: SHARDS,
        }
    }
}

impl LedgerOptions {
    /// As the configuration says. A prompt is not kept longer than its record.
    pub fn of(config: &Config) -> LedgerOptions {
        let default = LedgerOptions::default();
        let days = |days: u32| DAY * days;
        let retention = config.general.retention_days.map(days);
        let content = config.general.content_retention_days.map(days);
        let content = content.unwrap_or(default.content_retention);
        LedgerOptions {
            write: WriteLimits {
                total: config.settings.record_timeout,
                ..default.write
            },
            commit_delay: default.commit_delay,
            retention,
            content_retention: retention.map_or(content, |kept| kept.min(content)),
            shards: config.general.spend_shards.unwrap_or(default.shards),
        }
    }

    /// How long the prompt and the reply of a request are kept whose key says this of it.
    pub fn content_kept(&self, of_key: Option<Duration>) -> Duration {
        let kept = of_key.unwrap_or(self.content_retention);
        self.retention.map_or(kept, |record| record.min(kept))
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is in the table, and its totals have moved.
    Now,
    /// It was there already; nothing has changed.
    AlreadyCounted,
}

/// Why totals could not be read.
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

/// The longest period that is read: a year and a day, for each day costs a read per shard.
pub const MOST_DAYS: usize = 367;

impl Ledger {
    /// The ledger in this table.
    pub fn new(table: Table, options: LedgerOptions) -> Ledger {
        let commit = GroupCommit::new(table.clone(), options.write).delayed(options.commit_delay);
        Ledger {
            secret: TableSecret::new(table.clone()),
            table,
            commit,
            options,
            announced_shards: AnnouncedShards::default(),
            names: KnownNames::default(),
            day_sums: KnownSums::default(),
        }
    }

    /// How it writes and keeps.
    pub fn options(&self) -> &LedgerOptions {
        &self.options
    }

    /// The id of a request that begins now, on one of the ledger's shards.
    pub fn new_id(&self, now: Timestamp) -> RequestId {
        RequestId::spread(now, self.options.shards)
    }

    /// The table that holds it.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The secret of its table.
    pub fn secret(&self) -> &TableSecret {
        &self.secret
    }

    /// Fetches the secret, so that lines of the log are signed from the first one on. Waits for 100 ms at most.
    pub async fn fetch_secret(&self) {
        self.secret.within(LONGEST_SECRET_WAIT).await;
    }

    /// Logs that Bedrock may bill for this request from here on. The line has left this process when this is over:
    /// standard output is flushed at every end of a line.
    pub fn log_pending(
        &self,
        pending: &PendingRequest<'_>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (secret, line) = (self.secret.clone(), pending.line());
        async move { line.write(log::EVENT_OPEN, signer(&secret).await.as_ref()) }
    }

    /// Logs that a pending request holds more now, as [`Self::log_pending`] does.
    pub fn log_more_held(
        &self,
        pending: &PendingRequest<'_>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (secret, line) = (self.secret.clone(), pending.line());
        async move { line.write(log::EVENT_HELD, signer(&secret).await.as_ref()) }
    }

    /// Writes a record and moves the totals, all or nothing, and at most once however often it is called: the second
    /// record of one id changes nothing.
    ///
    /// # Errors
    /// When the table could not be written in time. Then the whole record has gone to the log as
    /// `spend_unrecorded`, and it may or may not be in the table: replaying it is safe.
    pub async fn record(&self, mut record: Record) -> Result<Written, StoreError> {
        let until = Instant::now() + self.options.write.total;
        if !record.is_frozen() {
            let names = self.counted_names(&record).await;
            record.count_under(names);
        }
        let outcome = match self.announce_shard(&record.request_id).await {
            Ok(()) => self.write(&mut record, until).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                let id = record.request_id;
                settle::settle(&self.table, id, record.freeze()).await;
                Ok(Written::Now)
            }
            // Of the conditions in the transaction, only the record's own is left to say so.
            Err(StoreError::ConditionFailed { .. }) => Ok(Written::AlreadyCounted),
            Err(error) => {
                // With what it adds, also where writing it was not tried.
                record.freeze();
                log::unrecorded(&record, &error, signer(&self.secret).await.as_ref());
                Err(error)
            }
        }
    }

    /// A record that the table takes for invalid is written without what clients have said in it: that it is there, and
    /// what it counts, matters more.
    async fn write(&self, record: &mut Record, until: Instant) -> Result<(), StoreError> {
        match self.write_unreduced(record, until).await {
            Err(error) if error.is_invalid() && record.reduce() => {
                let id = record.request_id;
                tracing::warn!(%id, %error, "the table refused a record; it is written without its free parts");
                self.write_unreduced(record, until).await
            }
            outcome => outcome,
        }
    }

    async fn write_unreduced(&self, record: &mut Record, until: Instant) -> Result<(), StoreError> {
        record.freeze();
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
        let deltas = record.freeze();
        let mut writes = vec![Write::Create(item)];
        let totals = deltas.rows();
        writes.extend(totals.map(|(key, amounts)| Write::Add { key, amounts }));
        writes.extend(days::invalidate_roll_up(id.day(), Timestamp::now()));
        writes.extend(deltas.settlements(id).map(Write::Settle));
        let written = pin!(self.transact(writes));
        tokio::time::timeout_at(until, written)
            .await
            .unwrap_or(Err(StoreError::Timeout(self.options.write.total)))
    }

    /// A hold whose time was over has moved to what is spent, and is corrected there; an account that is gone needs no
    /// correction. Neither comes back, so that each is seen once at most.
    async fn transact(&self, mut writes: Vec<Write>) -> Result<(), StoreError> {
        loop {
            let outcome = self.commit.transact(&writes).await;
            let Err(StoreError::ConditionFailed { write }) = outcome else {
                return outcome;
            };
            match writes.get_mut(write) {
                Some(Write::Settle(settlement)) if !settlement.moved => {
                    self.refresh_holds(settlement).await?;
                }
                Some(Write::Settle(_)) => drop(writes.remove(write)),
                _ => return outcome,
            }
        }
    }

    /// Reads from the table what is held, and corrects a settlement by it: a process can die between a raise and its
    /// line in the log. A hold that is not there has moved.
    async fn refresh_holds(&self, settlement: &mut Settlement) -> Result<(), StoreError> {
        let account = self.table.account(&settlement.key).await?;
        let there = account.map(|account| account.holds).unwrap_or_default();
        let holds = settlement.holds.iter().map(|(holder, _)| {
            let hold = there.get(holder)?;
            Some((holder.clone(), hold.amount))
        });
        match holds.collect::<Option<Vec<_>>>() {
            Some(holds) if holds != settlement.holds => settlement.holds = holds,
            _ => settlement.moved = true,
        }
        Ok(())
    }

    /// The record of this id.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn get(&self, id: &RequestId) -> Result<Option<Record>, StoreError> {
        self.table.get(&id.key()).await
    }

    /// The records of these requests, as far as there are any.
    ///
    /// # Errors
    /// When the table fails.
    #[cfg(feature = "local")]
    pub(super) async fn recorded(&self, ids: &[RequestId]) -> Result<Vec<Recorded>, StoreError> {
        let keys: Vec<_> = ids.iter().map(RequestId::key).collect();
        self.table.get_many(&keys).await
    }

    /// Whether a record of this id would not be kept any more: whether it was ever there cannot be known.
    #[cfg(feature = "local")]
    pub(super) fn has_expired(&self, id: &RequestId, now: Timestamp) -> bool {
        self.expiry(id).is_some_and(|end| end <= now)
    }

    /// When a record of this id is deleted; `None`: never.
    fn expiry(&self, id: &RequestId) -> Option<Timestamp> {
        // Past the calendar's end is for ever.
        id.time().checked_add(self.options.retention?).ok()
    }
}

/// How long the table's secret is waited for, at the start and where a line of the log needs it and it is not there
/// yet.
const LONGEST_SECRET_WAIT: Duration = Duration::from_millis(100);

async fn signer(secret: &TableSecret) -> Option<Signer> {
    secret
        .within(LONGEST_SECRET_WAIT)
        .await
        .map(|bytes| Signer::new(&bytes))
}

pub(super) fn days_of(first: Date, last: Date) -> Result<Vec<Date>, ReadError> {
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
