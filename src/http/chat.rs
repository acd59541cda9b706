//! A request for an answer, by whichever wire it comes: `POST /chat/completions` and its sisters.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::{AppState, Deadline};
use crate::bedrock::Class;
use crate::chain::Ask;
use crate::conversation::Request;
use crate::keys::{Caller, Presented};
use crate::spend::RequestId;
use crate::wire::{ApiError, Body as _, Head, Labels, MockFailure, Options, Wire};

use super::access::ModelAsked;
use super::auth::EarlyKey;
use super::body::Body;
use super::exchange::Exchange;
use super::filing::Prompt;
use super::listener::Told;
use super::log::HasOwnLine;
use super::refusal::Refused;
use super::{access, fallbacks, remote_images, sse, standing, trail, unsupported};

/// `POST /chat/completions`.
pub(super) async fn completions<W: Wire>(
    State(app): State<AppState>,
    EarlyKey(presented): EarlyKey,
    ends: Option<Extension<Deadline>>,
    headers: HeaderMap,
    body: Result<Body, ApiError>,
) -> Response {
    answer::<W>(&app, presented, None, ends, &headers, body).await
}

/// `POST /engines/{model}/chat/completions` and its Azure twin: the path names the model where the body does not.
pub(super) async fn completions_of<W: Wire>(
    State(app): State<AppState>,
    EarlyKey(presented): EarlyKey,
    Path(model): Path<String>,
    ends: Option<Extension<Deadline>>,
    headers: HeaderMap,
    body: Result<Body, ApiError>,
) -> Response {
    answer::<W>(&app, presented, Some(model), ends, &headers, body).await
}

async fn answer<W: Wire>(
    app: &AppState,
    presented: Presented,
    model_in_path: Option<String>,
    ends: Option<Extension<Deadline>>,
    headers: &HeaderMap,
    body: Result<Body, ApiError>,
) -> Response {
    let arrived = Instant::now();
    let refreshed = app.routes.refresh();
    let body = body.map(|Body(body)| body);
    let mut read = match &body {
        Ok(body) => match app.keys.admit_early(presented.caller()) {
            Ok(()) => read::<W>(app, presented.caller(), headers, body).await,
            Err(denied) => Err(standing::refusal(app, denied)),
        },
        Err(error) => Err(error.clone()),
    };
    // Whose key is not good has no record, whatever else is wrong.
    let caller = match presented.confirmed().await {
        Ok(caller) => caller,
        Err(refused) => return ApiError::from(refused).into_response(),
    };
    let limit = arrived + app.config.settings.total_timeout;
    let mut asked = Asked {
        id: app.ledger.new_id(Timestamp::now()),
        caller,
        labels: match &mut read {
            Ok((_, options)) => std::mem::take(&mut options.labels),
            Err(_) => Labels::of_headers(headers),
        },
        model_in_path,
        deadline: ends.map_or(limit, |Extension(Deadline(end))| limit.min(end)),
    };
    let call_id = asked.labels.call_id.clone();
    let body = body.unwrap_or_default();
    let prepared = match read {
        Ok((request, options)) => {
            let wire = Spoken::of::<W>();
            asked
                .prepare(app, wire, headers, &body, request, options)
                .await
        }
        Err(error) => Err(error),
    };
    refreshed.await;
    let mut response = match prepared {
        Ok(prepared) => asked.respond::<W>(app, prepared, body).await,
        Err(error) => {
            Refused {
                id: asked.id,
                call_type: W::CALL_TYPE,
                caller: asked.caller,
                labels: asked.labels,
                model_in_path: asked.model_in_path,
                body: &body,
                arrived,
            }
            .respond(app, error)
            .await
        }
    };
    trail::add_call_id(response.headers_mut(), call_id.as_deref());
    response
}

/// A request whose key is good, of which nothing else is known to be.
struct Asked {
    id: RequestId,
    caller: Caller,
    labels: Labels,
    model_in_path: Option<String>,
    deadline: Instant,
}

/// What a request's wire is needed for where nothing else of it matters: that is compiled once, for all wires.
#[derive(Clone, Copy)]
pub(super) struct Spoken {
    id_prefix: &'static str,
    check: fn(&[u8]) -> Result<(), ApiError>,
    read: for<'r> fn(&'r AppState, &'r Caller, &'r HeaderMap, &'r [u8]) -> Reading<'r>,
}

type Reading<'r> = BoxFuture<'r, Result<(Request, Options), ApiError>>;

impl Spoken {
    fn of<W: Wire>() -> Self {
        Self {
            id_prefix: W::ID_PREFIX,
            check: |fields| W::Body::parse(fields).map(drop),
            read: |app, caller, headers, body| Box::pin(read::<W>(app, caller, headers, body)),
        }
    }

    /// Whether fields have the form that a body has them in.
    pub(super) fn check(self, fields: &[u8]) -> Result<(), ApiError> {
        (self.check)(fields)
    }

