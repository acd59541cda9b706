//! A request that was refused although its key is good: answered at once, and a record like any other, if it is one of
//! the first of its key's minute.

use axum::response::{IntoResponse, Response};

use crate::app::AppState;
use crate::http::log::{self, HasOwnLine};
use crate::http::record::{self, ContentCapture};
use crate::http::{access, limit_headers, reply_headers};
use crate::keys::KeyUsage;
use crate::spend::Failure;
use crate::wire::{ApiError, headline};

use super::AuthenticatedRequest;

/// The request, and why it is refused.
#[derive(Debug)]
pub(super) struct RejectedRequest {
    pub(super) request: AuthenticatedRequest,
    pub(super) error: ApiError,
}

impl RejectedRequest {
    /// The refusal, and in a task of its own its record: it cost nothing, but it can be found. It is one
    /// of its key's requests, and where these are too many, that is what it is refused for.
    pub(super) async fn respond(self, app: &AppState) -> Response {
        let Self { request, error } = self;
        let (error, key_usage) = match app.keys.admit_refused(&request.caller).await {
            Ok(()) => (error, KeyUsage::default()),
            Err(denied) => {
                let key_usage = denied.key_usage();
                (limit_headers::refusal(app, denied), key_usage)
            }
        };
        let AuthenticatedRequest {
            id, caller, labels, ..
        } = request;
        let content = ContentCapture::wanted(app, &caller, &labels, &request.body);
        let (model, stream) = headline(&request.body);
        let model = model.or(request.model_in_path).unwrap_or_default();
        let model = access::plain(app, &caller, &model).0.to_owned();
        let call_type = request.wire.call_type();
        let mut record = record::begin(id, call_type, model, &caller, labels);
        record.stream = stream;
        record.end = jiff::Timestamp::now().max(record.start);
        record.error = Some(Failure::from(&error));
        log::answered(&record, None, request.arrived.elapsed());
        let state = app.clone();
        app.tasks
            .spawn(async move { record::file(&state, &caller, record, content).await });
        let mut response = error.into_response();
        reply_headers::add(response.headers_mut(), &id, None, &[]);
        limit_headers::add(response.headers_mut(), &key_usage, None);
        response.extensions_mut().insert(HasOwnLine);
        response
    }
}
