//! `retry_policy`: how often a target is tried again, by the kind of its failure.

use serde::Deserialize;

/// Kinds of failure as `retry_policy` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryKind {
    /// `BadRequestErrorRetries`.
    BadRequest,
    /// `AuthenticationErrorRetries`.
    Authentication,
    /// `TimeoutErrorRetries`.
    Timeout,
    /// `RateLimitErrorRetries`.
    RateLimit,
    /// `ContentPolicyViolationErrorRetries`.
    ContentPolicy,
    /// `ServiceUnavailableErrorRetries`, else `InternalServerErrorRetries`: Bedrock says both of the same faults.
    Unavailable,
    /// `NotFoundErrorRetries`.
    NotFound,
}

/// LiteLLM's `retry_policy`: further tries by the kind of the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    #[serde(rename = "BadRequestErrorRetries")]
    bad_request: Option<u32>,
    #[serde(rename = "AuthenticationErrorRetries")]
    authentication: Option<u32>,
    #[serde(rename = "TimeoutErrorRetries")]
    timeout: Option<u32>,
    #[serde(rename = "RateLimitErrorRetries")]
    rate_limit: Option<u32>,
    #[serde(rename = "ContentPolicyViolationErrorRetries")]
    content_policy: Option<u32>,
    #[serde(rename = "InternalServerErrorRetries")]
    internal: Option<u32>,
    #[serde(rename = "ServiceUnavailableErrorRetries")]
    unavailable: Option<u32>,
    #[serde(rename = "NotFoundErrorRetries")]
    not_found: Option<u32>,
    #[serde(rename = "DefaultRetries")]
    default: Option<u32>,
}

impl RetryPolicy {
    /// Further tries after a failure of this kind; `None`: it does not say.
    pub fn of(&self, kind: RetryKind) -> Option<u32> {
        let named = match kind {
            RetryKind::BadRequest => self.bad_request,
            RetryKind::Authentication => self.authentication,
            RetryKind::Timeout => self.timeout,
            RetryKind::RateLimit => self.rate_limit,
            RetryKind::ContentPolicy => self.content_policy,
            RetryKind::Unavailable => self.unavailable.or(self.internal),
            RetryKind::NotFound => self.not_found,
        };
        // The default is for failures that are worth another try.
        let default = self
            .default
            .filter(|_| matches!(kind, RetryKind::RateLimit | RetryKind::Unavailable));
        named.or(default)
    }
}
