//! What is stored of responses, for their own key: to be read, listed and deleted.

use axum::extract::{Path, RawQuery, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::UPGRADE;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use url::form_urlencoded;

use crate::app::AppState;
use crate::keys::Caller;
use crate::response_store::{RawItem, StoredResponse, StoredTurn};
use crate::responses::{self, InputPage, response_key};
use crate::wire::ApiError;

use super::auth::AuthenticatedKey;
use super::{denied, error};

/// The routes of single responses.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/responses/{id}", get(retrieve).delete(delete))
        .route("/responses/{id}/input_items", get(input_items))
        .route("/responses/{id}/cancel", post(cancel))
}

/// Codex asks OpenAI's API by a WebSocket first. At this status it goes on with POST at once, at any other after six
/// tries.
pub(super) async fn without_websocket(method: Method, uri: Uri, headers: HeaderMap) -> ApiError {
    if !headers.contains_key(UPGRADE) {
        return error::method_not_allowed(method, uri).await;
    }
    let message = "Responses are not served by WebSocket here: send each as a POST.";
    ApiError::new(
        StatusCode::UPGRADE_REQUIRED,
        "invalid_request_error",
        message,
    )
}

async fn retrieve(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    count(&app, &caller).await?;
    let mut include_thinking = false;
    for (name, value) in fields(query.as_deref()) {
        match (&*name, &*value) {
            ("stream", "true") | ("starting_after", _) => {
                let message = format!(
                    "A stored response is not streamed again: ask for it without '{name}'."
                );
                return Err(ApiError::bad_request(message, name));
            }
            ("include" | "include[]", "reasoning.encrypted_content") => include_thinking = true,
            _ => {}
        }
    }
    let (output, turn) = whole(&app, &caller, &id).await?;
    let response = responses::retrieved(&turn.response, &output, include_thinking);
    Ok(Json(response))
}

async fn input_items(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    count(&app, &caller).await?;
    let mut page = InputPage::default();
    for (name, value) in fields(query.as_deref()) {
        match &*name {
            "limit" => {
                let limit = value.parse().map_err(|_| {
                    let message = format!("'limit' is '{value}', which is no number.");
                    ApiError::bad_request(message, "limit")
                })?;
                page.limit = Some(limit);
            }
            "order" => page.order = Some(value.into_owned()),
            "after" => page.after = Some(value.into_owned()),
            _ => {}
        }
    }
    let (_, turn) = whole(&app, &caller, &id).await?;
    let key = response_key(&id).unwrap_or_default();
    Ok(Json(responses::input_page(key, &turn.input, &page)?))
}

fn fields(query: Option<&str>) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
}

/// Deletes whatever is stored of a response.
async fn delete(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    count(&app, &caller).await?;
    let key = response_key(&id).ok_or_else(|| responses::not_stored(&id))?;
    match app.responses.delete(&caller.key_hash, key).await? {
        true => Ok(Json(responses::deleted(&id))),
        false => Err(responses::not_stored(&id)),
    }
}

async fn cancel(
    AuthenticatedKey(_): AuthenticatedKey,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let message = format!(
        "'{id}' cannot be cancelled: no response runs in the background here. Close the request's connection instead."
    );
    Err(ApiError::bad_request(message, "response_id"))
}

/// A response that is stored with its request.
async fn whole(
    app: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<(Vec<RawItem>, StoredTurn), ApiError> {
    let missing = || responses::not_stored(id);
    let key = response_key(id).ok_or_else(missing)?;
    let found = app.responses.get(&caller.key_hash, key).await?;
    let StoredResponse { output, turn } = found.ok_or_else(missing)?;
    Ok((output, turn.ok_or_else(missing)?))
}

/// It is one of the key's requests, though nothing is billed.
async fn count(app: &AppState, caller: &Caller) -> Result<(), ApiError> {
    let denied = |denied| denied::refusal(app, denied);
    app.keys.check_known_limits(caller).map_err(denied)?;
    app.keys.count_rejected(caller).await.map_err(denied)
}
