//! What the erasure of a user or a customer says.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::app::AppState;
use crate::spend::{ErasedPerson, Record};
use crate::wire::ApiError;

/// What an erasure cannot reach, and how long.
pub(super) const NOTE: &str = "effective on every instance within 10 s; the totals of days keep their numbers, under the id; records of before name \
    nobody any more, and thinking that was kept for tool loops is gone seven days after its last use; but point-in-time recovery can bring back the table as it was on each of the last 35 days, and logs \
    are kept as long as their log group says";

/// How long the records are searched in one request.
const LONGEST: Duration = Duration::from_secs(20);

/// What was erased of one person.
#[derive(Debug, Serialize)]
pub(super) struct ErasedView {
    erased_records: u64,
    erased_contents: u64,
    erased_responses: u64,
    /// Whether every record was searched. Where not, the same request with `before`: `searched_until` goes on.
    pub(super) complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    searched_until: Option<Timestamp>,
}

/// Each of so many persons' part of the time.
pub(super) fn share(persons: usize) -> Duration {
    LONGEST / u32::try_from(persons.max(1)).unwrap_or(u32::MAX)
}

/// Takes a person out of the records.
pub(super) async fn erase(
    app: &AppState,
    person: ErasedPerson,
    before: Option<Timestamp>,
    limit: Duration,
) -> Result<ErasedView, ApiError> {
    // A request that is under way has its record later.
    let latest = || Timestamp::now() + Duration::from_secs(60);
    let end = before.unwrap_or_else(latest);
    let delete_response = |record: &Record| {
        let store = app.responses.clone();
        let owner = record.caller.key_hash.clone();
        let response = record.request_id.with_prefix("");
        async move { store.delete(&owner, &response).await }
    };
    let erased = app.ledger.erase(&person, end, limit, delete_response);
    let erased = erased.await?;
    Ok(ErasedView {
        erased_records: erased.records,
        erased_contents: erased.contents,
        erased_responses: erased.responses,
        complete: erased.searched_until.is_none(),
        searched_until: erased.searched_until,
    })
}
