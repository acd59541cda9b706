//! A request that was refused although its key is good: answered at once, and a record like any other, if it is one of
//! the first of its key's minute.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;

use crate::app::AppState;
use crate::http::log::{self, HasOwnLine};
use crate::http::record::{self, ContentCapture};
use crate::http::{access, limit_headers, reply_headers};
use crate::keys::{Caller, KeyUsage};
use crate::spend::{RecordFailure, RequestId};
use crate::wire::{ApiError, Labels, headline};

/// The request, and why it is refused.
#[derive(Debug)]
pub(in crate::http) struct RejectedRequest {
    pub(in crate::http) id: RequestId,
    /// By which wire it came.
    pub(in crate::http) call_type: &'static str,
    pub(in crate::http) caller: Caller,
    pub(in crate::http) labels: Labels,
    pub(in crate::http) body: Bytes,
    pub(in crate::http) model_in_path: Option<String>,
    pub(in crate::http) arrived: Instant,
    pub(in crate::http) error: ApiError,
}

impl RejectedRequest {
    /// The refusal, and in a task of its own its record: it cost nothing, but it can be found. It is one
    /// of its key's requests, and where these are too many, that is what it is refused for.
    pub(in crate::http) async fn respond(self, app: &AppState) -> Response {
        let Self {
            id,
            call_type,
            caller,
            labels,
            body,
            model_in_path,
            arrived,
            error,
        } = self;
        let (error, key_usage) = match app.keys.count_rejected(&caller).await {
            Ok(()) => (error, KeyUsage::default()),
            Err(denied) => {
                let key_usage = denied.key_usage();
                (limit_headers::refusal(app, denied), key_usage)
            }
        };
        let content = ContentCapture::wanted(app, &caller, &labels, &body);
        let (model, stream) = headline(&body);
        let model = model.or(model_in_path).unwrap_or_default();
        let model = access::without_window_mark(app, &caller, &model)
            .0
            .to_owned();
        let mut record = record::begin(id, call_type, model, &caller, labels);
        record.stream = stream;
        record.end = jiff::Timestamp::now().max(record.start);
        record.error = Some(RecordFailure::from(&error));
        log::log_chat(&record, None, arrived.elapsed());
        let state = app.clone();
        app.tasks
            .spawn(async move { record::write(&state, &caller, record, content).await });
        let mut response = error.into_response();
        reply_headers::add(response.headers_mut(), &id, None, &[]);
        limit_headers::add(response.headers_mut(), &key_usage, None);
        response.extensions_mut().insert(HasOwnLine);
        response
    }
}
