//! HTTP towards clients: authentication, limits of bodies, routes, and the bytes of the reply.
//!
//! Handlers are thin: they read, call the module concerned, and answer. Nothing here knows an SDK. What asks a model is
//! served by `chat/` for every wire ([`crate::wire::Wire`]) alike, and by `retrieval/` what asks for vectors or the
//! order of documents.

pub(crate) mod accepted_language;
mod access;
mod addresses;
mod alerts;
pub(crate) mod api;
mod arrival;
mod audit;
mod auth;
pub(crate) mod base_path;
mod body;
mod chat;
mod count_tokens;
mod customers;
mod denied;
mod erased;
mod error;
mod fields;
mod health;
mod home;
mod keys;
mod limit_headers;
mod log;
mod metrics;
mod model_info;
mod models;
mod paced;
mod panic;
pub(crate) mod probe;
mod record;
mod reply_headers;
mod retrieval;
mod spend;
mod stored_responses;
mod teams;
mod unsupported;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get};
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use tower::util::option_layer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::anthropic::Messages;
use crate::app::AppState;
use crate::config::Config;
use crate::openai::Embeddings;
use crate::rerank::Reranking;
use crate::responses::{Compact, Responses};

use chat::ChatRoute;

/// Every route of the gateway.
pub(crate) fn router(app: AppState) -> Router {
    let api = Router::new()
        .route("/chat/completions", chat::route(&ChatRoute))
        .route("/engines/{model}/chat/completions", chat::route(&ChatRoute))
        .route(
            "/responses",
            chat::route(&Responses).get(stored_responses::without_websocket),
        )
        .route("/responses/compact", chat::route(&Compact))
        .route("/responses/input_tokens", count_tokens::of_responses())
        .merge(stored_responses::routes())
        .route("/messages", chat::route(&Messages))
        .route("/messages/count_tokens", count_tokens::of_messages())
        .route("/embeddings", retrieval::route(&Embeddings))
        .route("/engines/{model}/embeddings", retrieval::route(&Embeddings))
        .route("/rerank", retrieval::route(&Reranking))
        .route("/completions", any(retrieval::no_completions))
        .route(
            "/engines/{model}/completions",
            any(retrieval::no_completions),
        )
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::one))
        .route("/model/info", get(model_info::list));

    // Azure's paths.
    let deployment = Router::new()
        .route("/chat/completions", chat::route(&ChatRoute))
        .route("/embeddings", retrieval::route(&Embeddings))
        .route("/completions", any(retrieval::no_completions));

    let managed = Router::new()
        .merge(keys::routes())
        .merge(teams::routes())
        .merge(users::routes())
        .merge(customers::routes());

    Router::new()
        .merge(api.clone())
        .nest("/v1", api)
        .nest("/openai/deployments/{model}", deployment.clone())
        .nest("/v1/openai/deployments/{model}", deployment)
        .route("/v2/rerank", retrieval::route(&Reranking))
        .merge(api::routes())
        .merge(spend::routes())
        .merge(managed.route_layer(from_fn_with_state(app.clone(), audit::note_changes)))
        .route("/audit", get(audit::list))
        .route("/health", get(health::every_deployment))
        .route("/health/latest", get(health::latest))
        .route("/health/liveliness", get(health::alive))
        .route("/health/liveness", get(health::alive))
        .route("/health/readiness", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route(
            "/",
            get(home::page).layer(from_fn_with_state(app.clone(), base_path::add)),
        )
        .route("/api/hello", get(home::hello))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(option_layer(cors(&app.config.general.cors_allow_origins)))
        .with_state(app)
}

/// What holds for every route, of the gateway and of the admin pages: a line in the log, addresses that are not served,
/// words for a panic, errors in the client's shape, and a time limit for the request's body.
pub(crate) fn observed(router: Router, app: &AppState) -> Router {
    let (times, config) = (app.body_times, Arc::clone(&app.config));
    // One layer: each boxes every request and is passed by every wake of its handler.
    router.layer(from_fn(move |request: Request, next: Next| {
        observe(paced::paced(request, times), next, Arc::clone(&config))
    }))
}

async fn observe(request: Request, next: Next, config: Arc<Config>) -> Response {
    let line = log::RequestLine::begin(&request);
    let speaks_anthropic = error::speaks_anthropic(&request);
    let allowed = config.general.allowed_ips.as_deref();
    let response = match allowed.and_then(|allowed| addresses::refusal(&request, allowed)) {
        Some(refusal) => refusal,
        None => panic::caught(next.run(request)).await,
    };
    let response = error::write_error(response, speaks_anthropic);
    line.end(&response);
    response
}

/// What pages of other sites may send.
const METHODS: [http::Method; 4] = [
    http::Method::GET,
    http::Method::POST,
    http::Method::PATCH,
    http::Method::DELETE,
];

/// Pages of other sites may call the gateway only where the configuration names them.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    let key = HeaderName::from_static("x-litellm-api-key");
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(AllowMethods::list(METHODS))
        .allow_headers(AllowHeaders::list([AUTHORIZATION, CONTENT_TYPE, key]));
    Some(layer)
}
