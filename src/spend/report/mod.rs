//! Totals in LiteLLM's shapes: what its spend API and its usage page show, from the counters alone.
//!
//! Money keeps the decimal's own digits: write these with `serde_json`'s text functions.

mod activity;
mod by_name;
mod only;
mod prometheus;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use super::money::Dollars;
use super::totals::{Counters, DayTotal, TotalOf};
pub use activity::{Activity, activity};
pub use by_name::{NamedDay, by_name, with_aliases};
pub use only::{Only, ReportRow, Split, rows};
pub use prometheus::{BudgetGauge, prometheus};

/// A row of `GET /spend/logs` with dates: one day.
#[derive(Debug, Default, Serialize)]
pub struct DaySpend {
    #[serde(rename = "startTime")]
    day: Date,
    spend: Dollars,
    /// By the key's owner at that time.
    users: BTreeMap<String, Dollars>,
    models: BTreeMap<String, Dollars>,
    /// By the SHA-256 of the key.
    api_keys: BTreeMap<String, Dollars>,
}

/// A row of `GET /spend/keys`.
#[derive(Debug, Serialize)]
pub struct KeySpend {
    /// The SHA-256 of the key.
    token: String,
    /// What its records call it; `null`: it was deleted long ago.
    key_alias: Option<String>,
    spend: Dollars,
    requests: u64,
    total_tokens: u64,
}

/// A row of `GET /spend/tags`.
#[derive(Debug, Serialize)]
pub struct TagSpend {
    individual_request_tag: String,
    log_count: u64,
    total_spend: Dollars,
}

/// A row of `GET /global/spend/report?group_by=api_key`.
#[derive(Debug, Serialize)]
pub struct KeyReport {
    api_key: String,
    /// As in [`KeySpend`].
    key_alias: Option<String>,
    #[serde(flatten)]
    total: ReportCost,
    model_details: Vec<ModelReport>,
}

#[derive(Debug, Serialize)]
struct ModelReport {
    model: String,
    #[serde(flatten)]
    total: ReportCost,
}

#[derive(Debug, Serialize)]
struct ReportCost {
    total_cost: Dollars,
    total_input_tokens: u64,
    total_output_tokens: u64,
}

/// What people call keys, by their hashes.
pub type KeyLabels = HashMap<String, String>;

/// The keys that a report is about, by their hashes.
pub fn keys<'a>(totals: &'a [DayTotal], only: &'a Only) -> BTreeSet<&'a str> {
    rows(totals, only).map(|row| row.key_hash).collect()
}

/// Everything together.
pub fn total(totals: &[DayTotal], only: &Only) -> Counters {
    let mut sum = Counters::default();
    rows(totals, only).for_each(|row| sum += row.counters);
    sum
}

/// Day by day, the oldest first.
pub fn by_day(totals: &[DayTotal], only: &Only) -> Vec<DaySpend> {
    let mut days = BTreeMap::<Date, DaySpend>::new();
    for ReportRow {
        day,
        model,
        key_hash,
        by,
        counters,
    } in rows(totals, only)
    {
        let row = days.entry(day).or_insert_with(|| DaySpend {
            day,
            ..DaySpend::default()
        });
        row.spend.0 += counters.spend;
        row.models.entry(model.to_owned()).or_default().0 += counters.spend;
        row.api_keys.entry(key_hash.to_owned()).or_default().0 += counters.spend;
        if let Some(by) = by.filter(|by| !by.user.is_empty()) {
            row.users.entry(by.user.clone()).or_default().0 += counters.spend;
        }
    }
    days.into_values().collect()
}

impl KeySpend {
    /// The SHA-256 of the key.
    pub fn key_hash(&self) -> &str {
        &self.token
    }

    /// With the key's name.
    #[must_use]
    pub fn named(self, labels: &KeyLabels) -> KeySpend {
        KeySpend {
            key_alias: labels.get(&self.token).cloned(),
            ..self
        }
    }
}

/// Key by key, the largest spender first; so many of them at most, and without their names.
pub fn by_key(totals: &[DayTotal], most: usize) -> Vec<KeySpend> {
    let mut keys = BTreeMap::<&str, Counters>::new();
    let all = Only::default();
    for row in rows(totals, &all) {
        *keys.entry(row.key_hash).or_default() += row.counters;
    }
    let mut rows: Vec<KeySpend> = keys
        .into_iter()
        .map(|(key_hash, counters)| KeySpend {
            token: key_hash.to_owned(),
            key_alias: None,
            spend: Dollars(counters.spend),
            requests: counters.requests,
            total_tokens: counters.total_tokens(),
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.spend.0));
    rows.truncate(most);
    rows
}

/// Tag by tag, the largest first. A request with several tags is in several rows.
pub fn by_tag(totals: &[DayTotal]) -> Vec<TagSpend> {
    let mut tags = BTreeMap::<&str, Counters>::new();
    for total in totals {
        if let TotalOf::Tag(tag) = &total.of {
            *tags.entry(tag).or_default() += total.counters;
        }
    }
    let mut rows: Vec<TagSpend> = tags
        .into_iter()
        .map(|(tag, counters)| TagSpend {
            individual_request_tag: tag.to_owned(),
            log_count: counters.requests,
            total_spend: Dollars(counters.spend),
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.total_spend.0));
    rows
}

/// Key by key, and each key's models.
pub fn keys_and_models(totals: &[DayTotal], only: &Only, labels: &KeyLabels) -> Vec<KeyReport> {
    let mut keys = BTreeMap::<&str, BTreeMap<&str, Counters>>::new();
    for row in rows(totals, only) {
        let models = keys.entry(row.key_hash).or_default();
        *models.entry(row.model).or_default() += row.counters;
    }
    let report = |(api_key, models): (&str, BTreeMap<&str, Counters>)| {
        let mut total = Counters::default();
        models.values().for_each(|counters| total += *counters);
        let models = models.into_iter().map(|(model, counters)| ModelReport {
            model: model.to_owned(),
            total: ReportCost::from(counters),
        });
        KeyReport {
            api_key: api_key.to_owned(),
            key_alias: labels.get(api_key).cloned(),
            total: ReportCost::from(total),
            model_details: models.collect(),
        }
    };
    let mut reports: Vec<KeyReport> = keys.into_iter().map(report).collect();
    reports.sort_by_key(|report| Reverse(report.total.total_cost.0));
    reports
}

impl From<Counters> for ReportCost {
    fn from(counters: Counters) -> ReportCost {
        ReportCost {
            total_cost: Dollars(counters.spend),
            total_input_tokens: counters.prompt_tokens(),
            total_output_tokens: counters.output,
        }
    }
}
