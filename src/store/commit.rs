//! Group commit: transactions that wait while others are under way are made as one.
//!
//! Every record moves the same few counters. Transactions that do so side by side are in conflict at DynamoDB and have
//! to be tried again, and each is a signed call of its own. Together they are one call, and move each counter once. A
//! process that lives on may also wait a moment before each call, so that more go together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{StoreError, Table, Write, WriteLimits};

/// Who has waited so long for the transaction under way starts another: a healthy one takes 10 to 30 ms.
const PATIENCE: Duration = Duration::from_millis(50);
/// No more than so many are under way, however slow they are.
const AT_ONCE: usize = 4;
/// As many writes as DynamoDB takes in one transaction
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
const MOST_WRITES: usize = 100;

type Answer = Result<(), StoreError>;

/// Makes transactions, each as if it were alone. Clones share the queue.
#[derive(Debug, Clone)]
pub struct GroupCommit {
    table: Table,
    limits: WriteLimits,
    patience: Duration,
    delay: Duration,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    under_way: usize,
    waiting: VecDeque<Member>,
}

#[derive(Debug)]
struct Member {
    writes: Vec<Write>,
    done: oneshot::Sender<Answer>,
}

/// One transaction under way. Given up, by whatever end, the turn goes to those who wait.
struct Turn<'a>(&'a GroupCommit);

/// Members and their writes as one transaction.
#[derive(Debug, Default)]
struct Group {
    members: Vec<Member>,
    writes: Vec<Write>,
    /// Of each write, whose it is: member, and position among the member's own.
    origins: Vec<Vec<(usize, usize)>>,
}

impl GroupCommit {
    /// Transactions on this table, each call to it within these limits.
    pub fn new(table: Table, limits: WriteLimits) -> GroupCommit {
        GroupCommit {
            table,
            limits,
            patience: PATIENCE,
            delay: Duration::ZERO,
            queue: Arc::default(),
        }
    }

    /// Waits so long for others before each call, as PostgreSQL's `commit_delay` does
    /// (<https://www.postgresql.org/docs/current/runtime-config-wal.html>). Not for a process that is stopped as soon as
    /// its request is answered.
    pub fn delayed(self, delay: Duration) -> GroupCommit {
        GroupCommit { delay, ..self }
    }

    /// Makes all of these writes or none, as [`Table::transact`] does, at once or together with others. Who stops
    /// waiting does not know whether they were made; they are not tried again.
    ///
    /// # Errors
    /// As [`Table::transact`]: what another's writes were refused for does not refuse these.
    pub async fn transact(&self, writes: &[Write]) -> Answer {
        match self.enter(writes) {
            Ok(_turn) => self.table.transact(writes, self.limits).await,
            Err(mut answer) => {
                let answered = match timeout(self.patience, &mut answer).await {
                    Ok(answered) => answered,
                    Err(_) => {
                        self.start_another();
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

    fn enter(&self, writes: &[Write]) -> Result<Turn<'_>, oneshot::Receiver<Answer>> {
        let mut queue = self.lock();
        if queue.under_way == 0 {
            queue.under_way = 1;
            if self.delay.is_zero() {
                return Ok(Turn(self));
            }
            tokio::spawn(self.clone().work_off());
        }
        let (done, answer) = oneshot::channel();
        queue.waiting.push_back(Member {
            writes: writes.to_vec(),
            done,
        });
        Err(answer)
    }

    fn start_another(&self) {
        let mut queue = self.lock();
        if queue.under_way < AT_ONCE && !queue.waiting.is_empty() {
            queue.under_way += 1;
            tokio::spawn(self.clone().work_off());
        }
    }

    async fn work_off(self) {
        let _turn = Turn(&self);
        loop {
            self.wait_for_others().await;
            let group = Group::of(&mut self.lock().waiting);
            if group.members.is_empty() {
                break;
            }
            self.commit(group).await;
        }
    }

    async fn wait_for_others(&self) {
        let here = self.lock().writes();
        if !self.delay.is_zero() && here < MOST_WRITES {
            tokio::time::sleep(self.delay).await;
        }
    }

    async fn commit(&self, mut group: Group) {
        while !group.members.is_empty() {
            let Some(answer) = self.make(&group.writes, &mut group.members).await else {
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
                if let Some(answer) = self.make(&writes, std::slice::from_mut(&mut member)).await {
                    member.done.send(answer).ok();
                }
            }
        }
    }

    /// The table's answer; `None`: nobody waits for it any more. Nothing is tried again behind the backs of those who
    /// have given up and said so.
    async fn make(&self, writes: &[Write], members: &mut [Member]) -> Option<Answer> {
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
    /// Of all who wait; fewer calls' worth where they move the same counters.
    fn writes(&self) -> usize {
        self.waiting.iter().map(|member| member.writes.len()).sum()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        match Handle::try_current() {
            Ok(runtime) if !queue.waiting.is_empty() => {
                runtime.spawn(self.0.clone().work_off());
            }
            _ => queue.under_way -= 1,
        }
    }
}

impl Group {
    /// Of those who wait, as many as fit together. The first always does.
    fn of(waiting: &mut VecDeque<Member>) -> Group {
        let mut group = Group::default();
        let members = std::mem::take(waiting).into_iter();
        for member in members.filter(|member| !member.done.is_closed()) {
            if let Err(member) = group.add(member) {
                waiting.push_back(member);
            }
        }
        group
    }

    /// Gives the member back when its writes do not go together with those that are here.
    fn add(&mut self, member: Member) -> Result<(), Member> {
        let mut fitting = Vec::with_capacity(member.writes.len());
        for write in &member.writes {
            let mut here = self.writes.iter().enumerate();
            let fits = match here.find(|(_, other)| other.meets(write)) {
                None => Some((None, write.clone())),
                Some((at, other)) => other.with(write).map(|both| (Some(at), both)),
            };
            match fits {
                Some(fits) => fitting.push(fits),
                None => return Err(member),
            }
        }
        let new = fitting.iter().filter(|(at, _)| at.is_none()).count();
        if self.writes.len() + new > MOST_WRITES && !self.members.is_empty() {
            return Err(member);
        }
        for (own, (at, write)) in fitting.into_iter().enumerate() {
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

    /// Takes out those whose write did not find what it needs, and tells them where it can be only one. The others
    /// are given back: which of them it was, each has to find out alone.
    fn split(&mut self, write: usize) -> Vec<Member> {
        let Group {
            members, origins, ..
        } = std::mem::take(self);
        let origins = origins.into_iter().nth(write).unwrap_or_default();
        let mut alone = Vec::new();
        for (who, member) in members.into_iter().enumerate() {
            match (&*origins, origins.iter().find(|(member, _)| *member == who)) {
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
