//! The list of all keys.

use std::cmp::Reverse;
use std::collections::HashMap;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use url::form_urlencoded;

use super::super::budget_bar::BudgetBar;
use super::super::layout::{Layout, NavPage};
use super::super::links;
use super::super::names::Names;
use super::super::numbers::{TimeText, count, dollars, tokens};
use super::super::session::Session;
use super::super::texts::{filled, texts};
use super::address;
use super::badges::{Badge, BlockedHolders, badges, used};
use crate::keys::{BudgetUsage, VirtualKey};
use crate::spend::{Counters, DayTotal, TotalOf};

#[derive(Template)]
#[template(path = "keys.html", config = "src/admin/askama.toml")]
pub(super) struct KeysPage {
    layout: Layout,
    is_deleted: bool,
    by_budget: bool,
    find: String,
    /// Which of how many.
    shown: String,
    before: Option<String>,
    after: Option<String>,
    rows: Vec<KeyRow>,
}

/// Keys on a page.
const PAGE: usize = 40;

/// What the address of the list says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListQuery {
    /// A key was just deleted.
    pub(super) is_deleted: bool,
    /// The budgets that are most spent come first; else the newest key does.
    pub(super) by_budget: bool,
    /// What stands in a key's name, its user or its team.
    pub(super) find: String,
    /// How many keys come before those of this page.
    pub(super) skip: usize,
}

impl ListQuery {
    pub(super) fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "deleted" => asked.is_deleted = true,
                "sort" => asked.by_budget = value == "budget",
                "find" => value.trim().clone_into(&mut asked.find),
                "skip" => asked.skip = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        asked
    }

    /// The same list from another key on.
    fn address_from(&self, skip: usize) -> String {
        let skip = skip.to_string();
        let fields = [
            ("sort", if self.by_budget { "budget" } else { "" }),
            ("find", &self.find),
            ("skip", if skip == "0" { "" } else { &skip }),
        ];
        let fields: Vec<_> = (fields.into_iter())
            .filter(|(_, value)| !value.is_empty())
            .collect();
        match fields.is_empty() {
            true => super::LIST.to_owned(),
            false => links::to(super::LIST, &fields),
        }
    }

    fn is_found(&self, key: &VirtualKey, names: &Names) -> bool {
        let find = self.find.to_lowercase();
        let settings = &key.settings;
        let team = settings.team_id.as_deref().map(|id| names.team(id));
        let words = [
            Some(key.label()),
            Some(&*key.name),
            settings.user_id.as_deref(),
        ];
        (words.into_iter().flatten())
            .chain(settings.team_id.as_deref())
            .chain(team.as_deref())
            .any(|word| word.to_lowercase().contains(&find))
    }
}

struct KeyRow {
    name: String,
    /// The end of the key, where the name is an alias.
    short: Option<String>,
    address: String,
    badges: Vec<Badge>,
    budget: Option<BudgetBar>,
    spend: String,
    limits: Vec<String>,
    models: Vec<String>,
    /// Its user and its team: their names and their pages.
    owner: Vec<(String, String)>,
    /// Its usage by model.
    usage: String,
    /// The day, and its requests on it.
    last_used: Option<(String, String)>,
    expires: Option<TimeText>,
}

/// What is read for the list.
pub(super) struct KeyListing<'a> {
    pub(super) keys: &'a [VirtualKey],
    /// The budgets of the keys, in their order.
    pub(super) budgets: &'a [Option<BudgetUsage>],
    pub(super) totals: &'a [DayTotal],
    pub(super) names: &'a Names,
    pub(super) holders: &'a BlockedHolders,
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
        listing: &KeyListing<'_>,
        now: Timestamp,
        asked: ListQuery,
    ) -> Self {
        let KeyListing {
            keys,
            budgets,
            totals,
            ..
        } = *listing;
        let mut done = HashMap::<&str, Use>::new();
        for total in totals {
            if let TotalOf::Model { key_hash, .. } = &total.of {
                let done = done.entry(key_hash).or_default();
                done.counters += total.counters;
                done.last = done.last.max(Some(total.day));
            }
        }
        let nothing = Use::default();
        let listed = keys.iter().zip(budgets);
        let mut listed: Vec<_> = listed
            .filter(|(key, _)| asked.is_found(key, listing.names))
            .collect();
        if asked.by_budget {
            listed.sort_by_key(|(_, budget)| Reverse(budget.as_ref().and_then(used)));
        }
        let all = listed.len();
        let skipped = asked.skip.min(all);
        let end = skipped.saturating_add(PAGE).min(all);
        let rows = listed.drain(skipped..end).map(|(key, budget)| {
            let done = done.get(&*key.hash).unwrap_or(&nothing);
            KeyRow::new(key, listing, budget.as_ref(), done, now)
        });
        let rows = rows.collect();
        let number = |n: usize| count(u64::try_from(n).unwrap_or(u64::MAX));
        let shown = [number(skipped + 1), number(end), number(all)];
        Self {
            layout: Layout::of(NavPage::Keys, session),
            is_deleted: asked.is_deleted,
            by_budget: asked.by_budget,
            shown: filled(texts().keys.shown, shown.each_ref().map(String::as_str)),
            before: (skipped > 0).then(|| asked.address_from(skipped.saturating_sub(PAGE))),
            after: (end < all).then(|| asked.address_from(end)),
            find: asked.find,
            rows,
        }
    }
}

impl KeyRow {
    fn new(
        key: &VirtualKey,
        listing: &KeyListing<'_>,
        budget: Option<&BudgetUsage>,
        done: &Use,
        now: Timestamp,
    ) -> Self {
        let t = &texts().keys;
        let settings = &key.settings;
        let limits = [
            (settings.rpm_limit.map(count), t.rpm),
            (settings.tpm_limit.map(tokens), t.tpm),
            (settings.max_parallel_requests.map(count), t.parallel),
        ];
        let limits = limits.into_iter();
        let user = settings.user_id.as_ref();
        let user = user.map(|id| (id.clone(), links::to("/ui/user", &[("id", id)])));
        let team = settings.team_id.as_ref();
        let team = team.map(|id| {
            let page = links::to("/ui/team", &[("id", id)]);
            (listing.names.team(id), page)
        });
        let requests_on = |day: Date| {
            let day = day.to_string();
            let days = [("key", key.label()), ("from", &day), ("to", &day)];
            (day.clone(), links::to("/ui/logs", &days))
        };
        Self {
            name: key.label().to_owned(),
            short: settings.key_alias.is_some().then(|| key.name.clone()),
            address: address(key),
            badges: badges(key, budget, listing.holders, now),
            budget: budget.map(|budget| BudgetBar::of(budget, settings.soft_budget)),
            spend: dollars(done.counters.spend),
            limits: limits
                .filter_map(|(limit, of)| Some(format!("{} {of}", limit?)))
                .collect(),
            models: settings.models.clone(),
            owner: user.into_iter().chain(team).collect(),
            usage: links::to("/ui/usage", &[("key", key.label())]),
            last_used: done.last.map(requests_on),
            expires: key.expires.map(TimeText::from),
        }
    }
}
