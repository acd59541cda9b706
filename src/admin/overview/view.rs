//! The overview as the page shows it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::budgets::BudgetView;
use super::super::chart::sparkline;
use super::super::layout::{Layout, NavPage};
use super::super::links;
use super::super::logs::LogRow;
use super::super::models::{HealthView, retirements};
use super::super::names::Names;
use super::super::numbers::{count, dollars, milliseconds, percent};
use super::super::period::PagePeriod;
use super::super::session::Session;
use super::super::texts::{filled, texts};
use crate::app::AppState;
use crate::chain::HealthStatus;
use crate::spend::report::{Only, ReportRow, rows, total};
use crate::spend::{Counters, DayTotal, Record};

/// Names of a list of the dearest.
const MOST_DEAREST: usize = 5;

#[derive(Template)]
#[template(path = "overview.html", config = "src/admin/askama.toml")]
pub(super) struct OverviewPage {
    layout: Layout,
    cards: Vec<OverviewCard>,
    /// Deployments that rest or fail.
    unwell: Vec<Unwell>,
    budgets: Vec<BudgetView>,
    failures: Vec<LogRow>,
    /// Models whose end is near, or over: name, words, and its place on the Models page.
    retirements: Vec<(String, String, String)>,
    /// Today's dearest models and keys: name, spend, requests behind it.
    models: Vec<(String, String, String)>,
    keys: Vec<(String, String, String)>,
}

struct OverviewCard {
    name: &'static str,
    value: String,
    detail: String,
    address: &'static str,
    /// The last 30 days, as a path.
    spark: Option<String>,
}

struct Unwell {
    name: String,
    region: String,
    health: HealthView,
}

/// What the page is made of.
pub(super) struct Seen {
    pub(super) period: PagePeriod,
    /// Today's.
    pub(super) totals: Vec<DayTotal>,
    /// The sums of the days before, of the period and of this month.
    pub(super) days_before: BTreeMap<Date, Counters>,
    pub(super) failures: Vec<Record>,
    pub(super) names: Names,
    pub(super) budgets: Vec<BudgetView>,
}

impl OverviewPage {
    pub(super) fn new(app: &AppState, session: &Session, seen: Seen) -> Self {
        let today = seen.period.last;
        let u = &texts().usage;
        let dearest_models = dearest(&seen.totals, |row| row.model.to_owned());
        let dearest_keys = dearest(&seen.totals, |row| row.key_hash.to_owned());
        let behind = |filter: &str, value: &str| {
            links::to("/ui/logs", &[("period", "today"), (filter, value)])
        };
        Self {
            layout: Layout::of(NavPage::Overview, session),
            cards: cards(&seen),
            unwell: unwell(app, today),
            budgets: seen.budgets,
            failures: (seen.failures.iter())
                .map(|record| LogRow::new(record, Decimal::ZERO, "period=7"))
                .collect(),
            retirements: retirements(app, today),
            models: (dearest_models.into_iter())
                .map(|(model, spend)| match model.as_str() {
                    "" => (
                        u.no_model.to_owned(),
                        dollars(spend),
                        behind("status", "failure"),
                    ),
                    _ => (model.clone(), dollars(spend), behind("model", &model)),
                })
                .collect(),
            keys: (dearest_keys.into_iter())
                .map(|(hash, spend)| {
                    (
                        seen.names.key(app, &hash),
                        dollars(spend),
                        behind("key", &hash),
                    )
                })
                .collect(),
        }
    }
}

