//! `rpm`, `tpm` and `max_parallel_requests` of a key, and of single models of a key: counted in the table, so that all
//! instances together keep to them.

use std::time::Duration;

use tokio::time::timeout;

use crate::chain::Routes;
use crate::conversation::Request;
use crate::limits::{CountedRequest, Lease, MinuteCount};
use crate::spend::RequestId;
use crate::store::keys;

use super::limit::{Limit, limits};
use super::{Denied, Keyring, VirtualKey};

/// How long the end of an answer waits until its slot is free.
const LONGEST_WAIT_FOR_SLOT: Duration = Duration::from_millis(300);
pub(super) const REQUESTS: &str = "requests";
pub(super) const TOKENS: &str = "tokens";

/// What a request has taken of its key's limits; given back by [`Keyring::settle`].
#[derive(Debug, Default)]
pub struct RateReservation {
    counted: Vec<CountedRequest>,
    slot: Option<Lease>,
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

/// Whose limit. The reference system's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The key's.
    Key,
    /// The key's for one model.
    Model,
}

impl Keyring {
    /// Takes a slot and counts the request, or takes nothing. `group` is what the request means by its model.
    pub(super) async fn take(
        &self,
        key: &VirtualKey,
        id: RequestId,
        routes: &Routes,
        group: &str,
        request: &Request,
    ) -> Result<(RateReservation, [KeyRates; 2]), Denied> {
        let estimate = request.estimated_prompt_tokens();
        let limits: Vec<Limit> = limits(key, routes, group).collect();
        for limit in &limits {
            self.check(key, limit, estimate)?;
        }
        let slot = self.take_slot(key, id).await?;
        self.count_all(key, &limits, estimate, slot).await
    }

    /// Counts a request that uses no tokens and asks no model for an answer: one that counts tokens.
    pub(super) async fn count_request(
        &self,
        key: &VirtualKey,
        routes: &Routes,
        group: &str,
    ) -> Result<(), Denied> {
        let limits: Vec<Limit> = limits(key, routes, group).collect();
        for limit in &limits {
            self.check(key, limit, 0)?;
        }
        self.count_all(key, &limits, 0, None).await.map(drop)
    }

    /// Counts a request that is refused whatever its model.
    pub(super) async fn count_refused(&self, key: &VirtualKey) -> Result<(), Denied> {
        let limit = Limit::of_key(key);
        if limit.is_none() {
            return Ok(());
        }
        self.check(key, &limit, 0)?;
        self.count(key, &limit, 0).await.map(drop)
    }

    /// Refuses what is known to be over a limit of the key, whatever is asked: costs nothing.
    pub(super) fn check_key(&self, key: &VirtualKey) -> Result<(), Denied> {
        self.check(key, &Limit::of_key(key), 0)
    }

    async fn count_all(
        &self,
        key: &VirtualKey,
        limits: &[Limit],
        estimate: u64,
        slot: Option<Lease>,
    ) -> Result<(RateReservation, [KeyRates; 2]), Denied> {
        let mut reservation = RateReservation {
            slot,
            ..RateReservation::default()
        };
        let mut rates_of = [KeyRates::default(); 2];
        for limit in limits {
            match self.count(key, limit, estimate).await {
                Ok((counted, rates)) => {
                    reservation.counted.push(counted);
                    match limit.scope {
                        Scope::Key => rates_of[0] = rates,
                        Scope::Model => rates_of[1] = rates,
                    }
                }
                Err(denied) => {
                    self.settle(reservation, 0).await;
                    return Err(denied);
                }
            }
        }
        Ok((reservation, rates_of))
    }

    /// Frees the slot, if one was taken, before the client has the end of its answer: its next request needs it. A
    /// table that takes longer than a moment holds up no answer.
    pub async fn release_slot(&self, reservation: &mut RateReservation) {
        if let Some(slot) = &mut reservation.slot
            && let Ok(()) = timeout(LONGEST_WAIT_FOR_SLOT, slot.free()).await
        {
            reservation.slot = None;
        }
    }

    /// Frees the slot, and corrects what was counted by what the request has used. A table that does not answer is
    /// logged: the minute passes, and the slot is free when its lease has ended.
    pub async fn settle(&self, reservation: RateReservation, used: u64) {
        if let Some(mut slot) = reservation.slot {
            slot.free().await;
        }
        for counted in reservation.counted {
            if let Err(error) = counted.settle(&self.table, used).await {
                tracing::warn!(%error, "a key's tokens could not be counted");
            }
        }
    }

    /// Refuses what is known to be over a limit, without asking the table.
    fn check(&self, key: &VirtualKey, limit: &Limit, estimate: u64) -> Result<(), Denied> {
        let now = self.clock.now();
        let used = self.reached.used(&keys::rate(&limit.of, now), now);
        match limit.reached(used, estimate) {
            Some(kind) => Err(limit.denied(key, kind, now)),
            None => Ok(()),
        }
    }

    async fn count(
        &self,
        key: &VirtualKey,
        limit: &Limit,
        estimate: u64,
    ) -> Result<(CountedRequest, KeyRates), Denied> {
        let at = self.clock.now();
        let limits = limit.for_request(estimate);
        let count = limits.count(&self.table, &limit.of, estimate, at).await;
        match count.map_err(|error| Denied::of_table(&error))? {
            MinuteCount::Counted(counted, used) => {
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
                Ok((counted, rates))
            }
            MinuteCount::Full(used) => {
                self.reached.full(&keys::rate(&limit.of, at), used, at);
                let kind = limit.reached(used, estimate).unwrap_or(TOKENS);
                Err(limit.denied(key, kind, at))
            }
        }
    }
}
