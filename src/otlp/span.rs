//! A request as a span, in OTLP's JSON (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): ids in hex,
//! integers of 64 bits as text, enumerations as numbers.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::names;
use crate::spend::{Attempt, Record, Status, TraceParent};

/// A span that asks another service for something.
const KIND_CLIENT: u8 = 3;
/// A span that failed.
const STATUS_ERROR: u8 = 2;

/// What is sent of one request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: String,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: SpanAttributes,
    events: Vec<SpanEvent>,
    status: SpanStatus,
}

/// An attempt, at the time when it began.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanEvent {
    name: &'static str,
    time_unix_nano: String,
    attributes: SpanAttributes,
}

#[derive(Debug, Default, Serialize)]
struct SpanStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Names and values.
#[derive(Debug, Default, Serialize)]
struct SpanAttributes(Vec<Value>);

impl SpanAttributes {
    fn put(&mut self, name: &str, value: Value) {
        self.0.push(json!({"key": name, "value": value}));
    }

    /// A text; an empty one, and none, is left out.
    fn text(&mut self, name: &str, text: impl Into<Option<String>>) {
        if let Some(text) = text.into().filter(|text| !text.is_empty()) {
            self.put(name, json!({"stringValue": text}));
        }
    }

    fn texts(&mut self, name: &str, texts: impl IntoIterator<Item = String>) {
        let values: Vec<Value> = texts
            .into_iter()
            .map(|text| json!({"stringValue": text}))
            .collect();
        if !values.is_empty() {
            self.put(name, json!({"arrayValue": {"values": values}}));
        }
    }

    fn whole(&mut self, name: &str, number: u64) {
        self.put(name, json!({"intValue": number.to_string()}));
    }

    fn fraction(&mut self, name: &str, number: f64) {
        self.put(name, json!({"doubleValue": number}));
    }
}

/// The body of an export: one request. Nothing of what it has asked and got.
pub(super) fn export(record: &Record, parent: Option<TraceParent>) -> Value {
    let attributes = [
        json!({"key": "service.name", "value": {"stringValue": "bedrock-sidecar"}}),
        json!({"key": "service.version", "value": {"stringValue": env!("CARGO_PKG_VERSION")}}),
    ];
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes},
        "scopeSpans": [{
            "scope": {"name": "bedrock-sidecar", "version": env!("CARGO_PKG_VERSION")},
            "spans": [span(record, parent)],
        }],
    }]})
}

fn span(record: &Record, parent: Option<TraceParent>) -> OtlpSpan {
    let operation = operation(&record.call_type);
    // The request's id is 128 bits: without a parent it is the trace's, so that one is found by the other.
    let id = record.request_id.with_prefix("").replace('-', "");
    let own_trace = || id.clone();
    let failure = record.error.as_ref();
    OtlpSpan {
        trace_id: parent.map_or_else(own_trace, |parent| format!("{:032x}", parent.trace)),
        span_id: id.get(16..).unwrap_or_default().to_owned(),
        parent_span_id: parent.map(|parent| format!("{:016x}", parent.span)),
        name: format!("{operation} {}", record.model_asked),
        kind: KIND_CLIENT,
        start_time_unix_nano: nanoseconds(record.start),
        end_time_unix_nano: nanoseconds(record.end),
        attributes: attributes(record, operation),
        events: record
            .attempts
            .iter()
            .map(|one| event(record, one))
            .collect(),
        status: match failure {
            Some(failure) => SpanStatus {
                code: Some(STATUS_ERROR),
                message: Some(failure.class.clone()),
            },
            None => SpanStatus::default(),
        },
    }
}

/// What the conventions call the request's route.
fn operation(call_type: &str) -> &'static str {
    match call_type {
        "aembedding" => "embeddings",
        "arerank" => "retrieval",
        _ => "chat",
    }
}

fn attributes(record: &Record, operation: &str) -> SpanAttributes {
    let (caller, usage) = (&record.caller, record.usage());
    let last = record.final_attempt();
    let answered = last.filter(|_| record.status == Status::Success);
    let mut all = SpanAttributes::default();
    all.text(names::OPERATION, operation.to_owned());
    all.text(names::PROVIDER, names::BEDROCK.to_owned());
    all.text(names::REQUEST_MODEL, record.model_asked.clone());
    all.put(names::REQUEST_STREAM, json!({"boolValue": record.stream}));
    all.text(names::CONVERSATION, caller.session_id.clone());
    all.text(names::RESPONSE_ID, record.request_id.to_string());
    all.text(
        names::RESPONSE_MODEL,
        answered.map(|last| last.model.clone()),
    );
    all.text(names::GROUP, answered.map(|last| last.group.clone()));
    all.text(names::REGION, answered.map(|last| last.region.clone()));
    all.texts(names::FINISH_REASONS, record.stop_reason.clone());
    if let Some(first) = record.first_token {
        let seconds = first.duration_since(record.start).as_secs_f64();
        all.fraction(names::FIRST_CHUNK, seconds);
    }
    if !usage.is_nothing() {
        all.whole(names::INPUT_TOKENS, usage.prompt());
        all.whole(names::OUTPUT_TOKENS, usage.output);
        all.whole(names::CACHE_READ_TOKENS, usage.cache_read);
        all.whole(names::CACHE_WRITE_TOKENS, usage.cache_write());
    }
    if let Some(reasoning) = usage.reasoning {
        all.whole(names::REASONING_TOKENS, reasoning);
    }
    let failure = record.error.as_ref();
    all.text(
        names::ERROR_TYPE,
        failure.map(|failure| failure.class.clone()),
    );
    if let Ok(cost) = record.spend_known().try_into() {
        all.fraction(names::COST, cost);
    }
    all.text(names::KEY, caller.key_hash.clone());
    all.text(names::KEY_ALIAS, caller.key_alias.clone());
    all.text(names::USER, caller.user.clone());
    all.text(names::TEAM, caller.team_id.clone());
    all.text(names::END_USER, caller.end_user.clone());
    all.text(names::CLIENT, caller.client_app.clone());
    all.texts(names::TAGS, record.tags.iter().cloned());
    all.whole(names::ATTEMPTS, record.attempts.len() as u64);
    all
}

fn event(record: &Record, attempt: &Attempt) -> SpanEvent {
    let mut all = SpanAttributes::default();
    all.text(names::GROUP, attempt.group.clone());
    all.text(names::RESPONSE_MODEL, attempt.model.clone());
    all.text(names::REGION, attempt.region.clone());
    all.text(names::ATTEMPT_OUTCOME, attempt.outcome.clone());
    all.whole(names::ATTEMPT_MS, attempt.ms);
    if let Some(status) = attempt.status {
        all.whole(names::ATTEMPT_STATUS, status.into());
    }
    SpanEvent {
        name: names::ATTEMPT,
        time_unix_nano: nanoseconds(attempt.began.unwrap_or(record.start)),
        attributes: all,
    }
}

fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().to_string()
}
