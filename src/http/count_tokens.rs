//! `POST /v1/messages/count_tokens` and `POST /v1/responses/input_tokens`: how long a prompt is.

use axum::Json;
use axum::extract::State;
use axum::routing::{MethodRouter, post};
use http::HeaderMap;
use serde::Serialize;

use crate::anthropic::Messages;
use crate::app::AppState;
use crate::chain::{self, PromptTokens};
use crate::conversation::Request;
use crate::keys::Caller;
use crate::responses::Responses;
use crate::wire::{ApiError, Wire};

use super::auth::AuthenticatedKey;
use super::body::RequestBody;
use super::{access, chat, denied, unsupported};

/// The answer, in Anthropic's shape and in OpenAI's.
#[derive(Debug, Serialize)]
struct TokenCount {
    /// What OpenAI calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'static str>,
    input_tokens: u64,
    /// Bedrock counted nothing: this is the gateway's own estimate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

/// The handler of `POST /v1/messages/count_tokens`.
pub(super) fn of_messages() -> MethodRouter<AppState> {
    route(&Messages, None)
}

/// The handler of `POST /v1/responses/input_tokens`.
pub(super) fn of_responses() -> MethodRouter<AppState> {
    route(&Responses, Some("response.input_tokens"))
}

fn route(wire: &'static dyn Wire, object: Option<&'static str>) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>,
                    AuthenticatedKey(caller): AuthenticatedKey,
                    headers: HeaderMap,
                    RequestBody(body): RequestBody| {
            let counted = count(&app, wire, &caller, &headers, &body).await;
            counted.map(|(input_tokens, estimated)| {
                Json(TokenCount {
                    object,
                    input_tokens,
                    estimated,
                })
            })
        },
    )
}

/// The tokens of the prompt, and whether they are an estimate. Nothing is billed and nothing recorded, but it is one of
/// the key's requests.
async fn count(
    app: &AppState,
    wire: &dyn Wire,
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(u64, bool), ApiError> {
    let denied = |denied| denied::refusal(app, denied);
    app.keys.check_known_limits(caller).map_err(denied)?;
    let (request, group) = match prompt(app, wire, caller, headers, body).await {
        Ok(prompt) => prompt,
        Err(error) => {
            app.keys.count_rejected(caller).await.map_err(denied)?;
            return Err(error);
        }
    };
    let admitted = app
        .keys
        .admit_count(caller, &app.routes, &group, &request)
        .await;
    admitted.map_err(denied)?;
    let regions = access::allowed_regions(app, caller, &group);
    let counted = chain::count_tokens(&app.routes, &group, &regions, &request);
    Ok(match counted.await {
        PromptTokens::Exact(tokens) => (tokens, false),
        PromptTokens::Estimate(tokens) => (tokens, true),
    })
}

/// The prompt, and the group that counts it.
async fn prompt(
    app: &AppState,
    wire: &dyn Wire,
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Request, String), ApiError> {
    let parsed = chat::parse(app, wire, caller, headers, body).await?;
    let (mut request, mut options) = (parsed.conversation, parsed.options);
    let asked = access::resolve_model(app, caller, options.model.as_deref())?;
    unsupported::drop_or_refuse(app, &asked.group, &mut options)?;
    request.long_context = asked.long_context;
    Ok((request, asked.group))
}
