//! CountTokens (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>).

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::{
    ErrorReply,
    cache::{self, PromptBlock},
    messages::{self, MessagesCall},
    validate::{self, CheckedRequest},
};
use crate::catalog::{Family, Model};

/// What a prompt may consist of here.
const FIELDS: [&str; 4] = [
    "messages",
    "system",
    "toolConfig",
    "additionalModelRequestFields",
];

/// The count, or the refusal. The real service knows foundation models alone here, by their own ids (reported in
/// Portkey-AI/gateway#1437 and pydantic/pydantic-ai#4250), and of those not all (reported in maximhq/bifrost#2169).
pub(super) fn answer(id: &str, model: &Model, body: &Bytes) -> Result<Response, ErrorReply> {
    if !id.starts_with("anthropic.") && model.family == Family::Claude {
        return Err(ErrorReply::validation(
            "The provided model identifier is invalid.",
        ));
    }
    if model.family != Family::Claude {
        return Err(ErrorReply::validation(
            "The provided model doesn't support counting tokens.",
        ));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| ErrorReply::new(400, "SerializationException", ""))?;
    let native = body.pointer("/input/invokeModel/body");
    let blocks = match native.and_then(Value::as_str) {
        Some(body) => native_blocks(model, body)?,
        None => converse_blocks(model, body.pointer("/input/converse"))?,
    };
    let tokens = cache::size(&blocks).max(1);
    Ok(Json(json!({"inputTokens": tokens})).into_response())
}

fn converse_blocks(model: &Model, prompt: Option<&Value>) -> Result<Vec<PromptBlock>, ErrorReply> {
    let prompt = prompt.unwrap_or(&Value::Null);
    let mut fields = prompt.as_object().into_iter().flatten();
    if let Some((field, _)) = fields.find(|(field, _)| !FIELDS.contains(&field.as_str())) {
        return Err(ErrorReply::validation(format!(
            "Malformed input request: #/input/converse: extraneous key [{field}] is not permitted, please reformat your input and try again."
        )));
    }
    validate::validate(&CheckedRequest {
        model,
        streaming: false,
        body: prompt,
        check_signatures: true,
    })?;
    Ok(cache::converse_blocks(prompt))
}

/// The body is one of InvokeModel's, whole and in base64.
fn native_blocks(model: &Model, body: &str) -> Result<Vec<PromptBlock>, ErrorReply> {
    let body = BASE64_STANDARD.decode(body);
    let body: Option<Value> = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok());
    let Some(body) = body else {
        return Err(ErrorReply::validation(
            "Malformed input request, please reformat your input and try again.",
        ));
    };
    messages::validate::validate(&MessagesCall {
        model,
        headers: &HeaderMap::new(),
        body: &body,
        check_signatures: true,
    })?;
    Ok(messages::blocks::prompt_blocks(&body))
}
