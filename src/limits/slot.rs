//! A slot of `max_parallel_requests`, of a key or a deployment: held while its request runs, and not much longer than
//! the request's process lives.
//!
//! It is leased for a minute and renewed every half minute. A request of a quarter of an hour keeps its slot; the slot
//! of a process that was killed is free a minute after the last renewal. A process that was frozen for longer than a
//! minute may find that others have its slot: it gets one again only where one is free.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::store::{Key, StoreError, Table};

use crate::clock::Clock;

/// How long a slot is held after it was taken or renewed.
const LEASE: Duration = Duration::from_secs(60);
/// How old a lease becomes before it is renewed.
const RENEWAL: Duration = Duration::from_secs(30);
/// How long a renewal that failed is not tried again.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);
/// How often the clock is looked at. Leases age in wall time: timers stand still while a process is frozen.
const TICK: Duration = Duration::from_secs(1);
/// How long one call of the table may take.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// A slot that is being taken, or held. Dropped, it is freed in the background.
#[derive(Debug)]
pub struct Lease {
    /// Frees the slot when it is gone.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Which slot.
#[derive(Debug)]
pub struct Slot {
    /// Where the slots are counted.
    pub table: Table,
    /// The item that counts them.
    pub key: Key,
    /// The name of its holder, which is used once.
    pub holder: String,
    /// How many slots there are.
    pub most: u64,
    /// By which it ages.
    pub clock: Clock,
}

impl Lease {
    /// Takes a slot, in a task of its own. The second value says whether one was free.
    pub fn begin(slot: Slot) -> (Self, impl Future<Output = Result<bool, StoreError>> + Send) {
        let (result, taken) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(slot.hold(result, stopped));
        let lease = Self {
            stop: Some(stop),
            task,
        };
        let taken = async move {
            let ended = StoreError::Unreachable("the process ends".to_owned());
            taken.await.unwrap_or(Err(ended))
        };
        (lease, taken)
    }

    /// Frees the slot. May be given up and called again.
    pub async fn release(&mut self) {
        self.stop = None;
        if !self.task.is_finished() {
            (&mut self.task).await.ok();
        }
    }

    /// Frees the slot in a task, which is to be awaited before the process may be frozen.
    pub fn end(self) -> JoinHandle<()> {
        self.task
    }
}

impl Slot {
    /// Takes the slot and renews it until it is stopped; then frees it.
    async fn hold(
        self,
        result: oneshot::Sender<Result<bool, StoreError>>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let began = self.clock.now();
        let taken = in_time(self.take(began)).await;
        let all_are_taken = matches!(taken, Ok(false));
        // Where the table did not say, it may be held.
        let mut renewed = if taken.is_ok() { began } else { soon(began) };
        result.send(taken).ok();
        if all_are_taken {
            return;
        }
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = sleep(TICK) => {}
            }
            let now = self.clock.now();
            if now.duration_since(renewed).unsigned_abs() >= RENEWAL {
                renewed = self.renew(now).await;
            }
        }
        if let Err(error) = in_time(self.table.free_slot(&self.key, &self.holder)).await {
            tracing::warn!(%error, "a parallel slot stays taken until its lease ends");
        }
    }

    async fn take(&self, now: Timestamp) -> Result<bool, StoreError> {
        let until = now + LEASE;
        self.table
            .take_slot(&self.key, &self.holder, self.most, now, until)
            .await
    }

    /// Renews the lease. Where it had ended and others have taken all slots since, the request goes on without one.
    /// Returns from when on its age counts.
    async fn renew(&self, now: Timestamp) -> Timestamp {
        let renewed = in_time(async {
            let held = self
                .table
                .renew_slot(&self.key, &self.holder, now + LEASE)
                .await?;
            if held {
                return Ok(true);
            }
            self.take(now).await
        });
        match renewed.await {
            Ok(true) => now,
            Ok(false) => {
                tracing::warn!(slots = self.key.pk, "a parallel slot was lost to others");
                now
            }
            Err(error) => {
                tracing::warn!(%error, slots = self.key.pk, "a parallel slot could not be renewed");
                soon(now)
            }
        }
    }
}

/// An age of which a renewal is due after a pause.
fn soon(now: Timestamp) -> Timestamp {
    now - (RENEWAL - RENEWAL_PAUSE)
}

async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = timeout(CALL_LIMIT, call).await;
    answer.unwrap_or(Err(StoreError::Timeout(CALL_LIMIT)))
}
