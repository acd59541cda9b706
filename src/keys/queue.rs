//! Requests of one key that begin at the same time in this process take turns at its account: together they would only
//! be in each other's way at one item of the table.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

/// So many queues; two accounts seldom share one.
const QUEUES: usize = 64;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The queues. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Queues {
    queues: Arc<[Arc<Mutex<()>>]>,
    hasher: RandomState,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            queues: (0..QUEUES).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Queues {
    /// Waits for the turn at an account, which ends with the guard. `None`: it did not come in time.
    pub(super) async fn turn(&self, account: &str) -> Option<OwnedMutexGuard<()>> {
        let place = usize::try_from(self.hasher.hash_one(account) % QUEUES as u64).ok()?;
        let queue = Arc::clone(self.queues.get(place)?);
        timeout(PATIENCE, queue.lock_owned()).await.ok()
    }
}
