//! Bytes of the real service: event-stream frames with their padding, error bodies, request ids.

use std::iter::repeat_with;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::{body::Body, response::Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::RawEvent;

/// What the padding of an event is cut from. The real service pads every payload to a random length, so that the
/// size of a frame on the wire says little about its text.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The frame of an event. One of the type `chunk` is an event of Claude's own.
pub(super) fn event(event: &RawEvent) -> Bytes {
    if event.kind == CHUNK {
        return chunk(&event.payload);
    }
    let mut payload = event.payload.clone();
    if let Value::Object(fields) = &mut payload {
        fields.insert("p".to_owned(), json!(padding()));
        // The real service writes keys in alphabetical order.
        fields.sort_keys();
    }
    let headers = [(":event-type", event.kind.as_str())];
    frame("event", &headers, &payload.to_string())
}

/// The type of the frames that InvokeModelWithResponseStream consists of.
pub(super) const CHUNK: &str = "chunk";

/// The frame of an event of Claude's own.
pub(super) fn chunk(event: &Value) -> Bytes {
    let bytes = BASE64_STANDARD.encode(event.to_string());
    let payload = json!({"bytes": bytes, "p": padding()});
    frame("event", &[(":event-type", CHUNK)], &payload.to_string())
}

fn padding() -> &'static str {
    let length = fastrand::usize(3..PADDING.len());
    PADDING.get(..length).unwrap_or_default()
}

/// The frame of a modeled exception, such as `throttlingException`.
pub(super) fn exception(name: &str, message: &str) -> Bytes {
    let payload = json!({"message": message}).to_string();
    frame("exception", &[(":exception-type", name)], &payload)
}

/// The frame of an unmodeled error: all in headers, no payload.
pub(super) fn error(code: &str, message: &str) -> Bytes {
    let headers = [(":error-code", code), (":error-message", message)];
    frame("error", &headers, "")
}

/// A frame with a wrong checksum at its end.
pub(super) fn broken(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 0xff;
    }
    bytes.into()
}

/// A frame without its last bytes.
pub(super) fn truncated(frame: &Bytes) -> Bytes {
    frame.slice(..frame.len().saturating_sub(8))
}

fn frame(message_type: &str, headers: &[(&str, &str)], payload: &str) -> Bytes {
    let header = |name: &str, value: &str| {
        let value = HeaderValue::String(value.to_owned().into());
        Header::new(name.to_owned(), value)
    };
    let mut message = Message::new(payload.to_owned().into_bytes());
    for (name, value) in headers {
        message = message.add_header(header(name, value));
    }
    if !payload.is_empty() {
        message = message.add_header(header(":content-type", "application/json"));
    }
    message = message.add_header(header(":message-type", message_type));
    let mut bytes = Vec::new();
    if let Err(error) = write_message_to(&message, &mut bytes) {
        // Only a header beyond 64 KiB gets here; a script that asks for one sees the stream end.
        tracing::warn!(%error, "a frame could not be written");
    }
    bytes.into()
}

/// An answer that is no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorReply {
    /// The HTTP status.
    pub status: u16,
    /// The exception's name for `x-amzn-errortype`; `None`: no such header, as from a proxy in between.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// `message` of the JSON body, or the body itself when `html` is set.
    #[serde(default)]
    pub message: String,
    /// `Retry-After`, as is.
    #[serde(default)]
    pub retry_after: Option<String>,
    /// The body is `message` as HTML, not JSON.
    #[serde(default)]
    pub html: bool,
    /// The body is an error of Anthropic's own API of this type, as newer Claude models send it.
    #[serde(default)]
    pub anthropic: Option<String>,
}

/// The types of errors of Anthropic's own API with their statuses
/// (<https://platform.claude.com/docs/en/api/errors>).
const ANTHROPIC: [(&str, u16); 9] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("api_error", 500),
    ("timeout_error", 504),
    ("overloaded_error", 529),
];

impl ErrorReply {
    /// An exception of the service.
    pub fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: Some(kind.to_owned()),
            message: message.into(),
            retry_after: None,
            html: false,
            anthropic: None,
        }
    }

    /// An error of Anthropic's own API, with the status of its type.
    pub fn anthropic(kind: &str, message: impl Into<String>) -> Self {
        let status = ANTHROPIC.iter().find(|(known, _)| *known == kind);
        Self {
            kind: None,
            anthropic: Some(kind.to_owned()),
            ..Self::new(status.map_or(400, |(_, status)| *status), "", message)
        }
    }

    /// 400 `ValidationException`.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// 403 `AccessDeniedException`.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedException", message)
    }

    pub(super) fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let (content_type, body) = if self.html {
            ("text/html", self.message)
        } else if let Some(kind) = &self.anthropic {
            let body = json!({
                "type": "error",
                "error": {"type": kind, "message": self.message},
                "request_id": format!("req_{}", random_id(24)),
            });
            ("application/json", body.to_string())
        } else {
            let body = json!({"message": self.message}).to_string();
            ("application/json", body)
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            http::HeaderValue::from_static(content_type),
        );
        let kind = self
            .kind
            .map(|kind| format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"));
        for (name, value) in [
            ("x-amzn-errortype", kind),
            ("retry-after", self.retry_after),
            ("x-amzn-requestid", Some(uuid::Uuid::new_v4().to_string())),
        ] {
            let value = value.and_then(|value| http::HeaderValue::from_str(&value).ok());
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Random letters and digits, for ids.
pub(super) fn random_id(length: usize) -> String {
    repeat_with(fastrand::alphanumeric).take(length).collect()
}
