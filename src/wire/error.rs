//! Errors in OpenAI's shape, as the reference system sends them: `code` is the status as a string, except where a
//! client acts on a code of its own.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::bedrock::{Class, ContextOverflow, Failure};
use crate::store::TableFault;

/// An error as the caller sees it. Holds nothing of the configuration and nothing of other callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// OpenAI's `type`.
    pub kind: &'static str,
    /// What was wrong, where, and what would be right.
    pub message: String,
    /// What else is known of it, where it is Bedrock's.
    pub upstream: Option<Box<UpstreamError>>,
    /// The request's field that was wrong, as a path.
    pub param: Option<String>,
    /// A code that clients act on, where the status alone does not say enough.
    pub code: Option<&'static str>,
    /// Sent as `retry-after`.
    pub retry_after: Option<Duration>,
    /// Repeating the request fails for hours, or until an operator acts, although the status suggests that it passes.
    pub is_lasting: bool,
}

/// What is known of an error of Bedrock's beside its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// What of the message may be stored: Bedrock's refusals quote the request.
    pub stored: String,
    /// By what the request exceeds the model's window, where Bedrock has said it.
    pub overflow: Option<ContextOverflow>,
}

/// Longest message about a request's fault, in bytes.
const LONGEST_MESSAGE: usize = 2_000;
/// Longest path of a field, in bytes.
const LONGEST_PARAM: usize = 300;

/// The text, cut behind so many bytes.
fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
    text
}

impl ApiError {
    /// What the message of an error of Bedrock's begins with, as in the reference system.
    pub const UPSTREAM: &str = "BedrockException - ";

    /// An error with nothing but a status, a type and a message.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            upstream: None,
            param: None,
            code: None,
            retry_after: None,
            is_lasting: false,
        }
    }

    /// 400: the request's field `param` is wrong. Both quote what the client wrote, which may be megabytes long; the
    /// answer, the log and the record get the beginning.
    pub fn bad_request(message: impl Into<String>, param: impl Into<String>) -> Self {
        let message = cut(message.into(), LONGEST_MESSAGE);
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
            .with_param(cut(param.into(), LONGEST_PARAM))
    }

    /// 400: the request lacks this field.
    pub fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        Self::bad_request(format!("Missing required parameter: '{param}'."), param)
    }

    /// 400: the request lacks this field, with what the field is to be.
    pub fn missing_value(param: impl Into<String>, what: &str) -> Self {
        let param = param.into();
        let message = format!("Missing required parameter: '{param}' ({what}).");
        Self::bad_request(message, param)
    }

    /// The error with the request's field that was wrong.
    #[must_use]
    pub fn with_param(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    /// The error with a time after which the client may try again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// The error as one that lasts, whatever its status says.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self {
            is_lasting: true,
            ..self
        }
    }

    /// Whether the same request may be answered if it is sent again: what `x-should-retry` says. SDKs and agents obey
    /// it before they look at the status.
    ///
    /// Nothing is said at a 401. Claude Code has its `apiKeyHelper` make another key then, and tries again with that
    /// one; a "no" would keep it from both.
    pub fn should_retry(&self) -> Option<bool> {
        match self.status {
            StatusCode::UNAUTHORIZED => None,
            // A time to come back at is a "yes".
            _ if self.retry_after.is_some() => Some(true),
            _ if self.is_lasting => Some(false),
            StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
                Some(true)
            }
            status => Some(status.is_server_error()),
        }
    }

    /// 404: no model has this name, or none that the caller may use.
    pub fn no_such_model(message: impl Into<String>) -> Self {
        Self {
            code: Some("model_not_found"),
            ..Self::not_found(message).with_param("model")
        }
    }

    /// 401: no key, or not the right one.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "auth_error",
            format!("Authentication Error, {}", message.into()),
        )
    }

    /// 404: nothing is here.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    /// 500: a fault in this program. The log says why, the error does not.
    pub fn internal() -> Self {
        let message = "The gateway failed while it handled this request; its log says why.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_server_error",
            message,
        )
    }

    /// 503: something is wrong with the table, in these words.
    pub fn of_table(message: impl Into<String>) -> Self {
        let (status, kind) = (StatusCode::SERVICE_UNAVAILABLE, "internal_server_error");
        Self::new(status, kind, message).retry_after(TableFault::RETRY_AFTER)
    }

    /// The body, in OpenAI's shape.
    pub fn body(&self) -> Value {
        let code = self
            .code
            .map_or_else(|| self.status.as_str().to_owned(), str::to_owned);
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": code}})
    }
}

