//! Totals in LiteLLM's shapes: what its spend API and its usage page show, from the counters alone.
//!
//! Money keeps the decimal's own digits: write these with `serde_json`'s text functions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use super::money::Dollars;
use super::totals::{Counters, DayTotal, TotalOf};

/// A row of `GET /spend/logs` with dates: one day.
#[derive(Debug, Default, Serialize)]
pub struct DaySpend {
    #[serde(rename = "startTime")]
    day: Date,
    spend: Dollars,
    /// LiteLLM sums by the key's owner, which no counter here knows.
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
    total: Cost,
    model_details: Vec<ModelReport>,
}

#[derive(Debug, Serialize)]
struct ModelReport {
    model: String,
    #[serde(flatten)]
    total: Cost,
}

#[derive(Debug, Serialize)]
struct Cost {
    total_cost: Dollars,
    total_input_tokens: u64,
    total_output_tokens: u64,
}

/// `GET /user/daily/activity`.
#[derive(Debug, Serialize)]
pub struct Activity {
    results: Vec<ActiveDay>,
    metadata: ActivityTotal,
}

#[derive(Debug, Serialize)]
struct ActiveDay {
    date: Date,
    metrics: Metrics,
    breakdown: Breakdown,
}

/// What LiteLLM breaks down by. The gateway has one provider and no MCP servers; teams, entities and endpoints have no
/// counters.
#[derive(Debug, Serialize)]
struct Breakdown {
    models: BTreeMap<String, Part>,
    api_keys: BTreeMap<String, Part>,
    providers: BTreeMap<&'static str, Part>,
    tags: BTreeMap<String, Part>,
    model_groups: BTreeMap<String, Part>,
    mcp_servers: BTreeMap<String, Part>,
    endpoints: BTreeMap<String, Part>,
    entities: BTreeMap<String, Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    metrics: Metrics,
    /// Of a key, its `key_alias`, as in [`KeySpend`].
    metadata: BTreeMap<&'static str, Option<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    api_key_breakdown: BTreeMap<String, Part>,
}

#[derive(Debug, Serialize)]
struct Metrics {
    spend: Dollars,
    prompt_tokens: u64,
    completion_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    total_tokens: u64,
    successful_requests: u64,
    failed_requests: u64,
    api_requests: u64,
    /// US dollars saved by prompt caching.
    cache_saving: Dollars,
    /// Requests whose price is unknown, and so missing in `spend`.
    unpriced_requests: u64,
}

#[derive(Debug, Serialize)]
struct ActivityTotal {
    total_spend: Dollars,
    total_prompt_tokens: u64,
    total_completion_tokens: u64,
    total_tokens: u64,
    total_api_requests: u64,
    total_successful_requests: u64,
    total_failed_requests: u64,
    total_cache_read_input_tokens: u64,
    total_cache_creation_input_tokens: u64,
    total_cache_saving: Dollars,
    page: u64,
    total_pages: u64,
    has_more: bool,
}

/// Which counters a report is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// One key, by its SHA-256.
    pub key_hash: Option<String>,
    /// One model, by its Bedrock id.
    pub model: Option<String>,
}

impl Only {
    fn admits(&self, model: &str, key_hash: &str) -> bool {
        self.key_hash.as_deref().is_none_or(|only| only == key_hash)
            && self.model.as_deref().is_none_or(|only| only == model)
    }
}

/// The rows of single models and keys: each request is in them once.
fn rows<'a>(
    totals: &'a [DayTotal],
    only: &'a Only,
) -> impl Iterator<Item = (Date, &'a str, &'a str, Counters)> {
    totals.iter().filter_map(|total| match &total.of {
        TotalOf::Model { model, key_hash } if only.admits(model, key_hash) => {
            Some((total.day, model.as_str(), key_hash.as_str(), total.counters))
        }
        _ => None,
    })
}

/// What people call keys, by their hashes.
pub type KeyLabels = HashMap<String, String>;

/// The keys that a report is about, by their hashes.
pub fn keys<'a>(totals: &'a [DayTotal], only: &'a Only) -> BTreeSet<&'a str> {
    rows(totals, only)
        .map(|(_, _, key_hash, _)| key_hash)
        .collect()
}

/// Everything together.
pub fn whole(totals: &[DayTotal], only: &Only) -> Counters {
    let mut sum = Counters::default();
    rows(totals, only).for_each(|(.., counters)| sum += counters);
    sum
}

