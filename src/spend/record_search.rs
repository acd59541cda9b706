//! A search for records under way: partitions are read side by side, and their records merged.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use jiff::civil::Date;
use serde::Deserialize;
use tokio::time::Instant;

use super::query::{RecordPage, Search};
use super::record::Record;
use super::{Cursor, RequestId, shards};
use crate::store::keys::{self, Key, SHARDS};
use crate::store::{Index, Order, Position, Query, Range, StoreError, Table, time};

/// After this long a page is handed out as it is.
const LONGEST_SEARCH: Duration = Duration::from_secs(5);

/// The most records that are read at once from each partition while some of them are sorted out.
const WHILE_COMPARING: usize = 250;

/// A search under way.
pub(super) struct RecordSearch<'a> {
    table: &'a Table,
    search: &'a Search,
    range: Range,
    /// The sort key from which on everything was found before.
    before: String,
    page_size: usize,
    looked_at: usize,
    began: Instant,
    records: Vec<Record>,
    next: Option<Cursor>,
}

/// The records of one partition, newest first, read piece by piece.
struct PartitionCursor {
    query: Query,
    /// Read, and not taken yet.
    waiting: VecDeque<Record>,
    reached: Reached,
}

/// How far a partition has been read.
enum Reached {
    /// Nothing of it yet.
    Nothing,
    /// Down to this record, which was read too.
    Position(Position),
    /// To its end.
    End,
}

/// The key of an item: all that an index has of it.
#[derive(Deserialize)]
pub(super) struct KeyOnly {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl KeyOnly {
    /// The id of the record at this key.
    pub(super) fn id(&self) -> Option<RequestId> {
        id_of(&self.sk)
    }
}

/// The id of the record with this sort key.
fn id_of(sort_key: &str) -> Option<RequestId> {
    let (_, id) = sort_key.split_once('#')?;
    RequestId::parse(id).ok()
}

impl<'a> RecordSearch<'a> {
    pub(super) fn new(table: &'a Table, search: &'a Search) -> RecordSearch<'a> {
        let end = time::sortable(search.end);
        let before = match &search.after {
            Some(cursor) => end.min(cursor.sort_key()),
            None => end,
        };
        RecordSearch {
            table,
            search,
            range: Range::Between(time::sortable(search.first), before.clone()),
            before,
            page_size: search.page_size.clamp(1, Search::MAX_PAGE),
            looked_at: 0,
            began: Instant::now(),
            records: Vec::new(),
            next: None,
        }
    }

    /// A page of the requests of one session.
    pub(super) async fn of_session(mut self, session: &str) -> Result<RecordPage, StoreError> {
        let partition = keys::by_session(session);
        let partitions = vec![self.partition(partition, Some(Index::BySession))];
        self.merge(partitions).await?;
        Ok(self.finish())
    }

    /// A page of the requests of these days, which are in the order of time.
    pub(super) async fn of_days(mut self, days: Vec<Date>) -> Result<RecordPage, StoreError> {
        for day in days.into_iter().rev() {
            let partitions = match &self.search.filter.key_hash {
                Some(hash) if !hash.is_empty() => {
                    vec![self.partition(keys::by_key(hash, day), Some(Index::ByKey))]
                }
                _ => self.shards(day).await?,
            };
            self.merge(partitions).await?;
            if self.next.is_some() {
                break;
            }
            let beginning = time::beginning(day);
            if beginning > self.search.first && self.is_over() {
                self.next = Some(Cursor::before(beginning));
                break;
            }
        }
        Ok(self.finish())
    }

    /// The shards of a day. The usual ones are read while it is found out whether there are further ones.
    async fn shards(&mut self, day: Date) -> Result<Vec<PartitionCursor>, StoreError> {
        let shard = |shard| self.partition(keys::spend_partition(day, shard), None);
        let mut usual: Vec<PartitionCursor> = (0..SHARDS).map(shard).collect();
        let read = self.read(usual.iter_mut().collect());
        let (looked_at, further) = try_join(read, shards::further(self.table, day)).await?;
        usual.extend(further.map(shard));
        self.looked_at += looked_at;
        Ok(usual)
    }

    fn partition(&self, partition: String, index: Option<Index>) -> PartitionCursor {
        let comparisons = match index {
            Some(_) => Vec::new(),
            None => self.search.filter.comparisons(),
        };
        PartitionCursor {
            query: Query {
                partition,
                index,
                range: self.range.clone(),
                order: Order::Descending,
                comparisons,
                consistent: false,
            },
            waiting: VecDeque::new(),
            reached: Reached::Nothing,
        }
    }