    /// A body as the conversation that it is; see [`read`].
    pub(super) async fn read(
        self,
        app: &AppState,
        caller: &Caller,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(Request, Options), ApiError> {
        (self.read)(app, caller, headers, body).await
    }
}

/// What a request asks for, once all of it was found good.
struct Prepared {
    request: Request,
    ask: Ask,
    model_asked: String,
    head: Head,
    /// See [`Options::left_out`].
    left_out: Vec<String>,
}

impl Asked {
    /// Resolves what is asked; what is wrong is the request's refusal.
    async fn prepare(
        &mut self,
        app: &AppState,
        wire: Spoken,
        headers: &HeaderMap,
        body: &Bytes,
        mut request: Request,
        mut options: Options,
    ) -> Result<Prepared, ApiError> {
        let model = options.model.take().or_else(|| self.model_in_path.clone());
        let ModelAsked {
            name: model_asked,
            group,
            long_context,
        } = access::model(app, &self.caller, model.as_deref())?;
        request.long_context = long_context;
        unsupported::settle(app, &group, &mut options)?;
        let fallbacks = match options.fallbacks.take() {
            Some(written) => {
                let origin = fallbacks::Origin {
                    app: app.clone(),
                    wire,
                    caller: self.caller.clone(),
                    headers: headers.clone(),
                    body: body.clone(),
                    long_context,
                };
                Some(fallbacks::of_request(origin, &group, written)?)
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
            ..Ask::new(group, self.deadline)
        };
        let seal = if options.include_thinking {
            app.seal(&self.caller).await
        } else {
            None
        };
        let general = &app.config.general;
        let head = Head {
            id: self.id.with_prefix(wire.id_prefix),
            created: self.id.time().as_second(),
            model: String::new(),
            include_usage: options.include_usage || general.always_include_stream_usage,
            seal,
            free_form: options.free_form,
        };
        Ok(Prepared {
            request,
            ask,
            model_asked,
            head,
            left_out: options.left_out,
        })
    }

    async fn respond<W: Wire>(
        self,
        app: &AppState,
        mut prepared: Prepared,
        body: Bytes,
    ) -> Response {
        let (id, whole_answer) = (self.id, prepared.ask.whole);
        let left_out = std::mem::take(&mut prepared.left_out);
        if !left_out.is_empty() {
            tracing::debug!(%id, ?left_out, "parts of the request are left out");
        }
        let (exchange, head) = self.exchange(app, W::CALL_TYPE, prepared, body);
        let mut response = if whole_answer {
            whole::<W>(id, exchange.whole(app).await, head)
        } else {
            let heartbeat = app.config.settings.heartbeat_interval;
            let (running, steps) = exchange.start(app);
            let answer = sse::respond::<W>(id, steps, heartbeat, head);
            running.beside(answer).await
        };
        trail::add_dropped(response.headers_mut(), &left_out);
        response.extensions_mut().insert(HasOwnLine);
        response
    }

    /// The conversation is the exchange's then, and the body is gone: the wait for its answer may be long.
    fn exchange(
        self,
        app: &AppState,
        call_type: &'static str,
        prepared: Prepared,
        body: Bytes,
    ) -> (Exchange, Head) {
        let Prepared {
            request,
            ask,
            model_asked,
            head,
            left_out: _,
        } = prepared;
        let exchange = Exchange {
            id: self.id,
            call_type,
            prompt: Prompt::wanted(app, &self.caller, &self.labels, &body),
            caller: self.caller,
            request,
            ask,
            model_asked,
            labels: self.labels,
        };
        (exchange, head)
    }
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
    if body.is_sealed()
        && let Some(seal) = app.seal(caller).await
    {
        body.unseal(&seal);
    }
    let (mut request, options) = body.into_conversation(headers)?;
    let labels = &options.labels;
    let metadata = labels.request_metadata(&general.request_metadata_fields, &caller.alias);
    request.service.own_metadata = metadata;
    request.eager_tool_input = options.stream && !options.whole_tool_input;
    Ok((request, options))
}

/// The reply as one JSON object.
fn whole<W: Wire>(id: RequestId, told: Option<Told>, head: Head) -> Response {
    // The exchange always says how it ended; only the end of the process can keep it from that.
    let Some(told) = told else {
        return ApiError::internal().into_response();
    };
    let (mut response, target, cost, attempts) = match (told.ending, told.target) {
        (Ok(ending), Some(target)) => {
            let mut reply = told.reply;
            reply.usage = Some(ending.usage);
            let head = Head {
                model: target.group().to_owned(),
                ..head
            };
            let body = W::whole(head, reply, ending.cost);
            let mut response = (StatusCode::OK, Json(body)).into_response();
            trail::add_cost(response.headers_mut(), ending.cost);
            trail::add_not_sent(response.headers_mut(), &told.not_sent);
            (response, Some(target), ending.cost, ending.attempts)
        }
        (Ok(_), None) => return ApiError::internal().into_response(),
        (Err((error, attempts)), _) => (error.into_response(), None, None, attempts),
    };
    trail::add(response.headers_mut(), &id, target.as_deref(), &attempts);
    standing::add(response.headers_mut(), &told.standing, cost);
    response
}
