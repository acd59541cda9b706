//! `rpm`, `tpm` and `max_parallel_requests` of a key, and of single models of a key: counted in the table, so that all
//! instances together keep to them.
//!
//! Tokens are counted by the prompt's estimate when a request begins and by what it used when it ends, in the minute in
//! which it began.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::chain::{Lease, Routes};
use crate::conversation::Request;
use crate::spend::RequestId;
use crate::store::{Counter, Key, Tally, keys};

use super::limit::{Limit, limits, room_for};
use super::{Denied, Keyring, VirtualKey};

/// Counters outlive their minute by a little, for instances whose clocks differ.
const KEPT: Duration = Duration::from_secs(180);
/// How long the end of an answer waits until its slot is free.
const PATIENCE: Duration = Duration::from_millis(300);
pub(super) const REQUESTS: &str = "requests";
pub(super) const TOKENS: &str = "tokens";

/// What a request has taken of its key's limits; given back by [`Keyring::finish`].
#[derive(Debug, Default)]
pub struct Taken {
    counted: Vec<Counted>,
    slot: Option<Lease>,
}

/// Tokens that are still an estimate.
#[derive(Debug)]
struct Counted {
    key: Key,
    estimate: u64,
    at: Timestamp,
}

/// A limit and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// In a minute.
    pub limit: u64,
    /// In this one.
    pub remaining: u64,
}

/// How the limits of a minute stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests.
    pub requests: Option<Left>,
    /// Tokens.
    pub tokens: Option<Left>,
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
    ) -> Result<(Taken, [Rates; 2]), Denied> {
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
    ) -> Result<(Taken, [Rates; 2]), Denied> {
        let mut taken = Taken {
            slot,
            ..Taken::default()
        };
        let mut standing = [Rates::default(); 2];
        for limit in limits {
            match self.count(key, limit, estimate).await {
                Ok((counted, rates)) => {
                    taken.counted.push(counted);
                    match limit.scope {
                        Scope::Key => standing[0] = rates,
                        Scope::Model => standing[1] = rates,
                    }
                }
                Err(denied) => {
                    self.finish(taken, 0).await;
                    return Err(denied);
                }
            }
        }
        Ok((taken, standing))
    }

    /// Frees the slot, if one was taken, before the client has the end of its answer: its next request needs it. A
    /// table that takes longer than a moment holds up nobody's answer.
    pub async fn free(&self, taken: &mut Taken) {
        if let Some(slot) = &mut taken.slot
            && let Ok(()) = timeout(PATIENCE, slot.free()).await
        {
            taken.slot = None;
        }
    }

    /// Frees the slot, and corrects what was counted by what the request has used. A table that does not answer is
    /// logged: the minute passes, and the slot is free when its lease has ended.
    pub async fn finish(&self, taken: Taken, used: u64) {
        if let Some(mut slot) = taken.slot {
            slot.free().await;
        }
        for counted in taken.counted {
            if counted.estimate == used {
                continue;
            }
            let correction = Counter {
                field: TOKENS,
                amount: amount(used).saturating_sub(amount(counted.estimate)),
                limit: None,
            };
            let corrected = self
                .table
                .count(&counted.key, &[correction], counted.at + KEPT)
                .await;
            if let Err(error) = corrected {
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
    ) -> Result<(Counted, Rates), Denied> {
        let at = self.clock.now();
        let counted = Counted {
            key: keys::rate(&limit.of, at),
            estimate,
            at,
        };
        let counters = [
            Counter {
                field: REQUESTS,
                amount: 1,
                limit: limit.rpm,
            },
            Counter {
                field: TOKENS,
                amount: amount(estimate),
                // What has been counted may be as much as leaves room for this request.
                limit: limit
                    .tpm
                    .map(|most| most.saturating_sub(room_for(estimate)) + 1),
            },
        ];
        let tally = self
            .table
            .tally(&counted.key, &counters, at + KEPT)
            .await
            .map_err(|error| Denied::of_table(&error))?;
        let left = |limit: Option<u64>, used: u64| {
            limit.map(|limit| Left {
                limit,
                remaining: limit.saturating_sub(used),
            })
        };
        match tally {
            Tally::Counted(used) => {
                let [requests, tokens] = values(&used);
                let rates = Rates {
                    requests: left(limit.rpm, requests),
                    tokens: left(limit.tpm, tokens),
                };
                Ok((counted, rates))
            }
            Tally::Full(used) => {
                let used = values(&used);
                self.reached.full(&counted.key, used, at);
                let kind = limit.reached(used, estimate).unwrap_or(TOKENS);
                Err(limit.denied(key, kind, at))
            }
        }
    }
}

/// Requests and tokens, in the order in which they are counted.
fn values(used: &[u64]) -> [u64; 2] {
    let mut used = used.iter().copied();
    [used.next(), used.next()].map(Option::unwrap_or_default)
}

fn amount(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
