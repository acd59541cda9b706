//! The reply's headers: the target that answered and the attempts before it.

use http::{HeaderMap, HeaderName, HeaderValue};
use rust_decimal::Decimal;

use crate::bedrock::plan::DroppedForTarget;
use crate::catalog::Dialect;
use crate::chain::Target;
use crate::spend::{Attempt, RequestId, Retried};

/// As many headers as a reply has, or a few more.
const USUAL_HEADERS: usize = 24;
/// The longest trail in bytes. What is in front of the gateway takes 8 to 16 kB of headers in all.
const LONGEST_LINE: usize = 4_000;
/// The longest list of names of what did not go on to Bedrock, in bytes.
const LONGEST_NAMES: usize = 1_000;
/// The longest name of a group in a trail.
const LONGEST_NAME: usize = 300;
/// Names the tags that did not go on to Bedrock.
const DROPPED_TAGS: &str = "x-sidecar-dropped-request-metadata";
/// Names what of the request goes no further.
const DROPPED: &str = "x-sidecar-dropped";

/// Adds `x-litellm-*` and `x-sidecar-trail`. Only public names: groups, model ids, regions.
pub(super) fn add(
    headers: &mut HeaderMap,
    id: &RequestId,
    target: Option<&Target>,
    attempts: &[Attempt],
) {
    headers.reserve(USUAL_HEADERS);
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
    let Retried { retries, fallbacks } = Retried::of(attempts);
    set("x-litellm-attempted-retries", &retries.to_string());
    set("x-litellm-attempted-fallbacks", &fallbacks.to_string());
    set("x-sidecar-trail", &trail(attempts));
}

/// The client's own id of the request instead of the gateway's, where it sent one.
pub(super) fn add_call_id(headers: &mut HeaderMap, call_id: Option<&str>) {
    if let Some(Ok(value)) = call_id.map(HeaderValue::from_str) {
        headers.insert(HeaderName::from_static("x-litellm-call-id"), value);
    }
}

/// Says in which language the target was asked.
pub(super) fn add_dialect(headers: &mut HeaderMap, dialect: Dialect) {
    let word = HeaderValue::from_static(dialect.as_str());
    headers.insert(HeaderName::from_static("x-sidecar-dialect"), word);
}

/// Names what the answering target was not sent, for it lacks it or takes no more.
pub(super) fn add_dropped_for_target(headers: &mut HeaderMap, dropped: &DroppedForTarget) {
    add_names(headers, DROPPED_TAGS, &dropped.tags);
    add_names(headers, DROPPED, &dropped.settings);
}

/// Names what of the request the gateway left out because it is unknown here, or because it cannot be honoured and
/// is to be ignored (`drop_params`). They go before the names of what the target was not sent.
pub(super) fn add_dropped(headers: &mut HeaderMap, names: &[String]) {
    let before = headers.get(DROPPED).and_then(|names| names.to_str().ok());
    let before = before.map(str::to_owned);
    let all: Vec<&str> = (names.iter().map(String::as_str))
        .chain(before.as_deref())
        .collect();
    add_names(headers, DROPPED, &all);
}

/// A header that lists names, which are a client's words: what a header cannot hold is written as `_`.
fn add_names<S: AsRef<str>>(headers: &mut HeaderMap, header: &'static str, names: &[S]) {
    if names.is_empty() {
        return;
    }
    let visible = |c: char| match c {
        ' '..='~' => c,
        _ => '_',
    };
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let names: String = names.join(", ").chars().map(visible).collect();
    if let Ok(value) = HeaderValue::from_str(start(&names, LONGEST_NAMES)) {
        headers.insert(HeaderName::from_static(header), value);
    }
}

/// Adds what the reply cost in US dollars; nothing where a price is unknown.
pub(super) fn add_cost(headers: &mut HeaderMap, cost: Option<Decimal>) {
    if let Some(Ok(value)) = cost.map(|cost| HeaderValue::from_str(&cost.normalize().to_string())) {
        headers.insert(HeaderName::from_static("x-litellm-response-cost"), value);
    }
}

/// The attempts as one line: `sonnet:no_such_model(400) 85ms 0B, sonnet-5:ok 910ms 2204B`. The target, what came of
/// it, how long it took and how many bytes of an answer it sent; of a stream that has just begun, what is known by then.
/// A target that was passed over has neither time nor size.
pub(super) fn trail(attempts: &[Attempt]) -> String {
    let line = joined(attempts);
    match attempts.split_last() {
        Some((last, before)) if line.len() > LONGEST_LINE => shortened(before, last),
        _ => line,
    }
}

