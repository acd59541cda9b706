//! Finding records: newest first in a period, page by page, however large the ledger is.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Deserialize;
use tokio::time::Instant;

use super::ledger::{Ledger, ReadError, days_of};
use super::record::{Record, Status};
use super::{Cursor, FailureCause, RequestId, shards};
use crate::store::keys::{self, Key, SHARDS};
use crate::store::{Index, Order, Position, Query, Range, StoreError, Table, time};

/// Which records are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The first instant of the period.
    pub first: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// What must hold of them.
    pub filter: RecordFilter,
    /// At most so many of them ([`Search::MAX_PAGE`] where it is more).
    pub page_size: usize,
    /// The most records that are looked at for a page: usually [`Search::COMPARED`].
    pub most_compared: usize,
    /// Go on from here: [`Found::next`] of the page before.
    pub after: Option<Cursor>,
}

/// What must hold of a record; `None` and empty: anything. A key or a session is looked up in its index; the others
/// are compared record by record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordFilter {
    /// The SHA-256 of the key, in hex.
    pub key_hash: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// How it ended.
    pub status: Option<Status>,
    /// The model: the name in the request, or the last attempt's group, model id or deployment id.
    pub model: Option<String>,
    /// How one of these begins, in letters of any size.
    pub model_begins: Option<String>,
    /// Why it failed, or was refused.
    pub cause: Option<FailureCause>,
    /// How long it took, at least.
    pub min_duration: Option<Duration>,
    /// The key's name.
    pub key_alias: Option<String>,
    /// The key's owner.
    pub user: Option<String>,
    /// The key's team.
    pub team: Option<String>,
    /// The person behind the client.
    pub end_user: Option<String>,
    /// Which of a session's agents asked.
    pub agent: Option<String>,
    /// The program that asked, by its word.
    pub client_app: Option<String>,
    /// One of its tags.
    pub tag: Option<String>,
    /// US dollars at least. A record whose cost is unknown is not known to have cost that much.
    pub min_spend: Option<Decimal>,
    /// US dollars at most.
    pub max_spend: Option<Decimal>,
}

/// One page of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// Newest first.
    pub records: Vec<Record>,
    /// Where the next page begins; `None`: the period has been searched to its beginning. A page may be short or
    /// empty and yet have a next one: so much of the period and no more is searched at once.
    pub next: Option<Cursor>,
    /// Everything from here to the end of the period has been searched, by this page and those before it.
    pub searched_until: Timestamp,
}

/// After this long a page is handed out as it is.
const LONGEST_SEARCH: Duration = Duration::from_secs(5);

/// Records read at once from each partition while most of them are thrown away.
const WHILE_COMPARING: usize = 250;

impl Search {
    /// The longest page.
    pub const MAX_PAGE: usize = 1_000;
    /// Records that are usually compared for one page: they are some 10 MB.
    pub const COMPARED: usize = 5_000;
}

impl RecordFilter {
    /// Whether this record is meant.
    pub fn matches(&self, record: &Record) -> bool {
        fn is(wanted: &Option<String>, found: Option<&str>) -> bool {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        }
        let caller = &record.caller;
        let spend = || record.cost().map(|cost| cost.total);
        is(&self.key_hash, Some(&caller.key_hash))
            && is(&self.session, caller.session_id.as_deref())
            && is(&self.key_alias, caller.key_alias.as_deref())
            && is(&self.user, caller.user.as_deref())
            && is(&self.team, caller.team_id.as_deref())
            && is(&self.end_user, caller.end_user.as_deref())
            && is(&self.agent, caller.agent_id.as_deref())
            && is(&self.client_app, caller.client_app.as_deref())
            && self.status.is_none_or(|status| status == record.status)
            && (self.tag.iter()).all(|tag| record.tags.contains(tag))
            && (self.model.iter()).all(|model| names(record).any(|name| name == model))
            && (self.model_begins.iter())
                .all(|beginning| names(record).any(|name| begins(name, beginning)))
            && (self.cause).is_none_or(|cause| record.cause() == Some(cause))
            && (self.min_duration).is_none_or(|min| took(record) >= min)
            && (self.min_spend).is_none_or(|min| spend().is_some_and(|spend| spend >= min))
            && (self.max_spend).is_none_or(|max| spend().is_some_and(|spend| spend <= max))
    }

