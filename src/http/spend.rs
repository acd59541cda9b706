//! `GET /spend/logs`: records, read back.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::app::AppState;
use crate::openai::ApiError;
use crate::spend::{RequestId, SpendLog};

use super::auth::Admin;

/// Query of `GET /spend/logs`.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    request_id: Option<String>,
}

/// `GET /spend/logs?request_id=`: the record of a reply's `id`, in a list that is empty when there is none.
pub(super) async fn logs(
    State(app): State<AppState>,
    Admin(_): Admin,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let Some(id) = which.request_id else {
        let message = "Missing required parameter: 'request_id' (the `id` of a reply, or its `x-litellm-call-id`).";
        return Err(ApiError::bad_request(message, "request_id"));
    };
    let id = RequestId::parse(&id)
        .map_err(|error| ApiError::bad_request(error.to_string(), "request_id"))?;
    let record = app.ledger.get(&id).await.map_err(|error| {
        tracing::error!(%error, "a spend record could not be read");
        let message = "The table of spend records cannot be read just now.";
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "internal_server_error",
            message,
        )
    })?;
    let rows: Vec<SpendLog> = record.iter().map(SpendLog::from).collect();
    Ok(Json(rows).into_response())
}
