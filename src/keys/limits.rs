//! `rpm`, `tpm` and `max_parallel_requests` of a key, and of single models of a key: counted in the table, so that all
//! instances together keep to them.
//!
//! Tokens are counted by the prompt's estimate when a request begins and by what it used when it ends, in the minute in
//! which it began.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::chain::{Lease, Routes, Slot};
use crate::conversation::Request;
use crate::spend::RequestId;
use crate::store::{Counter, Key, Tally, keys};

use super::{Denied, Keyring, VirtualKey};

/// Counters outlive their minute by a little, for instances whose clocks differ.
const KEPT: Duration = Duration::from_secs(180);
/// How long the end of an answer waits until its slot is free.
const PATIENCE: Duration = Duration::from_millis(300);
const MINUTE: i64 = 60;
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

/// A limit of a key as it is configured.
struct Limit {
    scope: Scope,
    of: String,
    rpm: Option<u64>,
    tpm: Option<u64>,
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
        let mut taken = Taken {
            slot: self.take_slot(key, id).await?,
            ..Taken::default()
        };
        let mut standing = [Rates::default(); 2];
        for limit in limits(key, routes, group) {
            match self.count(key, &limit, request).await {
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
        if let Some(lease) = &mut taken.slot
            && let Ok(()) = timeout(PATIENCE, lease.free()).await
        {
            taken.slot = None;
        }
    }

    /// Frees the slot, and corrects what was counted by what the request has used. A table that does not answer is
    /// logged: the minute passes, and the slot is free when its lease has ended.
    pub async fn finish(&self, taken: Taken, used: u64) {
        if let Some(mut lease) = taken.slot {
            lease.free().await;
        }
        for counted in taken.counted {
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

    async fn take_slot(&self, key: &VirtualKey, id: RequestId) -> Result<Option<Lease>, Denied> {
        let Some(most) = key.settings.max_parallel_requests else {
            return Ok(None);
        };
        let slots = keys::slots(&key.account);
        let turn = self.queues.turn(&slots.pk).await?;
        let (lease, taken) = Lease::begin(Slot {
            table: self.table.clone(),
            key: slots,
            holder: id.to_string(),
            most,
            clock: self.clock.clone(),
        });
        let taken = taken.await;
        turn.end(&taken);
        match taken {
            Ok(true) => Ok(Some(lease)),
            Ok(false) => Err(Denied::LimitReached {
                scope: Scope::Key,
                of: key.label().to_owned(),
                kind: "max_parallel_requests",
                limit: most,
                resets_at: None,
            }),
            // It may be taken all the same: then the lease frees it.
            Err(error) => Err(Denied::of_table(&error)),
        }
    }

    async fn count(
        &self,
        key: &VirtualKey,
        limit: &Limit,
        request: &Request,
    ) -> Result<(Counted, Rates), Denied> {
        let at = self.clock.now();
        let counted = Counted {
            key: keys::rate(&limit.of, at),
            estimate: request.estimated_prompt_tokens(),
            at,
        };
        let minute = at.as_second().div_euclid(MINUTE);
        let reached = |kind, most| Denied::LimitReached {
            scope: limit.scope,
            of: key.label().to_owned(),
            kind,
            limit: most,
            resets_at: Timestamp::from_second((minute + 1) * MINUTE).ok(),
        };
        // A minute in which nothing was counted yet has no counter to compare with.
        if limit.rpm == Some(0) {
            return Err(reached(REQUESTS, 0));
        }
        if let Some(most) = limit.tpm.filter(|most| counted.estimate > *most) {
            return Err(reached(TOKENS, most));
        }
        let counters = [
            Counter {
                field: REQUESTS,
                amount: 1,
                limit: limit.rpm,
            },
            Counter {
                field: TOKENS,
                amount: amount(counted.estimate),
                // What has been counted may be as much as leaves room for this request.
                limit: limit.tpm.map(|most| most - counted.estimate + 1),
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
                let [requests, _] = values(&used);
                match (limit.rpm, limit.tpm) {
                    (Some(most), _) if requests >= most => Err(reached(REQUESTS, most)),
                    (_, Some(most)) => Err(reached(TOKENS, most)),
                    (most, None) => Err(reached(REQUESTS, most.unwrap_or_default())),
                }
            }
        }
    }
}

/// Requests and tokens, in the order in which they are counted.
fn values(used: &[u64]) -> [u64; 2] {
    let mut used = used.iter().copied();
    [used.next(), used.next()].map(Option::unwrap_or_default)
}

/// What is to be counted for a request to this model. A replaced key's successor shares its counters.
fn limits(key: &VirtualKey, routes: &Routes, group: &str) -> impl Iterator<Item = Limit> {
    let settings = &key.settings;
    // A setting may name the model in any way in which a request may.
    let of_model = |limits: &BTreeMap<String, u64>| {
        let means = |name: &str| routes.group(Some(name)).is_ok_and(|meant| meant == group);
        let found = limits.iter().find(|(name, _)| means(name));
        found.map(|(_, limit)| *limit)
    };
    let all = Limit {
        scope: Scope::Key,
        of: key.account.clone(),
        rpm: settings.rpm_limit,
        tpm: settings.tpm_limit,
    };
    let model = Limit {
        scope: Scope::Model,
        of: format!("{}#{group}", key.account),
        rpm: of_model(&settings.model_rpm_limit),
        tpm: of_model(&settings.model_tpm_limit),
    };
    [all, model]
        .into_iter()
        .filter(|limit| limit.rpm.is_some() || limit.tpm.is_some())
}

fn amount(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
