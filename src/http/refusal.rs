//! A request that was refused although its key is good: answered at once, and a record like any other, if it is one of
//! the first of its key's minute.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;

use crate::app::AppState;
use crate::keys::{Caller, Standing};
use crate::spend::{Failure, RequestId};
use crate::wire::{ApiError, Labels, headline};

use super::filing::Prompt;
use super::log::HasOwnLine;
use super::{access, exchange, filing, log, standing, trail};

/// What is known of the request.
#[derive(Debug)]
pub(super) struct Refused<'a> {
    pub(super) id: RequestId,
    pub(super) call_type: &'static str,
    pub(super) caller: Caller,
    pub(super) labels: Labels,
    pub(super) model_in_path: Option<String>,
    pub(super) body: &'a Bytes,
    pub(super) arrived: Instant,
}

impl Refused<'_> {
    /// The refusal, and in a task of its own its record: it cost nothing, but whoever looks for it finds it. It is one
    /// of its key's requests, and where these are too many, that is what it is refused for.
    pub(super) async fn respond(self, app: &AppState, error: ApiError) -> Response {
        let (error, standing) = match app.keys.admit_refused(&self.caller).await {
            Ok(()) => (error, Standing::default()),
            Err(denied) => {
                let standing = denied.standing();
                (standing::refusal(app, denied), standing)
            }
        };
        let prompt = Prompt::wanted(app, &self.caller, &self.labels, self.body);
        let (model, stream) = headline(self.body);
        let model = model.or(self.model_in_path).unwrap_or_default();
        let model = access::plain(app, &self.caller, &model).0.to_owned();
        let mut record =
            exchange::record_of(self.id, self.call_type, model, &self.caller, self.labels);
        record.stream = stream;
        record.end = jiff::Timestamp::now().max(record.start);
        record.error = Some(Failure::from(&error));
        log::answered(&record, None, self.arrived.elapsed());
        let (state, caller) = (app.clone(), self.caller);
        app.tasks
            .spawn(async move { filing::file(&state, &caller, record, prompt).await });
        let mut response = error.into_response();
        trail::add(response.headers_mut(), &self.id, None, &[]);
        standing::add(response.headers_mut(), &standing, None);
        response.extensions_mut().insert(HasOwnLine);
        response
    }
}

impl From<&ApiError> for Failure {
    fn from(error: &ApiError) -> Self {
        Self {
            class: error.kind.to_owned(),
            status: error.status.as_u16(),
            message: error.stored.as_deref().unwrap_or(&error.message).to_owned(),
        }
    }
}
