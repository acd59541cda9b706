//! The usage of a period as the page shows it.

use askama::Template;
use rust_decimal::Decimal;

use super::super::budgets::BudgetView;
use super::super::chart::Chart;
use super::super::layout::{Layout, NavPage};
use super::super::names::{self, Names};
use super::super::numbers::{change, count, dollars, milliseconds, percent, tokens};
use super::super::period::PagePeriod;
use super::super::period_picker::PeriodPicker;
use super::super::session::Session;
use super::super::texts::{filled, texts};
use super::By;
use super::query::UsageQuery;
use super::split::{SplitName, SplitRow, Totals, average, prompt};
use crate::app::AppState;
use crate::spend::Counters;

mod charts;
mod tables;

use tables::{FailureRow, SpanRow, SpeedRow, UsageRow};

/// Rows of a table; what is beyond is one more. The file has all.
const MOST_ROWS: usize = 10;
/// Rows of a page after the first.
const MORE_ROWS: usize = 50;
/// Rows of the table of times.
const MOST_SPEEDS: usize = 8;

#[derive(Template)]
#[template(path = "usage.html", config = "src/admin/askama.toml")]
pub(super) struct UsagePage {
    layout: Layout,
    picker: PeriodPicker,
    splits: Vec<Choice>,
    /// The filters that are set: what they are, and the address without them.
    filters: Vec<(String, String)>,
    /// The period before, beside or not.
    compare: Choice,
    /// The days as a table, or as charts.
    table: Choice,
    files: Vec<Choice>,
    is_empty: bool,
    /// Where filters are set: the requests that fit.
    search: Option<String>,
    /// What is asked is not counted together: where its requests are.
    not_counted: Option<String>,
    unpriced: Option<String>,
    cards: Vec<Card>,
    /// Those that are most spent, as they stand now, whatever the period.
    budgets: Vec<BudgetView>,
    charts: Vec<Chart>,
    /// What the table is split by.
    head: &'static str,
    rows: Vec<UsageRow>,
    speeds: Vec<SpeedRow>,
    failures: Vec<FailureRow>,
    spans: Vec<SpanRow>,
}

/// Something that can be chosen by a link.
struct Choice {
    address: String,
    name: &'static str,
    is_current: bool,
}

struct Card {
    name: &'static str,
    value: String,
    detail: String,
    /// By how much it differs from the period before.
    change: Option<String>,
}

/// What was asked, and what was found.
pub(super) struct UsageListing<'a> {
    pub(super) period: &'a PagePeriod,
    pub(super) query: &'a UsageQuery,
    pub(super) totals: Totals,
    /// The same of the period before.
    pub(super) before: Option<Totals>,
    pub(super) names: &'a Names,
}

impl UsagePage {
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        asked: &UsageListing<'_>,
        note: Option<String>,
        budgets: Vec<BudgetView>,
    ) -> Self {
        let UsageListing {
            period,
            query,
            totals,
            before,
            ..
        } = asked;
        let is_not_counted = query.is_not_counted();
        let compared = UsageQuery {
            compare: !query.compare,
            ..(*query).clone()
        };
        Self {
            layout: Layout::of(NavPage::Usage, session),
            picker: PeriodPicker::new("/ui/usage", period, note, query.others()),
            splits: By::SPLITS
                .map(|split| Choice {
                    address: UsageQuery {
                        split,
                        ..(*query).clone()
                    }
                    .address(period),
                    name: title_of(split),
                    is_current: split == query.split,
                })
                .into_iter()
                .chain([Choice {
                    address: query.sessions(period),
                    name: texts().logs.session,
                    is_current: false,
                }])
                .collect(),
            filters: asked.filters(app),
            compare: Choice {
                address: compared.address(period),
                name: texts().usage.compare,
                is_current: query.compare,
            },
            table: Choice {
                address: UsageQuery {
                    table: !query.table,
                    ..(*query).clone()
                }
                .address(period),
                name: texts().usage.by_day,
                is_current: query.table,
            },
            files: asked.files(),
            is_empty: totals.total == Counters::default(),
            not_counted: is_not_counted.then(|| query.requests(period, &[])),
            unpriced: (totals.total.unpriced > 0).then(|| count(totals.total.unpriced)),
            cards: cards(&totals.total, before.as_ref().map(|before| &before.total)),
            budgets,
            search: asked
                .query
                .set()
                .next()
                .map(|_| query.requests(period, &[])),
            charts: if query.table
                || query.rows_before > 0
                || (is_not_counted && query.split == By::Tag)
            {
                Vec::new()
            } else {
                asked.charts(app)
            },
            head: title_of(query.split),
            rows: if is_not_counted {
                Vec::new()
            } else {
                asked.rows(app)
            },
            speeds: if is_not_counted || query.rows_before > 0 {
                Vec::new()
            } else {
                asked.speeds(app)
            },
            failures: asked.failures(),
            spans: if query.table {
                asked.spans()
            } else {
                Vec::new()
            },
        }
    }
}