    /// Whether records are compared beyond what an index has sorted out.
    fn compares(&self) -> bool {
        let indexed = match (&self.session, &self.key_hash) {
            (Some(_), _) => RecordFilter {
                session: self.session.clone(),
                ..RecordFilter::default()
            },
            (None, Some(hash)) if !hash.is_empty() => RecordFilter {
                key_hash: Some(hash.clone()),
                ..RecordFilter::default()
            },
            _ => RecordFilter::default(),
        };
        *self != indexed
    }
}

fn begins(name: &str, beginning: &str) -> bool {
    let found = name.get(..beginning.len());
    found.is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

/// How long a request took; a clock that was set back in between makes no negative time.
fn took(record: &Record) -> Duration {
    let took = record.end.duration_since(record.start);
    Duration::try_from(took).unwrap_or_default()
}

/// Every name under which a record's model may be looked for.
fn names(record: &Record) -> impl Iterator<Item = &String> {
    let final_attempt = record.final_attempt().into_iter();
    std::iter::once(&record.model_asked).chain(
        final_attempt.flat_map(|attempt| [&attempt.group, &attempt.model, &attempt.deployment]),
    )
}

impl Ledger {
    /// The newest records of a period that a filter lets through, one page of them.
    ///
    /// # Errors
    /// When the table fails, or the period is longer than a year.
    pub async fn search(&self, search: &Search) -> Result<RecordPage, ReadError> {
        let mut walk = RecordSearch::new(self, search);
        // The period ends before its end: one that ends at midnight has nothing of the day that begins then.
        let last = search.end.checked_sub(Duration::from_nanos(1));
        let last = last.unwrap_or(Timestamp::MIN);
        let last = match &search.after {
            Some(cursor) => last.min(cursor.time()),
            None => last,
        };
        if search.first >= search.end || last < search.first {
            return Ok(walk.finish());
        }
        if search.filter.session.is_some() {
            walk.through(None).await?;
        } else {
            // Records of the cursor's own millisecond may still be to come.
            for day in days_of(time::day(search.first), time::day(last))?
                .into_iter()
                .rev()
            {
                walk.through(Some(day)).await?;
                if walk.next.is_some() {
                    break;
                }
                walk.leave(day, search);
            }
        }
        Ok(walk.finish())
    }

    /// The requests of a session before and after one of its requests.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn neighbours(
        &self,
        session: &str,
        id: &RequestId,
    ) -> Result<[Option<RequestId>; 2], StoreError> {
        let own = id.key().sk;
        let first = time::sortable(Timestamp::UNIX_EPOCH);
        let last = time::sortable(Timestamp::MAX);
        let before = Range::Between(first, own.clone());
        let before = self.next_to(session, id, before, Order::Descending);
        let after = Range::Between(own, last);
        let after = self.next_to(session, id, after, Order::Ascending);
        let (before, after) = try_join(before, after).await?;
        Ok([before, after])
    }

    /// The first request of a session in this range beside the one where it begins.
    async fn next_to(
        &self,
        session: &str,
        id: &RequestId,
        range: Range,
        order: Order,
    ) -> Result<Option<RequestId>, StoreError> {
        let query = Query {
            partition: keys::by_session(session),
            index: Some(Index::BySession),
            range,
            order,
            consistent: false,
        };
        // It is the first of two itself.
        let page = self.table().page::<KeyOnly>(&query, 2, None).await?;
        let ids = page.items.iter().filter_map(|key| key.sk.split_once('#'));
        let mut ids = ids.filter_map(|(_, id)| RequestId::parse(id).ok());
        Ok(ids.find(|found| found != id))
    }
}

/// A search under way.
struct RecordSearch<'a> {
    table: &'a Table,
    search: &'a Search,
    range: Range,
    /// The sort key from which on everything was found before.
    before: String,
    page_size: usize,
    compared: usize,
    began: Instant,
    records: Vec<Record>,
    next: Option<Cursor>,
}

/// The records of one partition, newest first, read piece by piece.
struct PartitionCursor {
    query: Query,
    waiting: VecDeque<Record>,
    /// `None`: nothing is left to read.
    from: Option<Option<Position>>,
}

#[derive(Deserialize)]
struct KeyOnly {
    pk: String,
    sk: String,
}

