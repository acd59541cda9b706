//! The lines of the log from which `replay` writes records when the table could not be written.
//!
//! All have the target [`LOG_TARGET`], which a log filter must always let through at `info`, and a `signature`:
//! `replay` believes what this gateway wrote, and not what a client got into its log.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[cfg(feature = "local")]
use super::Reservations;
use super::cut::cut;
use super::record::{LONGEST_LABEL, bound_tags};
use super::signature::{Signer, UNSIGNED};
use super::{Record, RecordCaller, RequestId, Reservation, SharedReservation};
use crate::store::StoreError;

/// The tracing target of these lines.
pub const LOG_TARGET: &str = "spend";

/// The `event` of a request whose record is still to come.
pub const EVENT_OPEN: &str = "spend_open";

/// The `event` of a request that holds more of its budgets than its `spend_open` says: another attempt begins.
pub const EVENT_HELD: &str = "spend_held";

/// The `event` of a record that the table did not take.
pub const EVENT_UNRECORDED: &str = "spend_unrecorded";

/// The `call_type` of a search of the web, for which no model is asked: LiteLLM's word.
pub const CALL_TYPE_SEARCH: &str = "asearch";

/// A request that has been admitted and whose record is still to come, as far as that is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingRequest<'a> {
    /// The request.
    pub request_id: RequestId,
    /// By which route it came.
    pub call_type: Cow<'a, str>,
    /// The model it asks for.
    pub model: Cow<'a, str>,
    /// The prompt's tokens, estimated.
    pub estimated_input: u64,
    /// What it is billed by instead of tokens, where that is the documents that it puts in order.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub search_units: u64,
    /// Whether it asks for a stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// The key, and the user it is for.
    #[serde(flatten)]
    pub caller: Cow<'a, RecordCaller>,
    /// The labels that it is counted under.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub tags: Cow<'a, [String]>,
    /// The client's own id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub litellm_call_id: Option<Cow<'a, str>>,
    /// The trace that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Cow<'a, str>>,
    /// What is held for it against which budgets.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub reservations: Cow<'a, [Reservation]>,
    /// What is held for it against budgets that many share.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub shared: Cow<'a, [SharedReservation]>,
}

/// The most bytes of a pending request as JSON. Quoted once more as a part of its line it has less than three times as
/// many: agents that collect logs cut lines at 16 KB.
const LONGEST_PENDING: usize = 5_000;