fn joined(attempts: &[Attempt]) -> String {
    let mut line = String::with_capacity(attempts.len() * 80);
    for (i, attempt) in attempts.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        line.push_str(comma);
        line.push_str(&piece(attempt));
    }
    line
}

/// The first attempts as far as they fit, how many are left out, and the last one, which names the target that answered.
fn shortened(before: &[Attempt], last: &Attempt) -> String {
    /// Room for the number of those that are left out.
    const NUMBER: usize = 40;
    let last = piece(last);
    let room = LONGEST_LINE.saturating_sub(last.len() + NUMBER);
    let mut line = String::with_capacity(LONGEST_LINE);
    let mut listed = 0;
    for piece in before.iter().map(piece) {
        if line.len() + piece.len() > room {
            break;
        }
        line.extend([piece.as_str(), ", "]);
        listed += 1;
    }
    let unlisted = (before.len() - listed).to_string();
    line.extend(["... ", &unlisted, " more ..., ", &last]);
    line
}

fn piece(attempt: &Attempt) -> String {
    let group = start(&attempt.group, LONGEST_NAME);
    let mut piece = format!("{group}:{}", attempt.outcome);
    if let Some(status) = attempt.status.filter(|_| attempt.outcome != "ok") {
        piece.push_str(&format!("({status})"));
    }
    if attempt.was_called() {
        piece.push_str(&format!(" {}ms {}B", attempt.ms, attempt.bytes));
    }
    piece
}

/// The first bytes of a text, so many at most.
fn start(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(deployment: &str, outcome: &str, status: Option<u16>) -> Attempt {
        Attempt {
            group: deployment.to_owned(),
            deployment: deployment.to_owned(),
            outcome: outcome.to_owned(),
            status,
            ms: 7,
            ..Attempt::default()
        }
    }

    #[test]
    fn a_trail_names_every_attempt_in_order() {
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
        assert_eq!(
            trail(&attempts),
            "a:throttled(429) 7ms 0B, a:connection 7ms 0B, b:ok 850ms 1234B"
        );
        assert_eq!(trail(&[]), "");
        let passed_over = attempt("a", "", None).skipped();
        let elsewhere = [passed_over, attempt("b", "ok", Some(200))];
        assert_eq!(trail(&elsewhere), "a:cooling_down, b:ok 7ms 0B");
    }

    #[test]
    fn a_long_trail_keeps_its_beginning_and_its_end() {
        let failed = attempt("a-model-group", "throttled", Some(429));
        let mut attempts = vec![failed; 2_500];
        attempts.push(attempt("b", "ok", Some(200)));
        let line = trail(&attempts);
        assert!(line.len() <= LONGEST_LINE, "{}", line.len());
        assert!(line.starts_with("a-model-group:throttled(429) 7ms 0B, "));
        let listed = line.matches("throttled").count();
        let end = format!("... {} more ..., b:ok 7ms 0B", 2_500 - listed);
        assert!(listed > 90 && line.ends_with(&end), "{line}");

        let name = "n".repeat(100_000);
        let attempts = [attempt(&name, "rejected", None), attempt(&name, "ok", None)];
        assert!(trail(&attempts).len() <= LONGEST_LINE);
    }

    #[test]
    fn names_of_clients_are_safe_in_a_header() {
        let mut headers = HeaderMap::new();
        add_dropped(&mut headers, &[]);
        assert!(headers.is_empty());
        let names = ["a b".to_owned(), "c\r\nd: e".to_owned(), "f".repeat(9_000)];
        add_dropped(&mut headers, &names);
        let value = headers[DROPPED].to_str().unwrap();
        assert!(value.starts_with("a b, c__d: e, fff") && value.len() <= LONGEST_NAMES);

        let mut headers = HeaderMap::new();
        let dropped = DroppedForTarget {
            settings: vec!["tool_choice".to_owned(), "stop".to_owned()],
            ..DroppedForTarget::default()
        };
        add_dropped_for_target(&mut headers, &dropped);
        add_dropped(&mut headers, &["thread".to_owned()]);
        assert_eq!(headers[DROPPED], "thread, tool_choice, stop");
    }
}
