//! CloudWatch metrics, made from the request's own log line and written to the same output in the embedded metric
//! format: Lambda's log becomes metrics without a call, an agent or a permission.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;

use super::logging::json_text;
use crate::spend;

const NAMESPACE: &str = "bedrock-sidecar";
/// The target of the line that every request leaves.
const REQUEST: &str = "request";

/// What metrics are kept apart by: CloudWatch bills each combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricScope {
    /// The stage alone.
    Stage,
    /// The stage, and the stage with the model group that answered.
    Model,
}

/// Which metrics a process writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsOptions {
    /// The dimension `Stage`.
    pub stage: String,
    /// The other dimensions.
    pub scope: MetricScope,
}

/// Writes a line of metrics for every request and every record that the table did not take.
pub(super) struct MetricsLayer<W> {
    metrics: MetricsOptions,
    writer: W,
}

/// What the metrics are made from, whatever the log's own level lets through.
pub(super) fn targets() -> Targets {
    Targets::new()
        .with_target(REQUEST, LevelFilter::INFO)
        .with_target(spend::LOG_TARGET, LevelFilter::ERROR)
}

impl<W> MetricsLayer<W> {
    pub(super) fn new(metrics: MetricsOptions, writer: W) -> Self {
        Self { metrics, writer }
    }

    fn line(&self, at: Timestamp, model: Option<&str>, values: &[Metric]) -> Option<String> {
        let mut dimensions = vec![vec!["Stage"]];
        let mut fields = BTreeMap::from([("Stage", text(&self.metrics.stage))]);
        if let (MetricScope::Model, Some(model)) = (self.metrics.scope, model) {
            dimensions.push(vec!["Stage", "Model"]);
            fields.insert("Model", text(model));
        }
        let names: Vec<Value> = values
            .iter()
            .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
            .collect();
        let about = json!({
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": names}],
        });
        fields.insert("_aws", RawValue::from_string(about.to_string()).ok()?);
        for (name, _, digits) in values {
            fields.insert(name, RawValue::from_string(digits.clone()).ok()?);
        }
        serde_json::to_string(&fields).ok()
    }
}

/// Name, unit, and the value's digits: the amount of money in them is exact.
type Metric = (&'static str, &'static str, String);

impl<S, W> Layer<S> for MetricsLayer<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut seen = LogFields::default();
        event.record(&mut seen);
        let values = match event.metadata().target() {
            REQUEST => seen.request(),
            _ => seen.unrecorded(),
        };
        if values.is_empty() {
            return;
        }
        // Names that only a pattern serves are made up by clients, and CloudWatch bills each dimension.
        let model = seen.text("pattern").or(seen.text("used"));
        if let Some(line) = self.line(Timestamp::now(), model, &values) {
            // An output that is closed has lost the log as well.
            writeln!(self.writer.make_writer(), "{line}").ok();
        }
    }
}

/// The fields of a log line.
#[derive(Default)]
struct LogFields {
    numbers: BTreeMap<&'static str, u64>,
    texts: BTreeMap<&'static str, String>,
    ok: Option<bool>,
}

impl LogFields {
    fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> u64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }

    /// The metrics of a request that went along a chain; nothing of others.
    fn request(&self) -> Vec<Metric> {
        let Some(ok) = self.ok else {
            return Vec::new();
        };
        let count = |name, n: u64| (name, "Count", n.to_string());
        let (prompt, cached) = (self.number("tokens_in"), self.number("tokens_cached"));
        let mut metrics = vec![
            count("Requests", 1),
            ("Duration", "Milliseconds", self.number("ms").to_string()),
        ];
        if !ok {
            metrics.push(count(error(self.number("status")), 1));
        }
        if let Some(first) = self.numbers.get("first_ms") {
            metrics.push(("TimeToFirstToken", "Milliseconds", first.to_string()));
        }
        if let Some(share) = cached.saturating_mul(100).checked_div(prompt) {
            metrics.push(("CacheHitShare", "Percent", share.to_string()));
        }
        let counted = [
            ("Fallbacks", self.number("fallbacks")),
            ("InputTokens", prompt),
            ("OutputTokens", self.number("tokens_out")),
            ("CacheReadTokens", cached),
            ("CacheWriteTokens", self.number("tokens_written")),
        ];
        let counted = counted.into_iter().filter(|(_, n)| *n > 0);
        metrics.extend(counted.map(|(name, n)| count(name, n)));
        // "unknown" where a price is.
        if let Some(cost) = self.text("cost").filter(|cost| is_number(cost)) {
            metrics.push(("Cost", "None", cost.to_owned()));
        }
        metrics
    }

    fn unrecorded(&self) -> Vec<Metric> {
        match self.text("event") {
            Some(spend::EVENT_UNRECORDED) => vec![("UnrecordedSpend", "Count", "1".to_owned())],
            _ => Vec::new(),
        }
    }
}

