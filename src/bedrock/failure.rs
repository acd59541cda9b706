//! What went wrong with one call, in the words that the chain decides by.
//!
//! Bedrock says the same thing by status, by exception type or only by a sentence; `wordings/` knows which counts.

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_smithy_types::error::display::DisplayErrorContext;
use serde::Deserialize;

use super::class::{Class, ContextOverflow};
use super::frames::Broken;
use super::redact;
use super::wordings::{classify, context_overflow};

/// One failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure, as the chain's policy knows it.
    pub class: Class,
    /// The HTTP status that Bedrock gave, or would have given (`None`: the connection failed).
    pub status: Option<u16>,
    /// Bedrock's message, or this program's where none came: for the client whose request it was.
    pub message: String,
    /// The message without what it quotes of the request: for the log and the records.
    pub loggable: String,
    /// How long Bedrock asks to wait.
    pub retry_after: Option<Duration>,
    /// By what the request exceeds the model's window, where Bedrock says it.
    pub overflow: Option<ContextOverflow>,
}

/// The payload of an exception inside a stream. Some services write the name of its field in capitals.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// What is said of a stream whose last frame says nothing.
const WITHOUT_WORDS: &str = "the stream ended with an error";

impl Failure {
    /// A failure that this program found, not Bedrock.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            class,
            status: None,
            loggable: message.clone(),
            message,
            retry_after: None,
            overflow: None,
        }
    }

    /// A failure whose message may quote the request or the answer: Bedrock's own, for one.
    pub(super) fn quoting(class: Class, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            loggable: redact::redacted(&message),
            overflow: (class == Class::ContextWindow)
                .then(|| context_overflow(&message))
                .flatten(),
            ..Self::new(class, message)
        }
    }

    /// Whether Bedrock refused the request for what it is, where another request may be taken. Being busy, faults,
    /// silence and credentials that this gateway does not find say something about the target instead.
    pub fn is_refusal(&self) -> bool {
        match self.class {
            Class::AccessDenied
            | Class::NoSuchModel
            | Class::ContextWindow
            | Class::ContentFiltered
            | Class::Lacks(_)
            | Class::BadRequest
            | Class::Rejected => true,
            Class::Credentials | Class::Unavailable => {
                matches!(self.status, Some(400 | 401 | 403 | 404))
            }
            _ => false,
        }
    }

    /// A fault in this program; what it was is in the log.
    pub fn internal() -> Self {
        Self::new(Class::Internal, "a fault in the gateway")
    }

    /// From a call that got no stream.
    pub(super) fn of_call<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let retry_after = response.and_then(retry_after);
        if let SdkError::ServiceError(service) = error {
            let body = response
                .and_then(|response| response.body().bytes())
                .unwrap_or_default();
            let message = service
                .err()
                .message()
                .map(str::to_owned)
                .or_else(|| in_envelope(body))
                .unwrap_or_else(|| plain_text(body));
            let class = classify(service.err().code(), status, &message);
            return Self {
                status,
                retry_after,
                ..Self::quoting(class, message)
            };
        }
        if let SdkError::DispatchFailure(dispatch) = error
            && let Some(failure) = of_identity(dispatch)
        {
            return failure;
        }
        let message = DisplayErrorContext(error).to_string();
        let failure = match error {
            SdkError::ConstructionFailure(_) => Self::new(Class::Internal, message),
            // It shows the answer that could not be read.
            SdkError::ResponseError(_) => Self::quoting(Class::Connection, message),
            _ => Self::new(Class::Connection, message),
        };
        Self {
            status,
            retry_after,
            ..failure
        }
    }

    /// From the exception with which a stream ended.
    pub(super) fn of_exception(name: &str, payload: &[u8]) -> Self {
        let exception = serde_json::from_slice::<Exception>(payload).ok();
        let message = exception
            .and_then(|exception| exception.message)
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| WITHOUT_WORDS.to_owned());
        let status = modelled_status(name);
        Self {
            status,
            ..Self::quoting(classify(Some(name), status, &message), message)
        }
    }

    /// From the error with which a stream ended: what the service's model has no exception for.
    pub(super) fn of_error(code: &str, message: &str) -> Self {
        let said = [message, code].into_iter().find(|said| !said.is_empty());
        let said = said.unwrap_or(WITHOUT_WORDS);
        Self::quoting(classify(Some(code), None, said), said)
    }

    /// From an `error` event of Claude's own stream. A busy new model says so in its first event, under the status 200
    /// (<https://github.com/anthropics/anthropic-sdk-python/issues/1472>).
    pub(super) fn of_event(kind: &str, message: &str) -> Self {
        let said = [message, kind].into_iter().find(|said| !said.is_empty());
        let said = said.unwrap_or(WITHOUT_WORDS);
        let status = anthropic_status(kind);
        Self {
            status,
            ..Self::quoting(classify(None, status, said), said)
        }
    }

    /// From an answer that broke off or cannot be read.
    pub(super) fn of_break(broken: &Broken) -> Self {
        // What it says tells a caller nothing, and may name hosts.
        tracing::warn!(error = %DisplayErrorContext(broken), "the answer broke off");
        Self::new(
            Class::Cut,
            "the stream broke off before the answer was complete",
        )
    }
}

/// What a call says that found no credentials: what to do, in one line.
const NO_CREDENTIALS: &str = "no AWS credentials: run `aws configure sso`, give the machine a role, or set \
     AWS_BEARER_TOKEN_BEDROCK";

