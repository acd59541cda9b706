//! The totals of a period, split by what was asked for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::period::PagePeriod;
use super::By;
use crate::spend::report::{Only, ReportRow, Split, rows};
use crate::spend::{Counters, DayTotal, TotalOf};

/// A column of a chart is a day, and more days where these would be more than a month has: a week, or four.
const MOST_COLUMNS: usize = 31;
const COLUMN_DAYS: [usize; 3] = [1, 7, 28];

/// The totals of a period.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) total: Counters,
    /// Every day of the period, those without a request too; of a long period, every week.
    pub(super) spans: Vec<SpanTotals>,
    /// The dearest first.
    pub(super) rows: Vec<SplitRow>,
}

/// The totals of a few days.
#[derive(Debug, Clone)]
pub(super) struct SpanTotals {
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) counters: Counters,
}

/// What one name has of the totals.
#[derive(Debug, Clone)]
pub(super) struct SplitRow {
    pub(super) name: SplitName,
    pub(super) counters: Counters,
    /// Spent in each of the spans, US dollars.
    pub(super) spans: Vec<Decimal>,
}

/// Whose a row is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SplitName {
    /// A name, which may be empty: nobody is named.
    Named(String),
    /// These requests were counted before they were told apart.
    NotToldApart,
}

impl SplitName {
    /// What it is in an address; `None`: nothing.
    pub(super) fn value(&self) -> Option<&str> {
        match self {
            SplitName::Named(name) => Some(name.as_str()).filter(|name| !name.is_empty()),
            SplitName::NotToldApart => None,
        }
    }
}

impl Totals {
    /// Those that `only` admits. By tag, only what has one is in a row: which of them a request had more is not counted.
    pub(super) fn new(period: &PagePeriod, totals: &[DayTotal], split: By, only: &Only) -> Self {
        let mut spans = spans(period);
        let mut total = Counters::default();
        let mut names = BTreeMap::<SplitName, (Counters, Vec<Decimal>)>::new();
        let count = spans.len();
        let place_of = |spans: &[SpanTotals], day: Date| {
            spans
                .iter()
                .position(|span| day >= span.first && day <= span.last)
        };
        let mut add = |name: SplitName, place: Option<usize>, counters: Counters| {
            let (sum, by_span) = (names.entry(name))
                .or_insert_with(|| (Counters::default(), vec![Decimal::ZERO; count]));
            *sum += counters;
            if let Some(spend) = place.and_then(|place| by_span.get_mut(place)) {
                *spend += counters.spend;
            }
        };
        for row in rows(totals, only) {
            total += row.counters;
            let place = place_of(&spans, row.day);
            if let Some(span) = place.and_then(|place| spans.get_mut(place)) {
                span.counters += row.counters;
            }
            if let Some(name) = name_of(&row, split) {
                add(name, place, row.counters);
            }
        }
        if split == By::Tag {
            for DayTotal { day, of, counters } in totals {
                if let TotalOf::Tag(tag) = of {
                    add(
                        SplitName::Named(tag.clone()),
                        place_of(&spans, *day),
                        *counters,
                    );
                }
            }
        }
        let mut rows: Vec<SplitRow> = names
            .into_iter()
            .map(|(name, (counters, spans))| SplitRow {
                name,
                counters,
                spans,
            })
            .collect();
        rows.sort_by_key(|row| Reverse((row.counters.spend, row.counters.requests)));
        Self { total, spans, rows }
    }

    /// The same of one tag.
    pub(super) fn of_tag(period: &PagePeriod, totals: &[DayTotal], tag: &str) -> Self {
        let mut spans = spans(period);
        let mut total = Counters::default();
        for DayTotal { day, of, counters } in totals {
            if *of == TotalOf::Tag(tag.to_owned()) {
                total += *counters;
                let span = spans
                    .iter_mut()
                    .find(|span| *day >= span.first && *day <= span.last);
                if let Some(span) = span {
                    span.counters += *counters;
                }
            }
        }
        Self {
            total,
            spans,
            rows: Vec::new(),
        }
    }
}

/// `None`: the row is split by something that it does not know.
fn name_of(row: &ReportRow<'_>, split: By) -> Option<SplitName> {
    let of = |split| match row.name(split) {
        Some(name) => SplitName::Named(name.to_owned()),
        None => SplitName::NotToldApart,
    };
    Some(match split {
        By::Day | By::Tag => return None,
        By::Model => SplitName::Named(row.model.to_owned()),
        By::Key => SplitName::Named(row.key_hash.to_owned()),
        By::User => of(Split::User),
        By::Team => of(Split::Team),
        By::Client => of(Split::Client),
        By::Customer => of(Split::Customer),
    })
}

