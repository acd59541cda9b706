//! A request for vectors or for the order of documents, whichever its wire: `POST /embeddings` and `POST /rerank`.
//!
//! It goes the way of a request for an answer (`chat/`): its key is checked, its body is parsed, what it asks for is
//! resolved, it runs along its chain in a task of its own ([`run`]), and the answer is written as a whole.

mod run;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use http::header::CONTENT_TYPE;

use crate::app::AppState;
use crate::bedrock::Class;
use crate::bedrock::retrieval::{Unfit, check};
use crate::chain::ChainOptions;
use crate::retrieval::RetrievalRequest;
use crate::spend::RequestId;
use crate::wire::{ApiError, ParsedRetrieval, RetrievalReply, RetrievalWire};

use super::access::{self, ResolvedModel};
use super::arrival::{ArrivedRequest, AuthenticatedRequest};
use super::{limit_headers, log, reply_headers};

pub(super) use run::{PendingRetrieval, RetrievalEnd, RetrievedAnswer};

/// What the id of an order of documents begins with; a list of vectors has none.
const RERANK_ID: &str = "rerank-";

/// The handler of a route whose requests speak this wire.
pub(super) fn route(wire: &'static dyn RetrievalWire) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>, request: ArrivedRequest| {
            handle(wire, &app, request).await
        },
    )
}

/// `POST /completions` and its sisters: what they are asked for is not done here, and a chat is.
pub(super) async fn no_completions() -> ApiError {
    ApiError::not_found(
        "Text completions are not served: Bedrock has no model for them. Send the prompt as a message to POST \
         /v1/chat/completions.",
    )
}

async fn handle(
    wire: &'static dyn RetrievalWire,
    app: &AppState,
    request: ArrivedRequest,
) -> Response {
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

/// A request that is parsed and found valid.
#[derive(Debug)]
struct PreparedRetrieval {
    request: RetrievalRequest,
    chain_options: ChainOptions,
    /// The model's name as the client wrote it.
    model_asked: String,
    return_documents: bool,
    /// What of the request goes no further.
    dropped: Vec<String>,
}

/// Parses its body and resolves what it asks for. What the model is known to refuse is refused here.
async fn prepare(
    app: &AppState,
    wire: &dyn RetrievalWire,
    request: &mut AuthenticatedRequest,
) -> Result<PreparedRetrieval, ApiError> {
    request.check(app)?;
    let ParsedRetrieval {
        request: asked,
        mut options,
        return_documents,
    } = wire.parse(&request.body, &request.headers)?;
    let labels = std::mem::take(&mut options.labels);
    request.set_labels(app, labels).await?;
    let model = options
        .model
        .take()
        .or_else(|| request.model_in_path.clone());
    // There is no default for these: the one that is configured is a chat model.
    let model = model.ok_or_else(|| ApiError::missing("model"))?;
    let ResolvedModel { name, group, .. } =
        access::resolve_model(app, &request.caller, Some(&model))?;
    let targets = app.routes.targets(&group);
    let mut dropped = options.dropped;
    if let Some(first) = targets.first() {
        let not_told = check(&asked, first.model(), &name).map_err(unfit)?;
        dropped.extend(not_told.into_iter().map(str::to_owned));
    }
    let chain_options = ChainOptions {
        num_retries: options.num_retries,
        timeout: options.timeout,
        disable_fallbacks: options.disable_fallbacks,
        mock_failure: options.mock_failure.map(|_| Class::Mocked),
        buffered: true,
        regions: access::allowed_regions(app, &request.caller, &group),
        caller: access::session_caller(&request.caller),
        ..ChainOptions::new(group, request.deadline)
    };
    access::check_regions(app, &chain_options)?;
    Ok(PreparedRetrieval {
        request: asked,
        chain_options,
        model_asked: name,
        return_documents,
        dropped,
    })
}

/// Runs it and answers its client.
async fn run(
    app: &AppState,
    wire: &dyn RetrievalWire,
    request: AuthenticatedRequest,
    prepared: PreparedRetrieval,
) -> Response {
    let id = request.id;
    let run = PendingRetrieval {
        id,
        call_type: request.call_type,
        content: request.content(app),
        caller: request.caller,
        request: prepared.request,
        chain_options: prepared.chain_options,
        model_asked: prepared.model_asked,
        labels: request.labels,
        return_documents: prepared.return_documents,
    };
    // The texts are the run's now: the wait for its answer may be long.
    drop(request.body);
    // Only the end of the process can keep a run from saying how it ended.
    let mut response = match run.start(app).await {
        Ok(end) => respond(wire, id, end),
        Err(_) => ApiError::internal().into_response(),
    };
    reply_headers::add_dropped(response.headers_mut(), &prepared.dropped);
    response.extensions_mut().insert(log::HasOwnLine);
    response
}

fn unfit(unfit: Unfit) -> ApiError {
    ApiError::bad_request(unfit.message, unfit.param)
}

/// Answers with the whole reply, or with the error.
fn respond(wire: &dyn RetrievalWire, id: RequestId, end: RetrievalEnd) -> Response {
    let (mut response, target, cost) = match end.result {
        Ok(answer) => {
            let json = wire.reply(RetrievalReply {
                id: id.with_prefix(RERANK_ID),
                model: answer.target.group(),
                retrieved: &answer.retrieved,
                documents: answer.documents.as_deref(),
                usage: answer.usage,
            });
            let mut response = match json {
                Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
                Err(error) => {
                    tracing::error!(%id, %error, "a reply could not be written");
                    ApiError::internal().into_response()
                }
            };
            reply_headers::add_cost(response.headers_mut(), answer.cost);
            (response, Some(answer.target), answer.cost)
        }
        Err(error) => (error.into_response(), None, None),
    };
    let headers = response.headers_mut();
    reply_headers::add(headers, &id, target.as_deref(), &end.attempts);
    limit_headers::add(headers, &end.key_usage, cost);
    response
}
