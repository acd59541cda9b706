//! Why requests have no whole answer, as the day's totals count it: failures by their class, and refusals, for which no
//! model was called, by their reason.

use super::record::{Record, Status};

/// Why a request failed, or was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureCause {
    /// Bedrock's quotas, or the deployment's own limits.
    Throttled,
    /// A fault on Bedrock's side, or on the way there.
    Unavailable,
    /// No answer, or no whole one, in time.
    Timeout,
    /// The stream broke before the answer was complete.
    Cut,
    /// Credentials are missing or wrong, or the account may not use the model.
    Credentials,
    /// The prompt does not fit.
    ContextWindow,
    /// A content filter.
    ContentFiltered,
    /// The model refused the request, or there is no such model at Bedrock.
    Rejected,
    /// A fault in this program.
    Internal,
    /// Its process ended before its record was written.
    Lost,
    /// A failure with another word.
    Other,
    /// A budget did not have what it might cost, or could not keep it.
    Budget,
    /// A limit of the key, of a model for the key, or of whom the key is for.
    RateLimit,
    /// The key may not use the model.
    ModelAccess,
    /// No model has this name.
    UnknownModel,
    /// The request itself was wrong.
    BadRequest,
    /// The gateway could not serve it: its table or the pictures' hosts were away.
    Gateway,
}

/// What a refusal begins with as a counter; what a failure does.
const REFUSED: &str = "refused_";
const FAILED: &str = "failed_";

impl FailureCause {
    /// All of them.
    pub const ALL: [FailureCause; 17] = [
        FailureCause::Throttled,
        FailureCause::Unavailable,
        FailureCause::Timeout,
        FailureCause::Cut,
        FailureCause::Credentials,
        FailureCause::ContextWindow,
        FailureCause::ContentFiltered,
        FailureCause::Rejected,
        FailureCause::Internal,
        FailureCause::Lost,
        FailureCause::Other,
        FailureCause::Budget,
        FailureCause::RateLimit,
        FailureCause::ModelAccess,
        FailureCause::UnknownModel,
        FailureCause::BadRequest,
        FailureCause::Gateway,
    ];

    /// Why this request has no whole answer; `None`: it has one.
    pub(super) fn of(record: &Record) -> Option<FailureCause> {
        match record.status {
            Status::Success => None,
            Status::Lost => Some(FailureCause::Lost),
            Status::Failure => Some(match record.final_attempt() {
                Some(attempt) => FailureCause::of_outcome(&attempt.outcome),
                None => FailureCause::of_refusal(record),
            }),
        }
    }

    /// By the outcome of the attempt that decided.
    pub fn of_outcome(outcome: &str) -> FailureCause {
        match outcome {
            "throttled" | "daily_quota" | "limit_reached" => FailureCause::Throttled,
            "unavailable" | "connection" | "mocked" | "cooling_down" => FailureCause::Unavailable,
            "first_event_timeout" | "idle_timeout" | "too_slow" | "deadline" => {
                FailureCause::Timeout
            }
            "cut" => FailureCause::Cut,
            "credentials" | "no_credentials" | "access_denied" => FailureCause::Credentials,
            "context_window" => FailureCause::ContextWindow,
            "content_filtered" => FailureCause::ContentFiltered,
            "no_such_model" | "bad_request" | "rejected" => FailureCause::Rejected,
            "internal" => FailureCause::Internal,
            "over_budget" | "unpriced" => FailureCause::Budget,
            "budget_unknown" => FailureCause::Gateway,
            lacks if lacks.starts_with("lacks") => FailureCause::Rejected,
            _ => FailureCause::Other,
        }
    }

    /// By the error of a request for which no model was asked.
    fn of_refusal(record: &Record) -> FailureCause {
        let Some(error) = &record.error else {
            return FailureCause::Other;
        };
        match (&*error.class, error.status) {
            ("budget_exceeded", _) => FailureCause::Budget,
            (kind, _) if kind.ends_with("_model_access_denied") => FailureCause::ModelAccess,
            (_, 429) => FailureCause::RateLimit,
            (_, 404) => FailureCause::UnknownModel,
            (_, 400..500) => FailureCause::BadRequest,
            (_, 500..) => FailureCause::Gateway,
            _ => FailureCause::Other,
        }
    }

    /// Whether no model was called.
    pub fn is_refusal(self) -> bool {
        self >= FailureCause::Budget
    }

