//! `GET /models`: the names that a request may ask for, in OpenAI's shape or in Anthropic's.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::anthropic::{ModelInfo, ModelPage};
use crate::app::AppState;
use crate::catalog::Limits;
use crate::config::FallbackKind;
use crate::openai::ApiError;

use super::auth::Key;

/// The reference system's constant: clients only want a number.
const CREATED: i64 = 1_677_610_602;

/// Query of `GET /models`.
#[derive(Debug, Deserialize)]
pub(super) struct Options {
    /// With what is asked when a model fails, in order.
    include_metadata: Option<bool>,
    /// Anthropic's: only what follows this model, or comes before that one, and how many.
    after_id: Option<String>,
    before_id: Option<String>,
    limit: Option<usize>,
}

/// How many models Anthropic's clients get at once where they do not say: all that anybody has.
const PAGE: usize = 1_000;

/// Anthropic's clients say with every request which version of its API they speak.
fn speaks_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

/// `GET /models`.
pub(super) async fn list(
    State(app): State<AppState>,
    Key(_): Key,
    Query(options): Query<Options>,
    headers: HeaderMap,
) -> Response {
    if speaks_anthropic(&headers) {
        let names = app.config.public_names().into_iter();
        let page = ModelPage::new(
            names.map(|name| info(&app, name)).collect(),
            options.after_id.as_deref(),
            options.before_id.as_deref(),
            options.limit.unwrap_or(PAGE),
        );
        return Json(page).into_response();
    }
    let with_chains = options.include_metadata == Some(true);
    if with_chains {
        app.routes.refresh().await;
    }
    let data: Vec<Value> = app
        .config
        .public_names()
        .into_iter()
        .map(|name| {
            let mut entry = entry(&app, name);
            if let (true, Some(fields)) = (with_chains, entry.as_object_mut()) {
                fields.insert("metadata".to_owned(), chains(&app, name));
            }
            entry
        })
        .collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

/// `GET /models/{id}`; ids may hold slashes.
pub(super) async fn one(
    State(app): State<AppState>,
    Key(_): Key,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if app.config.resolve_name(&id).is_none() {
        let error = ApiError::not_found(format!(
            "The model `{id}` does not exist or is not accessible"
        ));
        return Err(ApiError {
            param: Some("model".to_owned()),
            ..error
        });
    }
    if speaks_anthropic(&headers) {
        return Ok(Json(info(&app, &id)).into_response());
    }
    Ok(Json(entry(&app, &id)).into_response())
}

/// Which groups follow a model, by the kind of its failure.
fn chains(app: &AppState, name: &str) -> Value {
    let group = app.config.resolve_name(name).unwrap_or(name);
    json!({
        "fallbacks": app.routes.fallbacks(group, FallbackKind::General),
        "context_window_fallbacks": app.routes.fallbacks(group, FallbackKind::ContextWindow),
        "content_policy_fallbacks": app.routes.fallbacks(group, FallbackKind::ContentPolicy),
    })
}

/// One model in Anthropic's shape.
fn info(app: &AppState, name: &str) -> ModelInfo {
    let created = Timestamp::from_second(CREATED).unwrap_or(Timestamp::UNIX_EPOCH);
    let Limits { input, output, .. } = limits(app, name);
    ModelInfo::new(name, created.to_string(), input, output)
}

/// The limits of a group's first deployment.
fn limits(app: &AppState, name: &str) -> Limits {
    let group = app.config.resolve_name(name).unwrap_or(name);
    let first = app.routes.targets(group).first();
    first
        .map(|target| target.model().limits)
        .unwrap_or_default()
}

/// One model in OpenAI's shape.
fn entry(app: &AppState, name: &str) -> Value {
    let limits = limits(app, name);
    json!({
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "bedrock",
        "mode": "chat",
        "max_input_tokens": limits.input,
        "max_output_tokens": limits.output,
    })
}
