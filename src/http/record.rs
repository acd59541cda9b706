//! The record of a request: as it begins, and when the request is over, with its prompt and its reply where that is
//! wanted.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::app::AppState;
use crate::conversation::{Event, Fold};
use crate::keys::Caller;
use crate::openai::stored_reply;
use crate::spend::{self, LedgerOptions, Record, RecordFailure, RequestId, StoredContent};
use crate::wire::{ApiError, Labels, ReplyMeta, stored_request};

/// A request's content while it is collected.
#[derive(Debug)]
pub(super) struct ContentCapture {
    body: Bytes,
    reply: Fold,
}

impl ContentCapture {
    /// Where it is to be stored: never against the client's word, then as the key says, then as the client asks, else
    /// as configured.
    pub(super) fn wanted(
        app: &AppState,
        caller: &Caller,
        labels: &Labels,
        body: &Bytes,
    ) -> Option<Self> {
        let store = match (labels.store_prompts, caller.store_prompts) {
            (Some(false), _) => false,
            (_, Some(of_key)) => of_key,
            (Some(true), None) => true,
            (None, None) => app.routes.current_config().general.store_prompts,
        };
        store.then(|| Self {
            body: body.clone(),
            reply: Fold::default(),
        })
    }

    /// Another target answers from the beginning.
    pub(super) fn reset(&mut self) {
        self.reply = Fold::default();
    }

    pub(super) fn push(&mut self, event: &Event) {
        self.reply.push(event.clone());
    }

    /// As it is stored; `None` for a body that is no JSON object.
    fn into_content(self, record: &Record) -> Option<StoredContent> {
        let id = record.request_id;
        let group = record.final_attempt().map(|attempt| attempt.group.clone());
        let model = group.unwrap_or_else(|| record.model_asked.clone());
        Some(StoredContent {
            request: stored_request(&self.body)?,
            response: stored_reply(
                ReplyMeta {
                    id: id.to_string(),
                    created: id.time().as_second(),
                    model,
                    ..ReplyMeta::default()
                },
                self.reply.finish(),
            ),
        })
    }
}

/// The record of a request of which nothing is known yet but its caller and what it asks for.
pub(super) fn begin(
    id: RequestId,
    call_type: &str,
    model_asked: String,
    caller: &Caller,
    labels: Labels,
) -> Record {
    let key = caller.virtual_key.as_deref();
    let key = key.map(|key| &key.settings);
    let of_key = key.map(|key| key.tags.clone()).unwrap_or_default();
    let team = caller.owners.team.as_ref();
    let of_team = team.map(|team| team.settings.tags.clone());
    let of_team = of_team.unwrap_or_default();
    let caller = spend::RecordCaller {
        user: key.and_then(|key| key.user_id.clone()),
        team_id: key.and_then(|key| key.team_id.clone()),
        key_hash: caller.key_hash.clone(),
        key_alias: Some(caller.alias.clone()),
        end_user: labels.end_user,
        session_id: labels.session,
        agent_id: labels.agent,
        parent_agent_id: labels.parent_agent,
        client: labels.client,
        client_app: Some(labels.client_app.as_str().to_owned()),
    };
    let mut record = Record::new(id, model_asked, caller);
    call_type.clone_into(&mut record.call_type);
    // The key's first: a record keeps only so many.
    record.tags = of_key;
    record.tags.extend(of_team);
    record.tags.extend(labels.tags);
    record.litellm_call_id = labels.call_id;
    record.trace_id = labels.trace_id;
    record.trace_parent = labels.trace_parent;
    record.spend_logs_metadata = labels.spend_metadata;
    record
}

/// Writes the record, then the content in what is left of the record's time. The ledger itself logs what it could not
/// write. Of requests for which no model was asked, only the first ones of a key's minute are written.
pub(super) async fn write(
    app: &AppState,
    caller: &Caller,
    record: Record,
    content: Option<ContentCapture>,
) {
    let unasked = record.attempts.is_empty() && record.reservations.is_empty();
    if unasked && !app.keys.records_rejection(caller) {
        return;
    }
    let until = Instant::now() + app.config.settings.record_timeout;
    let id = record.request_id;
    let content = content.and_then(|content| content.into_content(&record));
    let spent = record.spend_known();
    super::alerts::notice(app, &record);
    app.traces.export(&record);
    if app.ledger.record(record).await.is_err() {
        app.alerts.spend_unrecorded(spent);
    }
    if let Some(content) = content {
        let left = until.saturating_duration_since(Instant::now());
        // A table that took the record at the last moment may take this too.
        let limit = left.max(Duration::from_millis(500));
        let options = LedgerOptions::of(&app.routes.current_config());
        let kept = options.content_kept(caller.content_retention(id.time()));
        app.ledger.keep_content(&id, content, kept, limit).await;
    }
}

impl From<&ApiError> for RecordFailure {
    fn from(error: &ApiError) -> Self {
        let upstream = error.upstream.as_ref();
        let message = upstream.map_or(&error.message, |upstream| &upstream.stored);
        Self {
            class: error.kind.to_owned(),
            status: error.status.as_u16(),
            message: message.clone(),
        }
    }
}