impl From<&Failure> for ApiError {
    /// The client's error when every target of the chain has failed: the first target's failure, by kind.
    fn from(failure: &Failure) -> Self {
        let (status, kind) = match failure.class {
            Class::Throttled | Class::DailyQuota | Class::LimitReached => {
                (StatusCode::TOO_MANY_REQUESTS, "throttling_error")
            }
            Class::Unavailable | Class::Connection | Class::Cut | Class::Mocked => {
                (StatusCode::SERVICE_UNAVAILABLE, "internal_server_error")
            }
            Class::FirstEventTimeout | Class::IdleTimeout | Class::TooSlow | Class::Deadline => {
                (StatusCode::REQUEST_TIMEOUT, "timeout_error")
            }
            // Not 401: the caller's own key is fine, and agents ask their user for another one at a 401.
            Class::Credentials | Class::NoCredentials => {
                (StatusCode::BAD_GATEWAY, "upstream_credentials_error")
            }
            Class::AccessDenied => (StatusCode::FORBIDDEN, "permission_error"),
            Class::NoSuchModel
            | Class::ContextWindow
            | Class::ContentFiltered
            | Class::Lacks(_)
            | Class::BadRequest
            | Class::Rejected => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            Class::OverBudget => (StatusCode::UNPROCESSABLE_ENTITY, "budget_exceeded"),
            Class::Unpriced => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            Class::BudgetUnknown => (StatusCode::SERVICE_UNAVAILABLE, "internal_server_error"),
            Class::Internal => return Self::internal(),
        };
        let told = |words: &str| {
            let words = match failure.class {
                // Agents compact the conversation when they read these words.
                Class::ContextWindow if begins_with(words, TOO_LONG) => words.to_owned(),
                Class::ContextWindow => format!("{TOO_LONG}: {words}"),
                // The details may hold host names and account ids; the log has them.
                Class::Credentials => {
                    "The gateway has no valid AWS credentials for this model.".to_owned()
                }
                Class::Connection => "The gateway could not reach Amazon Bedrock.".to_owned(),
                _ => without_account(words),
            };
            format!("{}{words}", Self::UPSTREAM)
        };
        let code = match failure.class {
            Class::ContextWindow => Some("context_length_exceeded"),
            Class::ContentFiltered => Some("content_policy_violation"),
            _ => None,
        };
        let upstream = UpstreamError {
            stored: told(&failure.loggable),
            overflow: failure.overflow,
        };
        // The day's quota, and credentials that the gateway was not given, outlast every client's patience.
        let is_lasting = matches!(failure.class, Class::DailyQuota | Class::NoCredentials);
        Self {
            code,
            is_lasting,
            retry_after: failure.retry_after,
            upstream: Some(Box::new(upstream)),
            ..Self::new(status, kind, told(&failure.message))
        }
    }
}

/// What agents look for in a refusal, to compact their conversation then.
const TOO_LONG: &str = "prompt is too long";

/// Whether a message begins with these words, in any case.
fn begins_with(message: &str, words: &str) -> bool {
    let beginning = message.get(..words.len());
    beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(words))
}

/// The message without ARNs and account numbers: Bedrock names the caller's role when it refuses.
fn without_account(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let digits = word.trim_matches(|c: char| !c.is_ascii_digit());
        if word.contains("arn:") {
            "(arn)"
        } else if digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            "(account)"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
