//! The reply's headers: who answered and what was tried before.

use http::{HeaderMap, HeaderName, HeaderValue};
use rust_decimal::Decimal;

use crate::chain::Target;
use crate::spend::{Attempt, RequestId};

/// As many headers as a reply has, or a few more.
const MOST: usize = 24;

/// Adds `x-litellm-*` and `x-sidecar-trail`. Only public names: groups, model ids, regions.
pub(super) fn add(
    headers: &mut HeaderMap,
    id: &RequestId,
    target: Option<&Target>,
    attempts: &[Attempt],
) {
    headers.reserve(MOST);
    let mut set = |name: &'static str, value: &str| {
        // A name with characters that a header cannot hold is left out: the record has it.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-litellm-call-id", &id.to_string());
    set("x-sidecar-request-id", &id.to_string());
    set(
        "x-litellm-version",
        concat!("bedrock-sidecar/", env!("CARGO_PKG_VERSION")),
    );
    if let Some(target) = target {
        set("x-litellm-model-group", target.group());
        set("x-litellm-model-id", target.deployment_id());
        set(
            "x-litellm-model-name",
            &target.deployment().configured_model,
        );
        set("x-litellm-model-region", &target.deployment().region);
    }
    let (retries, fallbacks) = counts(attempts);
    set("x-litellm-attempted-retries", &retries.to_string());
    set("x-litellm-attempted-fallbacks", &fallbacks.to_string());
    set("x-sidecar-trail", &line(attempts));
}

/// The client's own id of the request instead of the gateway's, where it sent one.
pub(super) fn add_call_id(headers: &mut HeaderMap, call_id: Option<&str>) {
    if let Some(Ok(value)) = call_id.map(HeaderValue::from_str) {
        headers.insert(HeaderName::from_static("x-litellm-call-id"), value);
    }
}

/// Adds what the reply cost in US dollars; nothing where a price is unknown.
pub(super) fn add_cost(headers: &mut HeaderMap, cost: Option<Decimal>) {
    if let Some(Ok(value)) = cost.map(|cost| HeaderValue::from_str(&cost.normalize().to_string())) {
        headers.insert(HeaderName::from_static("x-litellm-response-cost"), value);
    }
}

/// How often a target was asked again, and how many targets were left behind or passed over.
pub(super) fn counts(attempts: &[Attempt]) -> (usize, usize) {
    let targets = |made: bool| {
        let mut targets = Vec::with_capacity(attempts.len());
        let chosen = attempts
            .iter()
            .filter(|attempt| !made || attempt.was_made());
        targets.extend(chosen.map(|attempt| attempt.deployment.as_str()));
        targets.sort_unstable();
        targets.dedup();
        targets.len()
    };
    let made = attempts.iter().filter(|attempt| attempt.was_made()).count();
    (made - targets(true), targets(false).saturating_sub(1))
}

/// The attempts as one line: `sonnet:no_such_model(400) 85ms 0B, sonnet-5:ok 910ms 2204B`. Who answered, what came of
/// it, how long it took and how many bytes of an answer it sent; of a stream that has just begun, what is known by then.
/// A target that was passed over has neither time nor size.
pub(super) fn line(attempts: &[Attempt]) -> String {
    let mut line = String::with_capacity(attempts.len() * 80);
    for (i, attempt) in attempts.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        line.extend([comma, &attempt.group, ":", &attempt.outcome]);
        if let Some(status) = attempt.status.filter(|_| attempt.outcome != "ok") {
            line.extend(["(", &status.to_string(), ")"]);
        }
        if attempt.was_made() {
            let (ms, bytes) = (attempt.ms.to_string(), attempt.bytes.to_string());
            line.extend([" ", &ms, "ms ", &bytes, "B"]);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_and_fallbacks_are_counted_apart() {
        let attempt = |deployment: &str, outcome: &str, status| Attempt {
            group: deployment.to_owned(),
            deployment: deployment.to_owned(),
            outcome: outcome.to_owned(),
            status,
            ms: 7,
            ..Attempt::default()
        };
        let answered = Attempt {
            ms: 850,
            bytes: 1234,
            ..attempt("b", "ok", Some(200))
        };
        let attempts = [
            attempt("a", "throttled", Some(429)),
            attempt("a", "connection", None),
            answered,
        ];
        assert_eq!(counts(&attempts), (1, 1));
        assert_eq!(
            line(&attempts),
            "a:throttled(429) 7ms 0B, a:connection 7ms 0B, b:ok 850ms 1234B"
        );
        assert_eq!(counts(&[]), (0, 0));

        let passed_over = attempt("a", "", None).passed_over();
        let last_resort = [
            passed_over.clone(),
            attempt("b", "throttled", Some(429)),
            attempt("a", "ok", Some(200)),
        ];
        assert_eq!(counts(&last_resort), (0, 1));
        let elsewhere = [passed_over, attempt("b", "ok", Some(200))];
        assert_eq!(line(&elsewhere), "a:cooling_down, b:ok 7ms 0B");
        assert_eq!(counts(&elsewhere), (0, 1));
    }
}
