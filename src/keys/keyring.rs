//! The keys that this process knows, each read from the table at most every ten seconds.
//!
//! A key that is unknown here is waited for; one whose copy is older than ten seconds is read again while the request is
//! parsed, and its old copy serves those requests for which the table takes longer than 100 ms. Where the table fails, a
//! copy serves until it is a minute old; then a request whose key could not be read is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::identity::{Directory, Team};
use crate::store::{StoreError, Table, TableFault, keys};

use super::account_locks::AccountLocks;
use super::counted_prompts::CountedPrompts;
use super::reached::ReachedLimits;
use super::token_callers::TokenCallers;
use super::virtual_key::{KeyStatus, hash_of};
use super::{Caller, CommonBudget, KeyRefusal, VirtualKey};

/// A copy of a key that is older is read again, and so is the knowledge that there is no such key. Wall time; after it, a
/// change made elsewhere holds here too.
pub const KEY_COPY_FRESH: Duration = Duration::from_secs(10);
/// A copy of a key that is older serves nobody once reading it again has failed.
const KEY_COPY_USABLE: Duration = Duration::from_secs(60);
/// How long a request with an old copy of its key waits until it is read again.
pub(super) const LONGEST_REVALIDATION: Duration = Duration::from_millis(100);
/// How long reading a key may take.
pub(super) const KEY_READ_LIMIT: Duration = Duration::from_secs(2);
/// The most copies, misses included: unknown keys cost some megabytes at most.
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
    /// The budget of a key's user holds for the key of a team too.
    pub user_budget_on_team_keys: bool,
}

/// The keys. Clones share them.
#[derive(Debug, Clone)]
pub struct Keyring {
    pub(super) table: Table,
    pub(super) clock: Clock,
    pub(super) options: KeyOptions,
    pub(super) account_locks: AccountLocks,
    pub(super) reached: ReachedLimits,
    pub(super) counted_prompts: Arc<CountedPrompts>,
    pub(super) tasks: TaskTracker,
    /// The teams and users that keys belong to.
    pub directory: Directory,
    copies: Arc<Mutex<HashMap<String, Copy>>>,
    /// Those who send tokens of identity providers.
    pub(super) token_callers: TokenCallers,
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
    /// This until some time ago; what it is now is being read.
    Stale(Arc<VirtualKey>, Reading),
    /// Nothing before it has been read.
    Unknown(Reading),
}

/// A caller whose key was found good, as far as is known.
#[derive(Debug)]
pub struct PresentedKey {
    caller: Caller,
    reading: Option<(Reading, Keyring)>,
}

impl PresentedKey {
    /// A caller that needs no second reading: the master key, no key where none is configured, or a verified token.
    pub fn certain(caller: Caller) -> Self {
        Self {
            caller,
            reading: None,
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
        let Some((reading, keyring)) = self.reading else {
            return Ok(self.caller);
        };
        match timeout(LONGEST_REVALIDATION, reading).await {
            Ok(Ok(read)) => keyring.caller_for(read),
            Ok(Err(refusal)) if !keyring.has_usable_copy(&self.caller.key_hash) => Err(refusal),
            Ok(Err(_)) | Err(_) => Ok(self.caller),
        }
    }
}

impl Keyring {
    /// The keys in this table; ages are measured by this clock. What outlives a request is a task of `tasks`.
    pub fn new(table: Table, clock: Clock, options: KeyOptions, tasks: TaskTracker) -> Self {
        Self {
            table: table.clone(),
            clock: clock.clone(),
            options,
            account_locks: AccountLocks::default(),
            reached: ReachedLimits::default(),
            counted_prompts: Arc::default(),
            directory: Directory::new(table.clone(), clock.clone(), Vec::new()),
            token_callers: TokenCallers::none(&table),
            tasks,
            copies: Arc::default(),
        }
    }

