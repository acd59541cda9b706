//! The two lines from which the books can be made whole when the table could not be written.
//!
//! Both have the target [`TARGET`], which a log filter must always let through at `info`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Record, RequestId, Reservation};
use crate::store::StoreError;

/// The tracing target of both lines.
pub const TARGET: &str = "spend";

/// The `event` of a request whose record is still to come.
pub const OPEN: &str = "spend_open";

/// The `event` of a record that the table did not take.
pub const UNRECORDED: &str = "spend_unrecorded";

/// A request that has been admitted and whose record is still to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening<'a> {
    /// The request.
    pub request_id: RequestId,
    /// By which route it came, as its record will say.
    pub call_type: Cow<'a, str>,
    /// The SHA-256 of its key, in hex.
    pub api_key: Cow<'a, str>,
    /// The model it asks for.
    pub model: Cow<'a, str>,
    /// The prompt's tokens, estimated.
    pub estimated_input: u64,
    /// What is held for it against which budgets.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub reservations: Cow<'a, [Reservation]>,
}

/// Logs `spend_open`: from here on Bedrock may bill for this request. The line has left this process when this returns:
/// standard output is flushed at every end of a line.
pub fn opened(opening: &Opening<'_>) {
    let json = serde_json::to_string(opening).unwrap_or_default();
    tracing::info!(target: TARGET, event = OPEN, open = json);
}

/// Logs `spend_unrecorded` with the whole record.
pub(super) fn unrecorded(record: &Record, error: &StoreError) {
    match serde_json::to_string(record) {
        Ok(json) => {
            tracing::error!(target: TARGET, event = UNRECORDED, %error, record = json)
        }
        // Nothing in a record fails to serialize; were it so, its id would be the least to keep.
        Err(why) => {
            tracing::error!(target: TARGET, event = UNRECORDED, %error, %why, id = %record.request_id)
        }
    }
}
