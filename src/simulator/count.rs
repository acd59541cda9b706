//! CountTokens (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>).

use axum::Json;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Failure, cache,
    validate::{self, Asked},
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
pub(super) fn answer(id: &str, model: &Model, body: &Bytes) -> Result<Response, Failure> {
    if !id.starts_with("anthropic.") && model.family == Family::Claude {
        return Err(Failure::validation(
            "The provided model identifier is invalid.",
        ));
    }
    if model.family != Family::Claude {
        return Err(Failure::validation(
            "The provided model doesn't support counting tokens.",
        ));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::new(400, "SerializationException", ""))?;
    let prompt = body.pointer("/input/converse").unwrap_or(&Value::Null);
    let mut fields = prompt.as_object().into_iter().flatten();
    if let Some((field, _)) = fields.find(|(field, _)| !FIELDS.contains(&field.as_str())) {
        return Err(Failure::validation(format!(
            "Malformed input request: #/input/converse: extraneous key [{field}] is not permitted, please reformat your input and try again."
        )));
    }
    validate::validate(&Asked {
        model,
        streaming: false,
        body: prompt,
        check_signatures: true,
    })?;
    let tokens = cache::prompt_tokens(prompt).max(1);
    Ok(Json(json!({"inputTokens": tokens})).into_response())
}
