//! Under which names that clients choose a request is counted: as many as a key may bring into the totals of a day, and
//! one for the rest.
//!
//! Every tag and every customer of a day is a row of its totals. So a key brings at most [`NameKind::most`] of each a
//! day; its requests with others are counted under [`OTHER`]. Which those are is one item of the key and the day, so
//! that all instances agree; a process asks it once for each name. Records keep all their names. Teams and users need no
//! such set: they are the key's, which has one of each at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use tokio::time::timeout;

use super::{Ledger, Record};
use crate::store::{Key, StoreError, keys, time};

/// Under which the others are counted.
pub(super) const OTHER: &str = "other";

/// Days end, records come late, and logs are replayed: after that a day's names are counted anew.
const SET_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Names that are known at a time, of all sets: they are 20 MB at most.
const MOST_KNOWN: usize = 100_000;

/// Under which names a record is counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct CountedNames {
    pub(super) tags: Vec<String>,
    /// Empty: it names none.
    pub(super) customer: String,
}

/// What names are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum NameKind {
    Tag,
    Customer,
}

impl NameKind {
    /// Names of a key and a day that are counted by themselves.
    const fn most(self) -> usize {
        match self {
            Self::Tag => 200,
            Self::Customer => 500,
        }
    }

    /// The item of the names of a key and a day.
    fn key(self, key_hash: &str, day: Date) -> Key {
        match self {
            Self::Tag => keys::tags(key_hash, day),
            Self::Customer => keys::customers(key_hash, day),
        }
    }
}

/// The sets of keys and days as far as they are known. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownNames(Arc<Mutex<NameSets>>);

#[derive(Debug, Default)]
struct NameSets {
    sets: HashMap<(NameKind, String, Date), HashSet<String>>,
    /// The names of all sets.
    names: usize,
}

impl KnownNames {
    /// Under which of these names a request is counted; `None`: it has one that is not known.
    fn of(
        &self,
        kind: NameKind,
        key_hash: &str,
        day: Date,
        names: &[String],
    ) -> Option<Vec<String>> {
        if names.is_empty() {
            return Some(Vec::new());
        }
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sets.sets.get(&(kind, key_hash.to_owned(), day));
        let has = |name: &String| known.is_some_and(|known| known.contains(name));
        let is_full = known.is_some_and(|known| known.len() >= kind.most());
        let mut are_known = names.iter().map(|name| name == OTHER || has(name));
        (is_full || are_known.all(|known| known)).then(|| counted(names, has))
    }

    fn keep(&self, kind: NameKind, key_hash: &str, day: Date, names: HashSet<String>) {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.names >= MOST_KNOWN {
            *sets = NameSets::default();
        }
        sets.names += names.len();
        let before = sets.sets.insert((kind, key_hash.to_owned(), day), names);
        sets.names -= before.map_or(0, |names| names.len());
    }

    fn get(&self, kind: NameKind, key_hash: &str, day: Date) -> HashSet<String> {
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sets.sets.get(&(kind, key_hash.to_owned(), day));
        known.cloned().unwrap_or_default()
    }
}

/// How much of the time that a record may take the table has to say which names are counted. When it is over, all are
/// counted: no client makes a table fail, and what was counted during an outage is not to be lost under [`OTHER`].
fn lookup_limit(record: Duration) -> Duration {
    record - record / 5
}

/// Each name under itself or under [`OTHER`], none twice.
fn counted(names: &[String], has: impl Fn(&String) -> bool) -> Vec<String> {
    let mut counted = Vec::with_capacity(names.len());
    for name in names {
        let name = if has(name) { name.as_str() } else { OTHER };
        if !counted.iter().any(|known| known == name) {
            counted.push(name.to_owned());
        }
    }
    counted
}

impl Ledger {
    /// The names under which a record is counted; none where the request was refused before a model was asked.
    pub(super) async fn counted_names(&self, record: &Record) -> CountedNames {
        let CountedNames { tags, customer } = record.names_to_count();
        let customers: Vec<String> = Some(customer)
            .filter(|name| !name.is_empty())
            .into_iter()
            .collect();
        let (tags, customers) = tokio::join!(
            self.counted(record, NameKind::Tag, tags),
            self.counted(record, NameKind::Customer, customers)
        );
        CountedNames {
            tags,
            customer: customers.into_iter().next().unwrap_or_default(),
        }
    }

    async fn counted(&self, record: &Record, kind: NameKind, names: Vec<String>) -> Vec<String> {
        let (key_hash, day) = (&record.caller.key_hash, record.request_id.day());
        if let Some(counted) = self.names.of(kind, key_hash, day, &names) {
            return counted;
        }
        let wanted: Vec<String> = names
            .iter()
            .filter(|name| *name != OTHER)
            .cloned()
            .collect();
        let expires = time::beginning(day) + SET_RETENTION;
        let key = kind.key(key_hash, day);
        let adding = self.table.add_names(&key, &wanted, kind.most(), expires);
        let limit = lookup_limit(self.options().write.total);
        let added = timeout(limit, adding).await;
        let set = match added.unwrap_or(Err(StoreError::Timeout(limit))) {
            Ok(set) => {
                self.names.keep(kind, key_hash, day, set.clone());
                set
            }
            // The last free places are taken faster than they can be asked for.
            Err(error) if error.is_contention() => self.names.get(kind, key_hash, day),
            Err(error) => {
                tracing::warn!(%error, "a key's tags or customers could not be looked up: all are counted");
                return counted(&names, |_| true);
            }
        };
        counted(&names, |name| set.contains(name))
    }
}
