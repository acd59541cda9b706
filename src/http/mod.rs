//! HTTP towards clients: authentication, limits of bodies, routes, and the bytes of the reply.
//!
//! Handlers are thin: they read, call the module concerned, and answer. Nothing here knows an SDK. What asks a model is
//! served by `chat/` for every wire ([`crate::wire::Wire`]) alike.

mod access;
mod auth;
mod body;
mod chat;
mod count_tokens;
mod error;
mod health;
mod home;
mod keys;
mod limit_headers;
mod log;
mod model_info;
mod models;
mod paced;
mod panic;
pub(crate) mod probe;
mod record;
mod reply_headers;
mod spend;
mod unsupported;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use tower::util::option_layer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::anthropic::Messages;
use crate::app::{AppState, BodyTimes};
use crate::responses::Responses;

use chat::ChatRoute;

/// Every route of the gateway.
pub(crate) fn router(app: AppState) -> Router {
    let api = Router::new()
        .route("/chat/completions", chat::route(&ChatRoute))
        .route("/engines/{model}/chat/completions", chat::route(&ChatRoute))
        .route("/responses", chat::route(&Responses))
        .route("/messages", chat::route(&Messages))
        .route("/messages/count_tokens", post(count_tokens::count))
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::one))
        .route("/model/info", get(model_info::list));

    Router::new()
        .merge(api.clone())
        .nest("/v1", api)
        .route(
            "/openai/deployments/{model}/chat/completions",
            chat::route(&ChatRoute),
        )
        .route(
            "/v1/openai/deployments/{model}/chat/completions",
            chat::route(&ChatRoute),
        )
        .merge(spend::routes())
        .merge(keys::routes())
        .route("/health", get(health::every_deployment))
        .route("/health/latest", get(health::latest))
        .route("/health/liveliness", get(health::alive))
        .route("/health/liveness", get(health::alive))
        .route("/health/readiness", get(health::ready))
        .route("/", get(home::page))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(option_layer(cors(&app.config.general.cors_allow_origins)))
        .with_state(app)
}

/// What holds for every route, of the gateway and of the admin pages: a line in the log, words for a panic, errors in the
/// client's shape, and a time limit for the request's body.
pub(crate) fn observed(router: Router, times: BodyTimes) -> Router {
    // One layer: each boxes every request and is passed by every wake of its handler.
    router.layer(from_fn(move |request: Request, next: Next| {
        observe(paced::paced(request, times), next)
    }))
}

async fn observe(request: Request, next: Next) -> Response {
    let line = log::RequestLine::begin(&request);
    let speaks_anthropic = error::speaks_anthropic(&request);
    let response = panic::caught(next.run(request)).await;
    let response = error::write_error(response, speaks_anthropic);
    line.end(&response);
    response
}

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
        .allow_methods(AllowMethods::list([http::Method::GET, http::Method::POST]))
        .allow_headers(AllowHeaders::list([AUTHORIZATION, CONTENT_TYPE, key]));
    Some(layer)
}
