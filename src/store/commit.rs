//! Group commit: transactions that wait while another is under way are sent as one.
//!
//! Every record moves the same few counters. Transactions on the same counters conflict at DynamoDB when they run side
//! by side and have to be tried again, and each is a signed call of its own. Merged they are one call, which writes
//! each counter once. A process that lives on may also wait a moment before each call, so that more transactions are
//! merged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{StoreError, Table, Write, WriteLimits};

/// How long a transaction waits for the calls under way before a further call is started for those that wait. A healthy
/// call takes 10 to 30 ms.
const FURTHER_CALL_AFTER: Duration = Duration::from_millis(50);
/// Calls under way at the same time, however slow they are.
const MOST_CALLS: usize = 4;
/// The writes that DynamoDB takes in one transaction
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
const MOST_WRITES: usize = 100;

type CommitResult = Result<(), StoreError>;

/// Makes transactions, each as if it were alone. Clones share the queue.
#[derive(Debug, Clone)]
pub struct GroupCommit {
    table: Table,
    /// The limits of each call, not of the wait before it.
    limits: WriteLimits,
    /// After how long a waiting transaction starts a further call: [`FURTHER_CALL_AFTER`], except in tests.
    further_call_after: Duration,
    /// How long each call waits for more transactions; zero: it is sent at once.
    delay: Duration,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Calls under way, and tasks that are about to start one.
    calls: usize,
    waiting: VecDeque<Waiting>,
}

/// A transaction that waits for its call.
#[derive(Debug)]
struct Waiting {
    writes: Vec<Write>,
    /// Closed when its caller has given up.
    done: oneshot::Sender<CommitResult>,
}

/// One of the calls of the queue. When it is dropped, however the call ended, the next call starts for the transactions
/// that wait.
struct CallPermit<'a>(&'a GroupCommit);

/// Transactions that are sent as one.
#[derive(Debug, Default)]
struct CommitGroup {
    members: Vec<Waiting>,
    /// The writes of all members; writes of one item are merged.
    writes: Vec<Write>,
    /// For each write, the members it is of: the member's position, and the write's position among the member's own.
    origins: Vec<Vec<(usize, usize)>>,
}

impl GroupCommit {
    /// Transactions on this table, each call to it within these limits.
    pub fn new(table: Table, limits: WriteLimits) -> GroupCommit {
        GroupCommit {
            table,
            limits,
            further_call_after: FURTHER_CALL_AFTER,
            delay: Duration::ZERO,
            queue: Arc::default(),
        }
    }

    /// Each call waits so long for more transactions, as with PostgreSQL's `commit_delay`
    /// (<https://www.postgresql.org/docs/current/runtime-config-wal.html>). Not for a process that is stopped as soon
    /// as its request is answered.
    pub fn delayed(self, delay: Duration) -> GroupCommit {
        GroupCommit { delay, ..self }
    }

    /// Makes all of these writes or none, as [`Table::transact`] does, in a call of their own or merged with other
    /// transactions. A caller that stops waiting does not know whether they were made; they are not tried again.
    ///
    /// # Errors
    /// As [`Table::transact`]: the refusal of another transaction's writes does not refuse these.
    pub async fn transact(&self, writes: &[Write]) -> CommitResult {
        match self.enter(writes) {
            Ok(_permit) => self.table.transact(writes, self.limits).await,
            Err(mut answer) => {
                let answered = match timeout(self.further_call_after, &mut answer).await {
                    Ok(answered) => answered,
                    Err(_) => {
                        self.start_further_call();
                        answer.await
                    }
                };
                answered.unwrap_or_else(|_| {
                    Err(StoreError::Unreachable(
                        "the process ended before it was written".to_owned(),
                    ))
                })
            }
        }
    }

