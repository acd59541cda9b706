//! `GET /models`: the names that the caller's requests may ask for, in OpenAI's shape or in Anthropic's.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::anthropic::{ModelInfo, ModelPage};
use crate::app::AppState;
use crate::catalog::{Limits, Model, ModelKind};
use crate::config::FallbackKind;
use crate::keys::Caller;
use crate::wire::ApiError;

use super::access;
use super::auth::AuthenticatedKey;
use super::model_info::mode;

/// The reference system's constant: clients only want a number.
const CREATED: i64 = 1_677_610_602;

/// Query of `GET /models`.
#[derive(Debug, Deserialize)]
pub(super) struct ModelsQuery {
    /// With what is asked when a model fails, in order.
    include_metadata: Option<bool>,
    /// With the patterns themselves, beside the models that they stand for.
    return_wildcard_routes: Option<bool>,
    /// Anthropic's: only what follows this model, or comes before that one, and how many.
    after_id: Option<String>,
    before_id: Option<String>,
    limit: Option<usize>,
}

/// How many models Anthropic's clients get at once where they do not say: all that there are.
const PAGE: usize = 1_000;

/// Anthropic's clients say with every request which version of its API they speak.
fn speaks_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

/// `GET /models`.
pub(super) async fn list(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    Query(options): Query<ModelsQuery>,
    headers: HeaderMap,
) -> Response {
    let with_chains = options.include_metadata == Some(true);
    if with_chains {
        app.routes.refresh_shared_state().await;
    }
    let mut names = access::visible_names(&app, &caller);
    if options.return_wildcard_routes == Some(true) {
        let groups = app.config.groups().iter();
        let patterns = groups.filter(|group| group.is_pattern());
        let patterns = patterns.map(|group| group.name.clone());
        let seen = patterns.filter(|name| access::may_see(&app, &caller, name));
        names.extend(seen);
    }
    if speaks_anthropic(&headers) {
        // They choose among models to talk to.
        names.retain(|name| !kind(&app, &caller, name).is_no_chat());
        let infos = names.iter().map(|name| info(&app, &caller, name));
        let page = ModelPage::new(
            infos.collect(),
            options.after_id.as_deref(),
            options.before_id.as_deref(),
            options.limit.unwrap_or(PAGE),
        );
        return Json(page).into_response();
    }
    let data: Vec<Value> = names
        .iter()
        .map(|name| {
            let mut entry = entry(&app, &caller, name);
            if let (true, Some(fields)) = (with_chains, entry.as_object_mut()) {
                fields.insert("metadata".to_owned(), chains(&app, &caller, name));
            }
            entry
        })
        .collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

/// `GET /models/{id}`; ids may hold slashes.
pub(super) async fn one(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !access::may_use(&app, &caller, &id) {
        let mut message = format!("The model `{id}` does not exist or is not accessible");
        if let Some(nearest) = access::nearest(&app, &caller, &id) {
            message.push_str(&format!(". The nearest that is: '{nearest}'"));
        }
        return Err(ApiError::no_such_model(message));
    }
    if speaks_anthropic(&headers) {
        return Ok(Json(info(&app, &caller, &id)).into_response());
    }
    Ok(Json(entry(&app, &caller, &id)).into_response())
}

/// Which groups follow a model, by the kind of its failure.
fn chains(app: &AppState, caller: &Caller, name: &str) -> Value {
    let asked = access::resolve_model(app, caller, Some(name));
    let group = asked.map(|asked| asked.group).unwrap_or_default();
    json!({
        "fallbacks": app.routes.fallbacks(&group, FallbackKind::General),
        "context_window_fallbacks": app.routes.fallbacks(&group, FallbackKind::ContextWindow),
        "content_policy_fallbacks": app.routes.fallbacks(&group, FallbackKind::ContentPolicy),
    })
}

/// One model in Anthropic's shape.
fn info(app: &AppState, caller: &Caller, name: &str) -> ModelInfo {
    let created = Timestamp::from_second(CREATED).unwrap_or(Timestamp::UNIX_EPOCH);
    let Limits { input, output, .. } = limits(app, caller, name);
    ModelInfo::new(name, created.to_string(), input, output)
}

/// The limits of a group's first deployment.
fn limits(app: &AppState, caller: &Caller, name: &str) -> Limits {
    first(app, caller, name, |model| model.limits)
}

/// What a group's first deployment is for.
fn kind(app: &AppState, caller: &Caller, name: &str) -> ModelKind {
    first(app, caller, name, |model| model.kind)
}

/// Something of the model of a group's first deployment.
fn first<T: Default>(app: &AppState, caller: &Caller, name: &str, of: fn(&Model) -> T) -> T {
    let asked = access::resolve_model(app, caller, Some(name));
    let group = asked.map(|asked| asked.group).unwrap_or_default();
    let group = app.config.group(&group);
    let first = group.and_then(|group| Some(of(&group.deployments.first()?.model)));
    first.unwrap_or_default()
}

/// One model in OpenAI's shape.
fn entry(app: &AppState, caller: &Caller, name: &str) -> Value {
    let limits = limits(app, caller, name);
    json!({
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "bedrock",
        "mode": mode(kind(app, caller, name)),
        "max_input_tokens": limits.input,
        "max_output_tokens": limits.output,
    })
}
