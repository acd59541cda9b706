//! The routes: the two of Bedrock, and the service's own for whoever runs it in another process.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /_simulated/script` | `{"model": "*", "steps": [Step, …], "rest": Rest}`: adds steps, sets what follows them |
//! | `DELETE /_simulated/script?model=…` | forgets a script (without `model`: all) |
//! | `GET /_simulated/requests?model=…` | `{"billed": n, "requests": [Seen, …]}` |
//! | `DELETE /_simulated/requests` | forgets requests, scripts and the prompt cache |

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ANY_MODEL, ErrorReply, Rest, Step,
    connection::Connection,
    service::{Call, SimulatorService},
};

pub(super) fn router(service: Arc<SimulatorService>) -> Router {
    Router::new()
        .route("/model/{model}/{operation}", post(call))
        .route("/_simulated/script", post(script).delete(unscript))
        .route("/_simulated/requests", get(requests).delete(forget))
        .fallback(async || ErrorReply::new(404, "UnknownOperationException", "").into_response())
        // The real service takes bodies of up to 20 MB, images and documents included.
        .layer(DefaultBodyLimit::max(25 * 1024 * 1024))
        .with_state(service)
}

async fn call(
    State(service): State<Arc<SimulatorService>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((model, operation)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        model,
        operation,
        headers,
        body,
        connection,
    };
    service.answer(call).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default = "any")]
    model: String,
    #[serde(default)]
    steps: Vec<Step>,
    rest: Option<Rest>,
}

#[derive(Debug, Deserialize)]
struct Of {
    model: Option<String>,
}

fn any() -> String {
    ANY_MODEL.to_owned()
}

async fn script(State(service): State<Arc<SimulatorService>>, body: Bytes) -> Response {
    let script: Script = match serde_json::from_slice(&body) {
        Ok(script) => script,
        Err(error) => return ErrorReply::validation(error.to_string()).into_response(),
    };
    let mut scripts = service.scripts();
    scripts.push(&script.model, script.steps);
    if let Some(rest) = script.rest {
        scripts.rest(&script.model, rest);
    }
    Json(json!({})).into_response()
}

async fn unscript(
    State(service): State<Arc<SimulatorService>>,
    Query(of): Query<Of>,
) -> Json<Value> {
    service.scripts().clear(&of.model.unwrap_or_else(any));
    Json(json!({}))
}

async fn requests(
    State(service): State<Arc<SimulatorService>>,
    Query(of): Query<Of>,
) -> Json<Value> {
    let mut requests = service.record().all();
    requests.retain(|seen| of.model.as_ref().is_none_or(|model| seen.model == *model));
    Json(json!({"billed": service.record().billed(), "requests": requests}))
}

async fn forget(State(service): State<Arc<SimulatorService>>) -> Json<Value> {
    service.reset();
    Json(json!({}))
}
