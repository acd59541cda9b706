//! The tables of the page. Every row leads to the requests behind it.

use super::super::super::names;
use super::super::super::numbers::{change, count, dollars, milliseconds, percent, tokens};
use super::super::super::period::{Name, PagePeriod};
use super::super::super::texts::texts;
use super::super::By;
use super::super::query::UsageQuery;
use super::super::split::{SpanTotals, SplitName, average, prompt};
use super::charts::days;
use super::{MORE_ROWS, MOST_ROWS, MOST_SPEEDS, SplitRow, UsageListing};
use crate::app::AppState;
use crate::spend::{Counters, FailureCause, Status};

/// What one name has used.
pub(super) struct UsageRow {
    pub(super) name: String,
    /// The requests; nothing where no filter finds them.
    pub(super) address: Option<String>,
    /// This page, about this name alone.
    pub(super) only: Option<String>,
    /// What is said beside the name: why requests were refused.
    pub(super) details: Vec<(String, String)>,
    pub(super) numbers: Numbers,
    /// How the spend differs from the period before.
    pub(super) change: Option<String>,
}

/// Numbers of a row, as they are written.
pub(super) struct Numbers {
    pub(super) spend: String,
    pub(super) requests: String,
    pub(super) failed: String,
    pub(super) average: String,
    pub(super) tokens_in: String,
    pub(super) hit_rate: String,
    pub(super) tokens_out: String,
    pub(super) saved: String,
}

/// How fast a name's requests were.
pub(super) struct SpeedRow {
    pub(super) name: String,
    /// Of the time to the first token and of the whole time, half of the requests and 95 of 100.
    pub(super) times: [(&'static str, String); 4],
    pub(super) pace: String,
}

/// Why requests failed.
pub(super) struct FailureRow {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) requests: String,
    /// No model was called.
    pub(super) is_refusal: bool,
}

/// A day, or a week.
pub(super) struct SpanRow {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) numbers: Numbers,
}

impl Numbers {
    fn new(counters: &Counters) -> Self {
        let none = || texts().usage.none.to_owned();
        Self {
            spend: dollars(counters.spend),
            requests: count(counters.requests),
            failed: count(counters.failures),
            average: average(counters).map_or_else(none, dollars),
            tokens_in: tokens(prompt(counters)),
            hit_rate: percent(counters.cache_read, prompt(counters)).unwrap_or_else(none),
            tokens_out: tokens(counters.output),
            saved: dollars(counters.cache_saving),
        }
    }
}

impl UsageListing<'_> {
    /// The rows of the split; what is beyond the most is one row.
    pub(super) fn rows(&self, app: &AppState) -> Vec<UsageRow> {
        let rows = &self.totals.rows;
        let before = self.query.rows_before.min(rows.len());
        let rows = rows.get(before..).unwrap_or_default();
        let most = if before > 0 { MORE_ROWS } else { MOST_ROWS };
        let (shown, others) = rows.split_at(rows.len().min(most));
        let mut shown: Vec<UsageRow> = shown.iter().map(|row| self.row(app, row)).collect();
        if !others.is_empty() {
            let mut sum = Counters::default();
            others.iter().for_each(|row| sum += row.counters);
            shown.push(UsageRow {
                name: format!("{} ({})", texts().usage.others, others.len()),
                address: None,
                only: None,
                details: vec![(
                    texts().usage.show_more.to_owned(),
                    UsageQuery {
                        rows_before: before + most,
                        ..self.query.clone()
                    }
                    .address(self.period),
                )],
                numbers: Numbers::new(&sum),
                change: None,
            });
        }
        shown
    }

    fn row(&self, app: &AppState, row: &SplitRow) -> UsageRow {
        let filter = self.query.split.as_str();
        let value = row.name.value();
        let is_empty = row.name == SplitName::Named(String::new());
        let is_refused = self.query.split == By::Model && is_empty;
        let is_nobody = matches!(self.query.split, By::User | By::Team | By::Customer) && is_empty;
        let before = self.before.as_ref().and_then(|before| {
            let same = before.rows.iter().find(|other| other.name == row.name)?;
            change(same.counters.spend, row.counters.spend)
        });
        let causes = row.counters.causes.counted().filter(|_| is_refused);
        UsageRow {
            name: self.name(app, &row.name),
            address: match value {
                Some(value) => Some(self.query.requests(self.period, &[(filter, value)])),
                None if is_nobody => Some(self.query.requests(self.period, &[("unnamed", filter)])),
                None => None,
            },
            only: value.map(|value| self.query.narrowed(filter, value).address(self.period)),
            details: causes
                .map(|(cause, requests)| {
                    let text = format!("{} {}", names::cause(cause), count(requests.into()));
                    (text, self.requests_of_cause(cause))
                })
                .collect(),
            numbers: Numbers::new(&row.counters),
            change: before,
        }
    }

    /// How fast each was, as far as that was measured.
    pub(super) fn speeds(&self, app: &AppState) -> Vec<SpeedRow> {
        let measured = self
            .totals
            .rows
            .iter()
            .filter(|row| row.counters.duration.requests() > 0);
        let t = &texts().usage;
        let none = || t.none.to_owned();
        let speeds = measured.take(MOST_SPEEDS).map(|row| {
            let (first, whole) = (&row.counters.first_token, &row.counters.duration);
            let times = [
                (t.first_50, first.percentile(50)),
                (t.first_95, first.percentile(95)),
                (t.whole_50, whole.percentile(50)),
                (t.whole_95, whole.percentile(95)),
            ];
            SpeedRow {
                name: self.name(app, &row.name),
                times: times.map(|(name, time)| (name, time.map_or_else(none, milliseconds))),
                pace: (row.counters.tokens_per_second()).map_or_else(none, |pace| pace.to_string()),
            }
        });
        speeds.collect()
    }

    /// Why requests failed, and how many did so, the most common cause first.
    pub(super) fn causes(&self) -> Vec<(FailureCause, u32)> {
        let mut causes: Vec<_> = self.totals.total.causes.counted().collect();
        causes.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
        causes
    }

    /// Why requests failed, in words.
    pub(super) fn failures(&self) -> Vec<FailureRow> {
        let rows = self
            .causes()
            .into_iter()
            .map(|(cause, requests)| FailureRow {
                name: names::cause(cause),
                address: self.requests_of_cause(cause),
                requests: count(requests.into()),
                is_refusal: cause.is_refusal(),
            });
        rows.collect()
    }

    /// Day by day, the newest first.
    pub(super) fn spans(&self) -> Vec<SpanRow> {
        let spans = self.totals.spans.iter().rev();
        let spans = spans.filter(|span| span.counters != Counters::default());
        let rows = spans.map(|span| SpanRow {
            name: days(span),
            address: self.requests_of(span),
            numbers: Numbers::new(&span.counters),
        });
        rows.collect()
    }

    fn requests_of_cause(&self, cause: FailureCause) -> String {
        self.query
            .requests(self.period, &[("failure", cause.as_str())])
    }

    /// The requests of these days.
    pub(super) fn requests_of(&self, span: &SpanTotals) -> String {
        self.query.requests(&period_of(span), &[])
    }

    /// Those of them that failed.
    pub(super) fn failures_of(&self, span: &SpanTotals) -> String {
        let failed = [("status", Status::Failure.as_str())];
        self.query.requests(&period_of(span), &failed)
    }
}

fn period_of(span: &SpanTotals) -> PagePeriod {
    PagePeriod {
        first: span.first,
        last: span.last,
        name: Name::Days,
    }
}