/// Day by day, the oldest first.
pub fn by_day(totals: &[DayTotal], only: &Only) -> Vec<DaySpend> {
    let mut days = BTreeMap::<Date, DaySpend>::new();
    for (day, model, key_hash, counters) in rows(totals, only) {
        let row = days.entry(day).or_insert_with(|| DaySpend {
            day,
            ..DaySpend::default()
        });
        row.spend.0 += counters.spend;
        row.models.entry(model.to_owned()).or_default().0 += counters.spend;
        row.api_keys.entry(key_hash.to_owned()).or_default().0 += counters.spend;
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
    for (_, _, key_hash, counters) in rows(totals, &all) {
        *keys.entry(key_hash).or_default() += counters;
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
    for (_, model, key_hash, counters) in rows(totals, only) {
        let models = keys.entry(key_hash).or_default();
        *models.entry(model).or_default() += counters;
    }
    let report = |(api_key, models): (&str, BTreeMap<&str, Counters>)| {
        let mut whole = Counters::default();
        models.values().for_each(|counters| whole += *counters);
        let models = models.into_iter().map(|(model, counters)| ModelReport {
            model: model.to_owned(),
            total: Cost::from(counters),
        });
        KeyReport {
            api_key: api_key.to_owned(),
            key_alias: labels.get(api_key).cloned(),
            total: Cost::from(whole),
            model_details: models.collect(),
        }
    };
    let mut reports: Vec<KeyReport> = keys.into_iter().map(report).collect();
    reports.sort_by_key(|report| Reverse(report.total.total_cost.0));
    reports
}

/// Day by day, the newest first, each broken down. All days are on the first page.
pub fn activity(totals: &[DayTotal], only: &Only, labels: &KeyLabels, page: u64) -> Activity {
    let mut days = BTreeMap::<Date, Vec<DayTotal>>::new();
    for total in totals.iter().filter(|_| page <= 1) {
        days.entry(total.day).or_default().push(total.clone());
    }
    let results = days.into_iter().rev().filter_map(|(date, totals)| {
        let metrics = whole(&totals, only);
        (metrics != Counters::default()).then(|| ActiveDay {
            date,
            metrics: Metrics::from(metrics),
            breakdown: Breakdown::new(&totals, only, labels),
        })
    });
    let sum = whole(totals, only);
    Activity {
        results: results.collect(),
        metadata: ActivityTotal {
            total_spend: Dollars(sum.spend),
            total_prompt_tokens: sum.prompt_tokens(),
            total_completion_tokens: sum.output,
            total_tokens: sum.total_tokens(),
            total_api_requests: sum.requests,
            total_successful_requests: sum.requests.saturating_sub(sum.failures),
            total_failed_requests: sum.failures,
            total_cache_read_input_tokens: sum.cache_read,
            total_cache_creation_input_tokens: sum.cache_write(),
            total_cache_saving: Dollars(sum.cache_saving),
            page,
            total_pages: 1,
            has_more: false,
        },
    }
}

impl Breakdown {
    fn new(totals: &[DayTotal], only: &Only, labels: &KeyLabels) -> Breakdown {
        let mut models = BTreeMap::<String, BTreeMap<String, Counters>>::new();
        let mut keys = BTreeMap::<String, Counters>::new();
        let mut tags = BTreeMap::<String, Counters>::new();
        for (_, model, key_hash, counters) in rows(totals, only) {
            let of_model = models.entry(model.to_owned()).or_default();
            *of_model.entry(key_hash.to_owned()).or_default() += counters;
            *keys.entry(key_hash.to_owned()).or_default() += counters;
        }
        // Which key or model a tag's requests used is not counted.
        if *only == Only::default() {
            for total in totals {
                if let TotalOf::Tag(tag) = &total.of {
                    *tags.entry(tag.clone()).or_default() += total.counters;
                }
            }
        }
        let provider = Part::from(whole(totals, only));
        let models = models.into_iter().map(|(model, keys)| {
            let mut sum = Counters::default();
            keys.values().for_each(|counters| sum += *counters);
            let part = Part {
                api_key_breakdown: parts_of_keys(keys, labels),
                ..Part::from(sum)
            };
            (model, part)
        });
        Breakdown {
            models: models.collect(),
            api_keys: parts_of_keys(keys, labels),
            providers: BTreeMap::from([("bedrock", provider)]),
            tags: parts(tags),
            model_groups: BTreeMap::new(),
            mcp_servers: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            entities: BTreeMap::new(),
        }
    }
}

fn parts(of: BTreeMap<String, Counters>) -> BTreeMap<String, Part> {
    let part = |(name, counters)| (name, Part::from(counters));
    of.into_iter().map(part).collect()
}

fn parts_of_keys(of: BTreeMap<String, Counters>, labels: &KeyLabels) -> BTreeMap<String, Part> {
    let part = |(key_hash, counters)| {
        let alias = labels.get(&key_hash).cloned();
        let part = Part {
            metadata: BTreeMap::from([("key_alias", alias)]),
            ..Part::from(counters)
        };
        (key_hash, part)
    };
    of.into_iter().map(part).collect()
}

impl From<Counters> for Part {
    fn from(counters: Counters) -> Part {
        Part {
            metrics: Metrics::from(counters),
            metadata: BTreeMap::new(),
            api_key_breakdown: BTreeMap::new(),
        }
    }
}

impl From<Counters> for Cost {
    fn from(counters: Counters) -> Cost {
        Cost {
            total_cost: Dollars(counters.spend),
            total_input_tokens: counters.prompt_tokens(),
            total_output_tokens: counters.output,
        }
    }
}

impl From<Counters> for Metrics {
    fn from(counters: Counters) -> Metrics {
        Metrics {
            spend: Dollars(counters.spend),
            prompt_tokens: counters.prompt_tokens(),
            completion_tokens: counters.output,
            cache_read_input_tokens: counters.cache_read,
            cache_creation_input_tokens: counters.cache_write(),
            total_tokens: counters.total_tokens(),
            successful_requests: counters.requests.saturating_sub(counters.failures),
            failed_requests: counters.failures,
            api_requests: counters.requests,
            cache_saving: Dollars(counters.cache_saving),
            unpriced_requests: counters.unpriced,
        }
    }
}
