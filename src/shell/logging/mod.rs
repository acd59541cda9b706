//! Log lines: human ones for a terminal, JSON for machines.
//!
//! Both are written here and not by the library, for two promises: an event is one line whatever stands in its fields,
//! and a line has one member of a name.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

use self::line::LogLine;
use super::metrics::{self, MetricsLayer, MetricsOptions};
use crate::{panics, spend};

mod json;
mod line;
#[cfg(test)]
mod tests;
mod text;

pub(super) use json::text as json_text;

/// What the libraries may say under a plain level. A search for credentials that finds none is answered by the
/// request that needed them, and the embedded table's refusals by the call that met them.
const LIBRARIES: &str = "warn,aws_config=error,dynoxide=error";

/// Starts logging to standard output. `level` is a level (`info`) or a tracing filter (`bedrock_sidecar=debug,warn`).
/// Metrics are written beside the log, whatever its level.
pub fn start(level: &str, json: bool, metrics: Option<MetricsOptions>) {
    let format = if json {
        LineFormat::Json
    } else {
        LineFormat::Text
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(!json && std::io::stdout().is_terminal())
        .event_format(format);
    let metrics = metrics
        .map(|metrics| MetricsLayer::new(metrics, std::io::stdout).with_filter(metrics::targets()));
    let log = registry()
        .with(lines.with_filter(filter(level)))
        .with(metrics);
    // A second start, as in tests, keeps the first.
    if log.try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// A panic may quote what it stumbled over. It is a line like any other, and not the several that the standard library
/// would write beside the log.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    // Where RUST_BACKTRACE asks for one.
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    let panic = panics::payload(panic.payload());
    tracing::error!(at, panic, backtrace, "a panic");
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineFormat {
    Text,
    Json,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (line, colours) = (LogLine::of(event), to.has_ansi_escapes());
        match self {
            Self::Text => text::write(&mut to, &line, colours),
            Self::Json => json::write(&mut to, &line),
        }
    }
}

/// A plain level is the gateway's own; the libraries below it speak up from `warn` on. The lines from which the
/// ledger can be completed pass every filter. What cannot be read is told and left out: a wrong filter is no reason not
/// to serve.
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
    targets.with_target(spend::LOG_TARGET, tracing::Level::INFO)
}
