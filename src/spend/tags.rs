//! Under which tags a request is counted: as many as a key may bring into the totals of a day, and one for the rest.
//!
//! Every tag of a day is a row of its totals, and clients choose them. So a key brings at most [`MOST_TAGS`] a day; its
//! requests with others are counted under [`OTHER`]. Which those are is one item of the key and the day, so that all
//! instances agree; a process asks it once for each tag. Records keep all their tags.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use tokio::time::timeout;

use super::{Ledger, Record};
use crate::store::{StoreError, keys, time};

/// Tags of a key and a day that are counted by themselves.
pub(super) const MOST_TAGS: usize = 200;
/// Under which the others are counted.
pub(super) const OTHER: &str = "other";

/// Days end, records come late, and logs are replayed: after that a day's tags are counted anew.
const SET_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Sets that are known at a time: each has 20 kB at most.
const MOST_KNOWN: usize = 500;

/// The sets of keys and days as far as they are known. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownTags(Arc<Mutex<TagSets>>);

/// By the key's hash and the day.
type TagSets = HashMap<(String, Date), HashSet<String>>;

impl KnownTags {
    /// Under which of these tags a request is counted; `None`: it has one that is not known.
    fn of(&self, key_hash: &str, day: Date, tags: &[String]) -> Option<Vec<String>> {
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sets.get(&(key_hash.to_owned(), day));
        let has = |tag: &String| known.is_some_and(|known| known.contains(tag));
        let is_full = known.is_some_and(|known| known.len() >= MOST_TAGS);
        let mut tags_known = tags.iter().map(|tag| tag == OTHER || has(tag));
        (is_full || tags_known.all(|known| known)).then(|| counted(tags, has))
    }

    fn keep(&self, key_hash: &str, day: Date, tags: HashSet<String>) {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MOST_KNOWN {
            sets.clear();
        }
        sets.insert((key_hash.to_owned(), day), tags);
    }

    fn get(&self, key_hash: &str, day: Date) -> HashSet<String> {
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sets.get(&(key_hash.to_owned(), day));
        known.cloned().unwrap_or_default()
    }
}

/// How much of the time that a record may take the table has to say which tags are counted. When it is over, all are
/// counted: no client makes a table fail, and what was counted during an outage is not to be lost under [`OTHER`].
fn lookup_limit(record: Duration) -> Duration {
    record - record / 5
}

/// Each tag under its own name or under [`OTHER`], none twice.
fn counted(tags: &[String], has: impl Fn(&String) -> bool) -> Vec<String> {
    let mut counted = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = if has(tag) { tag.as_str() } else { OTHER };
        if !counted.iter().any(|known| known == tag) {
            counted.push(tag.to_owned());
        }
    }
    counted
}

impl Ledger {
    /// The tags under which a record is counted; none where the request was refused before a model was asked.
    pub(super) async fn counted_tags(&self, record: &Record) -> Vec<String> {
        let (key_hash, day) = (&record.caller.key_hash, record.request_id.day());
        let tags = record.tags_to_count();
        if let Some(counted) = self.tags.of(key_hash, day, &tags) {
            return counted;
        }
        let wanted: Vec<String> = tags.iter().filter(|tag| *tag != OTHER).cloned().collect();
        let expires = time::beginning(day) + SET_RETENTION;
        let key = keys::tags(key_hash, day);
        let adding = self.table.add_names(&key, &wanted, MOST_TAGS, expires);
        let limit = lookup_limit(self.options().write.total);
        let added = timeout(limit, adding).await;
        let set = match added.unwrap_or(Err(StoreError::Timeout(limit))) {
            Ok(set) => {
                self.tags.keep(key_hash, day, set.clone());
                set
            }
            // The last free places are taken faster than they can be asked for.
            Err(error) if error.is_contention() => self.tags.get(key_hash, day),
            Err(error) => {
                tracing::warn!(%error, "a key's tags could not be looked up: all are counted");
                return counted(&tags, |_| true);
            }
        };
        counted(&tags, |tag| set.contains(tag))
    }
}
