//! The charts of the page.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use super::super::super::chart::{Chart, Column, Series, TONES};
use super::super::super::names;
use super::super::super::numbers::{dollars, round_dollars, short, tokens};
use super::super::super::texts::texts;
use super::super::split::SpanTotals;
use super::{SplitRow, UsageListing, hit_rate};
use crate::app::AppState;
use crate::spend::{Counters, FailureCause};

/// Series with a colour of their own.
const MOST_SERIES: usize = 8;
/// Of so many a day says what they cost.
const MOST_SAID: usize = 3;
/// Causes of failures with a colour of their own.
const MOST_CAUSES: usize = 5;
/// Of so many a day says how often they were there.
const MOST_CAUSES_SAID: usize = 2;

impl UsageListing<'_> {
    pub(super) fn charts(&self, app: &AppState) -> Vec<Chart> {
        let t = &texts().usage;
        let count = |n: u64| Some(Decimal::from(n));
        let charts = vec![
            Some(self.spend(app)),
            Some(Chart::bars(
                t.requests_by_day,
                vec![
                    Series::new(t.answered, "s0"),
                    Series::new(t.column_failed, "bad"),
                ],
                self.columns(|counters| {
                    let well = counters.requests.saturating_sub(counters.failures);
                    let failed = counters.failures;
                    let title = format!("{}: {well}, {}: {failed}", t.answered, t.column_failed);
                    (vec![count(well), count(counters.failures)], title)
                }),
                Decimal::ONE,
                short,
            )),
            self.failures_by_cause(),
            Some(Chart::bars(
                t.tokens_by_day,
                [t.column_in, t.column_read, t.column_written, t.column_out]
                    .into_iter()
                    .zip(["s0", "s2", "s4", "s1"])
                    .map(|(name, tone)| Series::new(name, tone))
                    .collect(),
                self.columns(|counters| {
                    let kinds = [
                        (counters.input, t.column_in),
                        (counters.cache_read, t.column_read),
                        (counters.cache_write(), t.column_written),
                        (counters.output, t.column_out),
                    ];
                    let words = kinds.map(|(n, name)| format!("{name} {}", tokens(n)));
                    (kinds.map(|(n, _)| count(n)).into(), words.join(", "))
                }),
                Decimal::ONE,
                short,
            )),
            Some(Chart::lines(
                t.cache_by_day,
                vec![Series::new(t.hit_rate, "s2")],
                self.columns(|counters| {
                    let rate = hit_rate(counters);
                    let words =
                        rate.map_or_else(|| t.none.to_owned(), |rate| format!("{:.1} %", rate));
                    let title = format!("{words}, {} {}", t.saved, dollars(counters.cache_saving));
                    (vec![rate], title)
                }),
                Decimal::ONE_HUNDRED,
                Decimal::TEN,
                |value| format!("{} %", value.normalize()),
            )),
        ];
        charts.into_iter().flatten().collect()
    }

    /// Why requests failed or were refused: the most common causes in a colour of their own, the others together.
    /// `None`: none did.
    fn failures_by_cause(&self) -> Option<Chart> {
        let t = &texts().usage;
        let causes = self.causes();
        if causes.is_empty() {
            return None;
        }
        let (own, others) = causes.split_at(causes.len().min(MOST_CAUSES));
        let mut series: Vec<Series> = (own.iter().zip(TONES))
            .map(|((cause, _), tone)| Series::new(names::cause(*cause), tone))
            .collect();
        if !others.is_empty() {
            series.push(Series::new(t.others, "s8"));
        }
        let columns = self.totals.spans.iter().map(|span| {
            let of = |cause: FailureCause| u64::from(span.counters.causes.of(cause));
            let mut counts: Vec<u64> = own.iter().map(|(cause, _)| of(*cause)).collect();
            if !others.is_empty() {
                counts.push(others.iter().map(|(cause, _)| of(*cause)).sum());
            }
            let mut said: Vec<_> = series.iter().zip(&counts).collect();
            said.retain(|(_, count)| **count > 0);
            said.sort_by_key(|(_, count)| Reverse(**count));
            let said = said.iter().take(MOST_CAUSES_SAID);
            let said = said.map(|(series, count)| format!("\n{}: {count}", series.name));
            let title = format!(
                "{}: {}{}",
                short_days(span),
                counts.iter().sum::<u64>(),
                said.collect::<String>()
            );
            Column {
                values: counts.into_iter().map(|count| Some(count.into())).collect(),
                title,
                address: self.failures_of(span),
                ..self.column(span)
            }
        });
        let columns = columns.collect();
        let chart = Chart::bars(t.failures_by_day, series, columns, Decimal::ONE, short);
        Some(chart)
    }

    /// What was spent, by what the page is split by: the dearest in a colour of their own, the others together.
    fn spend(&self, app: &AppState) -> Chart {
        let t = &texts().usage;
        // What has cost nothing has no colour.
        let paid = |row: &&SplitRow| !row.counters.spend.is_zero();
        let rows: Vec<&SplitRow> = self.totals.rows.iter().filter(paid).collect();
        let most = if rows.len() > MOST_SERIES {
            MOST_SERIES - 1
        } else {
            MOST_SERIES
        };
        let (own, others) = rows.split_at(rows.len().min(most));
        let names = own.iter().map(|row| self.name(app, &row.name));
        let mut series: Vec<Series> = (names.zip(TONES))
            .map(|(name, tone)| Series::new(name, tone))
            .collect();
        if !others.is_empty() {
            series.push(Series::new(t.others, "s8"));
        }
        if series.is_empty() {
            series.push(Series::new(t.spend, "s0"));
        }
        let at = |row: &SplitRow, place: usize| row.spans.get(place).copied().unwrap_or_default();
        let columns = self.totals.spans.iter().enumerate().map(|(place, span)| {
            let mut values: Vec<Decimal> = own.iter().map(|row| at(row, place)).collect();
            if !others.is_empty() {
                values.push(others.iter().map(|row| at(row, place)).sum());
            }
            if rows.is_empty() {
                values.push(span.counters.spend);
            }
            let said = series
                .iter()
                .zip(&values)
                .filter(|(_, value)| !value.is_zero());
            let said = said.take(MOST_SAID);
            let said = said.map(|(series, value)| format!("{}: {}", series.name, dollars(*value)));
            let mut lines = vec![format!(
                "{}: {}",
                short_days(span),
                dollars(span.counters.spend)
            )];
            if series.len() > 1 {
                lines.extend(said);
            }
            Column {
                values: values.into_iter().map(Some).collect(),
                title: lines.join("\n"),
                ..self.column(span)
            }
        });
        let columns = columns.collect();
        Chart::bars(
            t.spend_by_day,
            series,
            columns,
            Decimal::new(1, 6),
            round_dollars,
        )
    }

    fn columns(&self, of: impl Fn(&Counters) -> (Vec<Option<Decimal>>, String)) -> Vec<Column> {
        let columns = self.totals.spans.iter().map(|span| {
            let (values, title) = of(&span.counters);
            Column {
                values,
                title: format!("{}: {title}", short_days(span)),
                ..self.column(span)
            }
        });
        columns.collect()
    }

    fn column(&self, span: &SpanTotals) -> Column {
        Column {
            label: span.first.strftime("%m-%d").to_string(),
            address: self.requests_of(span),
            ..Column::default()
        }
    }
}

/// The days of a span as a chart names them: of a year at most, so that their year is not needed.
fn short_days(span: &SpanTotals) -> String {
    let [first, last] = [span.first, span.last].map(|day| day.strftime("%m-%d"));
    if span.first == span.last {
        first.to_string()
    } else {
        format!("{first} – {last}")
    }
}

/// The days of a span.
pub(super) fn days(span: &SpanTotals) -> String {
    if span.first == span.last {
        span.first.to_string()
    } else {
        format!("{} – {}", span.first, span.last)
    }
}