impl Visit for LogFields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.numbers.insert(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.numbers.insert(field.name(), value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "ok" {
            self.ok = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.texts.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Whose failure it was.
fn error(status: u64) -> &'static str {
    match status {
        429 => "ThrottledErrors",
        500 => "GatewayErrors",
        408 | 501.. => "UpstreamErrors",
        _ => "ClientErrors",
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<rust_decimal::Decimal>().is_ok()
}

fn text(value: &str) -> Box<RawValue> {
    RawValue::from_string(json_text(value)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are written while this runs.
    fn written(scope: MetricScope, what: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let writer = {
            let kept = kept.clone();
            move || kept.clone()
        };
        let metrics = MetricsOptions {
            stage: "test".to_owned(),
            scope,
        };
        let layer = MetricsLayer::new(metrics, writer).with_filter(targets());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), what);
        let bytes = kept.0.lock().unwrap().clone();
        let lines = String::from_utf8(bytes).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn names(line: &Value) -> Vec<&str> {
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
        let names = metrics
            .unwrap()
            .iter()
            .map(|metric| metric["Name"].as_str());
        let mut names: Vec<_> = names.map(Option::unwrap).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_request_becomes_one_line_of_metrics_whose_values_stand_at_its_root() {
        let lines = written(MetricScope::Model, || {
            tracing::info!(
                target: "request", used = "sonnet", status = 200_u16, ok = true, first_ms = 120_u64, ms = 900_u64,
                tokens_in = 1000_u64, tokens_out = 7_u64, tokens_cached = 800_u64, tokens_written = 0_u64,
                fallbacks = 1_u64, cost = "0.0013068", "chat"
            );
        });
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        let about = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(about["Namespace"], "bedrock-sidecar");
        assert_eq!(about["Dimensions"], json!([["Stage"], ["Stage", "Model"]]));
        assert_eq!(
            (&line["Stage"], &line["Model"]),
            (&json!("test"), &json!("sonnet"))
        );
        for name in names(line) {
            assert!(line[name].is_number(), "{name} in {line}");
        }
        assert_eq!(line["Cost"].to_string(), "0.0013068");
        assert_eq!(line["CacheHitShare"], 80);
        assert_eq!(line["Fallbacks"], 1);
        assert!(line.get("CacheWriteTokens").is_none());
    }

    #[test]
    fn a_failure_counts_for_whoever_failed() {
        let cases = [
            (400_u16, "ClientErrors"),
            (429, "ThrottledErrors"),
            (500, "GatewayErrors"),
            (502, "UpstreamErrors"),
            (408, "UpstreamErrors"),
        ];
        for (status, expected) in cases {
            let lines = written(MetricScope::Stage, || {
                tracing::info!(target: "request", used = "sonnet", status, ok = false, ms = 3_u64, cost = "unknown", "chat");
            });
            let mut all = [expected, "Duration", "Requests"];
            all.sort_unstable();
            assert_eq!(names(&lines[0]), all);
            assert!(lines[0].get("Model").is_none());
        }
    }

    #[test]
    fn other_lines_are_no_metrics_and_an_unrecorded_spend_is_one() {
        let lines = written(MetricScope::Model, || {
            tracing::info!(target: "request", status = 200_u16, ms = 1_u64, "request");
            tracing::info!(target: spend::LOG_TARGET, event = "spend_open", "open");
            tracing::warn!("something else");
            tracing::error!(target: spend::LOG_TARGET, event = spend::EVENT_UNRECORDED, "lost");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(names(&lines[0]), ["UnrecordedSpend"]);
    }
}
