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
use crate::keys::{Caller, Presented, Standing};
use crate::openai::ApiError;
use crate::spend::RequestId;
use crate::wire::{Body as _, Head, MockFailure, Options, Wire};

use super::auth::EarlyKey;
use super::body::Body;
use super::exchange::{Exchange, Step};
use super::log::HasOwnLine;
use super::{access, fallbacks, remote_images, sse, standing, trail};

/// `POST /chat/completions`.
pub(super) async fn completions<W: Wire>(
    State(app): State<AppState>,
    EarlyKey(presented): EarlyKey,
    ends: Option<Extension<Deadline>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ApiError> {
    answer::<W>(&app, presented, None, ends, &headers, &body).await
}

/// `POST /engines/{model}/chat/completions` and its Azure twin: the path names the model where the body does not.
pub(super) async fn completions_of<W: Wire>(
    State(app): State<AppState>,
    EarlyKey(presented): EarlyKey,
    Path(model): Path<String>,
    ends: Option<Extension<Deadline>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ApiError> {
    answer::<W>(&app, presented, Some(model), ends, &headers, &body).await
}

async fn answer<W: Wire>(
    app: &AppState,
    presented: Presented,
    model_in_path: Option<String>,
    ends: Option<Extension<Deadline>>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    let limit = Instant::now() + app.config.settings.total_timeout;
    let deadline = ends.map_or(limit, |Extension(Deadline(end))| limit.min(end));
    let refreshed = app.routes.refresh();
    let (request, mut options) = read::<W>(app, presented.caller(), headers, body).await?;
    let caller = presented.confirmed().await?;
    let model = options.model.take().or(model_in_path);
    let group = access::group(app, &caller, model.as_deref())?;
    options.check_unsupported(app.drops_params(&group))?;
    let fallbacks = match options.fallbacks.take() {
        Some(written) => {
            Some(fallbacks::of_request::<W>(app, &caller, &group, written, headers, body).await?)
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
        ..Ask::new(group.clone(), deadline)
    };
    refreshed.await;
    let id = RequestId::new(Timestamp::now());
    let exchange = Exchange {
        id,
        call_type: W::CALL_TYPE,
        caller,
        request,
        ask,
        model_asked: model.unwrap_or(group),
        labels: options.labels,
    };
    let steps = exchange.start(app);
    let mut response = if options.stream {
        let include_usage = options.include_usage || app.config.general.always_include_stream_usage;
        sse::respond::<W>(
            id,
            steps,
            app.config.settings.heartbeat_interval,
            include_usage,
        )
        .await
    } else {
        whole::<W>(id, steps).await
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

/// What a reply says of itself.
pub(super) fn head<W: Wire>(id: RequestId, group: &str, include_usage: bool) -> Head {
    Head {
        id: id.with_prefix(W::ID_PREFIX),
        created: id.time().as_second(),
        model: group.to_owned(),
        include_usage,
    }
}

/// The reply as one JSON object.
async fn whole<W: Wire>(id: RequestId, mut steps: Receiver<Step>) -> Response {
    let mut fold = Fold::default();
    let mut begun: Option<Begun> = None;
    let mut standing = Standing::default();
    while let Some(step) = steps.recv().await {
        match step {
            Step::Admitted(with) => standing = with,
            Step::Begin(beginning) => {
                fold = Fold::default();
                begun = Some(beginning);
            }
            Step::Event(event) => fold.push(event),
            Step::End(ending) => {
                let Some(Begun { target, .. }) = begun else {
                    break;
                };
                let mut reply = fold.finish();
                reply.usage = Some(ending.usage);
                let body = W::whole(head::<W>(id, target.group(), false), reply, ending.cost);
                let mut response = (StatusCode::OK, Json(body)).into_response();
                trail::add(response.headers_mut(), &id, Some(&target), &ending.attempts);
                trail::add_cost(response.headers_mut(), ending.cost);
                standing::add(response.headers_mut(), &standing, ending.cost);
                return response;
            }
            Step::Failed(error, attempts) => {
                let mut response = error.into_response();
                trail::add(response.headers_mut(), &id, None, &attempts);
                standing::add(response.headers_mut(), &standing, None);
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
