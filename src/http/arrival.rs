//! A request that is to go to a model, from its arrival until its body is parsed, whichever its wire: what `chat/` and
//! `retrieval/` have in common.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::{AppState, Deadline};
use crate::keys::{Caller, KeyUsage};
use crate::spend::{RecordFailure, RequestId};
use crate::wire::{ApiError, Labels, headline};

use super::auth::MaybeStaleKey;
use super::body::RequestBody;
use super::record::{self, ContentCapture};
use super::{access, customers, denied, limit_headers, log, reply_headers};

/// A request whose body was read, or could not be. Its key may have been read from an old copy, which is read again
/// meanwhile.
#[derive(Debug)]
pub(super) struct ArrivedRequest {
    key: MaybeStaleKey,
    /// The model that the path names, for bodies that do not: `POST /engines/{model}/chat/completions` and its Azure
    /// twin.
    model_in_path: Option<String>,
    /// When the Lambda invocation ends.
    deadline: Option<Instant>,
    headers: HeaderMap,
    body: Result<Bytes, ApiError>,
}

impl FromRequest<AppState> for ArrivedRequest {
    type Rejection = Response;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let key = MaybeStaleKey::from_request_parts(&mut parts, app).await;
        let key = key.map_err(IntoResponse::into_response)?;
        let path =
            <Path<String> as OptionalFromRequestParts<_>>::from_request_parts(&mut parts, app)
                .await;
        let model_in_path = path.map_err(IntoResponse::into_response)?;
        let deadline = parts.extensions.get().map(|Deadline(end)| *end);
        let headers = parts.headers.clone();
        let body = RequestBody::from_request(Request::from_parts(parts, body), app).await;
        Ok(Self {
            key,
            model_in_path: model_in_path.map(|Path(model)| model),
            deadline,
            headers,
            body: body.map(|RequestBody(body)| body),
        })
    }
}

impl ArrivedRequest {
    /// Waits until its key is known to be good now.
    ///
    /// # Errors
    /// When the key is not good. Such a request has no record, whatever else is wrong with it.
    pub(super) async fn authenticate(
        self,
        app: &AppState,
        call_type: &'static str,
    ) -> Result<AuthenticatedRequest, ApiError> {
        let arrived = Instant::now();
        let caller = self.key.revalidate().await?;
        let latest_end = arrived + app.config.settings.total_timeout;
        let (body, body_error) = match self.body {
            Ok(body) => (body, None),
            Err(error) => (Bytes::new(), Some(error)),
        };
        Ok(AuthenticatedRequest {
            id: app.ledger.new_id(Timestamp::now()),
            call_type,
            caller,
            labels: Labels::of_headers(&self.headers),
            headers: self.headers,
            body,
            body_error,
            model_in_path: self.model_in_path,
            arrived,
            deadline: self.deadline.map_or(latest_end, |end| latest_end.min(end)),
        })
    }
}

/// A request whose key is good and whose body is not parsed yet.
#[derive(Debug)]
pub(super) struct AuthenticatedRequest {
    pub(super) id: RequestId,
    /// By which wire it came.
    pub(super) call_type: &'static str,
    pub(super) caller: Caller,
    /// What its record says of it: as its headers say it, until its body is parsed.
    pub(super) labels: Labels,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Why the body could not be read to its end.
    body_error: Option<ApiError>,
    pub(super) model_in_path: Option<String>,
    arrived: Instant,
    /// The latest end of the request.
    pub(super) deadline: Instant,
}

impl AuthenticatedRequest {
    /// What can be said without parsing its body.
    ///
    /// # Errors
    /// When the body could not be read to its end, or limits of the key are known to be used up.
    pub(super) fn check(&mut self, app: &AppState) -> Result<(), ApiError> {
        if let Some(error) = self.body_error.take() {
            return Err(error);
        }
        let known = app.keys.check_known_limits(&self.caller);
        known.map_err(|denied| denied::refusal(app, denied))
    }

    /// Takes the labels that its body gives it.
    ///
    /// # Errors
    /// When the end user whom they name may not send requests.
    pub(super) async fn set_labels(
        &mut self,
        app: &AppState,
        labels: Labels,
    ) -> Result<(), ApiError> {
        self.labels = labels;
        let customer = self.labels.end_user.as_deref();
        customers::check(app, customer, &self.caller).await
    }

    /// Collects its content where that is to be stored.
    pub(super) fn content(&self, app: &AppState) -> Option<ContentCapture> {
        ContentCapture::wanted(app, &self.caller, &self.labels, &self.body)
    }

    /// Answers with the error, and writes the request's record in a task of its own, if it is one of the first of its
    /// key's minute. The request counts as one of its key's; if the key is over a limit, that error is sent instead.
    pub(super) async fn reject(self, app: &AppState, error: ApiError) -> Response {
        let content = self.content(app);
        let Self {
            id,
            call_type,
            caller,
            labels,
            body,
            model_in_path,
            arrived,
            ..
        } = self;
        let (error, key_usage) = match app.keys.count_rejected(&caller).await {
            Ok(()) => (error, KeyUsage::default()),
            Err(denied) => {
                let key_usage = denied.key_usage();
                (denied::refusal(app, denied), key_usage)
            }
        };
        let (model, stream) = headline(&body);
        let model = model.or(model_in_path).unwrap_or_default();
        let model = access::without_window_mark(app, &caller, &model)
            .0
            .to_owned();
        let mut record = record::begin(id, call_type, model, &caller, labels);
        record.stream = stream;
        record.end = Timestamp::now().max(record.start);
        record.error = Some(RecordFailure::from(&error));
        log::log_chat(&record, None, arrived.elapsed());
        let state = app.clone();
        app.tasks
            .spawn(async move { record::write(&state, &caller, record, content).await });
        let mut response = error.into_response();
        reply_headers::add(response.headers_mut(), &id, None, &[]);
        limit_headers::add(response.headers_mut(), &key_usage, None);
        response.extensions_mut().insert(log::HasOwnLine);
        response
    }
}
