//! A request for an answer, by whichever wire it comes: `POST /chat/completions` and its sisters.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use crate::app::{AppState, Deadline};
use crate::bedrock::Class;
use crate::chain::{Ask, Begun, UnknownModel};
use crate::conversation::{Fold, Request};
use crate::keys::Caller;
use crate::openai::ApiError;
use crate::spend::RequestId;
use crate::wire::{Body as _, Head, MockFailure, Options, Wire};

use super::auth::Key;
use super::body::Body;
use super::exchange::{Exchange, Step};
use super::log::HasOwnLine;
use super::{fallbacks, remote_images, sse, trail};

/// `POST /chat/completions`.
pub(super) async fn completions<W: Wire>(
    State(app): State<AppState>,
    Key(caller): Key,
    ends: Option<Extension<Deadline>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ApiError> {
    answer::<W>(&app, caller, None, ends, &headers, &body).await
}

/// `POST /engines/{model}/chat/completions` and its Azure twin: the path names the model where the body does not.
pub(super) async fn completions_of<W: Wire>(
    State(app): State<AppState>,
    Key(caller): Key,
    Path(model): Path<String>,
    ends: Option<Extension<Deadline>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ApiError> {
    answer::<W>(&app, caller, Some(model), ends, &headers, &body).await
}

async fn answer<W: Wire>(
    app: &AppState,
    caller: Caller,
    model_in_path: Option<String>,
    ends: Option<Extension<Deadline>>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    let limit = Instant::now() + app.config.settings.total_timeout;
    let deadline = ends.map_or(limit, |Extension(Deadline(end))| limit.min(end));
    let refreshed = app.routes.refresh();
    let (request, mut options) = read::<W>(app, &caller, headers, body).await?;
    let model = options.model.take().or(model_in_path);
    let group = app.routes.group(model.as_deref())?;
    options.check_unsupported(app.drops_params(group))?;
    let fallbacks = match options.fallbacks.take() {
        Some(written) => {
            Some(fallbacks::of_request::<W>(app, &caller, group, written, headers, body).await?)
        }
        None => None,
    };
    let ask = Ask {
        num_retries: options.num_retries,
        timeout: options.timeout,
        stream_timeout: options.stream_timeout,
        disable_fallbacks: options.disable_fallbacks,
        fallbacks,
        mock_failure: options.mock_failure.map(|failure| match failure {
            MockFailure::Unavailable => Class::Mocked,
            MockFailure::ContextWindow => Class::ContextWindow,
            MockFailure::ContentFiltered => Class::ContentFiltered,
        }),
        whole: !options.stream,
        ..Ask::new(group, deadline)
    };
    refreshed.await;
    let id = RequestId::new(Timestamp::now());
    let general = &app.config.general;
    let head = Head {
        id: id.with_prefix(W::ID_PREFIX),
        created: id.time().as_second(),
        model: String::new(),
        include_usage: options.include_usage || general.always_include_stream_usage,
        include_thinking: options.include_thinking,
        free_form: options.free_form,
    };
    let exchange = Exchange {
        id,
        call_type: W::CALL_TYPE,
        caller,
        request,
        ask,
        model_asked: model.unwrap_or_else(|| group.to_owned()),
        labels: options.labels,
    };
    let steps = exchange.start(app);
    let mut response = if options.stream {
        sse::respond::<W>(id, steps, app.config.settings.heartbeat_interval, head).await
    } else {
        whole::<W>(id, steps, head).await
    };
    response.extensions_mut().insert(HasOwnLine);
    Ok(response)
}

/// A body as the conversation that it is, with the pictures that it names on the web.
pub(super) async fn read<W: Wire>(
    app: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Request, Options), ApiError> {
    let general = &app.config.general;
    let mut body = W::Body::parse(body)?;
    remote_images::fetch(&mut body, &general.image_hosts).await?;
    let (mut request, options) = body.into_conversation(headers)?;
    let labels = &options.labels;
    let metadata = labels.request_metadata(&general.request_metadata_fields, &caller.alias);
    request.service.metadata.extend(metadata);
    Ok((request, options))
}

/// The reply as one JSON object.
async fn whole<W: Wire>(id: RequestId, mut steps: Receiver<Step>, head: Head) -> Response {
    let mut fold = Fold::default();
    let mut begun: Option<Begun> = None;
    while let Some(step) = steps.recv().await {
        match step {
            Step::Begin(beginning) => {
                fold = Fold::default();
                begun = Some(beginning);
            }
            Step::Event(event) => fold.push(event),
            Step::End(ending) => {
                let Some(Begun { target, attempts }) = begun else {
                    break;
                };
                let mut reply = fold.finish();
                reply.usage = Some(ending.usage);
                let head = Head {
                    model: target.group().to_owned(),
                    ..head
                };
                let body = W::whole(head, reply, ending.cost);
                let mut response = (StatusCode::OK, Json(body)).into_response();
                trail::add(response.headers_mut(), &id, Some(&target), &attempts);
                trail::add_cost(response.headers_mut(), ending.cost);
                return response;
            }
            Step::Failed(error, attempts) => {
                let mut response = error.into_response();
                trail::add(response.headers_mut(), &id, None, &attempts);
                return response;
            }
        }
    }
    // The task always says how it ended; only the end of the process can keep it from that.
    ApiError::internal().into_response()
}

impl From<UnknownModel> for ApiError {
    fn from(unknown: UnknownModel) -> Self {
        Self::bad_request(unknown.to_string(), "model")
    }
}
