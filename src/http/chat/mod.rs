//! A request that asks a model, by whichever wire it comes: `POST /chat/completions` and its sisters.
//!
//! It goes one way: its key is checked (`auth`), its body is parsed into a conversation ([`parse`]), what it asks for is
//! resolved ([`prepare`]), it runs along its chain in a task of its own ([`run`]), and what that task sends is written for
//! the client ([`respond`]). What is wrong on the way is an [`ApiError`] and becomes a [`RejectedRequest`].

mod chat_route;
mod client;
mod fallbacks;
mod parse;
mod prepare;
mod rejected;
mod remote_images;
mod respond;
mod run;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::{AppState, Deadline};
use crate::keys::Caller;
use crate::spend::RequestId;
use crate::wire::{ApiError, Labels, Wire};

use super::auth::MaybeStaleKey;
use super::body::Body;
use super::{limit_headers, reply_headers};

pub(super) use chat_route::ChatRoute;
pub(super) use client::FinalReply;
pub(super) use parse::parse;
pub(super) use run::ChatRun;

use prepare::PreparedRequest;
use rejected::RejectedRequest;

/// The handler of a route whose requests speak this wire. The path may name the model, for bodies that do not:
/// `POST /engines/{model}/chat/completions` and its Azure twin.
pub(super) fn route(wire: &'static dyn Wire) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>,
                    key: MaybeStaleKey,
                    path: Option<Path<String>>,
                    deadline: Option<Extension<Deadline>>,
                    headers: HeaderMap,
                    body: Result<Body, ApiError>| {
            let model_in_path = path.map(|Path(model)| model);
            let deadline = deadline.map(|Extension(Deadline(end))| end);
            answer(wire, &app, key, model_in_path, deadline, headers, body).await
        },
    )
}

async fn answer(
    wire: &'static dyn Wire,
    app: &AppState,
    key: MaybeStaleKey,
    model_in_path: Option<String>,
    deadline: Option<Instant>,
    headers: HeaderMap,
    body: Result<Body, ApiError>,
) -> Response {
    let arrived = Instant::now();
    let refreshed = app.routes.refresh();
    // A request whose key is not good has no record, whatever else is wrong with it.
    let caller = match key.revalidate().await {
        Ok(caller) => caller,
        Err(refused) => return ApiError::from(refused).into_response(),
    };
    let limit = arrived + app.config.settings.total_timeout;
    let (body, unread) = match body {
        Ok(Body(body)) => (body, None),
        Err(error) => (Bytes::new(), Some(error)),
    };
    let mut request = AuthenticatedRequest {
        id: app.ledger.new_id(Timestamp::now()),
        wire,
        caller,
        labels: Labels::of_headers(&headers),
        headers,
        body,
        model_in_path,
        arrived,
        deadline: deadline.map_or(limit, |end| limit.min(end)),
    };
    let prepared = match unread {
        Some(error) => Err(error),
        None => request.prepare(app).await,
    };
    refreshed.await;
    let call_id = request.labels.call_id.clone();
    let mut response = match prepared {
        Ok(prepared) => request.run(app, prepared).await,
        Err(error) => RejectedRequest { request, error }.respond(app).await,
    };
    reply_headers::add_call_id(response.headers_mut(), call_id.as_deref());
    response
}

/// A request whose key is good and whose body is not parsed yet.
#[derive(Debug)]
struct AuthenticatedRequest {
    id: RequestId,
    wire: &'static dyn Wire,
    caller: Caller,
    /// What its record says of it: as its headers say it, until its body is parsed.
    labels: Labels,
    headers: HeaderMap,
    body: Bytes,
    model_in_path: Option<String>,
    arrived: Instant,
    /// The latest end of the request.
    deadline: Instant,
}

impl AuthenticatedRequest {
    /// Parses it and resolves what it asks for. The error is what its client is told.
    async fn prepare(&mut self, app: &AppState) -> Result<PreparedRequest, ApiError> {
        app.keys
            .admit_early(&self.caller)
            .map_err(|denied| limit_headers::refusal(app, denied))?;
        let (conversation, mut options) =
            parse(app, self.wire, &self.caller, &self.headers, &self.body).await?;
        self.labels = std::mem::take(&mut options.labels);
        PreparedRequest::new(app, self, conversation, options).await
    }

    /// Runs it and answers its client.
    async fn run(self, app: &AppState, prepared: PreparedRequest) -> Response {
        let (id, wire) = (self.id, self.wire);
        let PreparedRequest {
            conversation,
            chain,
            model_asked,
            meta,
            left_out,
        } = prepared;
        if !left_out.is_empty() {
            tracing::debug!(%id, ?left_out, "parts of the request are left out");
        }
        let is_whole = chain.whole;
        let items = ChatRun {
            id,
            call_type: wire.call_type(),
            content: super::record::ContentCapture::wanted(
                app,
                &self.caller,
                &self.labels,
                &self.body,
            ),
            caller: self.caller,
            request: conversation,
            ask: chain,
            model_asked,
            labels: self.labels,
        }
        .start(app);
        // The conversation is the run's now: the wait for its answer may be long.
        drop(self.body);
        let mut response = if is_whole {
            respond::whole(wire, id, FinalReply::collect(items).await, meta)
        } else {
            let heartbeat = app.config.settings.heartbeat_interval;
            respond::streamed(wire, id, items, heartbeat, meta).await
        };
        reply_headers::add_dropped(response.headers_mut(), &left_out);
        response.extensions_mut().insert(super::log::HasOwnLine);
        response
    }
}
