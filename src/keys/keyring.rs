//! The keys that this process knows, each read from the table at most once a minute.
//!
//! A key that is unknown here is waited for; one whose copy is older than a minute is read again while the request is
//! parsed, and its old copy serves those requests for which the table takes longer than 100 ms. A reading that fails
//! lets nobody in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::store::{Table, TableFault, keys};

use super::account_locks::AccountLocks;
use super::counted_prompts::CountedPrompts;
use super::reached::Reached;
use super::virtual_key::{KeyStatus, hash_of};
use super::{Caller, CommonBudget, KeyRefusal, VirtualKey};

/// A copy that is older is read again, in wall time: so soon a change made elsewhere holds here.
pub const FRESH: Duration = Duration::from_secs(60);
/// The same for the knowledge that there is no such key.
const FRESH_MISS: Duration = Duration::from_secs(10);
/// How long a request with an old copy waits for the reading.
const LONGEST_REVALIDATION: Duration = Duration::from_millis(100);
/// How long a reading may take.
const READING: Duration = Duration::from_secs(2);
/// Copies, misses included: so many unknown keys cost some megabytes at most.
const MOST_COPIES: usize = 10_000;

/// What a reading says: the key, or none. An error has been logged.
type Read = Result<Option<Arc<VirtualKey>>, KeyRefusal>;
type Reading = Shared<BoxFuture<'static, Read>>;

/// What holds for all keys.
#[derive(Debug, Clone, Copy)]
pub struct KeyOptions {
    /// What all of them together may spend.
    pub common: Option<CommonBudget>,
    /// How long a request may last, its record included: then what it holds counts as spent.
    pub hold: Duration,
}

/// The keys. Clones share them.
#[derive(Debug, Clone)]
pub struct Keyring {
    pub(super) table: Table,
    pub(super) clock: Clock,
    pub(super) options: KeyOptions,
    pub(super) account_locks: AccountLocks,
    pub(super) reached: Reached,
    pub(super) counted: Arc<CountedPrompts>,
    pub(super) tasks: TaskTracker,
    copies: Arc<Mutex<HashMap<String, Copy>>>,
}

/// What is known of one key.
#[derive(Debug, Default)]
struct Copy {
    key: Option<Arc<VirtualKey>>,
    /// `None`: the last reading failed, or there was none yet.
    read_at: Option<Timestamp>,
    /// Under way.
    reading: Option<Reading>,
}

/// What can be said of a key at once.
enum KnownKey {
    /// This, for a while yet.
    Fresh(Option<Arc<VirtualKey>>),
    /// This until a minute ago; what it is now is being read.
    Stale(Arc<VirtualKey>, Reading),
    /// Nothing before it has been read.
    Unknown(Reading),
}

/// A caller whose key was found good, as far as is known.
#[derive(Debug)]
pub struct Presented {
    caller: Caller,
    reading: Option<Reading>,
    clock: Clock,
}

impl Presented {
    /// The master key, or none where none is configured: nothing is to be read.
    pub fn certain(caller: Caller) -> Self {
        Self {
            caller,
            reading: None,
            clock: Clock::default(),
        }
    }

    /// The caller as far as is known.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller, after the reading that is under way or 100 ms, whatever comes first.
    ///
    /// # Errors
    /// When the key is good no longer, or the table failed.
    pub async fn revalidate(self) -> Result<Caller, KeyRefusal> {
        let Some(reading) = self.reading else {
            return Ok(self.caller);
        };
        match timeout(LONGEST_REVALIDATION, reading).await {
            Ok(read) => admitted(read?, self.clock.now()),
            Err(_) => Ok(self.caller),
        }
    }
}

impl Keyring {
    /// The keys in this table; ages are measured by this clock. What outlives a request is a task of `tasks`.
    pub fn new(table: Table, clock: Clock, options: KeyOptions, tasks: TaskTracker) -> Self {
        Self {
            table,
            clock,
            options,
            account_locks: AccountLocks::default(),
            reached: Reached::default(),
            counted: Arc::default(),
            tasks,
            copies: Arc::default(),
        }
    }

    /// The time of day by which keys end.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whose key this is. Only what looks like a key of the gateway costs a call of the table, and only a key without
    /// a copy waits for it.
    ///
    /// # Errors
    /// When it is unknown, or that cannot be found out.
    pub async fn present(&self, key: &str) -> Result<Presented, KeyRefusal> {
        if !key.starts_with("sk-") {
            return Err(KeyRefusal::NoKey);
        }
        let (caller, reading) = match self.known(&hash_of(key)) {
            KnownKey::Fresh(key) => (admitted(key, self.clock.now())?, None),
            KnownKey::Stale(key, reading) => match admitted(Some(key), self.clock.now()) {
                Ok(caller) => (caller, Some(reading)),
                // It may be good again.
                Err(_) => (admitted(reading.await?, self.clock.now())?, None),
            },
            KnownKey::Unknown(reading) => (admitted(reading.await?, self.clock.now())?, None),
        };
        Ok(Presented {
            caller,
            reading,
            clock: self.clock.clone(),
        })
    }

