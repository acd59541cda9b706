//! A request for vectors or for the order of documents, whichever its wire: `POST /embeddings` and `POST /rerank`.
//!
//! It goes the way of a request for an answer (`chat/`): its key is checked, its body is parsed, what it asks for is
//! resolved, it runs along its chain in a task of its own ([`run`]), and the answer is written as a whole.

mod run;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::{AppState, Deadline};
use crate::bedrock::Class;
use crate::bedrock::retrieval::{Unfit, check};
use crate::chain::ChainOptions;
use crate::keys::Caller;
use crate::retrieval::RetrievalRequest;
use crate::spend::RequestId;
use crate::wire::{ApiError, Labels, ParsedRetrieval, RetrievalReply, RetrievalWire};

use super::access::{self, ResolvedModel};
use super::auth::MaybeStaleKey;
use super::body::RequestBody;
use super::chat::RejectedRequest;
use super::record::ContentCapture;
use super::{customers, limit_headers, log, reply_headers};

pub(super) use run::{PendingRetrieval, RetrievalEnd, RetrievedAnswer};

/// What the id of an order of documents begins with; a list of vectors has none.
const RERANK_ID: &str = "rerank-";

/// The handler of a route whose requests speak this wire. The path may name the model, for bodies that do not.
pub(super) fn route(wire: &'static dyn RetrievalWire) -> MethodRouter<AppState> {
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
    key: MaybeStaleKey,
    model_in_path: Option<String>,
    deadline: Option<Instant>,
    headers: HeaderMap,
    body: Result<RequestBody, ApiError>,
) -> Response {
    let arrived = Instant::now();
    let table_refresh = app.routes.refresh();
    let caller = match key.revalidate().await {
        Ok(caller) => caller,
        Err(refused) => return ApiError::from(refused).into_response(),
    };
    let latest_end = arrived + app.config.settings.total_timeout;
    let (body, body_error) = match body {
        Ok(RequestBody(body)) => (body, None),
        Err(error) => (Bytes::new(), Some(error)),
    };
    let mut request = AuthenticatedRetrieval {
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
struct AuthenticatedRetrieval {
    id: RequestId,
    wire: &'static dyn RetrievalWire,
    caller: Caller,
    labels: Labels,
    headers: HeaderMap,
    body: Bytes,
    model_in_path: Option<String>,
    arrived: Instant,
    /// The latest end of the request.
    deadline: Instant,
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

impl AuthenticatedRetrieval {
    /// Parses its body and resolves what it asks for. What the model is known to refuse is refused here.
    async fn prepare(&mut self, app: &AppState) -> Result<PreparedRetrieval, ApiError> {
        app.keys
            .check_known_limits(&self.caller)
            .map_err(|denied| limit_headers::refusal(app, denied))?;
        let ParsedRetrieval {
            request,
            mut options,
            return_documents,
        } = self.wire.parse(&self.body, &self.headers)?;
        self.labels = std::mem::take(&mut options.labels);
        let customer = self.labels.end_user.as_deref();
        customers::check(app, customer, &self.caller).await?;
        let model = options.model.take().or_else(|| self.model_in_path.clone());
        // There is no default for these: the one that is configured is a chat model.
        let model = model.ok_or_else(|| ApiError::missing("model"))?;
        let ResolvedModel { name, group, .. } =
            access::resolve_model(app, &self.caller, Some(&model))?;
        let targets = app.routes.targets(&group);
        let mut dropped = options.dropped;
        if let Some(first) = targets.first() {
            let not_told = check(&request, first.model(), &name).map_err(unfit)?;
            dropped.extend(not_told.into_iter().map(str::to_owned));
        }
        let chain_options = ChainOptions {
            num_retries: options.num_retries,
            timeout: options.timeout,
            disable_fallbacks: options.disable_fallbacks,
            mock_failure: options.mock_failure.map(|_| Class::Mocked),
            buffered: true,
            regions: access::allowed_regions(app, &self.caller, &group),
            caller: access::session_caller(&self.caller),
            ..ChainOptions::new(group, self.deadline)
        };
        access::check_regions(app, &chain_options)?;
        Ok(PreparedRetrieval {
            request,
            chain_options,
            model_asked: name,
            return_documents,
            dropped,
        })
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
    async fn run(self, app: &AppState, prepared: PreparedRetrieval) -> Response {
        let (id, wire) = (self.id, self.wire);
        let run = PendingRetrieval {
            id,
            call_type: wire.call_type(),
            content: ContentCapture::wanted(app, &self.caller, &self.labels, &self.body),
            caller: self.caller,
            request: prepared.request,
            chain_options: prepared.chain_options,
            model_asked: prepared.model_asked,
            labels: self.labels,
            return_documents: prepared.return_documents,
        };
        // The texts are the run's now: the wait for its answer may be long.
        drop(self.body);
        // Only the end of the process can keep a run from saying how it ended.
        let mut response = match run.start(app).await {
            Ok(end) => respond(wire, id, end),
            Err(_) => ApiError::internal().into_response(),
        };
        reply_headers::add_dropped(response.headers_mut(), &prepared.dropped);
        response.extensions_mut().insert(log::HasOwnLine);
        response
    }
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