fn dearest(totals: &[DayTotal], name: impl Fn(&ReportRow<'_>) -> String) -> Vec<(String, Decimal)> {
    let all = Only::default();
    let mut names = BTreeMap::<String, Decimal>::new();
    for row in rows(totals, &all) {
        *names.entry(name(&row)).or_default() += row.counters.spend;
    }
    let mut dearest: Vec<(String, Decimal)> = names.into_iter().collect();
    dearest.retain(|(_, spend)| !spend.is_zero());
    dearest.sort_by_key(|(_, spend)| Reverse(*spend));
    dearest.truncate(MOST_DEAREST);
    dearest
}

/// What the month will have cost if its other days are as those that are over: the days before today tell, on its first
/// day today does.
fn forecast(month: Decimal, today_spend: Decimal, today: Date) -> Option<Decimal> {
    let over = Decimal::from(today.day() - 1);
    let left = Decimal::from(today.days_in_month() - today.day());
    let a_day = (month - today_spend)
        .checked_div(over)
        .unwrap_or(today_spend);
    // Today is not over either.
    let today_whole = a_day.max(today_spend);
    a_day
        .checked_mul(left)
        .map(|rest| month - today_spend + today_whole + rest)
}

fn cards(seen: &Seen) -> Vec<OverviewCard> {
    let (t, u) = (&texts().overview, &texts().usage);
    let today = seen.period.last;
    let now = total(&seen.totals, &Only::default());
    let mut sums = seen.days_before.clone();
    sums.insert(today, now);
    let month: Decimal = (sums.range(today.first_of_month()..))
        .map(|(_, counters)| counters.spend)
        .sum();
    let days: Vec<Counters> = (seen.period.days())
        .map(|day| sums.get(&day).copied().unwrap_or_default())
        .collect();
    let spark = |value: fn(&Counters) -> Decimal| {
        let values: Vec<Decimal> = days.iter().map(value).collect();
        Some(sparkline(&values))
    };
    let none = || u.none.to_owned();
    let time = |percent| {
        now.first_token
            .percentile(percent)
            .map_or_else(none, milliseconds)
    };
    let refusals = now.refusals();
    let failed = now.failures.saturating_sub(refusals);
    let card = |name, value, detail, address, spark| OverviewCard {
        name,
        value,
        detail,
        address,
        spark,
    };
    let expected = forecast(month, now.spend, today);
    vec![
        card(
            t.spend_today,
            dollars(now.spend),
            String::new(),
            "/ui/usage?period=today",
            spark(|counters| counters.spend),
        ),
        card(
            t.spend_month,
            dollars(month),
            expected.map_or_else(String::new, |spend| filled(t.forecast, [&dollars(spend)])),
            "/ui/usage?period=month",
            None,
        ),
        card(
            t.requests_today,
            count(now.requests),
            filled(u.refusal, [&count(refusals)]),
            "/ui/logs?period=today",
            spark(|counters| counters.requests.into()),
        ),
        card(
            t.error_rate,
            percent(failed, now.requests).unwrap_or_else(none),
            filled(t.errors, [&count(failed), &count(refusals)]),
            "/ui/logs?period=today&status=failure",
            spark(|counters| counters.failures.saturating_sub(counters.refusals()).into()),
        ),
        card(
            t.first_token,
            time(50),
            format!("{} {}", u.for_95, time(95)),
            "/ui/usage?period=today",
            spark(|counters| {
                counters
                    .first_token
                    .percentile(50)
                    .unwrap_or_default()
                    .into()
            }),
        ),
        card(
            u.hit_rate,
            percent(now.cache_read, now.prompt_tokens()).unwrap_or_else(none),
            filled(t.saved, [&dollars(now.cache_saving)]),
            "/ui/usage?period=today",
            spark(|counters| {
                let share =
                    Decimal::from(counters.cache_read).checked_div(counters.prompt_tokens().into());
                share.unwrap_or_default()
            }),
        ),
    ]
}

/// Deployments that rest or fail.
fn unwell(app: &AppState, today: Date) -> Vec<Unwell> {
    let targets = app.routes.configured_targets();
    let unwell = targets.filter(|target| {
        let status = app.routes.health(target).status();
        let is_well = matches!(status, HealthStatus::Healthy | HealthStatus::Unknown);
        !is_well && !target.deployment().is_retired(today)
    });
    unwell
        .map(|target| Unwell {
            name: target.group().to_owned(),
            region: target.deployment().region.clone(),
            health: HealthView::new(app, target, today),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_expected_to_go_on_as_it_began() {
        for (month, today_spend, today, expected) in [
            // Ten days at a dollar, and today is just beginning: 30 in all.
            ("10", "0", "2026-11-11", "30"),
            ("10.5", "0.5", "2026-11-11", "30"),
            // A dear day counts as it is.
            ("15", "5", "2026-11-11", "34"),
            // The first day is all that is known.
            ("2", "2", "2026-11-01", "60"),
            ("30", "1", "2026-11-30", "30"),
        ] {
            let found = forecast(
                month.parse().unwrap(),
                today_spend.parse().unwrap(),
                today.parse().unwrap(),
            );
            assert_eq!(found, Some(expected.parse().unwrap()), "{month} {today}");
        }
    }
}
