//! All keys at a glance.

use std::collections::HashMap;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;

use super::super::budget_bar::BudgetBar;
use super::super::layout::{Layout, NavPage};
use super::super::numbers::{Moment, count, dollars, tokens};
use super::super::session::Session;
use super::super::texts::texts;
use super::address;
use crate::keys::{BudgetStanding, KeyStatus, VirtualKey};
use crate::spend::{Counters, DayTotal, TotalOf};

#[derive(Template)]
#[template(path = "keys.html", config = "src/admin/askama.toml")]
pub(super) struct KeysPage {
    layout: Layout,
    is_deleted: bool,
    rows: Vec<KeyRow>,
}

struct KeyRow {
    name: String,
    /// The end of the key, where the name is an alias.
    short: Option<String>,
    address: String,
    standing: Standing,
    budget: Option<BudgetBar>,
    spend: String,
    limits: Vec<String>,
    models: Vec<String>,
    owner: Vec<String>,
    last_used: Option<String>,
    expires: Option<Moment>,
}

/// How a key stands, in a word.
pub(super) struct Standing {
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
}

impl Standing {
    pub(super) fn of(key: &VirtualKey, now: Timestamp) -> Self {
        let t = &texts().keys;
        let (tone, word) = match key.status(now) {
            KeyStatus::Active => ("good", t.active),
            KeyStatus::Blocked => ("bad", t.blocked),
            KeyStatus::Expired => ("warn", t.expired),
            KeyStatus::Deleted => ("bad", t.deleted),
        };
        Self { tone, word }
    }
}

/// What a key has done in the days that the list looks back.
#[derive(Default)]
struct Use {
    counters: Counters,
    last: Option<Date>,
}

impl KeysPage {
    pub(super) fn new(
        session: &Session,
        keys: &[VirtualKey],
        standings: &[Option<BudgetStanding>],
        totals: &[DayTotal],
        now: Timestamp,
        is_deleted: bool,
    ) -> Self {
        let mut used = HashMap::<&str, Use>::new();
        for total in totals {
            if let TotalOf::Model { key_hash, .. } = &total.of {
                let used = used.entry(key_hash).or_default();
                used.counters += total.counters;
                used.last = used.last.max(Some(total.day));
            }
        }
        let nothing = Use::default();
        let rows = keys.iter().zip(standings).map(|(key, budget)| {
            let used = used.get(&*key.hash).unwrap_or(&nothing);
            KeyRow::new(key, budget.as_ref(), used, now)
        });
        Self {
            layout: Layout::of(NavPage::Keys, session),
            is_deleted,
            rows: rows.collect(),
        }
    }
}

impl KeyRow {
    fn new(key: &VirtualKey, budget: Option<&BudgetStanding>, used: &Use, now: Timestamp) -> Self {
        let t = &texts().keys;
        let settings = &key.settings;
        let limits = [
            (settings.rpm_limit.map(count), t.rpm),
            (settings.tpm_limit.map(tokens), t.tpm),
            (settings.max_parallel_requests.map(count), t.parallel),
        ];
        let limits = limits.into_iter();
        let owner = [&settings.user_id, &settings.team_id];
        Self {
            name: key.label().to_owned(),
            short: settings.key_alias.is_some().then(|| key.name.clone()),
            address: address(key),
            standing: Standing::of(key, now),
            budget: budget.map(BudgetBar::from),
            spend: dollars(used.counters.spend),
            limits: limits
                .filter_map(|(limit, of)| Some(format!("{} {of}", limit?)))
                .collect(),
            models: settings.models.clone(),
            owner: owner.into_iter().flatten().cloned().collect(),
            last_used: used.last.map(|day| day.to_string()),
            expires: key.expires.map(Moment::from),
        }
    }
}
