//! `POST /v1/messages/count_tokens`: how long a prompt is.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;

use crate::anthropic::Messages;
use crate::app::AppState;
use crate::chain::{self, PromptTokens};
use crate::conversation::Request;
use crate::keys::Caller;
use crate::wire::ApiError;

use super::auth::Key;
use super::body::Body;
use super::{access, chat, limit_headers, unsupported};

/// The answer, in Anthropic's shape.
#[derive(Debug, Serialize)]
pub(super) struct TokenCount {
    input_tokens: u64,
    /// Bedrock counted nothing: this is the gateway's own estimate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

/// `POST /v1/messages/count_tokens`. Nothing is billed and nothing recorded, but it is one of the key's requests.
pub(super) async fn count(
    State(app): State<AppState>,
    Key(caller): Key,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<TokenCount>, ApiError> {
    let denied = |denied| limit_headers::refusal(&app, denied);
    app.keys.admit_early(&caller).map_err(denied)?;
    let (request, group) = match prompt(&app, &caller, &headers, &body).await {
        Ok(prompt) => prompt,
        Err(error) => {
            app.keys.admit_refused(&caller).await.map_err(denied)?;
            return Err(error);
        }
    };
    let admitted = app
        .keys
        .admit_count(&caller, &app.routes, &group, &request)
        .await;
    admitted.map_err(denied)?;
    let (input_tokens, estimated) = match chain::count_tokens(&app.routes, &group, &request).await {
        PromptTokens::Exact(tokens) => (tokens, false),
        PromptTokens::Estimate(tokens) => (tokens, true),
    };
    Ok(Json(TokenCount {
        input_tokens,
        estimated,
    }))
}

/// The prompt, and the group that counts it.
async fn prompt(
    app: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Request, String), ApiError> {
    let (mut request, mut options) = chat::parse(app, &Messages, caller, headers, body).await?;
    let asked = access::model(app, caller, options.model.as_deref())?;
    unsupported::settle(app, &asked.group, &mut options)?;
    request.long_context = asked.long_context;
    Ok((request, asked.group))
}
