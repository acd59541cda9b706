//! Filing a request when it is over: its record, and where that is wanted its prompt and its reply.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::app::AppState;
use crate::conversation::{Event, Fold};
use crate::keys::Caller;
use crate::openai::stored_reply;
use crate::spend::{Content, Record};
use crate::wire::{Head, Labels, stored_request};

/// A request's content while it is collected.
#[derive(Debug)]
pub(super) struct Prompt {
    body: Bytes,
    reply: Fold,
}

impl Prompt {
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
            (None, None) => app.config.general.store_prompts,
        };
        store.then(|| Self {
            body: body.clone(),
            reply: Fold::default(),
        })
    }

    /// Another target answers from the beginning.
    pub(super) fn begin_again(&mut self) {
        self.reply = Fold::default();
    }

    pub(super) fn see(&mut self, event: &Event) {
        self.reply.push(event.clone());
    }

    /// As it is stored; `None` for a body that is no JSON object.
    fn into_content(self, record: &Record) -> Option<Content> {
        let id = record.request_id;
        let group = record.decisive().map(|attempt| attempt.group.clone());
        let model = group.unwrap_or_else(|| record.model_asked.clone());
        Some(Content {
            request: stored_request(&self.body)?,
            response: stored_reply(
                Head {
                    id: id.to_string(),
                    created: id.time().as_second(),
                    model,
                    include_usage: false,
                    seal: None,
                    free_form: Vec::new(),
                },
                self.reply.finish(),
            ),
        })
    }
}

/// Writes the record, then the content in what is left of the record's time. The ledger itself logs what it could not
/// write. Of requests for which no model was asked, only the first ones of a key's minute are written.
pub(super) async fn file(app: &AppState, caller: &Caller, record: Record, prompt: Option<Prompt>) {
    let unasked = record.attempts.is_empty() && record.reservations.is_empty();
    if unasked && !app.keys.files_refusal(caller) {
        return;
    }
    let until = Instant::now() + app.config.settings.record_timeout;
    let id = record.request_id;
    let content = prompt.and_then(|prompt| prompt.into_content(&record));
    app.ledger.record(record).await.ok();
    if let Some(content) = content {
        let left = until.saturating_duration_since(Instant::now());
        // A table that took the record at the last moment may take this too.
        let limit = left.max(Duration::from_millis(500));
        app.ledger.keep_content(&id, content, limit).await;
    }
}
