//! `POST /v1/messages/count_tokens`: how long a prompt is.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;

use crate::anthropic::Messages;
use crate::app::AppState;
use crate::chain::{self, Count};
use crate::wire::ApiError;

use super::auth::Key;
use super::body::Body;
use super::{access, chat};

/// The answer, in Anthropic's shape.
#[derive(Debug, Serialize)]
pub(super) struct Counted {
    input_tokens: u64,
    /// Bedrock counted nothing: this is the gateway's own estimate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

/// `POST /v1/messages/count_tokens`. Nothing is billed and nothing recorded.
pub(super) async fn count(
    State(app): State<AppState>,
    Key(caller): Key,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<Counted>, ApiError> {
    let (request, options) = chat::read::<Messages>(&app, &caller, &headers, &body).await?;
    let group = access::group(&app, &caller, options.model.as_deref())?;
    options.check_unsupported(app.drops_params(&group))?;
    let (input_tokens, estimated) = match chain::count_tokens(&app.routes, &group, &request).await {
        Count::Exact(tokens) => (tokens, false),
        Count::Estimate(tokens) => (tokens, true),
    };
    Ok(Json(Counted {
        input_tokens,
        estimated,
    }))
}
