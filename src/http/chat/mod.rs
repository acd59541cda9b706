//! A request for an answer of a model, whichever its wire: `POST /chat/completions` and its sisters.
//!
//! It goes one way: its key is checked (`auth`), its body is parsed into a conversation ([`parse`]), what it asks for
//! is resolved ([`prepare`]), it runs along its chain in a task of its own ([`run`]), and what that task sends is
//! written for the client ([`respond`]). What is wrong on the way is an [`ApiError`] and is answered by
//! [`AuthenticatedRequest::reject`].

mod chat_route;
mod client;
mod fallbacks;
mod hosted;
mod parse;
mod prepare;
mod remote_images;
mod respond;
mod run;
mod stored;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use jiff::Timestamp;

use crate::app::AppState;
use crate::chain::ChainOptions;
use crate::conversation::Request;
use crate::wire::{ApiError, Wire};

use super::arrival::{ArrivedRequest, AuthenticatedRequest};
use super::{log, reply_headers};

pub(super) use chat_route::ChatRoute;
pub(super) use client::{FinalReply, StreamItem};
pub(super) use parse::parse;
pub(super) use run::ChatRun;

use hosted::HostedRun;
use prepare::PreparedRequest;
use stored::ResponseKeeper;

/// The handler of a route whose requests speak this wire.
pub(super) fn route(wire: &'static dyn Wire) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>, request: ArrivedRequest| {
            handle(wire, &app, request).await
        },
    )
}

async fn handle(wire: &'static dyn Wire, app: &AppState, request: ArrivedRequest) -> Response {
    // Reads other instances' cooldowns and saved settings while the body is parsed.
    let shared_state_read = app.routes.refresh_shared_state();
    let mut request = match request.authenticate(app, wire.call_type()).await {
        Ok(request) => request,
        Err(refused) => return refused.into_response(),
    };
    let prepared = prepare(app, wire, &mut request).await;
    shared_state_read.await;
    let call_id = request.labels.call_id.clone();
    let mut response = match prepared {
        Ok(prepared) => run(app, wire, request, prepared).await,
        Err(error) => request.reject(app, error).await,
    };
    reply_headers::add_call_id(response.headers_mut(), call_id.as_deref());
    response
}

/// Parses its body and resolves what it asks for. The error is the client's.
async fn prepare(
    app: &AppState,
    wire: &'static dyn Wire,
    request: &mut AuthenticatedRequest,
) -> Result<PreparedRequest, ApiError> {
    request.check(app)?;
    let mut parsed = parse(app, wire, &request.caller, &request.headers, &request.body).await?;
    let labels = std::mem::take(&mut parsed.options.labels);
    request.set_labels(app, labels).await?;
    PreparedRequest::new(app, wire, request, parsed).await
}

/// Runs it and answers its client.
async fn run(
    app: &AppState,
    wire: &'static dyn Wire,
    request: AuthenticatedRequest,
    prepared: PreparedRequest,
) -> Response {
    let id = request.id;
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
            content: request.content(app),
            caller: request.caller,
            tool,
            group: chain.group,
            model_asked,
            labels: request.labels,
            stream: !is_buffered,
        };
        let mut response = run.answer(app, wire, meta).await;
        response.extensions_mut().insert(log::HasOwnLine);
        return response;
    }
    let keeper = to_store
        .map(|to_store| ResponseKeeper::new(app, &request.caller, id, to_store, &request.body));
    let summary = is_summed_up.then(|| {
        Box::new(summary_run(
            app,
            &request,
            &conversation,
            &chain,
            &model_asked,
        ))
    });
    let items = ChatRun {
        id,
        call_type: request.call_type,
        content: request.content(app),
        caller: request.caller,
        request: conversation,
        chain_options: chain,
        model_asked,
        labels: request.labels,
        summary,
    }
    .start(app);
    // The conversation is the run's now: the wait for its answer may be long.
    drop(request.body);
    let mut response = if is_buffered {
        let answer = FinalReply::collect_in_task(items).await;
        respond::buffered(wire, id, answer, meta, keeper).await
    } else {
        let heartbeat = app.config.settings.heartbeat_interval;
        respond::streamed(wire, id, items, heartbeat, meta, keeper).await
    };
    reply_headers::add_dropped(response.headers_mut(), &dropped);
    response.extensions_mut().insert(log::HasOwnLine);
    response
}

/// A run that sums up the conversation: a request of its own to the same models.
fn summary_run(
    app: &AppState,
    request: &AuthenticatedRequest,
    conversation: &Request,
    chain_options: &ChainOptions,
    model_asked: &str,
) -> ChatRun {
    let mut conversation = conversation.clone();
    conversation.ask_for_summary();
    ChatRun {
        id: app.ledger.new_id(Timestamp::now()),
        call_type: request.call_type,
        content: request.content(app),
        caller: request.caller.clone(),
        request: conversation,
        chain_options: ChainOptions {
            buffered: true,
            ..chain_options.clone()
        },
        model_asked: model_asked.to_owned(),
        labels: request.labels.clone(),
        summary: None,
    }
}
