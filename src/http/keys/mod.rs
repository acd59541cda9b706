//! `/key/…`: keys made, shown, changed, listed and ended, in LiteLLM's shapes. For the master key; a key may read its
//! own `/key/info`.

mod body;
pub(super) mod view;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::AppState;
use crate::keys::{KeyError, KeyStatus, NewKey, named};
use crate::wire::{ApiError, read};

use super::auth::{Admin, AuthenticatedKey};
use super::body::RequestBody;
use body::{KeyNames, changes, new_key};
use view::{CreatedKey, KeyDetails, KeyView};

/// Every route of key management.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/key/generate", post(generate))
        .route("/key/info", get(info))
        .route("/key/list", get(list))
        .route("/key/update", post(update))
        .route("/key/delete", post(delete))
        .route("/key/regenerate", post(regenerate))
        .route("/key/{key}/regenerate", post(regenerate_of))
        .route("/key/block", set_blocked(true))
        .route("/key/unblock", set_blocked(false))
}

/// What the answers to a change say of other instances.
const NOTE: &str = "effective on every instance within 10 s";

/// `POST /key/generate`: makes a key. The answer is the only place where it stands in full.
async fn generate(
    State(app): State<AppState>,
    Admin(caller): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let (named, settings) = changes(&body)?;
    let made = app
        .keys
        .generate(&settings, named.key.as_deref(), &caller.alias)
        .await?;
    Ok(shown_once(&made))
}

/// `POST /key/update`: changes what the body names, and nothing else.
async fn update(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let (key, changes) = changes(&body)?;
    let hash = hash(&app, key).await?;
    let key = app.keys.update(&hash, &changes).await?;
    Ok(Json(KeyDetails::of(&key, app.keys.now()).with_note(NOTE)).into_response())
}

/// `POST /key/block` and `/key/unblock`: from now on the key is refused, or let in again.
fn set_blocked(blocked: bool) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>,
                    Admin(_): Admin,
                    RequestBody(body): RequestBody| {
            let hash = hash(&app, read(&body)?).await?;
            let key = app.keys.block(&hash, blocked).await?;
            let details = KeyDetails::of(&key, app.keys.now()).with_note(NOTE);
            Ok::<_, ApiError>(Json(details).into_response())
        },
    )
}