impl<'a> PendingRequest<'a> {
    /// What is to be known of this record if it never comes.
    pub fn of(record: &'a Record, estimated_input: u64) -> PendingRequest<'a> {
        PendingRequest {
            request_id: record.request_id,
            call_type: record.call_type.as_str().into(),
            model: record.model_asked.as_str().into(),
            estimated_input,
            search_units: 0,
            stream: record.stream,
            caller: Cow::Borrowed(&record.caller),
            tags: record.tags.as_slice().into(),
            litellm_call_id: record.litellm_call_id.as_deref().map(Cow::from),
            trace_id: record.trace_id.as_deref().map(Cow::from),
            reservations: record.reservations.own.as_slice().into(),
            shared: record.reservations.shared.as_slice().into(),
        }
    }

    /// All that is held for it.
    #[cfg(feature = "local")]
    pub(super) fn held(&self) -> Reservations {
        Reservations {
            own: self.reservations.to_vec(),
            shared: self.shared.to_vec(),
        }
    }

    pub(super) fn line(&self) -> PendingLine {
        PendingLine(self.json())
    }

    /// As its line says it. What clients have said at length is cut as it will be in the record, and left out where it
    /// takes more room even so: where most of it is quotes or control characters.
    fn json(&self) -> String {
        let json =
            |pending: &PendingRequest<'_>| serde_json::to_string(pending).unwrap_or_default();
        let complete = json(self);
        if complete.len() <= LONGEST_PENDING {
            return complete;
        }
        let mut pending = self.clone();
        cut(pending.model.to_mut(), LONGEST_LABEL);
        pending.caller.to_mut().bound();
        bound_tags(pending.tags.to_mut());
        if let Some(id) = &mut pending.litellm_call_id {
            cut(id.to_mut(), LONGEST_LABEL);
        }
        let short = json(&pending);
        if short.len() <= LONGEST_PENDING {
            return short;
        }
        json(&PendingRequest {
            caller: Cow::Owned(RecordCaller {
                key_hash: self.caller.key_hash.clone(),
                client_app: pending.caller.client_app.clone(),
                ..RecordCaller::default()
            }),
            tags: Cow::default(),
            litellm_call_id: None,
            ..pending
        })
    }
}

/// A `spend_open` or `spend_held` that is to be logged.
pub(super) struct PendingLine(String);

impl PendingLine {
    pub(super) fn write(&self, event: &'static str, signer: Option<&Signer>) {
        let signature = signature(signer, event, &self.0);
        tracing::info!(target: LOG_TARGET, event, open = self.0, signature);
    }
}

/// Logs `spend_unrecorded` with the whole record.
pub(super) fn unrecorded(record: &Record, error: &StoreError, signer: Option<&Signer>) {
    match serde_json::to_string(record) {
        Ok(json) => {
            let signature = signature(signer, EVENT_UNRECORDED, &json);
            tracing::error!(target: LOG_TARGET, event = EVENT_UNRECORDED, %error, record = json, signature)
        }
        // Nothing in a record fails to serialize; were it so, its id would be the least to keep.
        Err(why) => {
            tracing::error!(target: LOG_TARGET, event = EVENT_UNRECORDED, %error, %why, id = %record.request_id)
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn signature(signer: Option<&Signer>, event: &str, json: &str) -> String {
    signer.map_or_else(|| UNSIGNED.to_owned(), |signer| signer.sign(event, json))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// A record all of whose labels are this text.
    fn record(text: &str) -> Record {
        let some = || Some(text.to_owned());
        let caller = RecordCaller {
            key_hash: "ab".repeat(32),
            key_alias: some(),
            user: some(),
            team_id: some(),
            end_user: some(),
            session_id: some(),
            agent_id: some(),
            parent_agent_id: some(),
            client: some(),
            client_app: Some("claude-code".to_owned()),
        };
        let mut record = Record::new(RequestId::new(Timestamp::UNIX_EPOCH), text, caller);
        record.tags = (0..1_000).map(|n| format!("{n}{text}")).collect();
        record.litellm_call_id = some();
        record
    }

    #[test]
    fn an_opening_is_one_line_that_no_collector_cuts_whatever_clients_say() {
        for character in ["x", "é", "\"", "\\", "\n", "\u{7}", "\u{200b}", "𝄞"] {
            let mut record = record(&character.repeat(10_000));
            let json = PendingRequest::of(&record, 12).json();
            let line = serde_json::json!({ "open": json }).to_string();
            for line in [line, format!("{json:?}")] {
                assert!(line.len() < 15_000, "{character:?}: {}", line.len());
                assert!(!line.contains('\n'));
            }
            let read: PendingRequest<'static> = serde_json::from_str(&json).unwrap();
            assert_eq!(read.caller.key_hash, record.caller.key_hash);
            if !character.contains(['"', '\\', '\n', '\u{7}']) {
                record.freeze();
                assert_eq!(
                    read,
                    PendingRequest::of(&record, 12),
                    "as the record has it"
                );
            }
        }
    }

    #[test]
    fn an_opening_of_an_earlier_version_is_read() {
        let id = RequestId::new(Timestamp::UNIX_EPOCH);
        let json = format!(
            r#"{{"request_id":"{id}","call_type":"acompletion","api_key":"ab","model":"m","estimated_input":1}}"#
        );
        let read: PendingRequest<'static> = serde_json::from_str(&json).unwrap();
        let mut record = Record::new(id, "m", RecordCaller::default());
        record.caller.key_hash = "ab".to_owned();
        assert_eq!(read, PendingRequest::of(&record, 1));
        assert_eq!(read.json().len(), json.len());
    }
}
