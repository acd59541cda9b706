//! The two formats in which a model is called.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{RawEvent, wire};

/// The format of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFormat {
    /// Converse and ConverseStream: every model.
    Converse,
    /// InvokeModel and InvokeModelWithResponseStream with a body of Anthropic's Messages API: Claude alone.
    Messages,
}

impl CallFormat {
    /// An event of a type nobody knows.
    pub(super) fn unknown_event(self) -> Bytes {
        let note = "no client knows this event";
        match self {
            Self::Converse => wire::event(&RawEvent::new("somethingNew", json!({ "note": note }))),
            Self::Messages => wire::chunk(&json!({"type": "something_new", "note": note})),
        }
    }

    /// A refusal of the model in the midst of a stream: an event of Claude's own, which Converse makes an exception of.
    pub(super) fn error_event(self, kind: &str, message: &str) -> Bytes {
        let exception = match kind {
            "rate_limit_error" => "throttlingException",
            "overloaded_error" => "serviceUnavailableException",
            "invalid_request_error" => "validationException",
            "api_error" => "internalServerException",
            _ => "modelStreamErrorException",
        };
        match self {
            Self::Converse => wire::exception(exception, message),
            Self::Messages => wire::chunk(&json!({
                "type": "error",
                "error": {"details": null, "type": kind, "message": message},
                "request_id": format!("req_{}", wire::random_id(24)),
            })),
        }
    }
}