    /// The keys where the configuration's file has these teams.
    #[must_use]
    pub fn with_teams(self, teams: Vec<Team>) -> Self {
        let directory = Directory::new(self.table.clone(), self.clock.clone(), teams);
        Self { directory, ..self }
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
    pub async fn present(&self, key: &str) -> Result<PresentedKey, KeyRefusal> {
        if !key.starts_with("sk-") {
            return Err(KeyRefusal::NoKey);
        }
        self.present_hash(&hash_of(key)).await
    }

    /// The caller whose key has this hash, as [`Keyring::present`] says it.
    ///
    /// # Errors
    /// When the key is not good, or that cannot be found out.
    pub async fn present_hash(&self, hash: &str) -> Result<PresentedKey, KeyRefusal> {
        let (caller, reading) = match self.known(hash) {
            KnownKey::Fresh(key) => (self.caller_for(key)?, None),
            KnownKey::Stale(key, reading) => match self.caller_for(Some(key)) {
                Ok(caller) => (caller, Some((reading, self.clone()))),
                // It may be good again.
                Err(_) => (self.caller_for(reading.await?)?, None),
            },
            KnownKey::Unknown(reading) => (self.caller_for(reading.await?)?, None),
        };
        Ok(PresentedKey { caller, reading })
    }

    fn known(&self, hash: &str) -> KnownKey {
        let now = self.clock.now();
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let known = copies.get(hash);
        let is_complete = known.is_some_and(|copy| self.knows_owners(copy));
        if let Some(copy) = known.filter(|copy| is_complete && copy.is_fresh(now)) {
            return KnownKey::Fresh(copy.key.clone());
        }
        let complete = known.filter(|_| is_complete);
        let key = complete.and_then(|copy| copy.key.clone());
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
            let read = match timeout(KEY_READ_LIMIT, keyring.read_with_owners(&hash)).await {
                Ok(Ok(found)) => Ok(found.map(Arc::new)),
                Ok(Err(error)) => {
                    tracing::error!(%error, "a key could not be read");
                    Err(KeyRefusal::Table(
                        error.fault().unwrap_or(TableFault::Failing),
                    ))
                }
                Err(_) => {
                    tracing::error!(limit = ?KEY_READ_LIMIT, "a key could not be read in time");
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

    /// The key, after the teams and users that it belongs to were read.
    async fn read_with_owners(&self, hash: &str) -> Result<Option<VirtualKey>, StoreError> {
        let key: Option<VirtualKey> = self.table.get(&keys::virtual_key(hash)).await?;
        if let Some(key) = &key {
            let [team, user] = key.belongs_to();
            self.directory.refresh(team, user).await?;
        }
        Ok(key)
    }

    /// Whether it is known whom a key belongs to. A key that was made or moved here just now may be read for its first
    /// request.
    fn knows_owners(&self, copy: &Copy) -> bool {
        copy.key.as_ref().is_none_or(|key| {
            let [team, user] = key.belongs_to();
            self.directory.known(team, user).is_some()
        })
    }

    /// The caller with a key, if it is good now and whom it belongs to may ask.
    pub(super) fn caller_for(&self, key: Option<Arc<VirtualKey>>) -> Result<Caller, KeyRefusal> {
        let now = self.clock.now();
        let key = key.ok_or(KeyRefusal::Unknown)?;
        match key.status(now) {
            KeyStatus::Active => {}
            KeyStatus::Deleted => return Err(KeyRefusal::Unknown),
            KeyStatus::Blocked => return Err(KeyRefusal::Blocked),
            KeyStatus::Expired => return Err(KeyRefusal::Expired(key.expires.unwrap_or(now))),
        }
        let [team, user] = key.belongs_to();
        let owners = self.directory.known(team, user);
        // So many teams and users are in use that the copy has gone already.
        let owners = owners.ok_or(KeyRefusal::Table(TableFault::Silent))?;
        if let Some(team) = &owners.team {
            let id = || team.team_id.clone();
            if team.deleted_at.is_some() {
                return Err(KeyRefusal::TeamDeleted(id()));
            }
            if team.settings.blocked {
                return Err(KeyRefusal::TeamBlocked(id()));
            }
        }
        match &owners.user {
            Some(user) if user.settings.blocked => {
                Err(KeyRefusal::UserBlocked(user.user_id.clone()))
            }
            _ => Ok(Caller::with_key(key, owners)),
        }
    }

    /// Keeps what was read or written. A reading that was overtaken by a change does not undo it; one that failed
    /// leaves a copy that is not too old, or nothing, so that the next request waits for another.
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
            Err(_) => match copies.get_mut(&hash) {
                Some(copy) if copy.is_usable(now) => copy.reading = None,
                _ => {
                    copies.remove(&hash);
                }
            },
        }
    }

    /// Whether there is a copy of this key that serves where the table fails.
    fn has_usable_copy(&self, hash: &str) -> bool {
        let now = self.clock.now();
        let copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        copies.get(hash).is_some_and(|copy| copy.is_usable(now))
    }
}

impl Copy {
    fn age(&self, now: Timestamp) -> Option<Duration> {
        let read_at = self.read_at?;
        Some(now.duration_since(read_at).unsigned_abs())
    }

    /// Whether it need not be read again yet; of a key that there is none of too.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.age(now).is_some_and(|age| age <= KEY_COPY_FRESH)
    }

    /// Whether it serves where the table fails.
    fn is_usable(&self, now: Timestamp) -> bool {
        self.key.is_some() && self.age(now).is_some_and(|age| age <= KEY_COPY_USABLE)
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
            user_budget_on_team_keys: false,
        };
        let tasks = TaskTracker::new();
        let keyring = Keyring::new(table, Clock::default(), options, tasks.clone());
        assert!(keyring.present("sk-unknown").now_or_never().is_none());
        assert_eq!(tasks.len(), 1);
        tasks.close();
        tasks.wait().await;
    }
}
