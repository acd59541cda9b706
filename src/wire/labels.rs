//! The labels that a request carries for its record: its user, session, agent, tags.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{ApiError, ClientApp};
use crate::spend::TraceParent;

/// Labels for the record; none of them changes the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The end user as the client names it (`user`).
    pub end_user: Option<String>,
    /// The agent's session: requests of one task share it.
    pub session: Option<String>,
    /// Which of the session's agents asks (`x-claude-code-agent-id`); `None`: the first one.
    pub agent: Option<String>,
    /// The agent that has started it (`x-claude-code-parent-agent-id`).
    pub parent_agent: Option<String>,
    /// Free labels for reports.
    pub tags: Vec<String>,
    /// The client program, from `user-agent`.
    pub client: Option<String>,
    /// The client program, where it is one of those that reports tell apart.
    pub client_app: ClientApp,
    /// The client's own id of the request (`x-litellm-call-id`, else `x-request-id`); goes back as it came.
    pub call_id: Option<String>,
    /// The trace that the request is a part of: of `traceparent`, else of `x-amzn-trace-id`.
    pub trace_id: Option<String>,
    /// The client's span, of `traceparent`.
    pub trace_parent: Option<TraceParent>,
    /// What the client wants to find in the record (`x-litellm-spend-logs-metadata`).
    pub spend_metadata: Option<Map<String, Value>>,
    /// What the client says about the storing of its prompt and its reply; `None`: nothing.
    pub store_prompts: Option<bool>,
}

/// The longest value of a tag that Bedrock takes in `requestMetadata`, in characters
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
pub(crate) const LONGEST_TAG: usize = 256;

/// Longest label that is kept, in characters: they go into table keys and log lines.
const LONGEST_LABEL: usize = 200;

/// Most bytes of `x-litellm-spend-logs-metadata`: a record is read in lists, and so stays small.
const LONGEST_METADATA: usize = 1000;

/// Where agents name their session: LiteLLM's headers, then opencode's, Claude Code's and Codex's.
const SESSION_HEADERS: [&str; 6] = [
    "x-litellm-session-id",
    "x-litellm-trace-id",
    "x-session-id",
    "x-session-affinity",
    "x-claude-code-session-id",
    "session-id",
];

impl Labels {
    /// From the headers alone: what is known of a request whose body says nothing.
    pub fn of_headers(headers: &HeaderMap) -> Self {
        let header = |name: &str| text(headers, name);
        let tags = header("x-litellm-tags").unwrap_or_default();
        let tags = tags.split(',').map(|tag| short(tag.trim().to_owned()));
        Self {
            tags: tags.filter(|tag| !tag.is_empty()).collect(),
            end_user: header("x-litellm-end-user-id").map(short),
            session: SESSION_HEADERS.into_iter().find_map(header).map(short),
            agent: header("x-claude-code-agent-id").map(short),
            parent_agent: header("x-claude-code-parent-agent-id").map(short),
            client: header("user-agent").map(short),
            client_app: ClientApp::of(headers),
            call_id: header("x-litellm-call-id")
                .or_else(|| header("x-request-id"))
                .filter(|id| !id.is_empty() && id.len() <= LONGEST_LABEL),
            trace_id: trace_id(headers),
            trace_parent: header("traceparent").and_then(|text| TraceParent::read(&text)),
            spend_metadata: None,
            store_prompts: said_of_storing(headers),
        }
    }

    /// From the body's fields and the headers that LiteLLM and the agents use; a header wins over the body.
    pub(crate) fn new(
        user: Option<String>,
        session: Option<String>,
        tags: Option<&Value>,
        metadata: Option<&Value>,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let of_headers = Self::of_headers(headers);
        let of_metadata = |name: &str| metadata?.get(name)?.as_str().map(str::to_owned);
        let listed = tags
            .or_else(|| metadata?.get("tags"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let tags = listed
            .filter_map(Value::as_str)
            .map(|tag| short(tag.trim().to_owned()))
            .filter(|tag| !tag.is_empty())
            .chain(of_headers.tags);
        let of_body = session
            .or_else(|| of_metadata("session_id"))
            .or_else(|| of_metadata("trace_id"))
            .or_else(|| of_metadata("cline_task_id"))
            .or_else(|| ClaudeCodeUser::read(&of_metadata("user_id")?)?.session_id);
        Ok(Self {
            tags: tags.collect(),
            end_user: of_headers.end_user.or(user.map(short)),
            session: of_headers.session.or(of_body.map(short)),
            spend_metadata: spend_metadata(metadata, headers)?,
            ..of_headers
        })
    }
}

/// A header's text.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// The trace's id of `traceparent` (<https://www.w3.org/TR/trace-context/#traceparent-header>), else the root of AWS's
/// own header. What has another form says nothing.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let is_hex = |part: &str, length: usize| {
        let digits = part
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        digits && part.len() == length
    };
    let w3c = || {
        let parent = text(headers, "traceparent")?;
        let mut parts = parent.split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        let is_well_formed =
            is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        let real = [trace, span]
            .iter()
            .all(|id| id.bytes().any(|byte| byte != b'0'));
        (known && is_well_formed && real).then(|| trace.to_owned())
    };
    let aws = || {
        let header = text(headers, "x-amzn-trace-id")?;
        let root = header
            .split(';')
            .find_map(|field| field.trim().strip_prefix("Root="))?;
        let (version, id) = root.split_once('-')?;
        let (epoch, unique) = id.split_once('-')?;
        (version == "1" && is_hex(epoch, 8) && is_hex(unique, 24)).then(|| root.to_owned())
    };
    w3c().or_else(aws)
}

