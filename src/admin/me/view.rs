//! The page of what is somebody's own.

use std::collections::HashMap;

use askama::Template;
use rust_decimal::Decimal;

use super::super::budget_bar::BudgetBar;
use super::super::layout::{Layout, NavPage};
use super::super::numbers::{TimeText, dollars, tokens};
use super::super::session::Session;
use super::super::texts::texts;
use super::own_keys::{KeyWish, longest_life};
use super::{Own, Owner};
use crate::app::AppState;
use crate::keys::{KeyStatus, VirtualKey};
use crate::spend::{Record, Status, TotalOf};

#[derive(Template)]
#[template(path = "me.html", config = "src/admin/askama.toml")]
pub(super) struct OwnPage {
    layout: Layout,
    who: String,
    team: Option<String>,
    spent: String,
    budgets: Vec<(String, BudgetBar)>,
    keys: Vec<OwnKey>,
    requests: Vec<OwnRequest>,
    /// Whether keys may be made and deleted.
    is_person: bool,
    longest: String,
    alias: String,
    duration: String,
    problem: Option<String>,
    is_deleted: bool,
}

struct OwnKey {
    hash: String,
    name: String,
    tone: &'static str,
    status: &'static str,
    spent: String,
    expires: Option<TimeText>,
}

struct OwnRequest {
    id: String,
    time: TimeText,
    tone: &'static str,
    status: &'static str,
    model: String,
    cost: String,
    tokens: String,
}

impl OwnPage {
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        own: &Own,
        wish: &KeyWish,
        problem: Option<String>,
    ) -> Self {
        let mut spent = HashMap::<&str, Decimal>::new();
        for total in &own.totals {
            if let TotalOf::Model { key_hash, .. } = &total.of {
                *spent.entry(key_hash).or_default() += total.counters.spend;
            }
        }
        let of = |hash: &str| spent.get(hash).copied().unwrap_or_default();
        let principal = match &own.owner {
            Owner::Person(person) => of(&person.principal),
            Owner::Key(_) => Decimal::ZERO,
        };
        let of_keys = own.keys.iter().map(|key| of(&key.hash));
        let all = of_keys.fold(principal, |sum, spent| sum.saturating_add(spent));
        let budgets = own.budgets.iter();
        let keys = own.keys.iter();
        let longest = longest_life(app).map(|longest| longest.to_string());
        Self {
            layout: Layout::of(NavPage::Me, session),
            who: own.owner.label().to_owned(),
            team: own.team.as_ref().map(|team| team.label().to_owned()),
            spent: dollars(all),
            budgets: budgets
                .map(|budget| (budget.of.clone(), BudgetBar::of(&budget.standing, None)))
                .collect(),
            keys: keys
                .map(|key| OwnKey::new(app, key, of(&key.hash)))
                .collect(),
            requests: own.records.iter().map(OwnRequest::new).collect(),
            is_person: matches!(own.owner, Owner::Person(_)),
            longest: longest.unwrap_or_default(),
            alias: wish.alias.clone(),
            duration: wish.duration.clone(),
            problem,
            is_deleted: false,
        }
    }

    /// With this said at the top.
    pub(super) fn saying(self, is_deleted: bool) -> Self {
        Self { is_deleted, ..self }
    }
}

impl OwnKey {
    fn new(app: &AppState, key: &VirtualKey, spent: Decimal) -> Self {
        let t = &texts().keys;
        let (tone, status) = match key.status(app.keys.now()) {
            KeyStatus::Active => ("good", t.active),
            KeyStatus::Blocked => ("bad", t.blocked),
            KeyStatus::Expired => ("warn", t.expired),
            KeyStatus::Deleted => ("bad", t.deleted),
        };
        Self {
            hash: key.hash.clone(),
            name: key.label().to_owned(),
            tone,
            status,
            spent: dollars(spent),
            expires: key.expires.map(TimeText::from),
        }
    }
}

impl OwnRequest {
    fn new(record: &Record) -> Self {
        let t = &texts().logs;
        let (tone, status) = match record.status {
            Status::Success => ("good", t.success),
            Status::Failure => ("bad", t.failure),
            Status::Lost => ("warn", t.lost),
        };
        let usage = record.usage();
        let unknown = || t.not_priced.to_owned();
        Self {
            id: record.request_id.to_string(),
            time: record.start.into(),
            tone,
            status,
            model: record.model_asked.clone(),
            cost: record
                .cost()
                .map_or_else(unknown, |cost| dollars(cost.total)),
            tokens: format!("{} + {}", tokens(usage.prompt()), tokens(usage.output)),
        }
    }
}