fn spans(period: &PagePeriod) -> Vec<SpanTotals> {
    let days: Vec<Date> = period.days().collect();
    let [.., longest] = COLUMN_DAYS;
    let mut lengths = COLUMN_DAYS.into_iter();
    let length = lengths.find(|length| days.len() <= MOST_COLUMNS * length);
    let spans = days.chunks(length.unwrap_or(longest)).filter_map(|days| {
        Some(SpanTotals {
            first: *days.first()?,
            last: *days.last()?,
            counters: Counters::default(),
        })
    });
    spans.collect()
}

/// All prompt tokens, cached or not.
pub(super) fn prompt(counters: &Counters) -> u64 {
    counters.prompt_tokens()
}

/// What a request cost on average.
pub(super) fn average(counters: &Counters) -> Option<Decimal> {
    counters.spend.checked_div(Decimal::from(counters.requests))
}

#[cfg(test)]
mod tests {
    use super::super::super::period::PeriodQuery;
    use super::*;
    use crate::spend::CountedBy;

    fn period(query: &str) -> PagePeriod {
        let today: Date = "2026-03-03".parse().unwrap();
        PagePeriod::of(&PeriodQuery::read(query), today).unwrap()
    }

    fn total(day: &str, of: TotalOf, requests: u64, cents: i64) -> DayTotal {
        DayTotal {
            day: day.parse().unwrap(),
            of,
            counters: Counters {
                requests,
                spend: Decimal::new(cents, 2),
                input: 10,
                cache_read: 30,
                ..Counters::default()
            },
        }
    }

    fn of(model: &str, key: &str, team: Option<&str>) -> TotalOf {
        TotalOf::Model {
            model: model.to_owned(),
            key_hash: key.to_owned(),
            by: team.map(|team| CountedBy {
                team: team.to_owned(),
                ..CountedBy::default()
            }),
        }
    }

    fn totals() -> Vec<DayTotal> {
        vec![
            total("2026-03-01", of("cheap", "a", Some("red")), 3, 10),
            total("2026-03-01", of("dear", "a", Some("")), 1, 90),
            total("2026-03-03", of("cheap", "b", None), 1, 5),
            total("2026-03-03", TotalOf::Tag("job".to_owned()), 1, 5),
        ]
    }

    #[test]
    fn every_request_counts_once_and_tags_beside_it() {
        let named = |name: &str| SplitName::Named(name.to_owned());
        for (split, expected) in [
            (By::Model, vec![named("dear"), named("cheap")]),
            (By::Key, vec![named("a"), named("b")]),
            (
                By::Team,
                vec![named(""), named("red"), SplitName::NotToldApart],
            ),
            (By::Tag, vec![named("job")]),
        ] {
            let found = Totals::new(&period("period=30"), &totals(), split, &Only::default());
            assert_eq!(
                (found.total.requests, found.total.spend),
                (5, Decimal::new(105, 2))
            );
            assert_eq!(found.spans.len(), 30);
            assert_eq!(found.spans[27].counters.requests, 4);
            let names: Vec<SplitName> = found.rows.iter().map(|row| row.name.clone()).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn only_what_is_asked_for_counts() {
        let only = Only {
            key_hash: Some("a".to_owned()),
            ..Only::default()
        };
        let found = Totals::new(&period("period=30"), &totals(), By::Model, &only);
        assert_eq!(found.total.requests, 4);
        assert_eq!(found.rows[1].spans[27], Decimal::new(10, 2));
        let tag = Totals::of_tag(&period("period=7"), &totals(), "job");
        assert_eq!((tag.total.requests, tag.spans[6].counters.requests), (1, 1));
        assert_eq!(average(&tag.total), Some(Decimal::new(5, 2)));
        assert_eq!(average(&Counters::default()), None);
    }

    #[test]
    fn a_long_period_is_shown_by_the_week() {
        let found = Totals::new(
            &period("from=2025-12-01&to=2026-03-03"),
            &totals(),
            By::Model,
            &Only::default(),
        );
        assert_eq!(found.spans.len(), 14);
        let requests = found.spans.iter().map(|span| span.counters.requests);
        assert_eq!(requests.sum::<u64>(), 5);
        assert_eq!(found.spans[13].last, "2026-03-03".parse().unwrap());
        for (days, columns) in [
            ("from=2026-01-01&to=2026-01-31", 31),
            ("from=2026-01-01&to=2026-02-01", 5),
            ("from=2025-03-04&to=2026-03-03", 14),
        ] {
            assert_eq!(spans(&period(days)).len(), columns, "{days}");
        }
    }
}