    /// Takes the newest records of these partitions; sets `next` when the search is over before their end.
    async fn merge(&mut self, mut partitions: Vec<PartitionCursor>) -> Result<(), StoreError> {
        loop {
            let newest = partitions.iter().filter_map(PartitionCursor::newest).max();
            let newest_key = newest.map(|id| id.key().sk).unwrap_or_default();
            let (behind, mut others): (Vec<_>, Vec<_>) =
                (partitions.iter_mut()).partition(|one| one.may_have_newer(&newest_key));
            if !behind.is_empty() {
                let reached = behind.iter().filter_map(|one| one.sort_key()).max();
                if let Some(id) = reached.filter(|_| self.is_over()).and_then(id_of) {
                    self.next = Some(Cursor::after(id));
                    return Ok(());
                }
                self.looked_at += self.read(behind).await?;
                continue;
            }
            let partition = others.iter_mut().find(|one| one.newest() == newest);
            let Some(record) = partition.and_then(|one| one.waiting.pop_front()) else {
                return Ok(());
            };
            if newest_key >= self.before || !self.search.filter.matches(&record) {
                continue;
            }
            let id = record.request_id;
            self.records.push(record);
            if self.records.len() == self.page_size {
                self.next = Some(Cursor::after(id));
                return Ok(());
            }
        }
    }

    /// Reads a piece of each of these partitions. Returns how many records were looked at.
    async fn read(&self, partitions: Vec<&mut PartitionCursor>) -> Result<usize, StoreError> {
        let missing = self.page_size - self.records.len();
        // Evenly spread, a page needs this much of each; a little more saves most second reads.
        let share = |most: usize| most / partitions.len().max(1) + 5;
        let piece = match self.search.filter.compares() {
            // Twice as many each time, while few fit.
            true => {
                let left = self.search.most_compared.saturating_sub(self.looked_at);
                share(left.min(missing + self.looked_at)).min(WHILE_COMPARING)
            }
            false => share(missing),
        };
        let reads = partitions
            .into_iter()
            .map(|one| one.read(self.table, piece));
        Ok(try_join_all(reads).await?.into_iter().sum())
    }

    /// Whether enough was looked at for one page.
    fn is_over(&self) -> bool {
        self.looked_at >= self.search.most_compared || self.began.elapsed() >= LONGEST_SEARCH
    }

    pub(super) fn finish(self) -> RecordPage {
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
    fn newest(&self) -> Option<RequestId> {
        self.waiting.front().map(|record| record.request_id)
    }

    /// The sort key down to which it was read, where there is more.
    fn sort_key(&self) -> Option<&str> {
        match &self.reached {
            Reached::Position(position) => Some(position.sort_key()),
            Reached::Nothing | Reached::End => None,
        }
    }

    /// Whether what was not read of it yet may be newer than this sort key.
    fn may_have_newer(&self, sort_key: &str) -> bool {
        match &self.reached {
            Reached::Nothing => true,
            Reached::Position(position) => {
                self.waiting.is_empty() && position.sort_key() > sort_key
            }
            Reached::End => false,
        }
    }

    /// Reads a piece more. Returns how many records were looked at.
    async fn read(&mut self, table: &Table, most: usize) -> Result<usize, StoreError> {
        let from = match &self.reached {
            Reached::Nothing => None,
            Reached::Position(position) => Some(position.clone()),
            Reached::End => return Ok(0),
        };
        let (records, looked_at, next) = match self.query.index {
            None => {
                let page = table.page::<Record>(&self.query, most, from).await?;
                (page.items, page.looked_at, page.next)
            }
            Some(_) => {
                let page = table.page::<KeyOnly>(&self.query, most, from).await?;
                let keys = page.items.into_iter();
                let keys: Vec<Key> = keys.map(|KeyOnly { pk, sk }| Key { pk, sk }).collect();
                let mut records: Vec<Record> = table.get_many(&keys).await?;
                records.sort_by_key(|record| Reverse(record.request_id));
                (records, page.looked_at, page.next)
            }
        };
        self.waiting.extend(records);
        self.reached = next.map_or(Reached::End, Reached::Position);
        Ok(looked_at)
    }
}
