//! The page of what is somebody's own.

use std::collections::HashMap;

use askama::Template;
use rust_decimal::Decimal;

use super::super::budget_bar::BudgetBar;
use super::super::keys::{Badge, badges};
use super::super::layout::{Layout, NavPage};
use super::super::logs::StatusView;
use super::super::numbers::{TimeText, dollars, tokens};
use super::super::session::Session;
use super::super::texts::texts;
use super::own_keys::{KeyWish, longest_life};
use super::{Own, Owner};
use crate::app::AppState;
use crate::spend::{Record, TotalOf};

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
    badges: Vec<Badge>,
    spent: String,
    expires: Option<TimeText>,
}

struct OwnRequest {
    id: String,
    time: TimeText,
    status: StatusView,
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
        let keys = own.keys.iter().zip(&own.key_budgets);
        let longest = longest_life(app).map(|longest| longest.to_string());
        Self {
            layout: Layout::of(NavPage::Me, session),
            who: own.owner.label().to_owned(),
            team: own.team.as_ref().map(|team| team.label().to_owned()),
            spent: dollars(all),
            budgets: budgets
                .map(|budget| (budget.of.clone(), BudgetBar::of(&budget.usage, None)))
                .collect(),
            keys: keys
                .map(|(key, budget)| OwnKey {
                    badges: badges(key, budget.as_ref(), &own.holders, app.keys.now()),
                    hash: key.hash.clone(),
                    name: key.label().to_owned(),
                    spent: dollars(of(&key.hash)),
                    expires: key.expires.map(TimeText::from),
                })
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

impl OwnRequest {
    fn new(record: &Record) -> Self {
        let t = &texts().logs;
        let was_called = !record.attempts.is_empty();
        let none = || t.none.to_owned();
        let usage = record.usage();
        let unknown = || t.not_priced.to_owned();
        Self {
            id: record.request_id.to_string(),
            time: record.start.into(),
            status: StatusView::of(record),
            model: record.model_asked.clone(),
            cost: match record.cost() {
                _ if !was_called => none(),
                Some(cost) => dollars(cost.total),
                None => unknown(),
            },
            tokens: if was_called {
                format!("{} + {}", tokens(usage.prompt()), tokens(usage.output))
            } else {
                none()
            },
        }
    }
}