/// LiteLLM's headers for it: a client may always have nothing stored, and may ask for it.
fn said_of_storing(headers: &HeaderMap) -> Option<bool> {
    let is_true =
        |name| text(headers, name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_true("x-litellm-enable-message-redaction") {
        return Some(false);
    }
    let wanted = [
        "x-litellm-disable-message-redaction",
        "litellm-disable-message-redaction",
    ];
    wanted.into_iter().any(is_true).then_some(true)
}

/// Claude Code's `metadata.user_id`, which is JSON text. What is not there is empty in some of its versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClaudeCodeUser {
    #[serde(deserialize_with = "filled")]
    pub(crate) account_uuid: Option<String>,
    #[serde(deserialize_with = "filled")]
    pub(crate) device_id: Option<String>,
    #[serde(deserialize_with = "filled")]
    pub(crate) session_id: Option<String>,
}

impl ClaudeCodeUser {
    /// The ids in a user's id; `None` where it is no JSON object.
    pub(crate) fn read(user_id: &str) -> Option<Self> {
        let is_object = user_id.trim_start().starts_with('{');
        is_object.then(|| serde_json::from_str(user_id).ok())?
    }
}

/// A text that is not empty; whatever else stands there says nothing, however long it is.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let written = <&RawValue>::deserialize(deserializer)?;
    let text = serde_json::from_str::<String>(written.get()).ok();
    Ok(text.filter(|text| !text.is_empty()))
}

/// The header, else `metadata.spend_logs_metadata`.
fn spend_metadata(
    metadata: Option<&Value>,
    headers: &HeaderMap,
) -> Result<Option<Map<String, Value>>, ApiError> {
    let header = "x-litellm-spend-logs-metadata";
    let in_body = metadata.and_then(|metadata| metadata.get("spend_logs_metadata"));
    let (param, found) = match (headers.get(header), in_body) {
        (Some(value), _) => (header, serde_json::from_slice(value.as_bytes()).ok()),
        (None, Some(value)) => ("metadata.spend_logs_metadata", Some(value.clone())),
        (None, None) => return Ok(None),
    };
    match found {
        Some(Value::Null) => Ok(None),
        Some(Value::Object(fields))
            if serde_json::to_vec(&fields).is_ok_and(|json| json.len() <= LONGEST_METADATA) =>
        {
            Ok(Some(fields).filter(|fields| !fields.is_empty()))
        }
        _ => Err(ApiError::bad_request(
            format!("'{param}' must be a JSON object of at most {LONGEST_METADATA} bytes."),
            param,
        )),
    }
}

impl Labels {
    /// What the configuration hands on to Bedrock's invocation log (`bedrock_request_metadata_fields`), by the names
    /// of its fields: whose key, which session, which end user, which client. A name that means nothing here is
    /// skipped.
    pub fn request_metadata(&self, fields: &[String], key_alias: &str) -> BTreeMap<String, String> {
        let tags = self.tags.join(",");
        let value = |field: &str| match field {
            "key_alias" | "user_api_key_alias" => Some(key_alias),
            "session_id" | "litellm_session_id" => self.session.as_deref(),
            "end_user" | "user" | "user_api_key_end_user_id" => self.end_user.as_deref(),
            "client" | "user_agent" => self.client.as_deref(),
            "tags" => Some(tags.as_str()),
            _ => None,
        };
        let known = fields.iter().filter_map(|field| {
            let value = value(field).filter(|value| !value.is_empty())?;
            Some((field.clone(), legal_tag(value)))
        });
        known.collect()
    }
}

fn short(label: String) -> String {
    match label.char_indices().nth(LONGEST_LABEL) {
        Some((end, _)) => label.get(..end).unwrap_or_default().to_owned(),
        None => label,
    }
}

/// What Bedrock takes in `requestMetadata`: `[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}`.
pub(crate) fn is_legal_in_tags(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c)
}

/// A text of the gateway's own as a tag that Bedrock takes.
fn legal_tag(text: &str) -> String {
    let legal = text
        .chars()
        .map(|c| if is_legal_in_tags(c) { c } else { '_' });
    legal.take(LONGEST_TAG).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_from_well_formed_headers_alone() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let aws = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
        let zeros = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        let cases: [Case; 8] = [
            (&[("traceparent", &parent)], Some(trace)),
            (
                &[("traceparent", &parent), ("x-amzn-trace-id", aws)],
                Some(trace),
            ),
            (
                &[("x-amzn-trace-id", aws)],
                Some("1-67891233-abcdef012345678912345678"),
            ),
            (&[("traceparent", &parent.to_uppercase())], None),
            (&[("traceparent", &format!("{parent}-x"))], None),
            (&[("traceparent", &zeros)], None),
            (&[("traceparent", "00-1-2-3")], None),
            (&[("x-amzn-trace-id", "Root=1-x-y")], None),
        ];
        for (headers, expected) in cases {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(trace_id(&headers).as_deref(), expected, "{headers:?}");
        }
    }
}
