//! A request for an answer of a model, whichever its wire: `POST /chat/completions` and its sisters.
//!
//! It goes one way: its key is checked (`auth`), its body is parsed into a conversation ([`parse`]), what it asks for
//! is resolved ([`prepare`]), it runs along its chain in a task of its own ([`run`]), and what that task sends is
//! written for the client ([`respond`]). What is wrong on the way is an [`ApiError`] and becomes a [`RejectedRequest`].

mod chat_route;
mod client;
mod fallbacks;
mod hosted;
mod parse;
mod prepare;
mod rejected;
mod remote_images;
mod respond;
mod run;
mod stored;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::{AppState, Deadline};
use crate::chain::ChainOptions;
use crate::conversation::Request;
use crate::keys::Caller;
use crate::spend::RequestId;
use crate::wire::{ApiError, Labels, Wire};

use super::auth::MaybeStaleKey;
use super::body::RequestBody;
use super::record::ContentCapture;
use super::{customers, limit_headers, reply_headers};

pub(super) use chat_route::ChatRoute;
pub(super) use client::{FinalReply, StreamItem};
pub(super) use parse::parse;
pub(super) use rejected::RejectedRequest;
pub(super) use run::ChatRun;

use hosted::HostedRun;
use prepare::PreparedRequest;
use stored::ResponseKeeper;

/// The handler of a route whose requests speak this wire. The path may name the model, for bodies that do not:
/// `POST /engines/{model}/chat/completions` and its Azure twin.
pub(super) fn route(wire: &'static dyn Wire) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>,
                    key: MaybeStaleKey,
                    path: Option<Path<String>>,
                    deadline: Option<Extension<Deadline>>,
                    headers: HeaderMap,
                    body: Result<RequestBody, ApiError>| {
            let model_in_path = path.map(|Path(model)| model);
            let deadline = deadline.map(|Extension(Deadline(end))| end);
            handle(wire, &app, key, model_in_path, deadline, headers, body).await
        },
    )
}

async fn handle(
    wire: &'static dyn Wire,
    app: &AppState,
    key: MaybeStaleKey,
    model_in_path: Option<String>,
    deadline: Option<Instant>,
    headers: HeaderMap,
    body: Result<RequestBody, ApiError>,
) -> Response {
    let arrived = Instant::now();
    let table_refresh = app.routes.refresh();
    // A request whose key is not good has no record, whatever else is wrong with it.
    let caller = match key.revalidate().await {
        Ok(caller) => caller,
        Err(refused) => return ApiError::from(refused).into_response(),
    };
    let latest_end = arrived + app.config.settings.total_timeout;
    let (body, body_error) = match body {
        Ok(RequestBody(body)) => (body, None),
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
        deadline: deadline.map_or(latest_end, |end| latest_end.min(end)),
    };
    let prepared = match body_error {
        Some(error) => Err(error),
        None => request.prepare(app).await,
    };
    table_refresh.await;
    let call_id = request.labels.call_id.clone();
    let mut response = match prepared {
        Ok(prepared) => request.run(app, prepared).await,
        Err(error) => request.reject(error).respond(app).await,
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
    /// Parses its body and resolves what it asks for. The error is the client's.
    async fn prepare(&mut self, app: &AppState) -> Result<PreparedRequest, ApiError> {
        app.keys
            .check_known_limits(&self.caller)
            .map_err(|denied| limit_headers::refusal(app, denied))?;
        let mut parsed = parse(app, self.wire, &self.caller, &self.headers, &self.body).await?;
        self.labels = std::mem::take(&mut parsed.options.labels);
        let customer = self.labels.end_user.as_deref();
        customers::check(app, customer, &self.caller).await?;
        PreparedRequest::new(app, self, parsed).await
    }

    fn reject(self, error: ApiError) -> RejectedRequest {
        RejectedRequest {
            id: self.id,
            call_type: self.wire.call_type(),
            caller: self.caller,
            labels: self.labels,
            body: self.body,
            model_in_path: self.model_in_path,
            arrived: self.arrived,
            error,
        }
    }

    /// Runs it and answers its client.
    async fn run(self, app: &AppState, prepared: PreparedRequest) -> Response {
        let (id, wire) = (self.id, self.wire);
        let PreparedRequest {
            conversation,
            chain_options: chain,
            model_asked,
            meta,
            dropped,
            to_store,
            is_summed_up,
            hosted,
        } = prepared;
        if !dropped.is_empty() {
            tracing::debug!(%id, left_out = ?dropped, "parts of the request are left out");
        }
        let is_buffered = chain.buffered;
        if let Some(tool) = hosted {
            let run = HostedRun {
                id,
                content: self.content(app),
                caller: self.caller,
                tool,
                group: chain.group,
                model_asked,
                labels: self.labels,
                stream: !is_buffered,
            };
            let mut response = run.answer(app, wire, meta).await;
            response.extensions_mut().insert(super::log::HasOwnLine);
            return response;
        }
        let keeper = to_store
            .map(|to_store| ResponseKeeper::new(app, &self.caller, id, to_store, &self.body));
        let summary = is_summed_up
            .then(|| Box::new(self.summary_run(app, &conversation, &chain, &model_asked)));
        let items = ChatRun {
            id,
            call_type: wire.call_type(),
            content: self.content(app),
            caller: self.caller,
            request: conversation,
            chain_options: chain,
            model_asked,
            labels: self.labels,
            summary,
        }
        .start(app);
        // The conversation is the run's now: the wait for its answer may be long.
        drop(self.body);
        let mut response = if is_buffered {
            let answer = FinalReply::collect_in_task(items).await;
            respond::buffered(wire, id, answer, meta, keeper).await
        } else {
            let heartbeat = app.config.settings.heartbeat_interval;
            respond::streamed(wire, id, items, heartbeat, meta, keeper).await
        };
        reply_headers::add_dropped(response.headers_mut(), &dropped);
        response.extensions_mut().insert(super::log::HasOwnLine);
        response
    }

    /// Collects its content where that is to be stored.
    fn content(&self, app: &AppState) -> Option<ContentCapture> {
        ContentCapture::wanted(app, &self.caller, &self.labels, &self.body)
    }

    /// A run that sums up the conversation: a request of its own to the same models.
    fn summary_run(
        &self,
        app: &AppState,
        conversation: &Request,
        chain_options: &ChainOptions,
        model_asked: &str,
    ) -> ChatRun {
        let mut request = conversation.clone();
        request.ask_for_summary();
        ChatRun {
            id: app.ledger.new_id(Timestamp::now()),
            call_type: self.wire.call_type(),
            content: self.content(app),
            caller: self.caller.clone(),
            request,
            chain_options: ChainOptions {
                buffered: true,
                ..chain_options.clone()
            },
            model_asked: model_asked.to_owned(),
            labels: self.labels.clone(),
            summary: None,
        }
    }
}
