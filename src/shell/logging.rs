//! Log lines: human ones for a terminal, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use super::metrics::{self, Metrics, MetricsLayer};
use crate::spend;

/// What the libraries may say under a plain level. A search for credentials that finds none is answered by the
/// request that needed them, and the embedded table's refusals by whoever asked.
const LIBRARIES: &str = "warn,aws_config=error,dynoxide=error";

/// Starts logging to standard output. `level` is a level (`info`) or a tracing filter (`bedrock_sidecar=debug,warn`).
/// Metrics are written beside the log, whatever its level.
pub fn start(level: &str, json: bool, metrics: Option<Metrics>) {
    let lines = if json {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed()
    } else {
        fmt::layer()
            .compact()
            .with_ansi(std::io::stdout().is_terminal())
            .boxed()
    };
    let metrics = metrics
        .map(|metrics| MetricsLayer::new(metrics, std::io::stdout).with_filter(metrics::targets()));
    // A second start, as in tests, keeps the first.
    registry()
        .with(lines.with_filter(filter(level)))
        .with(metrics)
        .try_init()
        .ok();
}

/// A plain level is the gateway's own; the libraries below it speak up from `warn` on. The lines from which the books
/// can be made whole pass every filter.
fn filter(level: &str) -> EnvFilter {
    let plain = ["trace", "debug", "info", "warn", "error", "off"]
        .contains(&level.to_ascii_lowercase().as_str());
    let own = if plain {
        format!("{LIBRARIES},bedrock_sidecar={level},request={level}")
    } else {
        level.to_owned()
    };
    EnvFilter::new(format!("{own},{}=info", spend::TARGET))
}