    /// Returns a permit to send the writes at once, or the receiver of their answer once they wait in the queue.
    fn enter(&self, writes: &[Write]) -> Result<CallPermit<'_>, oneshot::Receiver<CommitResult>> {
        let mut queue = self.lock();
        if queue.calls == 0 {
            queue.calls = 1;
            if self.delay.is_zero() {
                return Ok(CallPermit(self));
            }
            tokio::spawn(self.clone().drain_queue());
        }
        let (done, answer) = oneshot::channel();
        queue.waiting.push_back(Waiting {
            writes: writes.to_vec(),
            done,
        });
        Err(answer)
    }

    fn start_further_call(&self) {
        let mut queue = self.lock();
        if queue.calls < MOST_CALLS && !queue.waiting.is_empty() {
            queue.calls += 1;
            tokio::spawn(self.clone().drain_queue());
        }
    }

    /// Sends what waits, call after call, until nothing does.
    async fn drain_queue(self) {
        let _permit = CallPermit(&self);
        loop {
            self.wait_for_others().await;
            let group = CommitGroup::of(&mut self.lock().waiting);
            if group.members.is_empty() {
                break;
            }
            self.commit(group).await;
        }
    }

    async fn wait_for_others(&self) {
        let waiting = self.lock().waiting_writes();
        if !self.delay.is_zero() && waiting < MOST_WRITES {
            tokio::time::sleep(self.delay).await;
        }
    }

    /// Sends the group as one transaction. Where that is refused, the members that may be the reason are sent alone,
    /// and the others again as one.
    async fn commit(&self, mut group: CommitGroup) {
        while !group.members.is_empty() {
            let Some(answer) = self.send(&group.writes, &mut group.members).await else {
                return;
            };
            let alone = match &answer {
                Err(StoreError::ConditionFailed { write }) => group.split(*write),
                Err(error) if !error.is_transient() && group.members.len() > 1 => {
                    std::mem::take(&mut group).members
                }
                _ => {
                    for member in group.members.drain(..) {
                        member.done.send(answer.clone()).ok();
                    }
                    return;
                }
            };
            for mut member in alone {
                let writes = std::mem::take(&mut member.writes);
                if let Some(answer) = self.send(&writes, std::slice::from_mut(&mut member)).await {
                    member.done.send(answer).ok();
                }
            }
        }
    }

    /// The table's answer; `None`: the callers of all members have given up. They have said so to their clients, so
    /// nothing is tried again for them.
    async fn send(&self, writes: &[Write], members: &mut [Waiting]) -> Option<CommitResult> {
        let all_gone = async {
            for member in members {
                member.done.closed().await;
            }
        };
        tokio::select! {
            answer = self.table.transact(writes, self.limits) => Some(answer),
            () = all_gone => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The writes of all waiting transactions, before writes of one item are merged.
    fn waiting_writes(&self) -> usize {
        self.waiting
            .iter()
            .map(|waiting| waiting.writes.len())
            .sum()
    }
}

impl Drop for CallPermit<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        match Handle::try_current() {
            Ok(runtime) if !queue.waiting.is_empty() => {
                runtime.spawn(self.0.clone().drain_queue());
            }
            _ => queue.calls -= 1,
        }
    }
}

impl CommitGroup {
    /// Takes the waiting transactions, up to 100 writes; writes to one item are merged. The first transaction always
    /// fits; those whose callers have given up are dropped.
    fn of(waiting: &mut VecDeque<Waiting>) -> CommitGroup {
        let mut group = CommitGroup::default();
        let members = std::mem::take(waiting).into_iter();
        for member in members.filter(|member| !member.done.is_closed()) {
            if let Err(member) = group.add(member) {
                waiting.push_back(member);
            }
        }
        group
    }

    /// Adds a member, or returns it when its writes cannot be merged with those of the group or are too many for it.
    fn add(&mut self, member: Waiting) -> Result<(), Waiting> {
        // For each of its writes: the group's write that it is merged with, and what both come to.
        let mut merged = Vec::with_capacity(member.writes.len());
        for write in &member.writes {
            let mut writes = self.writes.iter().enumerate();
            let fits = match writes.find(|(_, other)| other.is_of_same_item(write)) {
                None => Some((None, write.clone())),
                Some((at, other)) => other.merged_with(write).map(|both| (Some(at), both)),
            };
            match fits {
                Some(fits) => merged.push(fits),
                None => return Err(member),
            }
        }
        let new = merged.iter().filter(|(at, _)| at.is_none()).count();
        if self.writes.len() + new > MOST_WRITES && !self.members.is_empty() {
            return Err(member);
        }
        for (own, (at, write)) in merged.into_iter().enumerate() {
            let origin = (self.members.len(), own);
            match at.and_then(|at| self.writes.get_mut(at).zip(self.origins.get_mut(at))) {
                Some((both, origins)) => {
                    *both = write;
                    origins.push(origin);
                }
                None => {
                    self.writes.push(write);
                    self.origins.push(vec![origin]);
                }
            }
        }
        self.members.push(member);
        Ok(())
    }

    /// Removes the members of the write whose condition does not hold. A write of one member is that member's failure,
    /// and its caller is told. Of a merged write it is not known which member's part failed: those members are
    /// returned, to be sent alone.
    fn split(&mut self, write: usize) -> Vec<Waiting> {
        let CommitGroup {
            members, origins, ..
        } = std::mem::take(self);
        let origins = origins.into_iter().nth(write).unwrap_or_default();
        let mut alone = Vec::new();
        for (at, member) in members.into_iter().enumerate() {
            match (&*origins, origins.iter().find(|(member, _)| *member == at)) {
                ([_], Some((_, own))) => {
                    let answer = Err(StoreError::ConditionFailed { write: *own });
                    member.done.send(answer).ok();
                }
                ([], _) | (_, Some(_)) => alone.push(member),
                (_, None) => alone.extend(self.add(member).err()),
            }
        }
        alone
    }
}

#[cfg(all(test, feature = "local"))]
mod tests;
