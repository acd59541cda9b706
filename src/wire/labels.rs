//! Who asked and for what: the labels that a request carries for the record.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value;

/// Labels for the record; none of them changes the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The end user as the client names it (`user`).
    pub end_user: Option<String>,
    /// The agent's session: requests of one task share it.
    pub session: Option<String>,
    /// Free labels for reports.
    pub tags: Vec<String>,
    /// The client program, from `user-agent`.
    pub client: Option<String>,
}

/// The longest value of a tag that Bedrock takes in `requestMetadata`, in characters
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
pub(crate) const LONGEST_TAG: usize = 256;

/// Longest label that is kept, in characters: they go into table keys and log lines.
const LONGEST: usize = 200;

/// Where clients name their session: LiteLLM's two, opencode's, Claude Code's, Codex's.
const SESSION_HEADERS: [&str; 5] = [
    "x-litellm-session-id",
    "x-litellm-trace-id",
    "x-session-id",
    "x-claude-code-session-id",
    "session-id",
];

impl Labels {
    /// From the body's fields and the headers that LiteLLM and the agents use; a header wins over the body.
    pub(crate) fn new(
        user: Option<String>,
        session: Option<String>,
        tags: Option<&Value>,
        metadata: Option<&Value>,
        headers: &HeaderMap,
    ) -> Self {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let of_metadata = |name: &str| metadata?.get(name)?.as_str().map(str::to_owned);
        let header_tags = header("x-litellm-tags");
        let listed = tags
            .or_else(|| metadata?.get("tags"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let tags = listed
            .filter_map(Value::as_str)
            .chain(header_tags.iter().flat_map(|tags| tags.split(',')))
            .map(|tag| short(tag.trim().to_owned()))
            .filter(|tag| !tag.is_empty());
        let of_header = SESSION_HEADERS.into_iter().find_map(header);
        let of_body = session
            .or_else(|| of_metadata("session_id"))
            .or_else(|| of_metadata("cline_task_id"));
        Self {
            tags: tags.collect(),
            end_user: header("x-litellm-end-user-id").or(user).map(short),
            session: of_header.or(of_body).map(short),
            client: header("user-agent").map(short),
        }
    }
}

impl Labels {
    /// What the configuration hands on to Bedrock's invocation log (`bedrock_request_metadata_fields`), by the names
    /// of its fields: whose key, which session, which end user, which client. A name that means nothing here is skipped.
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
    match label.char_indices().nth(LONGEST) {
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
