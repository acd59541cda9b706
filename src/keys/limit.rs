//! `rpm` and `tpm` of a key, its team, its membership there and its user, and of single models of them, as they are
//! configured.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::chain::Routes;
use crate::identity::{Allowance, KeyOwners, Team, User};
use crate::limits::{MinuteLimits, MinuteUse};
use crate::store::keys;

use super::{Caller, Denied, KeySettings, VirtualKey};

const MINUTE: i64 = 60;
/// What is limited, as a refusal says it.
pub(super) const REQUESTS: &str = "requests";
pub(super) const TOKENS: &str = "tokens";

/// Whose limit. The reference system's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitScope {
    /// The key's.
    Key,
    /// The key's for one model.
    Model,
    /// The team's.
    Team,
    /// The team's for one model.
    TeamModel,
    /// A member's of the team.
    Member,
    /// The user's.
    User,
    /// The user's for one model.
    UserModel,
}

/// A limit as it is configured.
pub(super) struct Limit {
    pub(super) scope: LimitScope,
    /// The name under which its requests and tokens are counted.
    pub(super) counter: String,
    /// The limit's owner, as the caller knows it.
    pub(super) label: String,
    pub(super) rpm: Option<u64>,
    pub(super) tpm: Option<u64>,
}

/// A key, team, member or user that has limits.
pub(super) struct LimitHolder {
    /// The name under which its requests and tokens are counted.
    pub(super) counter: String,
    /// Its name, as the caller knows it.
    pub(super) label: String,
}

impl LimitHolder {
    /// A replaced key's successor shares its counters.
    pub(super) fn key(key: &VirtualKey) -> Self {
        Self {
            counter: key.account.clone(),
            label: key.label().to_owned(),
        }
    }

    pub(super) fn team(team: &Team) -> Self {
        Self {
            counter: keys::team(&team.team_id).pk,
            label: team.label().to_owned(),
        }
    }

    fn member(team: &Team, user: &str) -> Self {
        Self {
            counter: keys::member_budget(&team.team_id, user, None).pk,
            label: format!("{user}:{}", team.label()),
        }
    }

    pub(super) fn user(user: &User) -> Self {
        Self {
            counter: keys::user(&user.user_id).pk,
            label: user.user_id.clone(),
        }
    }

    fn limit(&self, scope: LimitScope, rpm: Option<u64>, tpm: Option<u64>) -> Limit {
        Limit {
            scope,
            counter: self.counter.clone(),
            label: self.label.clone(),
            rpm,
            tpm,
        }
    }
}

impl Limit {
    /// That of all requests of a key.
    pub(super) fn of_key(key: &VirtualKey) -> Limit {
        let KeySettings {
            rpm_limit,
            tpm_limit,
            ..
        } = key.settings;
        LimitHolder::key(key).limit(LimitScope::Key, rpm_limit, tpm_limit)
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

    pub(super) fn denied(&self, kind: &'static str, now: Timestamp) -> Denied {
        let minute = now.as_second().div_euclid(MINUTE);
        let limit = if kind == REQUESTS { self.rpm } else { self.tpm };
        Denied::LimitReached {
            scope: self.scope,
            label: self.label.clone(),
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

/// What is to be counted for every request of a caller, whatever its model.
pub(super) fn common_limits(caller: &Caller) -> impl Iterator<Item = Limit> {
    let KeyOwners { team, member, user } = &caller.owners;
    let key = caller.virtual_key.as_deref();
    let has_any = |rpm: Option<u64>, tpm: Option<u64>| rpm.is_some() || tpm.is_some();
    let limited = |allowance: &Allowance| has_any(allowance.rpm_limit, allowance.tpm_limit);
    let of_key = key
        .filter(|key| has_any(key.settings.rpm_limit, key.settings.tpm_limit))
        .map(Limit::of_key);
    let of_team = team.as_ref().map(|team| {
        let allowance = &team.settings.allowance;
        limited(allowance).then(|| {
            let (rpm, tpm) = (allowance.rpm_limit, allowance.tpm_limit);
            LimitHolder::team(team).limit(LimitScope::Team, rpm, tpm)
        })
    });
    let user_id = key.and_then(|key| key.settings.user_id.as_deref());
    let of_member = member.as_ref().filter(|member| limited(member));
    let of_member = of_member.and_then(|member| {
        let holder = LimitHolder::member(team.as_ref()?, user_id?);
        Some(holder.limit(LimitScope::Member, member.rpm_limit, member.tpm_limit))
    });
    let of_user = user.as_ref().map(|user| {
        let allowance = &user.settings.allowance;
        limited(allowance).then(|| {
            let (rpm, tpm) = (allowance.rpm_limit, allowance.tpm_limit);
            LimitHolder::user(user).limit(LimitScope::User, rpm, tpm)
        })
    });
    let all = [of_key, of_member, of_team.flatten(), of_user.flatten()];
    all.into_iter().flatten()
}

/// What is to be counted for a request to this model.
pub(super) fn limits(caller: &Caller, routes: &Routes, group: &str) -> Vec<Limit> {
    // A setting may name the model in any way in which a request may.
    let of_model = |limits: &BTreeMap<String, u64>| {
        let means = |name: &str| routes.group(Some(name)).is_ok_and(|meant| meant == group);
        let found = limits.iter().find(|(name, _)| means(name));
        found.map(|(_, limit)| *limit)
    };
    let of = |holder: LimitHolder, scope, rpm, tpm| {
        let counter = format!("{}#{group}", holder.counter);
        LimitHolder { counter, ..holder }.limit(scope, of_model(rpm), of_model(tpm))
    };
    let mut all: Vec<Limit> = common_limits(caller).collect();
    let models = |allowance: &Allowance| {
        !allowance.model_rpm_limit.is_empty() || !allowance.model_tpm_limit.is_empty()
    };
    if let Some(key) = &caller.virtual_key {
        let KeySettings {
            model_rpm_limit,
            model_tpm_limit,
            ..
        } = &key.settings;
        if !model_rpm_limit.is_empty() || !model_tpm_limit.is_empty() {
            let holder = LimitHolder::key(key);
            all.push(of(
                holder,
                LimitScope::Model,
                model_rpm_limit,
                model_tpm_limit,
            ));
        }
    }
    let KeyOwners { team, user, .. } = &caller.owners;
    let team = team.as_ref().map(|team| {
        let holder = LimitHolder::team(team);
        (holder, LimitScope::TeamModel, &team.settings.allowance)
    });
    let user = user.as_ref().map(|user| {
        let holder = LimitHolder::user(user);
        (holder, LimitScope::UserModel, &user.settings.allowance)
    });
    for (holder, scope, allowance) in [team, user].into_iter().flatten() {
        if models(allowance) {
            let (rpm, tpm) = (&allowance.model_rpm_limit, &allowance.model_tpm_limit);
            all.push(of(holder, scope, rpm, tpm));
        }
    }
    all.retain(|limit| !limit.is_none());
    all
}
