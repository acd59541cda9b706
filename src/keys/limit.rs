//! `rpm` and `tpm` of a key or of a single model of a key, as they are configured.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::chain::Routes;
use crate::limits::{MinuteLimits, MinuteUse};

use super::limits::{REQUESTS, Scope, TOKENS};
use super::{Denied, VirtualKey};

const MINUTE: i64 = 60;

/// A limit of a key as it is configured.
pub(super) struct Limit {
    pub(super) scope: Scope,
    /// Under which name it is counted.
    pub(super) of: String,
    pub(super) rpm: Option<u64>,
    pub(super) tpm: Option<u64>,
}

impl Limit {
    /// That of all requests of a key. A replaced key's successor shares its counters.
    pub(super) fn of_key(key: &VirtualKey) -> Limit {
        Limit {
            scope: Scope::Key,
            of: key.account.clone(),
            rpm: key.settings.rpm_limit,
            tpm: key.settings.tpm_limit,
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.rpm.is_none() && self.tpm.is_none()
    }

    /// Which limit has no room for one more request of so many tokens, where so many requests and tokens are counted.
    pub(super) fn reached(&self, used: MinuteUse, estimate: u64) -> Option<&'static str> {
        if self.rpm.is_some_and(|most| used.requests >= most) {
            return Some(REQUESTS);
        }
        let has_room = |most: u64| used.tokens.saturating_add(room_for(estimate)) <= most;
        self.tpm
            .is_some_and(|most| !has_room(most))
            .then_some(TOKENS)
    }

    /// As they are counted for a request of so many tokens: what has been counted may be as much as leaves room for it.
    pub(super) fn for_request(&self, estimate: u64) -> MinuteLimits {
        let room = room_for(estimate);
        MinuteLimits {
            requests: self.rpm,
            tokens: self.tpm.map(|most| most.saturating_sub(room) + 1),
        }
    }

    pub(super) fn denied(&self, key: &VirtualKey, kind: &'static str, now: Timestamp) -> Denied {
        let minute = now.as_second().div_euclid(MINUTE);
        let limit = if kind == REQUESTS { self.rpm } else { self.tpm };
        Denied::LimitReached {
            scope: self.scope,
            of: key.label().to_owned(),
            kind,
            limit: limit.unwrap_or_default(),
            resets_at: Timestamp::from_second((minute + 1) * MINUTE).ok(),
        }
    }
}

/// A request that uses no tokens is refused too where a minute's are used up.
fn room_for(estimate: u64) -> u64 {
    estimate.max(1)
}

/// What is to be counted for a request to this model.
pub(super) fn limits(
    key: &VirtualKey,
    routes: &Routes,
    group: &str,
) -> impl Iterator<Item = Limit> {
    let settings = &key.settings;
    // A setting may name the model in any way in which a request may.
    let of_model = |limits: &BTreeMap<String, u64>| {
        let means = |name: &str| routes.group(Some(name)).is_ok_and(|meant| meant == group);
        let found = limits.iter().find(|(name, _)| means(name));
        found.map(|(_, limit)| *limit)
    };
    let model = Limit {
        scope: Scope::Model,
        of: format!("{}#{group}", key.account),
        rpm: of_model(&settings.model_rpm_limit),
        tpm: of_model(&settings.model_tpm_limit),
    };
    [Limit::of_key(key), model]
        .into_iter()
        .filter(|limit| !limit.is_none())
}
