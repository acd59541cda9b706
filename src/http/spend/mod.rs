//! The spend API, in LiteLLM's paths and shapes: records, and totals from the counters alone.

mod calculate;
mod logs;
mod params;
pub(super) mod reports;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::app::AppState;
use crate::spend::ReadError;
use crate::store::StoreError;
use crate::wire::ApiError;

/// Every route of the spend API.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/spend/calculate", post(calculate::cost_of))
        .route("/spend/logs", get(logs::list))
        .route("/spend/logs/v2", get(logs::pages))
        .route("/spend/logs/ui", get(logs::pages))
        .route("/spend/logs/ui/{request_id}", get(logs::detail))
        .route("/spend/logs/session/ui", get(logs::session))
        .route("/spend/keys", get(reports::keys))
        .route("/spend/tags", get(reports::tags))
        .route("/global/spend", get(reports::global_spend))
        .route("/global/spend/report", get(reports::report))
        .route("/user/daily/activity", get(reports::users))
        .route("/team/daily/activity", get(reports::teams))
        .route("/customer/daily/activity", get(reports::customers))
        .route("/end_user/daily/activity", get(reports::customers))
}

/// JSON as text: a `serde_json::Value` in between would make floats of the money.
fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            let json = HeaderValue::from_static("application/json");
            ([(CONTENT_TYPE, json)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a report could not be written as JSON");
            ApiError::internal().into_response()
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Period(..) => Self::bad_request(error.to_string(), "start_date"),
            ReadError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a call of the table failed");
        Self::of_table(match error.fault() {
            Some(fault) => format!("This cannot be done just now: the table {fault}."),
            None => "Others are writing the same to the table just now. Try again in a moment."
                .to_owned(),
        })
    }
}