impl<'a> RecordSearch<'a> {
    fn new(ledger: &'a Ledger, search: &'a Search) -> RecordSearch<'a> {
        let end = time::sortable(search.end);
        let before = match &search.after {
            Some(cursor) => end.min(cursor.sort_key()),
            None => end,
        };
        RecordSearch {
            table: ledger.table(),
            search,
            range: Range::Between(time::sortable(search.first), before.clone()),
            before,
            page_size: search.page_size.clamp(1, Search::MAX_PAGE),
            compared: 0,
            began: Instant::now(),
            records: Vec::new(),
            next: None,
        }
    }

    /// Takes what it finds in the partitions of a day, or of the session; sets `next` when it has enough.
    async fn through(&mut self, day: Option<Date>) -> Result<(), StoreError> {
        let mut runs = self.runs(day);
        let index = runs.first().and_then(|run| run.query.index);
        if let (Some(day), None) = (day, index) {
            let (_, further) =
                try_join(self.fill(&mut runs), shards::further(self.table, day)).await?;
            runs.extend(further.map(|shard| self.run(keys::spend_partition(day, shard), None)));
        }
        loop {
            self.fill(&mut runs).await?;
            let newest = (runs.iter_mut())
                .filter(|run| !run.waiting.is_empty())
                .max_by_key(|run| run.waiting.front().map(|record| record.request_id));
            let Some(record) = newest.and_then(|run| run.waiting.pop_front()) else {
                return Ok(());
            };
            let id = record.request_id;
            if id.key().sk >= self.before {
                continue;
            }
            self.compared += 1;
            if self.search.filter.matches(&record) {
                self.records.push(record);
            }
            if self.records.len() == self.page_size || self.is_tired() {
                self.next = Some(Cursor::after(id));
                return Ok(());
            }
        }
    }

    /// Reads on where nothing waits.
    async fn fill(&self, runs: &mut [PartitionCursor]) -> Result<(), StoreError> {
        let missing = self.page_size - self.records.len();
        let piece = if self.search.filter.compares() {
            WHILE_COMPARING
        } else {
            // Evenly spread, a page needs this much of each; a little more saves most second reads.
            missing / runs.len().max(1) + 5
        };
        let reads = runs.iter_mut().map(|run| run.fill(self.table, piece));
        try_join_all(reads).await?;
        Ok(())
    }

    /// The partitions to look into; of a day's shards, the usual ones.
    fn runs(&self, day: Option<Date>) -> Vec<PartitionCursor> {
        let filter = &self.search.filter;
        let partitions = match (&filter.session, &filter.key_hash, day) {
            (Some(session), _, _) => vec![(keys::by_session(session), Some(Index::BySession))],
            (None, Some(hash), Some(day)) if !hash.is_empty() => {
                vec![(keys::by_key(hash, day), Some(Index::ByKey))]
            }
            (None, _, Some(day)) => (0..SHARDS)
                .map(|shard| (keys::spend_partition(day, shard), None))
                .collect(),
            (None, _, None) => Vec::new(),
        };
        let run = |(partition, index)| self.run(partition, index);
        partitions.into_iter().map(run).collect()
    }

    fn run(&self, partition: String, index: Option<Index>) -> PartitionCursor {
        PartitionCursor {
            query: Query {
                partition,
                index,
                range: self.range.clone(),
                order: Order::Descending,
                consistent: false,
            },
            waiting: VecDeque::new(),
            from: Some(None),
        }
    }

    /// A day has been searched to its beginning.
    fn leave(&mut self, day: Date, search: &Search) {
        let beginning = time::beginning(day);
        if beginning > search.first && self.is_tired() {
            self.next = Some(Cursor::before(beginning));
        }
    }

    fn is_tired(&self) -> bool {
        self.compared >= self.search.most_compared || self.began.elapsed() >= LONGEST_SEARCH
    }

    fn finish(self) -> RecordPage {
        RecordPage {
            records: self.records,
            searched_until: match &self.next {
                Some(cursor) => cursor.time(),
                None => self.search.first,
            },
            next: self.next,
        }
    }
}

impl PartitionCursor {
    /// Reads on when nothing waits, until something does or nothing is left.
    async fn fill(&mut self, table: &Table, most: usize) -> Result<(), StoreError> {
        while self.waiting.is_empty()
            && let Some(from) = self.from.take()
        {
            let (records, next) = match self.query.index {
                None => {
                    let page = table.page::<Record>(&self.query, most, from).await?;
                    (page.items, page.next)
                }
                Some(_) => {
                    let page = table.page::<KeyOnly>(&self.query, most, from).await?;
                    let keys = page.items.into_iter();
                    let keys: Vec<Key> = keys.map(|KeyOnly { pk, sk }| Key { pk, sk }).collect();
                    let mut records: Vec<Record> = table.get_many(&keys).await?;
                    records.sort_by_key(|record| Reverse(record.request_id));
                    (records, page.next)
                }
            };
            self.waiting = records.into();
            self.from = next.map(Some);
        }
        Ok(())
    }
}
