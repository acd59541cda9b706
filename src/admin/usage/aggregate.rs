//! The totals of a period, added up by day, by model, by key and by tag.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::period::Period;
use crate::spend::{Counters, DayTotal, TotalOf};

/// The totals of a period.
#[derive(Debug, Default)]
pub(super) struct Aggregate {
    pub(super) whole: Counters,
    /// Every day of the period, those without a request too.
    pub(super) days: Vec<(Date, Counters)>,
    /// By Bedrock model, the dearest first; nothing for requests that no configured model matched.
    pub(super) models: Vec<(String, Counters)>,
    /// By the key's hash, the dearest first.
    pub(super) keys: Vec<(String, Counters)>,
    /// By tag, the dearest first. A request with several tags counts under each of them.
    pub(super) tags: Vec<(String, Counters)>,
}

impl Aggregate {
    pub(super) fn new(period: &Period, totals: &[DayTotal]) -> Self {
        let mut whole = Counters::default();
        let days = period.days().map(|day| (day, Counters::default()));
        let mut days: BTreeMap<Date, Counters> = days.collect();
        let (mut models, mut keys, mut tags) = <(Named, Named, Named)>::default();
        for DayTotal { day, of, counters } in totals {
            match of {
                TotalOf::Model { model, key_hash } => {
                    whole += *counters;
                    *days.entry(*day).or_default() += *counters;
                    *models.entry(model.clone()).or_default() += *counters;
                    *keys.entry(key_hash.clone()).or_default() += *counters;
                }
                TotalOf::Tag(tag) => *tags.entry(tag.clone()).or_default() += *counters,
            }
        }
        Self {
            whole,
            days: days.into_iter().collect(),
            models: dearest_first(models),
            keys: dearest_first(keys),
            tags: dearest_first(tags),
        }
    }
}

type Named = BTreeMap<String, Counters>;

fn dearest_first(named: Named) -> Vec<(String, Counters)> {
    let mut rows: Vec<(String, Counters)> = named.into_iter().collect();
    rows.sort_by_key(|(_, counters)| Reverse((counters.spend, counters.requests)));
    rows
}

/// All prompt tokens, cached or not.
pub(super) fn prompt(counters: &Counters) -> u64 {
    let parts = [
        counters.input,
        counters.cache_read,
        counters.cache_write_5m,
        counters.cache_write_1h,
    ];
    parts.into_iter().fold(0, u64::saturating_add)
}

/// Prompt tokens written to a cache of either life.
pub(super) fn written(counters: &Counters) -> u64 {
    counters
        .cache_write_5m
        .saturating_add(counters.cache_write_1h)
}

/// What a request cost on average.
pub(super) fn average(counters: &Counters) -> Option<Decimal> {
    counters.spend.checked_div(Decimal::from(counters.requests))
}

#[cfg(test)]
mod tests {
    use super::super::super::period::PeriodQuery;
    use super::*;

    #[test]
    fn every_request_counts_once_and_tags_beside_it() {
        let today: Date = "2026-03-03".parse().unwrap();
        let period = Period::of(&PeriodQuery::default(), today).unwrap();
        let total = |day: &str, of: TotalOf, requests: u64, cents: i64| DayTotal {
            day: day.parse().unwrap(),
            of,
            counters: Counters {
                requests,
                spend: Decimal::new(cents, 2),
                input: 10,
                cache_read: 30,
                ..Counters::default()
            },
        };
        let model = |model: &str, key: &str| TotalOf::Model {
            model: model.to_owned(),
            key_hash: key.to_owned(),
        };
        let totals = Aggregate::new(
            &period,
            &[
                total("2026-03-01", model("cheap", "a"), 3, 10),
                total("2026-03-01", model("dear", "a"), 1, 90),
                total("2026-03-03", model("cheap", "b"), 1, 5),
                total("2026-03-03", TotalOf::Tag("team".to_owned()), 1, 5),
            ],
        );
        assert_eq!(
            (totals.whole.requests, totals.whole.spend),
            (5, Decimal::new(105, 2))
        );
        assert_eq!(totals.days.len(), 30);
        assert_eq!(totals.days[27].1.requests, 4);
        let names = |rows: &[(String, Counters)]| -> Vec<String> {
            rows.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&totals.models), ["dear", "cheap"]);
        assert_eq!(names(&totals.keys), ["a", "b"]);
        assert_eq!(names(&totals.tags), ["team"]);
        assert_eq!(average(&totals.whole), Some(Decimal::new(21, 2)));
        assert_eq!(average(&Counters::default()), None);
        assert_eq!(prompt(&totals.whole), 120);
    }
}
