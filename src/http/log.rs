//! One line for each request; never what was asked or answered.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, Uri};
use percent_encoding::percent_decode;
use tokio::time::Instant;

use crate::spend::{Record, Retried, Status};

use super::reply_headers;

/// A reply whose line is written by its own task, with more to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct HasOwnLine;

/// What the line of a request says of it.
pub(super) struct RequestLine {
    started: Instant,
    method: Method,
    uri: Uri,
}

impl RequestLine {
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

/// What every key begins with.
const KEY_MARK: &str = "sk-";
/// How often a part of a path may be percent-encoded over and over to be shown in a log.
const ENCODED_OVER: usize = 3;

/// The path as it may stand in a log: `/key/{key}/regenerate` names a key, and a client may spell it as it likes.
fn without_keys(path: &str) -> String {
    let shown = |segment| match may_hold_a_key(segment) {
        true => "sk-...",
        false => segment,
    };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

/// Whether a part of a path has a key in it, once its percent signs are read; or is encoded so often that nothing is
/// known of it.
fn may_hold_a_key(segment: &str) -> bool {
    let mut text = segment.as_bytes().to_vec();
    for _ in 0..=ENCODED_OVER {
        let lower = text.to_ascii_lowercase();
        if lower
            .windows(KEY_MARK.len())
            .any(|part| part == KEY_MARK.as_bytes())
        {
            return true;
        }
        let decoded: Vec<u8> = percent_decode(&text).collect();
        if decoded == text {
            return false;
        }
        text = decoded;
    }
    true
}

/// Logs a request that went along a chain.
pub(super) fn log_chat(record: &Record, first_piece: Option<Duration>, total: Duration) {
    let usage = record.usage();
    let final_attempt = record.final_attempt();
    let Retried { retries, fallbacks } = record.retried();
    tracing::info!(
        target: "request",
        id = %record.request_id,
        call_type = record.call_type,
        trace_id = record.trace_id,
        key = record.caller.key_alias,
        model = record.model_asked,
        used = final_attempt.map(|attempt| attempt.group.as_str()),
        model_id = final_attempt.map(|attempt| attempt.model.as_str()),
        pattern = final_attempt.and_then(|attempt| attempt.pattern.as_deref()),
        retries,
        fallbacks,
        status = record.error.as_ref().map_or(200, |error| error.status),
        ok = record.status == Status::Success,
        first_ms = first_piece.map(millis),
        ms = millis(total),
        tokens_in = usage.prompt(),
        tokens_out = usage.output,
        tokens_cached = usage.cache_read,
        tokens_written = usage.cache_write(),
        cost = record.cost().map_or_else(|| "unknown".to_owned(), |cost| cost.total.to_string()),
        trail = reply_headers::trail(&record.attempts),
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
    fn no_key_in_a_path_reaches_the_log_however_it_is_spelled() {
        for (path, logged) in [
            ("/key/sk-secret/regenerate", "/key/sk-.../regenerate"),
            ("/key/%73k-secret/regenerate", "/key/sk-.../regenerate"),
            ("/key/%73%6B%2Dsecret", "/key/sk-..."),
            ("/key/%2573k-secret", "/key/sk-..."),
            ("/key/%25252573k-secret", "/key/sk-..."),
            ("/key/SK-SECRET", "/key/sk-..."),
            ("/key/%20sk-secret", "/key/sk-..."),
            ("/key%2Fsk-secret%2Fregenerate", "/sk-..."),
            ("/key/a,sk-secret;b", "/key/sk-..."),
            (
                "/v1/models/bedrock%2Fmodel:0",
                "/v1/models/bedrock%2Fmodel:0",
            ),
            ("/100%/%zz", "/100%/%zz"),
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/", "/"),
        ] {
            assert_eq!(without_keys(path), logged);
        }
    }
}