    fn known(&self, hash: &str) -> KnownKey {
        let now = self.clock.now();
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let known = copies.get(hash);
        if let Some(copy) = known
            && let Some(read_at) = copy.read_at
        {
            let limit = if copy.key.is_some() {
                FRESH
            } else {
                FRESH_MISS
            };
            if now.duration_since(read_at).unsigned_abs() <= limit {
                return KnownKey::Fresh(copy.key.clone());
            }
        }
        let key = known.and_then(|copy| copy.key.clone());
        let reading = match known.and_then(|copy| copy.reading.clone()) {
            Some(reading) => reading,
            None => {
                make_room(&mut copies);
                let reading = self.read(hash.to_owned());
                copies.entry(hash.to_owned()).or_default().reading = Some(reading.clone());
                reading
            }
        };
        match key {
            Some(key) => KnownKey::Stale(key, reading),
            None => KnownKey::Unknown(reading),
        }
    }

    fn read(&self, hash: String) -> Reading {
        let keyring = self.clone();
        // An invocation that ends waits for it: a call that is frozen half way finds its connection dead.
        let reading = self.tasks.spawn(async move {
            let key = keys::virtual_key(&hash);
            let read = match timeout(READING, keyring.table.get::<VirtualKey>(&key)).await {
                Ok(Ok(found)) => Ok(found.map(Arc::new)),
                Ok(Err(error)) => {
                    tracing::error!(%error, "a key could not be read");
                    Err(KeyRefusal::Table(
                        error.fault().unwrap_or(TableFault::Failing),
                    ))
                }
                Err(_) => {
                    tracing::error!(limit = ?READING, "a key could not be read in time");
                    Err(KeyRefusal::Table(TableFault::Silent))
                }
            };
            keyring.keep(hash, read.clone());
            read
        });
        let reading = async move {
            reading
                .await
                .unwrap_or(Err(KeyRefusal::Table(TableFault::Silent)))
        };
        reading.boxed().shared()
    }

    /// Keeps what was read or written. A reading that was overtaken by a change does not undo it; one that failed
    /// leaves nothing, so that the next request waits for another.
    pub(super) fn keep(&self, hash: String, read: Read) {
        let now = self.clock.now();
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let version = |key: &Option<Arc<VirtualKey>>| key.as_ref().map_or(0, |key| key.version);
        let known = copies.get(&hash).map_or(0, |copy| version(&copy.key));
        match read {
            Ok(key) if version(&key) >= known => {
                make_room(&mut copies);
                let copy = Copy {
                    key,
                    read_at: Some(now),
                    reading: None,
                };
                copies.insert(hash, copy);
            }
            Ok(_) => {
                if let Some(copy) = copies.get_mut(&hash) {
                    copy.reading = None;
                }
            }
            Err(_) => {
                copies.remove(&hash);
            }
        }
    }
}

/// Unknown keys go first.
fn make_room(copies: &mut HashMap<String, Copy>) {
    if copies.len() >= MOST_COPIES {
        copies.retain(|_, copy| copy.key.is_some());
    }
    if copies.len() >= MOST_COPIES {
        copies.clear();
    }
}

fn admitted(key: Option<Arc<VirtualKey>>, now: Timestamp) -> Result<Caller, KeyRefusal> {
    let key = key.ok_or(KeyRefusal::Unknown)?;
    match key.status(now) {
        KeyStatus::Active => Ok(key.into()),
        KeyStatus::Deleted => Err(KeyRefusal::Unknown),
        KeyStatus::Blocked => Err(KeyRefusal::Blocked),
        KeyStatus::Expired => Err(KeyRefusal::Expired(key.expires.unwrap_or(now))),
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use super::*;
    use crate::store::Embedded;

    #[tokio::test]
    async fn a_reading_that_nobody_waits_for_is_a_task_to_wait_for() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("keys").await.unwrap();
        let options = KeyOptions {
            common: None,
            hold: Duration::from_secs(1),
        };
        let tasks = TaskTracker::new();
        let keyring = Keyring::new(table, Clock::default(), options, tasks.clone());
        assert!(keyring.present("sk-unknown").now_or_never().is_none());
        assert_eq!(tasks.len(), 1);
        tasks.close();
        tasks.wait().await;
    }
}
