//! `GET /user/daily/activity`, and the same of teams and customers: what LiteLLM's usage page is drawn from.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::super::money::Dollars;
use super::super::totals::{Counters, DayTotal, TotalOf};
use super::{KeyLabels, Only, Split, rows, total};

/// What LiteLLM calls the entity of requests that have none.
const UNASSIGNED: &str = "Unassigned";
/// The entity of requests that were counted before they were told apart.
const NO_DATA: &str = "No data";

/// Days, each broken down, and their sum.
#[derive(Debug, Serialize)]
pub struct Activity {
    results: Vec<ActiveDay>,
    metadata: ActivityTotal,
}

#[derive(Debug, Serialize)]
struct ActiveDay {
    date: Date,
    metrics: ActivityMetrics,
    breakdown: Breakdown,
}

/// What LiteLLM breaks down by, and clients. The gateway has one provider and no MCP servers; endpoints have no counters.
#[derive(Debug, Serialize)]
struct Breakdown {
    models: BTreeMap<String, BreakdownPart>,
    api_keys: BTreeMap<String, BreakdownPart>,
    providers: BTreeMap<&'static str, BreakdownPart>,
    tags: BTreeMap<String, BreakdownPart>,
    model_groups: BTreeMap<String, BreakdownPart>,
    mcp_servers: BTreeMap<String, BreakdownPart>,
    endpoints: BTreeMap<String, BreakdownPart>,
    /// By user, team or customer, as the address says.
    entities: BTreeMap<String, BreakdownPart>,
    clients: BTreeMap<String, BreakdownPart>,
}

#[derive(Debug, Serialize)]
struct BreakdownPart {
    metrics: ActivityMetrics,
    /// Of a key, its `key_alias`, as in [`super::KeySpend`].
    metadata: BTreeMap<&'static str, Option<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    api_key_breakdown: BTreeMap<String, BreakdownPart>,
}

#[derive(Debug, Serialize)]
struct ActivityMetrics {
    spend: Dollars,
    prompt_tokens: u64,
    completion_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    total_tokens: u64,
    successful_requests: u64,
    failed_requests: u64,
    api_requests: u64,
    /// Milliseconds that `timed_requests` took, which are those that succeeded since they are counted.
    total_response_time_ms: u64,
    timed_requests: u64,
    /// Milliseconds until the first piece of the answer, and until its end, of half of the requests that succeeded and of
    /// 95 in 100; `null`: they were not counted yet.
    first_token_p50_ms: Option<u64>,
    first_token_p95_ms: Option<u64>,
    duration_p50_ms: Option<u64>,
    duration_p95_ms: Option<u64>,
    /// Of answers, from their first piece to their end; see above.
    tokens_per_second: Option<Dollars>,
    /// The failed requests for which a model was called, by the class of their failure.
    failures: BTreeMap<&'static str, u64>,
    /// Those for which none was called, by the reason.
    refusals: BTreeMap<&'static str, u64>,
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
    total_response_time_ms: u64,
    total_timed_requests: u64,
    page: u64,
    total_pages: u64,
    has_more: bool,
}

/// Day by day, the newest first, each broken down, its entities by `split`. All days are on the first page.
pub fn activity(
    totals: &[DayTotal],
    split: Split,
    only: &Only,
    labels: &KeyLabels,
    page: u64,
) -> Activity {
    let mut days = BTreeMap::<Date, Vec<DayTotal>>::new();
    for total in totals.iter().filter(|_| page <= 1) {
        days.entry(total.day).or_default().push(total.clone());
    }
    let results = days.into_iter().rev().filter_map(|(date, totals)| {
        let metrics = total(&totals, only);
        (metrics != Counters::default()).then(|| ActiveDay {
            date,
            metrics: ActivityMetrics::from(metrics),
            breakdown: Breakdown::new(&totals, split, only, labels),
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
            total_response_time_ms: sum.duration_ms,
            total_timed_requests: sum.duration.requests(),
            page,
            total_pages: 1,
            has_more: false,
        },
    }
}

/// Counters by name, and within each by key.
type CountersByKey = BTreeMap<String, BTreeMap<String, Counters>>;

impl Breakdown {
    fn new(totals: &[DayTotal], split: Split, only: &Only, labels: &KeyLabels) -> Breakdown {
        let (mut models, mut entities, mut clients) =
            <(CountersByKey, CountersByKey, CountersByKey)>::default();
        let mut keys = BTreeMap::<String, Counters>::new();
        let mut tags = BTreeMap::<String, Counters>::new();
        for row in rows(totals, only) {
            let name = |split| match row.name(split) {
                None => NO_DATA,
                Some("") => UNASSIGNED,
                Some(name) => name,
            };
            for (parts, name) in [
                (&mut models, row.model),
                (&mut entities, name(split)),
                (&mut clients, name(Split::Client)),
            ] {
                let keys = parts.entry(name.to_owned()).or_default();
                *keys.entry(row.key_hash.to_owned()).or_default() += row.counters;
            }
            *keys.entry(row.key_hash.to_owned()).or_default() += row.counters;
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
        Breakdown {
            models: parts_with_keys(models, labels),
            api_keys: parts_of_keys(keys, labels),
            providers: BTreeMap::from([("bedrock", provider)]),
            tags: parts(tags),
            model_groups: BTreeMap::new(),
            mcp_servers: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            entities: parts_with_keys(entities, labels),
            clients: parts_with_keys(clients, labels),
        }
    }
}

fn parts(of: BTreeMap<String, Counters>) -> BTreeMap<String, BreakdownPart> {
    let part = |(name, counters)| (name, BreakdownPart::from(counters));
    of.into_iter().map(part).collect()
}

fn parts_with_keys(of: CountersByKey, labels: &KeyLabels) -> BTreeMap<String, BreakdownPart> {
    let part = |(name, keys): (String, BTreeMap<String, Counters>)| {
        let mut sum = Counters::default();
        keys.values().for_each(|counters| sum += *counters);
        let part = BreakdownPart {
            api_key_breakdown: parts_of_keys(keys, labels),
            ..BreakdownPart::from(sum)
        };
        (name, part)
    };
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
            metrics: ActivityMetrics::from(counters),
            metadata: BTreeMap::new(),
            api_key_breakdown: BTreeMap::new(),
        }
    }
}

impl From<Counters> for ActivityMetrics {
    fn from(counters: Counters) -> ActivityMetrics {
        let (first_token, duration) = (&counters.first_token, &counters.duration);
        ActivityMetrics {
            total_response_time_ms: counters.duration_ms,
            timed_requests: duration.requests(),
            first_token_p50_ms: first_token.percentile(50),
            first_token_p95_ms: first_token.percentile(95),
            duration_p50_ms: duration.percentile(50),
            duration_p95_ms: duration.percentile(95),
            tokens_per_second: counters.tokens_per_second().map(Dollars),
            failures: causes(&counters, false),
            refusals: causes(&counters, true),
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

/// The causes of failures, or the reasons of refusals. Failures that were counted before their causes were have none.
fn causes(counters: &Counters, refusals: bool) -> BTreeMap<&'static str, u64> {
    let causes = counters.causes.counted();
    let causes = causes.filter(|(cause, _)| cause.is_refusal() == refusals);
    let mut causes: BTreeMap<_, _> = causes
        .map(|(cause, requests)| (cause.as_str(), u64::from(requests)))
        .collect();
    let unknown = counters.failures.saturating_sub(counters.causes.requests());
    if unknown > 0 && !refusals {
        causes.insert("not_told_apart", unknown);
    }
    causes
}
