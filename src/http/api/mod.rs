//! The description of the gateway's routes (OpenAPI 3.1), as a file that is checked: a test compares it with the router
//! and with what the routes answer.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use http::header::ACCEPT;
use serde::Serialize;
use serde_json::Value;

use crate::app::AppState;

use super::auth::AuthenticatedKey;
use crate::wire::ApiError;

/// Where people read it: with a session, and not with a key.
const PAGE: &str = "/ui/docs";
const FILE: &str = "/ui/openapi.json";

/// The description, with this version of the gateway.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut description: Value =
        serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if let Some(version) = description.pointer_mut("/info/version") {
        *version = Value::from(env!("CARGO_PKG_VERSION"));
    }
    description
});

/// The description of every route.
pub(crate) fn description() -> &'static Value {
    &DESCRIPTION
}

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(docs))
        .route("/routes", get(list))
}

/// `GET /openapi.json`.
///
/// A browser has no key, and the session of the pages is not sent here: it is led to the same file among them.
async fn openapi(
    key: Result<AuthenticatedKey, ApiError>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match key {
        Ok(_) => Ok(Json(description()).into_response()),
        Err(_) if wants_html(&headers) => Ok(Redirect::to(FILE).into_response()),
        Err(refused) => Err(refused),
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// `GET /docs`: the page for people, the description for programs.
async fn docs(headers: HeaderMap) -> Response {
    if wants_html(&headers) {
        return Redirect::to(PAGE).into_response();
    }
    Redirect::to("/openapi.json").into_response()
}

/// A row of `GET /routes`, in the reference system's shape.
#[derive(Serialize)]
struct ListedRoute {
    path: &'static str,
    methods: Vec<String>,
    name: &'static str,
    endpoint: &'static str,
}

#[derive(Serialize)]
struct ListedRoutes {
    routes: Vec<ListedRoute>,
}

/// `GET /routes`.
async fn list(_: AuthenticatedKey) -> Json<ListedRoutes> {
    let paths = description().get("paths").and_then(Value::as_object);
    let rows = paths.into_iter().flatten().map(|(path, operations)| {
        let operations = || operations.as_object().into_iter().flatten();
        let summary = operations().find_map(|(_, operation)| operation.get("summary")?.as_str());
        ListedRoute {
            path,
            methods: operations()
                .map(|(method, _)| method.to_ascii_uppercase())
                .collect(),
            name: summary.unwrap_or_default(),
            endpoint: summary.unwrap_or_default(),
        }
    });
    Json(ListedRoutes {
        routes: rows.collect(),
    })
}
