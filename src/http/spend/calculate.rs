//! `POST /spend/calculate`: what an answer cost, by whichever wire it came, or what a prompt would.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;

use crate::anthropic::Messages;
use crate::app::AppState;
use crate::catalog::{Catalog, Price, ServiceTerms};
use crate::conversation::Usage;
use crate::keys::Caller;
use crate::spend::{Dollars, cost};
use crate::wire::{ApiError, Priced, Wire};

use super::super::access;
use super::super::auth::AuthenticatedKey;
use super::super::body::RequestBody;
use super::super::chat::ChatRoute;
use super::json;

/// The reply.
#[derive(Serialize)]
struct Calculated {
    /// US dollars; `null`: the price is unknown.
    cost: Option<Dollars>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    price_unknown: bool,
}

/// `POST /spend/calculate`: by the usage of a `completion_response`, or by `messages`, whose tokens are estimated and
/// whose answer is not in it.
pub(super) async fn cost_of(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    headers: HeaderMap,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let priced = Priced::parse(&body)?;
    let price = price_of(&app, &caller, &priced.model)?;
    let usage = match priced.usage {
        Some(usage) => usage,
        None => Usage {
            input: prompt_tokens(&body, &headers)?,
            estimated: true,
            ..Usage::default()
        },
    };
    let terms = ServiceTerms {
        tier: priced.tier,
        ..ServiceTerms::default()
    };
    let price = price.as_ref().and_then(|price| price.under(&terms));
    Ok(json(&Calculated {
        cost: price
            .as_ref()
            .map(|price| Dollars(cost(&usage, price).total)),
        price_unknown: price.is_none(),
    }))
}

/// The estimated tokens of a prompt. It does not say by which wire it is meant, and a wire leaves out what only another
/// knows (`system`, `tool_result`): the longest reading is the one that reads it all.
fn prompt_tokens(body: &Bytes, headers: &HeaderMap) -> Result<u64, ApiError> {
    let (chat, _) = ChatRoute.parse(body)?.into_conversation(headers)?;
    let message = Messages
        .parse(body)
        .and_then(|body| body.into_conversation(headers));
    let of_chat = chat.estimated_prompt_tokens();
    Ok(message.map_or(of_chat, |(message, _)| {
        message.estimated_prompt_tokens().max(of_chat)
    }))
}

/// The present price of a name of the configuration, that of its first deployment, or of a Bedrock id.
fn price_of(app: &AppState, caller: &Caller, model: &str) -> Result<Option<Price>, ApiError> {
    let now = app.clock.now();
    let unknown = match access::resolve_name(app, caller, Some(model)) {
        Ok(asked) => {
            let targets = app.routes.targets(&asked.group);
            let price = targets.first().and_then(|target| target.price(now));
            return Ok(price.map(Cow::into_owned));
        }
        Err(unknown) => unknown,
    };
    let (plain, _) = access::without_window_mark(app, caller, model);
    let id = plain.strip_prefix("bedrock/").unwrap_or(plain);
    let id = id.strip_prefix("converse/").unwrap_or(id);
    let found = Catalog::bundled().resolve(id, None, None);
    if found.known {
        Ok(found.price.map(|price| price.at(now).into_owned()))
    } else {
        let unknown = access::unknown_model(app, caller, &unknown);
        Err(ApiError::bad_request(unknown.message, "model"))
    }
}