impl UsageListing<'_> {
    /// What a row is called.
    fn name(&self, app: &AppState, name: &SplitName) -> String {
        let t = &texts().usage;
        let SplitName::Named(name) = name else {
            return t.not_told_apart.to_owned();
        };
        match (self.query.split, name.as_str()) {
            (By::Key, hash) => self.names.key(app, hash),
            (By::Model, "") => t.no_model.to_owned(),
            (By::User, "") => t.no_user.to_owned(),
            (By::Team, "") => t.no_team.to_owned(),
            (By::Customer, "") => t.no_customer.to_owned(),
            (By::Team, id) => self.names.team(id),
            (By::Client, word) => names::client(word),
            (_, name) => name.to_owned(),
        }
    }

    fn filters(&self, app: &AppState) -> Vec<(String, String)> {
        let filters = self.query.set().map(|(name, value)| {
            let shown = match name {
                "key" if value.len() == 64 => self.names.key(app, value),
                "team" => self.names.team(value),
                "client" => names::client(value),
                _ => value.clone(),
            };
            let title = By::named(name).map_or(name, title_of);
            (
                format!("{title}: {shown}"),
                self.query.without(name).address(self.period),
            )
        });
        filters.collect()
    }

    /// The same numbers as files, as far as they are counted with the filters.
    fn files(&self) -> Vec<Choice> {
        let is_filtered = self.query.set().next().is_some();
        let kinds = By::ALL
            .into_iter()
            .filter(|by| match (self.query.tag.is_empty(), by) {
                (true, By::Tag) => !is_filtered,
                (true, _) => true,
                (false, by) => *by == By::Tag,
            });
        let file = |by: By| {
            let mut query = url::form_urlencoded::Serializer::new(format!(
                "by={}&{}",
                by.as_str(),
                self.period.query()
            ));
            query.extend_pairs(self.query.set());
            Choice {
                address: format!("/ui/usage.csv?{}", query.finish()),
                name: title_of(by),
                is_current: by == self.query.split,
            }
        };
        kinds.map(file).collect()
    }
}

/// What a page or a table that is split so is called.
fn title_of(by: By) -> &'static str {
    let t = &texts().usage;
    match by {
        By::Day => t.day,
        By::Model => t.model,
        By::Key => t.key,
        By::User => t.user,
        By::Team => t.team,
        By::Client => t.client,
        By::Customer => t.customer,
        By::Tag => t.tag,
    }
}

fn cards(total: &Counters, before: Option<&Counters>) -> Vec<Card> {
    let t = &texts().usage;
    let none = || t.none.to_owned();
    let card = |name, value, detail, of: fn(&Counters) -> Option<Decimal>| Card {
        name,
        value,
        detail,
        change: before.and_then(|before| change(of(before)?, of(total)?)),
    };
    let failed = match total.failures {
        0 => t.none_failed.to_owned(),
        failures if total.refusals() > 0 => filled(
            t.refused_of_failed,
            [&count(failures), &count(total.refusals())],
        ),
        failures => filled(t.failed, [&count(failures)]),
    };
    let rate = percent(total.cache_read, prompt(total));
    let first = |percent| {
        total
            .first_token
            .percentile(percent)
            .map_or_else(none, milliseconds)
    };
    vec![
        card(t.spend, dollars(total.spend), String::new(), |c| {
            Some(c.spend)
        }),
        card(t.requests, count(total.requests), failed, |c| {
            Some(c.requests.into())
        }),
        card(
            t.average,
            average(total).map_or_else(none, dollars),
            String::new(),
            average,
        ),
        card(
            t.tokens_in,
            tokens(prompt(total)),
            filled(t.uncached, [&tokens(total.input)]),
            |c| Some(prompt(c).into()),
        ),
        card(t.tokens_out, tokens(total.output), String::new(), |c| {
            Some(c.output.into())
        }),
        card(
            t.hit_rate,
            rate.unwrap_or_else(none),
            filled(t.read, [&tokens(total.cache_read)]),
            hit_rate,
        ),
        card(
            t.saved,
            dollars(total.cache_saving),
            filled(t.written, [&tokens(total.cache_write())]),
            |c| Some(c.cache_saving),
        ),
        card(
            t.first_token,
            first(50),
            format!("{} {}", t.for_95, first(95)),
            |c| c.first_token.percentile(50).map(Decimal::from),
        ),
    ]
}

/// The share of prompt tokens that came from the cache, in percent.
fn hit_rate(counters: &Counters) -> Option<Decimal> {
    let share = Decimal::from(counters.cache_read).checked_div(prompt(counters).into())?;
    Some(share * Decimal::ONE_HUNDRED)
}
