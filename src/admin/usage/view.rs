//! The usage of a period as the page shows it.

use std::collections::HashMap;

use askama::Template;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::budget_bar::BudgetBar;
use super::super::chart::{Chart, Column, ColumnPart};
use super::super::keys;
use super::super::layout::{Layout, NavPage};
use super::super::numbers::{count, dollars, percent, round_dollars, tokens};
use super::super::period::{Name, Period};
use super::super::session::Session;
use super::super::texts::texts;
use super::aggregate::{Aggregate, average, prompt, written};
use super::csv::By;
use crate::app::AppState;
use crate::keys::{BudgetStanding, VirtualKey};
use crate::spend::Counters;

#[derive(Template)]
#[template(path = "usage.html", config = "src/admin/askama.toml")]
pub(super) struct UsagePage {
    layout: Layout,
    periods: Vec<PeriodChoice>,
    first: String,
    last: String,
    files: Vec<CsvFile>,
    is_empty: bool,
    unpriced: Option<String>,
    cards: Vec<Card>,
    /// As they stand now, whatever the period.
    budgets: Vec<Budget>,
    charts: Vec<Chart>,
    tables: Vec<UsageTable>,
}

/// A key's budget.
pub(super) struct Budget {
    name: String,
    address: String,
    meter: BudgetBar,
}

impl Budget {
    pub(super) fn new(key: &VirtualKey, standing: &BudgetStanding) -> Self {
        Self {
            name: key.label().to_owned(),
            address: keys::address(key),
            meter: BudgetBar::from(standing),
        }
    }
}

struct PeriodChoice {
    query: String,
    name: &'static str,
    is_current: bool,
}

/// The totals as a file.
struct CsvFile {
    address: String,
    name: &'static str,
}

impl CsvFile {
    fn new(by: By, period: &Period) -> Self {
        let t = &texts().usage;
        Self {
            address: format!("/ui/usage.csv?by={}&{}", by.as_str(), period.query()),
            name: match by {
                By::Day => t.by_day,
                By::Model => t.by_model,
                By::Key => t.by_key,
                By::Tag => t.by_tag,
            },
        }
    }
}

struct Card {
    name: &'static str,
    value: String,
    detail: String,
}

struct UsageTable {
    title: &'static str,
    head: &'static str,
    rows: Vec<UsageRow>,
}

struct UsageRow {
    name: String,
    /// In the columns' order.
    cells: Vec<String>,
}

impl UsagePage {
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        period: &Period,
        totals: &Aggregate,
        labels: &HashMap<String, String>,
        budgets: Vec<Budget>,
    ) -> Self {
        let t = &texts().usage;
        let names = [t.today, t.week, t.days30, t.month];
        let periods = Name::ALL.into_iter().zip(names);
        let key = |hash: &str| {
            if hash.is_empty() {
                t.no_key.to_owned()
            } else if app.master_key.has_hash(hash) {
                t.master_key.to_owned()
            } else if let Some(label) = labels.get(hash) {
                label.clone()
            } else {
                let short: String = hash.chars().take(12).collect();
                format!("{short}…")
            }
        };
        let model = |model: &str| match model {
            "" => t.no_model.to_owned(),
            model => model.to_owned(),
        };
        let days = totals.days.iter().rev();
        let days = days.map(|(day, counters)| UsageRow::new(day.to_string(), counters));
        Self {
            layout: Layout::of(NavPage::Usage, session),
            periods: periods
                .map(|(name, text)| PeriodChoice {
                    query: format!("period={}", name.as_str()),
                    name: text,
                    is_current: name == period.name,
                })
                .collect(),
            first: period.first.to_string(),
            last: period.last.to_string(),
            files: By::ALL.map(|by| CsvFile::new(by, period)).into(),
            is_empty: totals.whole.requests == 0 && totals.models.is_empty(),
            unpriced: (totals.whole.unpriced > 0).then(|| count(totals.whole.unpriced)),
            cards: cards(&totals.whole),
            budgets,
            charts: charts(&totals.days),
            tables: vec![
                UsageTable {
                    title: t.by_model,
                    head: t.model,
                    rows: rows(&totals.models, model),
                },
                UsageTable {
                    title: t.by_key,
                    head: t.key,
                    rows: rows(&totals.keys, key),
                },
                UsageTable {
                    title: t.by_tag,
                    head: t.tag,
                    rows: rows(&totals.tags, str::to_owned),
                },
                UsageTable {
                    title: t.by_day,
                    head: t.day,
                    rows: days.collect(),
                },
            ],
        }
    }
}

fn cards(whole: &Counters) -> Vec<Card> {
    let t = &texts().usage;
    let none = || t.none.to_owned();
    let card = |name, value, detail| Card {
        name,
        value,
        detail,
    };
    let failed = match whole.failures {
        0 => t.none_failed.to_owned(),
        failures => format!("{} {}", count(failures), t.failed),
    };
    let rate = percent(whole.cache_read, prompt(whole));
    vec![
        card(t.spend, dollars(whole.spend), String::new()),
        card(t.requests, count(whole.requests), failed),
        card(
            t.average,
            average(whole).map_or_else(none, dollars),
            String::new(),
        ),
        card(
            t.tokens_in,
            tokens(prompt(whole)),
            format!("{} {}", tokens(whole.input), t.uncached),
        ),
        card(t.tokens_out, tokens(whole.output), String::new()),
        card(
            t.hit_rate,
            rate.unwrap_or_else(none),
            format!("{} {}", tokens(whole.cache_read), t.read),
        ),
        card(
            t.saved,
            dollars(whole.cache_saving),
            format!("{} {}", tokens(written(whole)), t.written),
        ),
    ]
}

fn charts(days: &[(Date, Counters)]) -> Vec<Chart> {
    let t = &texts().usage;
    let column = |day: &Date, parts: Vec<ColumnPart>| Column {
        label: day.strftime("%m-%d").to_string(),
        parts,
    };
    let spend: Vec<Column> = days
        .iter()
        .map(|(day, counters)| {
            let title = format!("{day}: {}", dollars(counters.spend));
            let part = ColumnPart {
                value: counters.spend,
                tone: "bar",
                title,
            };
            column(day, vec![part])
        })
        .collect();
    let requests: Vec<Column> = days
        .iter()
        .map(|(day, counters)| {
            let well = counters.requests.saturating_sub(counters.failures);
            let part = |n: u64, tone, what| ColumnPart {
                value: Decimal::from(n),
                tone,
                title: format!("{day}: {} {what}", count(n)),
            };
            let parts = vec![
                part(well, "bar", t.answered),
                part(counters.failures, "bar bad", t.failed),
            ];
            column(day, parts)
        })
        .collect();
    vec![
        Chart::new(t.spend_by_day, &spend, Decimal::new(1, 6), round_dollars),
        Chart::new(t.requests_by_day, &requests, Decimal::ONE, |n| {
            n.normalize().to_string()
        }),
    ]
}

fn rows(named: &[(String, Counters)], name: impl Fn(&str) -> String) -> Vec<UsageRow> {
    let named = named.iter();
    named
        .map(|(of, counters)| UsageRow::new(name(of), counters))
        .collect()
}

impl UsageRow {
    fn new(name: String, counters: &Counters) -> Self {
        Self {
            name,
            cells: vec![
                dollars(counters.spend),
                count(counters.requests),
                count(counters.failures),
                tokens(counters.input),
                tokens(counters.cache_read),
                tokens(written(counters)),
                tokens(counters.output),
                dollars(counters.cache_saving),
            ],
        }
    }
}