/// What a call says whose profile signs in by SSO, and is not signed in: what to do, in one line.
const SIGNED_OUT: &str =
    "the AWS login has expired: run `aws sso login` with the gateway's AWS_PROFILE";

/// The failure of a call that had no identity to be made with; `None`: something else kept it from being made.
fn of_identity(failure: &DispatchFailure) -> Option<Failure> {
    let error: &(dyn StdError + 'static) = failure.as_connector_error()?;
    let causes: Vec<&(dyn StdError + 'static)> =
        std::iter::successors(Some(error), |&error| error.source()).collect();
    let mut found = causes.iter().filter_map(|cause| cause.downcast_ref());
    let is_missing = found.any(|error| matches!(error, CredentialsError::CredentialsNotLoaded(_)));
    // Where a client has no source of credentials at all, the SDK's type for it is its own.
    let starts_with = |words: &str| {
        let mut causes = causes.iter();
        causes.any(|cause| cause.to_string().starts_with(words))
    };
    if is_missing || starts_with(NO_AUTH_SCHEME) {
        return Some(Failure::new(Class::NoCredentials, NO_CREDENTIALS));
    }
    if SSO_TOKEN.into_iter().any(starts_with) {
        return Some(Failure::new(Class::NoCredentials, SIGNED_OUT));
    }
    let is_found = |cause: &&(dyn StdError + 'static)| cause.is::<CredentialsError>();
    if !causes.iter().any(is_found) && !starts_with(SLOW_IDENTITY) {
        return None;
    }
    let words: Vec<String> = causes.iter().map(ToString::to_string).collect();
    let words = words.join(": ").replace(['\n', '\r'], " ");
    Some(Failure::new(Class::Credentials, words))
}

/// What the SDK's error begins with where a client has nothing to sign its requests with.
const NO_AUTH_SCHEME: &str = "failed to select an auth scheme";
/// What the SDK's errors begin with where the token of the last `aws sso login` has expired or is not there.
const SSO_TOKEN: [&str; 2] = [
    "the SSO token has expired",
    "failed to load the cached SSO token",
];
/// What the SDK's error begins with where the credentials did not come in time.
const SLOW_IDENTITY: &str = "identity resolver timed out";

/// The message of a body in the form of Anthropic's own API, which Bedrock hands on for newer models
/// (<https://github.com/anthropics/claude-code/issues/49370>).
fn in_envelope(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct AnthropicErrorBody {
        error: QuotedError,
    }
    #[derive(Deserialize)]
    struct QuotedError {
        message: String,
    }
    let envelope: AnthropicErrorBody = serde_json::from_slice(body).ok()?;
    Some(envelope.error.message)
}

/// A body without Bedrock's JSON, such as a proxy's page, cut to a readable length.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        "no message".to_owned()
    } else {
        text.chars().take(300).collect()
    }
}

fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let seconds: f64 = response.headers().get("retry-after")?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The status that Bedrock's model gives an exception inside a stream.
fn modelled_status(exception: &str) -> Option<u16> {
    match exception {
        "throttlingException" => Some(429),
        "internalServerException" => Some(500),
        "modelStreamErrorException" => Some(424),
        "serviceUnavailableException" => Some(503),
        "validationException" => Some(400),
        "modelTimeoutException" => Some(408),
        _ => None,
    }
}

/// The status that Anthropic gives an error of this type
/// (<https://platform.claude.com/docs/en/api/errors>).
fn anthropic_status(kind: &str) -> Option<u16> {
    match kind {
        "invalid_request_error" => Some(400),
        "authentication_error" => Some(401),
        "permission_error" => Some(403),
        "not_found_error" => Some(404),
        "request_too_large" => Some(413),
        "rate_limit_error" => Some(429),
        "api_error" => Some(500),
        "timeout_error" => Some(504),
        "overloaded_error" => Some(529),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_in_anthropic_s_form_is_read_too() {
        let body = br#"{"type":"error","error":{"type":"invalid_request_error","message":"no"},"request_id":"r"}"#;
        assert_eq!(in_envelope(body).as_deref(), Some("no"));
        for other in ["", "{}", "[]", r#"{"error":"no"}"#, "<html>"] {
            assert_eq!(in_envelope(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn how_a_stream_ended_is_known_by_its_last_frame() {
        let throttled = br#"{"message":"Too many tokens, please wait"}"#;
        let failure = Failure::of_exception("throttlingException", throttled);
        assert_eq!(failure.class, Class::Throttled);
        assert_eq!(failure.status, Some(429));
        assert_eq!(failure.message, "Too many tokens, please wait");
        let capital = br#"{"Message":"Too many tokens"}"#;
        let failure = Failure::of_exception("throttlingException", capital);
        assert_eq!(failure.message, "Too many tokens");
        for payload in [
            "",
            "{}",
            "not JSON",
            r#"{"message":""}"#,
            r#"{"message":null}"#,
        ] {
            let failure = Failure::of_exception("internalServerException", payload.as_bytes());
            assert_eq!(failure.class, Class::Unavailable, "{payload}");
            assert_eq!(failure.message, WITHOUT_WORDS, "{payload}");
        }
        for (code, message, said) in [
            ("InternalError", "it broke", "it broke"),
            ("InternalError", "", "InternalError"),
            ("", "", WITHOUT_WORDS),
        ] {
            let failure = Failure::of_error(code, message);
            assert_eq!(
                (failure.class, &*failure.message),
                (Class::Unavailable, said)
            );
        }
    }
}