    /// A short, stable word for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureCause::Throttled => "throttled",
            FailureCause::Unavailable => "unavailable",
            FailureCause::Timeout => "timeout",
            FailureCause::Cut => "cut",
            FailureCause::Credentials => "credentials",
            FailureCause::ContextWindow => "context_window",
            FailureCause::ContentFiltered => "content_filtered",
            FailureCause::Rejected => "rejected",
            FailureCause::Internal => "internal",
            FailureCause::Lost => "lost",
            FailureCause::Other => "other",
            FailureCause::Budget => "budget",
            FailureCause::RateLimit => "rate_limit",
            FailureCause::ModelAccess => "model_access",
            FailureCause::UnknownModel => "unknown_model",
            FailureCause::BadRequest => "bad_request",
            FailureCause::Gateway => "gateway",
        }
    }

    /// The cause that is called so in reports.
    pub fn named(word: &str) -> Option<FailureCause> {
        let mut causes = FailureCause::ALL.into_iter();
        causes.find(|cause| cause.as_str() == word)
    }

    /// The name of its counter in a row.
    fn counter(self) -> String {
        let kind = if self.is_refusal() { REFUSED } else { FAILED };
        format!("{kind}{}", self.as_str())
    }

    /// The cause that a counter counts; `None`: the counter is of something else, or of a later version.
    fn of_counter(name: &str) -> Option<FailureCause> {
        let (word, is_refusal) = match name.strip_prefix(REFUSED) {
            Some(word) => (word, true),
            None => (name.strip_prefix(FAILED)?, false),
        };
        let mut causes = FailureCause::ALL.into_iter();
        causes.find(|cause| cause.as_str() == word && cause.is_refusal() == is_refusal)
    }
}

/// How many requests failed of which cause. Requests before these were counted are in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CausesCounted([u32; FailureCause::ALL.len()]);

impl CausesCounted {
    pub(super) fn add(&mut self, cause: FailureCause, requests: u32) {
        if let Some(count) = self.0.get_mut(cause as usize) {
            *count = count.saturating_add(requests);
        }
    }

    pub(super) fn add_all(&mut self, other: &CausesCounted) {
        for (cause, requests) in other.counted() {
            self.add(cause, requests);
        }
    }

    /// The causes that there were, and how many requests each had.
    pub fn counted(&self) -> impl Iterator<Item = (FailureCause, u32)> + '_ {
        let causes = FailureCause::ALL.into_iter().zip(self.0);
        causes.filter(|(_, requests)| *requests > 0)
    }

    /// How many requests there were of one cause.
    pub fn of(&self, cause: FailureCause) -> u32 {
        self.0.get(cause as usize).copied().unwrap_or_default()
    }

    /// How many requests there were in all.
    pub fn requests(&self) -> u64 {
        self.0.iter().copied().map(u64::from).sum()
    }

    /// The counters of a row, by their names.
    pub(super) fn amounts(&self) -> impl Iterator<Item = (String, u32)> + '_ {
        self.counted()
            .map(|(cause, requests)| (cause.counter(), requests))
    }

    /// The counter of this name; `None`: it is none of these.
    pub(super) fn counter(&mut self, name: &str) -> Option<&mut u32> {
        self.0.get_mut(FailureCause::of_counter(name)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::{RecordCaller, RecordFailure, RequestId};
    use super::*;
    use crate::bedrock::{Class, Feature};
    use crate::spend::Attempt;

    #[test]
    fn every_cause_is_counted_under_a_name_of_its_own() {
        for (place, cause) in FailureCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, place);
            assert_eq!(FailureCause::of_counter(&cause.counter()), Some(cause));
            assert_eq!(FailureCause::named(cause.as_str()), Some(cause));
        }
        assert_eq!(FailureCause::of_counter("failed_budget"), None);
        assert_eq!(FailureCause::of_counter("requests"), None);
    }

    #[test]
    fn every_class_of_the_chain_has_a_cause() {
        use Class::*;
        let classes = [
            Throttled,
            DailyQuota,
            Unavailable,
            Connection,
            FirstEventTimeout,
            IdleTimeout,
            Cut,
            Credentials,
            NoCredentials,
            AccessDenied,
            NoSuchModel,
            ContextWindow,
            ContentFiltered,
            Lacks(Feature::TopK),
            BadRequest,
            Rejected,
            TooSlow,
            LimitReached,
            OverBudget,
            Unpriced,
            BudgetUnknown,
            Mocked,
            Deadline,
            Internal,
        ];
        for class in classes {
            let cause = FailureCause::of_outcome(class.as_str());
            assert_ne!(cause, FailureCause::Other, "{class:?}");
            assert_eq!(cause.is_refusal(), class.is_about_money(), "{class:?}");
        }
    }

    #[test]
    fn a_request_without_an_attempt_is_refused_for_what_its_client_was_told() {
        for (class, status, cause) in [
            ("budget_exceeded", 422, FailureCause::Budget),
            ("budget_exceeded", 429, FailureCause::Budget),
            ("throttling_error", 429, FailureCause::RateLimit),
            ("key_model_access_denied", 401, FailureCause::ModelAccess),
            ("team_model_access_denied", 403, FailureCause::ModelAccess),
            ("invalid_request_error", 404, FailureCause::UnknownModel),
            ("invalid_request_error", 400, FailureCause::BadRequest),
            ("internal_server_error", 503, FailureCause::Gateway),
        ] {
            let id = RequestId::new(Timestamp::UNIX_EPOCH);
            let mut record = Record::new(id, "m", RecordCaller::default());
            record.error = Some(RecordFailure {
                class: class.to_owned(),
                status,
                message: String::new(),
            });
            assert_eq!(FailureCause::of(&record), Some(cause), "{class} {status}");
            record.attempts = vec![Attempt {
                outcome: "cut".to_owned(),
                ..Attempt::default()
            }];
            assert_eq!(FailureCause::of(&record), Some(FailureCause::Cut));
            record.status = Status::Success;
            assert_eq!(FailureCause::of(&record), None);
        }
    }
}