/// `POST /key/delete`: keys by themselves or their hashes, or by their aliases.
async fn delete(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Json<Value>, ApiError> {
    let named: KeyNames = read(&body)?;
    let mut hashes = Vec::new();
    for key in named.keys.iter().chain(&named.key) {
        hashes.push((key.clone(), self::named(key)?));
    }
    for alias in named.key_aliases {
        let hash = app.keys.named_by(&alias).await?;
        hashes.push((alias, hash));
    }
    if hashes.is_empty() {
        let message = "Name the keys to delete: 'keys' (keys or their hashes) or 'key_aliases'.";
        return Err(ApiError::bad_request(message, "keys"));
    }
    // All or none, unless another request deletes one in between.
    for (_, hash) in &hashes {
        app.keys.get(hash).await?;
    }
    let mut deleted = Vec::new();
    for (name, hash) in hashes {
        app.keys.delete(&hash).await?;
        // A key itself is not written into an answer again.
        deleted.push(if name.starts_with("sk-") { hash } else { name });
    }
    Ok(Json(json!({"deleted_keys": deleted, "note": NOTE})))
}

/// `POST /key/regenerate`: another key instead of this one, with the same settings and the same budget.
async fn regenerate(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let (named, changes) = changes(&body)?;
    let hash = hash(&app, named).await?;
    let made = app
        .keys
        .regenerate(&hash, &changes, new_key(&body)?.as_deref())
        .await?;
    Ok(shown_once(&made))
}

/// `POST /key/{key}/regenerate`.
async fn regenerate_of(
    State(app): State<AppState>,
    Admin(_): Admin,
    Path(key): Path<String>,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let (_, changes) = changes(body)?;
    let made = app
        .keys
        .regenerate(&named(&key)?, &changes, new_key(body)?.as_deref())
        .await?;
    Ok(shown_once(&made))
}

/// Query of `GET /key/info`.
#[derive(Debug, Deserialize)]
struct KeyQuery {
    key: Option<String>,
}

/// `GET /key/info`: a key by itself or its hash; without one, the caller's own.
async fn info(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    query: Result<Query<KeyQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let hash = match query.map_err(wrong_query)?.0.key {
        Some(key) => named(&key)?,
        None if caller.is_admin() => {
            return Err(ApiError::missing_value("key", "a key or its hash"));
        }
        None => caller.key_hash.clone(),
    };
    if !caller.is_admin() && hash != caller.key_hash {
        let message = "Authentication Error, A key may read its own /key/info and no other.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "auth_error", message));
    }
    let own_token = caller
        .virtual_key
        .filter(|key| key.is_token() && key.hash == hash);
    let key = match own_token {
        Some(token) => token,
        None => app.keys.get(&hash).await?,
    };
    let budget = app.keys.budget_usage(&key).await.map_err(KeyError::Store)?;
    let info = KeyDetails::of(&key, app.keys.now()).with_budget(budget);
    Ok(Json(KeyView { key: &hash, info }).into_response())
}

/// Query of `GET /key/list`.
#[derive(Debug, Deserialize)]
struct KeyFilter {
    #[serde(default = "first")]
    page: usize,
    #[serde(default = "page_size")]
    size: usize,
    user_id: Option<String>,
    team_id: Option<String>,
    key_hash: Option<String>,
    key_alias: Option<String>,
    status: Option<KeyStatus>,
    #[serde(default)]
    return_full_object: bool,
}

fn first() -> usize {
    1
}

fn page_size() -> usize {
    10
}

const MOST_LISTED: usize = 1_000;

/// `GET /key/list`: the newest first, as hashes, or whole with `return_full_object=true`.
async fn list(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<KeyFilter>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(filter) = query.map_err(wrong_query)?;
    if filter.page == 0 || filter.size == 0 || filter.size > MOST_LISTED {
        let message = format!("'page' counts from 1, and 'size' is 1 to {MOST_LISTED}.");
        return Err(ApiError::bad_request(message, "size"));
    }
    let now = app.keys.now();
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
    };
    let mut keys = app.keys.list().await?;
    keys.retain(|key| {
        let settings = &key.settings;
        is(&filter.user_id, settings.user_id.as_deref())
            && is(&filter.team_id, settings.team_id.as_deref())
            && is(&filter.key_alias, settings.key_alias.as_deref())
            && is(&filter.key_hash, Some(&key.hash))
            && filter.status.is_none_or(|status| status == key.status(now))
    });
    let total = keys.len();
    let pages = total.div_ceil(filter.size);
    let page = keys
        .iter()
        .skip((filter.page - 1).saturating_mul(filter.size))
        .take(filter.size);
    let page: Vec<Listed<'_>> = if filter.return_full_object {
        let page: Vec<_> = page.collect();
        let budgets = app
            .keys
            .budget_usages(&page)
            .await
            .map_err(KeyError::Store)?;
        let details = page.into_iter().zip(budgets);
        let details = details.map(|(key, budget)| KeyDetails::of(key, now).with_budget(budget));
        details
            .map(|details| Listed::KeyDetails(Box::new(details)))
            .collect()
    } else {
        page.map(|key| Listed::Hash(&key.hash)).collect()
    };
    let list = KeyList {
        keys: page,
        total_count: total,
        current_page: filter.page,
        total_pages: pages,
    };
    Ok(Json(list).into_response())
}

#[derive(serde::Serialize)]
struct KeyList<'a> {
    keys: Vec<Listed<'a>>,
    total_count: usize,
    current_page: usize,
    total_pages: usize,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Listed<'a> {
    Hash(&'a str),
    KeyDetails(Box<KeyDetails<'a>>),
}

fn shown_once(made: &NewKey) -> Response {
    Json(CreatedKey::of(made)).into_response()
}

/// The one key that a body names.
async fn hash(app: &AppState, body: KeyNames) -> Result<String, ApiError> {
    if let Some(key) = body.key.or_else(|| body.keys.into_iter().next()) {
        return Ok(named(&key)?);
    }
    let Some(alias) = body.key_aliases.into_iter().next() else {
        return Err(ApiError::missing_value("key", "a key or its hash"));
    };
    Ok(app.keys.named_by(&alias).await?)
}

fn wrong_query(rejection: QueryRejection) -> ApiError {
    ApiError::bad_request(rejection.body_text(), "query")
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let message = error.to_string();
        match error {
            KeyError::NotFound => {
                let message = "There is no such key. Name it by itself (sk-…) or by its SHA-256.";
                ApiError::not_found(message).with_param("key")
            }
            KeyError::Invalid { param, .. } => ApiError::bad_request(message, param),
            KeyError::AliasTaken(_) => ApiError::bad_request(message, "key_alias"),
            KeyError::Exists => ApiError::bad_request(message, "key"),
            KeyError::NoTeam(_) => ApiError::bad_request(message, "team_id"),
            KeyError::Contended => {
                ApiError::new(StatusCode::CONFLICT, "invalid_request_error", message)
            }
            KeyError::Store(error) => error.into(),
        }
    }
}
