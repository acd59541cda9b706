//! `GET /metrics`: today's counters in Prometheus's text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>), by LiteLLM's names where they mean the same.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use rust_decimal::Decimal;

use super::super::histogram::Histogram;
use super::super::totals::{CountedBy, Counters, DayTotal, TotalOf};
use super::KeyLabels;

/// A budget, for the gauges of what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetGauge {
    /// The names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// What kind of owner it has: `api_key`, `team` or `user`.
    pub of: &'static str,
    /// US dollars in its window.
    pub max: Decimal,
    /// US dollars that are left of it.
    pub remaining: Decimal,
}

/// A counter: its name, what it is, and how much of it a row has.
type CounterRow = (&'static str, &'static str, fn(&Counters) -> Decimal);

/// Counters begin anew with each UTC day, as those of a process that starts do.
const COUNTERS: [CounterRow; 8] = [
    (
        "litellm_proxy_total_requests_metric_total",
        "Requests of today (UTC), failed ones included.",
        |row| row.requests.into(),
    ),
    (
        "litellm_proxy_failed_requests_metric_total",
        "Of them, those that failed or were refused.",
        |row| row.failures.into(),
    ),
    (
        "litellm_spend_metric_total",
        "US dollars of today (UTC).",
        |row| row.spend,
    ),
    (
        "litellm_total_tokens_metric_total",
        "Tokens of prompts and answers.",
        |row| row.total_tokens().into(),
    ),
    (
        "litellm_input_tokens_metric_total",
        "Tokens of prompts, cached ones included.",
        |row| row.prompt_tokens().into(),
    ),
    (
        "litellm_output_tokens_metric_total",
        "Tokens of answers.",
        |row| row.output.into(),
    ),
    (
        "litellm_input_cached_tokens_metric_total",
        "Tokens of prompts that were read from the cache.",
        |row| row.cache_read.into(),
    ),
    (
        "litellm_input_cache_creation_tokens_metric_total",
        "Tokens of prompts that were written to the cache.",
        |row| row.cache_write().into(),
    ),
];

/// A histogram: its name, what it is, and where a row has it.
type HistogramRow = (
    &'static str,
    &'static str,
    fn(&Counters) -> (Histogram, Option<u64>),
);

const HISTOGRAMS: [HistogramRow; 2] = [
    (
        "litellm_llm_api_time_to_first_token_metric",
        "Seconds until the first piece of whole answers of today (UTC).",
        |row| (row.first_token, None),
    ),
    (
        "litellm_request_total_latency_metric",
        "Seconds until the end of whole answers of today (UTC).",
        |row| (row.duration, Some(row.duration_ms)),
    ),
];

/// Everything in one text.
pub fn prometheus(totals: &[DayTotal], labels: &KeyLabels, budgets: &[BudgetGauge]) -> String {
    let mut text = String::new();
    let rows = rows(totals, labels);
    for (name, help, amount) in COUNTERS {
        head(&mut text, name, "counter", help);
        for (labels, counters) in &rows {
            sample(&mut text, name, labels, amount(counters).normalize());
        }
    }
    let models = by_model(totals);
    for (name, help, of) in HISTOGRAMS {
        head(&mut text, name, "histogram", help);
        for (model, counters) in &models {
            let (histogram, sum) = of(counters);
            buckets(&mut text, name, model, &histogram, sum);
        }
    }
    for of in ["api_key", "team", "user"] {
        let all = budgets.iter().filter(|budget| budget.of == of);
        let max = format!("litellm_{of}_max_budget_metric");
        head(&mut text, &max, "gauge", "US dollars in a budget's window.");
        for budget in all.clone() {
            sample(&mut text, &max, &budget.labels, budget.max.normalize());
        }
        let left = format!("litellm_remaining_{of}_budget_metric");
        head(&mut text, &left, "gauge", "US dollars that are left in it.");
        for budget in all {
            sample(
                &mut text,
                &left,
                &budget.labels,
                budget.remaining.normalize(),
            );
        }
    }
    text
}

type MetricLabels = Vec<(&'static str, String)>;

/// The rows of single models and keys, with their labels; those that only tags tell apart are the same requests again.
fn rows(totals: &[DayTotal], labels: &KeyLabels) -> Vec<(MetricLabels, Counters)> {
    let mut rows = BTreeMap::<MetricLabels, Counters>::new();
    for total in totals {
        let TotalOf::Model {
            model,
            key_hash,
            by,
        } = &total.of
        else {
            continue;
        };
        let by = by.clone().unwrap_or_else(CountedBy::default);
        let alias = labels.get(key_hash).cloned().unwrap_or_default();
        let labels = vec![
            ("model", model.clone()),
            ("hashed_api_key", key_hash.clone()),
            ("api_key_alias", alias),
            ("team", by.team),
            ("user", by.user),
            ("end_user", by.customer),
            ("client", by.client),
        ];
        *rows.entry(labels).or_default() += total.counters;
    }
    rows.into_iter().collect()
}

/// Times are told apart by the model alone: the others do not change how long it takes.
fn by_model(totals: &[DayTotal]) -> BTreeMap<&str, Counters> {
    let mut models = BTreeMap::<&str, Counters>::new();
    for total in totals {
        if let TotalOf::Model { model, .. } = &total.of {
            *models.entry(model).or_default() += total.counters;
        }
    }
    models
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    push(
        text,
        format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
    );
}

fn sample(text: &mut String, name: &str, labels: &[(&str, String)], value: impl Display) {
    push(text, format_args!("{name}{{"));
    for (place, (label, value)) in labels.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        push(text, format_args!("{comma}{label}=\"{}\"", Escaped(value)));
    }
    push(text, format_args!("}} {value}\n"));
}

/// Each bucket counts those before it too. Without a sum of its own, as of the first pieces, there is none.
fn buckets(text: &mut String, name: &str, model: &str, histogram: &Histogram, ms: Option<u64>) {
    let mut below = 0_u64;
    let bucket_name = format!("{name}_bucket");
    let labels = |bound: String| [("model", model.to_owned()), ("le", bound)];
    for (bound, requests) in histogram.buckets() {
        below = below.saturating_add(u64::from(requests));
        let bound = match bound {
            Some(ms) => seconds(u64::from(ms)).to_string(),
            None => "+Inf".to_owned(),
        };
        sample(text, &bucket_name, &labels(bound), below);
    }
    let model = [("model", model.to_owned())];
    if let Some(ms) = ms {
        sample(text, &format!("{name}_sum"), &model, seconds(ms));
    }
    sample(text, &format!("{name}_count"), &model, below);
}

fn seconds(ms: u64) -> Decimal {
    (Decimal::from(ms) / Decimal::ONE_THOUSAND).normalize()
}

/// A label's value: what a client has named, in one line and within its quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Writing to a text never fails.
fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    text.write_fmt(arguments).unwrap_or_default();
}
