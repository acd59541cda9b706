//! What a client is told of a failure of each class.

use crate::bedrock::{Class, Failure, Feature};
use crate::wire::ApiError;

use super::super::error_response;

#[test]
fn every_class_of_failure_has_a_status_a_type_and_says_whether_to_repeat() {
    use Class as C;
    for (class, status, kind, should_retry) in [
        (C::Throttled, 429, "rate_limit_error", true),
        (C::LimitReached, 429, "rate_limit_error", true),
        (C::DailyQuota, 429, "rate_limit_error", false),
        (C::Unavailable, 529, "overloaded_error", true),
        (C::Connection, 529, "overloaded_error", true),
        (C::Cut, 529, "overloaded_error", true),
        (C::Mocked, 529, "overloaded_error", true),
        (C::BudgetUnknown, 529, "overloaded_error", true),
        (C::FirstEventTimeout, 504, "timeout_error", true),
        (C::IdleTimeout, 504, "timeout_error", true),
        (C::TooSlow, 504, "timeout_error", true),
        (C::Deadline, 504, "timeout_error", true),
        (C::Internal, 500, "api_error", true),
        (C::Credentials, 502, "api_error", true),
        (C::NoCredentials, 502, "api_error", false),
        (C::AccessDenied, 403, "permission_error", false),
        (C::OverBudget, 422, "invalid_request_error", false),
        (C::Unpriced, 400, "invalid_request_error", false),
        (C::NoSuchModel, 400, "invalid_request_error", false),
        (C::ContextWindow, 400, "invalid_request_error", false),
        (C::ContentFiltered, 400, "invalid_request_error", false),
        (
            C::Lacks(Feature::Betas),
            400,
            "invalid_request_error",
            false,
        ),
        (C::BadRequest, 400, "invalid_request_error", false),
        (C::Rejected, 400, "invalid_request_error", false),
    ] {
        let failure = Failure::new(class, "in some words");
        let error = ApiError::from(&failure);
        let (found, body) = error_response(&error, None);
        assert_eq!(
            (found.as_u16(), &body["error"]["type"]),
            (status, &kind.into()),
            "{class:?}"
        );
        assert_eq!(error.should_retry(), Some(should_retry), "{class:?}");
    }
}

#[test]
fn a_time_to_come_back_at_means_to_come_back() {
    let wait = std::time::Duration::from_secs(2);
    let error = ApiError::from(&Failure::new(Class::DailyQuota, "in some words"));
    assert_eq!(error.should_retry(), Some(false));
    assert_eq!(error.retry_after(wait).should_retry(), Some(true));
    let refused = ApiError::unauthorized("no such key");
    assert_eq!(refused.should_retry(), None);
}
