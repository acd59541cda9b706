//! Log lines: human ones for a terminal, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

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
/// can be made whole pass every filter. What cannot be read is told and left out: a wrong filter is no reason not to
/// serve.
fn filter(level: &str) -> Targets {
    let plain = ["trace", "debug", "info", "warn", "error", "off"]
        .contains(&level.to_ascii_lowercase().as_str());
    let own = if plain {
        format!("{LIBRARIES},bedrock_sidecar={level},request={level}")
    } else {
        level.to_owned()
    };
    let readable: Vec<&str> = own
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .filter(|directive| match directive.parse::<Targets>() {
            Ok(_) => true,
            Err(error) => {
                eprintln!("bedrock-sidecar: LOG_LEVEL: {directive:?} is ignored: {error}");
                false
            }
        })
        .collect();
    let targets: Targets = readable.join(",").parse().unwrap_or_default();
    targets.with_target(spend::TARGET, tracing::Level::INFO)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_plain_level_is_the_gateway_s_own() {
        let filter = filter("debug");
        assert!(filter.would_enable("bedrock_sidecar::chain", &Level::DEBUG));
        assert!(filter.would_enable("request", &Level::DEBUG));
        assert!(!filter.would_enable("hyper", &Level::INFO));
        assert!(filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("aws_config::profile", &Level::WARN));
    }

    #[test]
    fn a_filter_says_it_for_each_target() {
        let filter = filter("bedrock_sidecar=debug, bedrock_sidecar::chain=off,WARN");
        assert!(filter.would_enable("bedrock_sidecar::keys", &Level::DEBUG));
        assert!(!filter.would_enable("bedrock_sidecar::chain", &Level::ERROR));
        assert!(filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("hyper", &Level::INFO));
    }

    #[test]
    fn what_cannot_be_read_takes_nothing_else_with_it() {
        let filter = filter("bedrock_sidecar=loud,hyper=info");
        assert!(filter.would_enable("hyper", &Level::INFO));
        assert!(!filter.would_enable("bedrock_sidecar", &Level::ERROR));
    }

    #[test]
    fn the_lines_of_the_books_pass_every_filter() {
        for level in ["off", "error", "hyper=info", "=", ""] {
            assert!(
                filter(level).would_enable(spend::TARGET, &Level::INFO),
                "{level}"
            );
        }
    }
}
