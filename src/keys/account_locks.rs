//! Requests of one key that begin at the same time in this process take turns at its account: together they would only
//! be in each other's way at one item of the table.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use crate::store::{StoreError, TableFault};

use super::Denied;

/// So many queues; two accounts seldom share one.
const QUEUES: usize = 64;
/// How long a request waits for its turn.
const LONGEST_TURN_WAIT: Duration = Duration::from_secs(5);

/// The queues. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct AccountLocks {
    queues: Arc<[Arc<AccountQueue>]>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct AccountQueue {
    turns: Arc<tokio::sync::Mutex<()>>,
    last: Mutex<LastTurn>,
}

/// How the last turn ended, for requests that do not get theirs.
#[derive(Debug, Clone, Copy, Default)]
struct LastTurn {
    /// How many have ended.
    number: u64,
    /// What was wrong with the table then.
    fault: Option<TableFault>,
}

/// The turn at an account. It ends with the value.
#[derive(Debug)]
pub(super) struct AccountTurn {
    queue: Arc<AccountQueue>,
    _guard: OwnedMutexGuard<()>,
}

impl Default for AccountLocks {
    fn default() -> Self {
        Self {
            queues: (0..QUEUES).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl AccountLocks {
    /// Waits for the turn at an account.
    ///
    /// # Errors
    /// When it does not come in time: because too many others wait too, or because the table holds them all up.
    pub(super) async fn turn(&self, account: &str) -> Result<AccountTurn, Denied> {
        let place = usize::try_from(self.hasher.hash_one(account) % QUEUES as u64).ok();
        let queue = place.and_then(|place| self.queues.get(place));
        let queue = Arc::clone(queue.ok_or(Denied::Contended)?);
        let before = queue.last().number;
        match timeout(LONGEST_TURN_WAIT, Arc::clone(&queue.turns).lock_owned()).await {
            Ok(guard) => Ok(AccountTurn {
                queue,
                _guard: guard,
            }),
            Err(_) => Err(queue.why_not(before)),
        }
    }
}

impl AccountQueue {
    fn last(&self) -> LastTurn {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, error: Option<&StoreError>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.number += 1;
        last.fault = error.and_then(StoreError::fault);
    }

    /// Why a turn has not come since the one of this number ended.
    fn why_not(&self, before: u64) -> Denied {
        let last = self.last();
        match last.fault {
            _ if last.number == before => Denied::Table(TableFault::Silent),
            Some(fault) => Denied::Table(fault),
            None => Denied::Contended,
        }
    }
}

impl AccountTurn {
    /// Ends the turn, with what the table has said to it.
    pub(super) fn end<T>(self, outcome: &Result<T, StoreError>) {
        self.queue.ended(outcome.as_ref().err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_turn_does_not_come_is_told_whether_others_or_the_table_held_it_up() {
        let silent = || Some(StoreError::Timeout(LONGEST_TURN_WAIT));
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
            let queue = AccountQueue::default();
            queue.ended(throttled().as_ref());
            let before = queue.last().number;
            for error in &meanwhile {
                queue.ended(error.as_ref());
            }
            assert_eq!(queue.why_not(before), told, "{meanwhile:?}");
        }
    }
}
