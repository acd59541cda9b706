//! One line for each request; never what was asked or answered.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, Uri};
use tokio::time::Instant;

use crate::spend::{Record, Retried, Status};

use super::trail;

/// A reply whose line is written by its own task, with more to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct HasOwnLine;

/// What the line of a request says of it.
pub(super) struct Line {
    started: Instant,
    method: Method,
    uri: Uri,
}

impl Line {
    pub(super) fn begin(request: &Request) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
        }
    }

    /// Logs the request, if it has no line of its own.
    pub(super) fn end(self, response: &Response) {
        if response.extensions().get::<HasOwnLine>().is_none() {
            let path = without_keys(self.uri.path());
            let (status, ms) = (response.status().as_u16(), millis(self.started.elapsed()));
            tracing::info!(target: "request", method = %self.method, path, status, ms, "request");
        }
    }
}

/// The path as it may stand in a log: `/key/{key}/regenerate` names a key.
fn without_keys(path: &str) -> String {
    let plain = |segment: &str| match segment.starts_with("sk-") {
        true => "sk-...".to_owned(),
        false => segment.to_owned(),
    };
    path.split('/').map(plain).collect::<Vec<_>>().join("/")
}

/// Logs a request that went along a chain.
pub(super) fn answered(record: &Record, first_piece: Option<Duration>, whole: Duration) {
    let usage = record.usage();
    let decisive = record.decisive();
    let Retried { retries, fallbacks } = record.retried();
    tracing::info!(
        target: "request",
        id = %record.request_id,
        call_type = record.call_type,
        trace_id = record.trace_id,
        key = record.caller.key_alias,
        model = record.model_asked,
        used = decisive.map(|attempt| attempt.group.as_str()),
        model_id = decisive.map(|attempt| attempt.model.as_str()),
        pattern = decisive.and_then(|attempt| attempt.pattern.as_deref()),
        retries,
        fallbacks,
        status = record.error.as_ref().map_or(200, |error| error.status),
        ok = record.status == Status::Success,
        first_ms = first_piece.map(millis),
        ms = millis(whole),
        tokens_in = usage.prompt(),
        tokens_out = usage.output,
        tokens_cached = usage.cache_read,
        tokens_written = usage.cache_write(),
        cost = record.cost().map_or_else(|| "unknown".to_owned(), |cost| cost.total.to_string()),
        trail = trail::line(&record.attempts),
        "chat"
    );
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_in_a_path_reaches_the_log() {
        for (path, logged) in [
            ("/key/sk-secret/regenerate", "/key/sk-.../regenerate"),
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/", "/"),
        ] {
            assert_eq!(without_keys(path), logged);
        }
    }
}
