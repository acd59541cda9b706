//! Locks of accounts in this process: requests of one key that begin at the same time would only be in each other's way
//! at one item of the table.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use crate::store::{StoreError, TableFault};

use super::Denied;

/// The number of locks; two accounts seldom share one.
const LOCKS: usize = 64;
/// How long a request waits for an account's lock.
const LONGEST_LOCK_WAIT: Duration = Duration::from_secs(5);

/// The locks. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct AccountLocks {
    locks: Arc<[Arc<AccountLock>]>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct AccountLock {
    mutex: Arc<tokio::sync::Mutex<()>>,
    last: Mutex<LastLock>,
}

/// How the lock was last released, for requests that do not get it.
#[derive(Debug, Clone, Copy, Default)]
struct LastLock {
    /// How often it was released so far.
    number: u64,
    /// What was wrong with the table then.
    fault: Option<TableFault>,
}

/// A lock of an account, held as long as this value.
#[derive(Debug)]
pub(super) struct AccountGuard {
    lock: Arc<AccountLock>,
    _guard: OwnedMutexGuard<()>,
}

impl Default for AccountLocks {
    fn default() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl AccountLocks {
    /// Waits for the lock of an account.
    ///
    /// # Errors
    /// When it is not free in time: because too many others wait too, or because the table holds them all up.
    pub(super) async fn lock(&self, account: &str) -> Result<AccountGuard, Denied> {
        let place = usize::try_from(self.hasher.hash_one(account) % LOCKS as u64).ok();
        let lock = place.and_then(|place| self.locks.get(place));
        let lock = Arc::clone(lock.ok_or(Denied::Contended)?);
        let before = lock.last().number;
        match timeout(LONGEST_LOCK_WAIT, Arc::clone(&lock.mutex).lock_owned()).await {
            Ok(guard) => Ok(AccountGuard {
                lock,
                _guard: guard,
            }),
            Err(_) => Err(lock.why_not(before)),
        }
    }
}

impl AccountLock {
    fn last(&self) -> LastLock {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, error: Option<&StoreError>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.number += 1;
        last.fault = error.and_then(StoreError::fault);
    }

    /// Why the lock was not free since it was released for the time of this number.
    fn why_not(&self, before: u64) -> Denied {
        let last = self.last();
        match last.fault {
            _ if last.number == before => Denied::Table(TableFault::Silent),
            Some(fault) => Denied::Table(fault),
            None => Denied::Contended,
        }
    }
}

impl AccountGuard {
    /// Releases the lock, with what the table has answered meanwhile.
    pub(super) fn end<T>(self, outcome: &Result<T, StoreError>) {
        self.lock.ended(outcome.as_ref().err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_turn_does_not_come_is_told_whether_others_or_the_table_held_it_up() {
        let silent = || Some(StoreError::Timeout(LONGEST_LOCK_WAIT));
        let collided = || Some(StoreError::contended("others"));
        let throttled = || Some(StoreError::from_code("ThrottlingException", ""));
        for (meanwhile, told) in [
            (vec![], Denied::Table(TableFault::Silent)),
            (vec![None], Denied::Contended),
            (vec![None, collided()], Denied::Contended),
            (vec![silent(), None], Denied::Contended),
            (vec![None, silent()], Denied::Table(TableFault::Silent)),
            (vec![throttled()], Denied::Table(TableFault::Throttled)),
        ] {
            let lock = AccountLock::default();
            lock.ended(throttled().as_ref());
            let before = lock.last().number;
            for error in &meanwhile {
                lock.ended(error.as_ref());
            }
            assert_eq!(lock.why_not(before), told, "{meanwhile:?}");
        }
    }
}
