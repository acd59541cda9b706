//! `GET /user/daily/activity`: what LiteLLM's usage page is drawn from.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::super::money::Dollars;
use super::super::totals::{Counters, DayTotal, TotalOf};
use super::{KeyLabels, Only, rows, total};
/// Days, each broken down, and their sum.
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
    models: BTreeMap<String, BreakdownPart>,
    api_keys: BTreeMap<String, BreakdownPart>,
    providers: BTreeMap<&'static str, BreakdownPart>,
    tags: BTreeMap<String, BreakdownPart>,
    model_groups: BTreeMap<String, BreakdownPart>,
    mcp_servers: BTreeMap<String, BreakdownPart>,
    endpoints: BTreeMap<String, BreakdownPart>,
    entities: BTreeMap<String, BreakdownPart>,
}

#[derive(Debug, Serialize)]
struct BreakdownPart {
    metrics: Metrics,
    /// Of a key, its `key_alias`, as in [`super::KeySpend`].
    metadata: BTreeMap<&'static str, Option<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    api_key_breakdown: BTreeMap<String, BreakdownPart>,
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

/// Day by day, the newest first, each broken down. All days are on the first page.
pub fn activity(totals: &[DayTotal], only: &Only, labels: &KeyLabels, page: u64) -> Activity {
    let mut days = BTreeMap::<Date, Vec<DayTotal>>::new();
    for total in totals.iter().filter(|_| page <= 1) {
        days.entry(total.day).or_default().push(total.clone());
    }
    let results = days.into_iter().rev().filter_map(|(date, totals)| {
        let metrics = total(&totals, only);
        (metrics != Counters::default()).then(|| ActiveDay {
            date,
            metrics: Metrics::from(metrics),
            breakdown: Breakdown::new(&totals, only, labels),
        })
    });
    let sum = total(totals, only);
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
        let provider = BreakdownPart::from(total(totals, only));
        let models = models.into_iter().map(|(model, keys)| {
            let mut sum = Counters::default();
            keys.values().for_each(|counters| sum += *counters);
            let part = BreakdownPart {
                api_key_breakdown: parts_of_keys(keys, labels),
                ..BreakdownPart::from(sum)
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

fn parts(of: BTreeMap<String, Counters>) -> BTreeMap<String, BreakdownPart> {
    let part = |(name, counters)| (name, BreakdownPart::from(counters));
    of.into_iter().map(part).collect()
}

fn parts_of_keys(
    of: BTreeMap<String, Counters>,
    labels: &KeyLabels,
) -> BTreeMap<String, BreakdownPart> {
    let part = |(key_hash, counters)| {
        let alias = labels.get(&key_hash).cloned();
        let part = BreakdownPart {
            metadata: BTreeMap::from([("key_alias", alias)]),
            ..BreakdownPart::from(counters)
        };
        (key_hash, part)
    };
    of.into_iter().map(part).collect()
}

impl From<Counters> for BreakdownPart {
    fn from(counters: Counters) -> BreakdownPart {
        BreakdownPart {
            metrics: Metrics::from(counters),
            metadata: BTreeMap::new(),
            api_key_breakdown: BTreeMap::new(),
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
