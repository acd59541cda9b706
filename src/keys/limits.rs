//! `rpm`, `tpm` and `max_parallel_requests` of a key, and of single models of a key: counted in the table, so that all
//! instances together keep to them.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::chain::Routes;
use crate::limits::{CountedRequest, Lease, MinuteCount};
use crate::spend::RequestId;
use crate::store::keys;

use super::limit::{Limit, LimitScope, TOKENS, common_limits, limits};
use super::{Caller, Denied, Keyring, VirtualKey};

/// How long the end of an answer waits until its slot is free.
const LONGEST_WAIT_FOR_SLOT: Duration = Duration::from_millis(300);

/// What a request has taken of its key's limits; given back by [`Keyring::release_limits`].
#[derive(Debug, Default)]
pub struct LimitsTaken {
    counted_requests: Vec<CountedRequest>,
    slots: Vec<Lease>,
}

/// A limit and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// In a minute.
    pub limit: u64,
    /// In this one.
    pub remaining: u64,
}

/// How the limits of a minute stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyRates {
    /// Requests.
    pub requests: Option<Remaining>,
    /// Tokens.
    pub tokens: Option<Remaining>,
}

impl Keyring {
    /// Takes a slot and counts the request. When it fails, slots and tokens are given back; limits that counted the
    /// request keep it. `group` is what the request means by its model.
    pub(super) async fn take_key_limits(
        &self,
        caller: &Caller,
        id: RequestId,
        routes: &Routes,
        group: &str,
        estimate: u64,
    ) -> Result<(LimitsTaken, [KeyRates; 2]), Denied> {
        let limits = limits(caller, routes, group);
        for limit in &limits {
            self.check(limit, estimate)?;
        }
        let slots = self.take_slots(caller, id).await?;
        self.count_all(&limits, estimate, slots).await
    }

    /// Counts a request that uses no tokens and asks no model for an answer: one that counts tokens.
    pub(super) async fn count_request(
        &self,
        caller: &Caller,
        routes: &Routes,
        group: &str,
    ) -> Result<(), Denied> {
        let limits = limits(caller, routes, group);
        for limit in &limits {
            self.check(limit, 0)?;
        }
        self.count_all(&limits, 0, Vec::new()).await.map(drop)
    }

    /// Counts a request that is refused whatever its model.
    pub(super) async fn count_rejected_of_key(&self, key: &VirtualKey) -> Result<(), Denied> {
        let limit = Limit::of_key(key);
        if limit.is_none() {
            return Ok(());
        }
        self.check(&limit, 0)?;
        self.count(&limit, 0).await.map(drop)
    }

    /// Refuses what is known to be over a limit of the caller, whatever is asked: costs nothing.
    pub(super) fn check_common(&self, caller: &Caller) -> Result<(), Denied> {
        common_limits(caller).try_for_each(|limit| self.check(&limit, 0))
    }

    async fn count_all(
        &self,
        limits: &[Limit],
        estimate: u64,
        slots: Vec<Lease>,
    ) -> Result<(LimitsTaken, [KeyRates; 2]), Denied> {
        let mut limits_taken = LimitsTaken {
            slots,
            ..LimitsTaken::default()
        };
        let mut rates_of = [KeyRates::default(); 2];
        for limit in limits {
            match self.count(limit, estimate).await {
                Ok((counted_request, rates)) => {
                    limits_taken.counted_requests.push(counted_request);
                    match limit.scope {
                        LimitScope::Key => rates_of[0] = rates,
                        LimitScope::Model => rates_of[1] = rates,
                        _ => {}
                    }
                }
                Err(denied) => {
                    self.release_limits(limits_taken, 0).await;
                    return Err(denied);
                }
            }
        }
        Ok((limits_taken, rates_of))
    }

    /// Frees the slot, if one was taken, before the client has the end of its answer: its next request needs it. A
    /// table that takes longer than a moment holds up no answer.
    pub async fn release_slot(&self, limits_taken: &mut LimitsTaken) {
        if limits_taken.slots.is_empty() {
            return;
        }
        let freed = join_all(limits_taken.slots.iter_mut().map(Lease::release));
        if timeout(LONGEST_WAIT_FOR_SLOT, freed).await.is_ok() {
            limits_taken.slots.clear();
        }
    }

    /// Frees the slot, and corrects what was counted by what the request has used. A table that does not answer is
    /// logged: the minute passes, and the slot is free when its lease has ended.
    pub async fn release_limits(&self, limits_taken: LimitsTaken, used: u64) {
        for mut slot in limits_taken.slots {
            slot.release().await;
        }
        for counted_request in limits_taken.counted_requests {
            if let Err(error) = counted_request.correct(&self.table, used).await {
                tracing::warn!(%error, "a key's tokens could not be counted");
            }
        }
    }

    /// Refuses what is known to be over a limit, without asking the table.
    fn check(&self, limit: &Limit, estimate: u64) -> Result<(), Denied> {
        let now = self.clock.now();
        let used = self.reached.used(&keys::rate(&limit.counter, now), now);
        match limit.reached(used, estimate) {
            Some(kind) => Err(limit.denied(kind, now)),
            None => Ok(()),
        }
    }

    async fn count(
        &self,
        limit: &Limit,
        estimate: u64,
    ) -> Result<(CountedRequest, KeyRates), Denied> {
        let at = self.clock.now();
        let limits = limit.for_request(estimate);
        let count = limits
            .count(&self.table, &limit.counter, estimate, at)
            .await;
        match count.map_err(|error| Denied::of_table(&error))? {
            MinuteCount::Counted(counted_request, used) => {
                let remaining = |limit: Option<u64>, used: u64| {
                    limit.map(|limit| Remaining {
                        limit,
                        remaining: limit.saturating_sub(used),
                    })
                };
                let rates = KeyRates {
                    requests: remaining(limit.rpm, used.requests),
                    tokens: remaining(limit.tpm, used.tokens),
                };
                Ok((counted_request, rates))
            }
            MinuteCount::Full(used) => {
                self.reached
                    .record_full_minute(&keys::rate(&limit.counter, at), used, at);
                let kind = limit.reached(used, estimate).unwrap_or(TOKENS);
                Err(limit.denied(kind, at))
            }
        }
    }
}
