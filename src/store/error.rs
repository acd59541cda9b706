//! What can go wrong between this process and its table.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata, SdkError};

use super::table::CALL_TIMEOUT;

/// Why a call to the table failed.
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

/// What is wrong with a table, in words that clients may see: a predicate of "the table".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFault {
    /// No answer comes.
    Silent,
    /// It answers with errors of its own.
    Failing,
    /// Its throughput is used up.
    Throttled,
    /// It has no room.
    Full,
    /// It does not let the gateway do this.
    Refusing,
    /// It holds what the gateway cannot read.
    Unreadable,
}

impl TableFault {
    /// When a client may try again: later than after a collision with others.
    pub const RETRY_AFTER: Duration = Duration::from_secs(5);
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TableFault::Silent => "does not answer",
            TableFault::Failing => "answers with errors of its own",
            TableFault::Throttled => "takes no more calls for now, for its throughput is used up",
            TableFault::Full => "is full",
            TableFault::Refusing => {
                "does not let the gateway do this; the gateway's log has its words"
            }
            TableFault::Unreadable => {
                "holds an item that cannot be read; the gateway's log says which"
            }
        })
    }
}

/// Codes of errors that pass by themselves, because others write the same items
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>). The last one is a reason
/// inside a cancelled transaction.
const CONTENTION: [&str; 5] = [
    // A condition that others have made fail again and again.
    CONDITION,
    "ReplicatedWriteConflictException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "TransactionConflict",
];

/// Codes of errors that pass by themselves, because the table's throughput is used up. The last two are reasons inside a cancelled
/// transaction.
const THROTTLED: [&str; 6] = [
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
];

/// Codes of errors that pass by themselves, because the table is unwell.
const UNWELL: [&str; 2] = ["InternalServerError", "ServiceUnavailable"];

/// The code of a condition that does not hold.
pub(super) const CONDITION: &str = "ConditionalCheckFailedException";

/// Stands for a code where a call did not leave this process.
const NOT_SENT: &str = "not sent";

/// What the message of a full table contains: of a disk without room (SQLite's words), or of an item that is too large
/// (DynamoDB's).
const FULL_MESSAGES: [&str; 3] = ["disk is full", "No space left", "Item size"];

/// Codes of a call that is refused whenever it is made. The second is a reason inside a cancelled transaction.
const INVALID: [&str; 3] = [
    "ValidationException",
    "ValidationError",
    "SerializationException",
];

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> StoreError {
        StoreError::Item(Arc::new(error))
    }
}

/// The error of a call with the SDK's own retries and the client's time limit.
impl<E> From<SdkError<E>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E>) -> StoreError {
        StoreError::from_sdk(error, CALL_TIMEOUT)
    }
}

/// The error of a call that the SDK could not even build.
impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> StoreError {
        StoreError::Refused {
            code: NOT_SENT.to_owned(),
            message: error.to_string(),
        }
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

    /// Whether what was to be written is not as the table takes it: too large, too deep, a number beyond its own.
    pub fn is_invalid(&self) -> bool {
        match self {
            StoreError::Refused { code, .. } => INVALID.contains(&code.as_str()),
            StoreError::Item(_) => true,
            _ => false,
        }
    }

    /// What is wrong with the table; `None`: nothing, others write the same items at the same time.
    pub fn fault(&self) -> Option<TableFault> {
        match self {
            StoreError::Timeout(_) | StoreError::Unreachable(_) | StoreError::Embedded(_) => {
                Some(TableFault::Silent)
            }
            StoreError::Busy { code, .. } if CONTENTION.contains(&&**code) => None,
            StoreError::ConditionFailed { .. } => None,
            StoreError::Busy { message, .. } | StoreError::Refused { message, .. }
                if FULL_MESSAGES.iter().any(|words| message.contains(words)) =>
            {
                Some(TableFault::Full)
            }
            StoreError::Busy { code, .. } if THROTTLED.contains(&&**code) => {
                Some(TableFault::Throttled)
            }
            StoreError::Busy { .. } => Some(TableFault::Failing),
            StoreError::Refused { .. } => Some(TableFault::Refusing),
            StoreError::Item(_) => Some(TableFault::Unreadable),
        }
    }

    /// Whether it only says that others write the same items at the same time.
    pub fn is_contention(&self) -> bool {
        self.fault().is_none()
    }

    /// Other instances changed the same item first, again and again.
    pub(crate) fn contended(message: &str) -> StoreError {
        StoreError::Busy {
            code: CONDITION.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn from_code(code: &str, message: &str) -> StoreError {
        let (code, message) = (code.to_owned(), message.to_owned());
        let busy = [&CONTENTION[..], &THROTTLED[..], &UNWELL[..]].concat();
        if busy.contains(&code.as_str()) {
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
                code: NOT_SENT.to_owned(),
                message: DisplayErrorContext(&error).to_string(),
            },
            _ => StoreError::Unreachable(DisplayErrorContext(&error).to_string()),
        }
    }
}
