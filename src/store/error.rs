//! What can go wrong between this process and its table.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call to the table that did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No answer in time. A write may or may not have happened.
    #[error("the table did not answer within {0:?}")]
    Timeout(Duration),
    /// Throttled, in conflict with another transaction, or briefly unwell: worth another try.
    #[error("the table is busy ({code}): {message}")]
    Busy {
        /// DynamoDB's own word for it.
        code: String,
        /// DynamoDB's explanation, possibly empty.
        message: String,
    },
    /// The connection failed before an answer came. A write may or may not have happened.
    #[error("the table cannot be reached: {0}")]
    Unreachable(String),
    /// Asking again would be refused again: permissions, a missing table, a bad item.
    #[error("the table refused the call ({code}): {message}")]
    Refused {
        /// DynamoDB's own word for it.
        code: String,
        /// DynamoDB's explanation, possibly empty.
        message: String,
    },
    /// The condition of the write at this position of the transaction does not hold; nothing was written.
    #[error("the condition of write {write} of the transaction does not hold")]
    ConditionFailed {
        /// Position in the transaction, from 0.
        write: usize,
    },
    /// An item cannot be turned into what its reader expects, or the other way round.
    #[error("an item of the table does not have the expected form: {0}")]
    Item(#[source] Arc<serde_json::Error>),
    /// The embedded table could not be opened or served.
    #[error("the embedded table: {0}")]
    Embedded(String),
}

/// Codes that pass by themselves
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>). The last three are
/// reasons inside a cancelled transaction.
const BUSY: [&str; 12] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
];

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> StoreError {
        StoreError::Item(Arc::new(error))
    }
}

impl StoreError {
    /// Whether the same call may well succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            StoreError::Timeout(_) | StoreError::Busy { .. } | StoreError::Unreachable(_)
        )
    }

    pub(super) fn from_code(code: &str, message: &str) -> StoreError {
        let (code, message) = (code.to_owned(), message.to_owned());
        if BUSY.contains(&code.as_str()) {
            StoreError::Busy { code, message }
        } else {
            StoreError::Refused { code, message }
        }
    }

    pub(super) fn from_sdk<E>(error: SdkError<E>, limit: Duration) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match &error {
            SdkError::TimeoutError(_) => StoreError::Timeout(limit),
            SdkError::ServiceError(refusal) => {
                let status = refusal.raw().status().as_u16();
                let code = refusal.err().code().unwrap_or("no code");
                let message = refusal.err().message().unwrap_or_default();
                match StoreError::from_code(code, message) {
                    // Also what a proxy or a starting server says, without a code of DynamoDB's. 501 is final.
                    StoreError::Refused { code, message } if status >= 500 && status != 501 => {
                        StoreError::Busy { code, message }
                    }
                    error => error,
                }
            }
            SdkError::ConstructionFailure(_) => StoreError::Refused {
                code: "not sent".to_owned(),
                message: DisplayErrorContext(&error).to_string(),
            },
            _ => StoreError::Unreachable(DisplayErrorContext(&error).to_string()),
        }
    }
}

/// An input that the SDK could not even build.
pub(super) fn not_sent(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Refused {
        code: "not sent".to_owned(),
        message: error.to_string(),
    }
}
