//! What of Anthropic's betas and of `context_management` Bedrock has. The table is in the room's `mod.rs`.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::wire::{ApiError, Betas, LeftOut};

/// What the names of betas begin with that Bedrock's Claude knows and that no other part of the gateway asks for.
const PASSED: [&str; 6] = [
    "computer-use-",
    "interleaved-thinking-",
    "context-1m-",
    "fine-grained-tool-streaming-",
    "token-efficient-tools-",
    "output-128k-",
];

const CONTEXT_MANAGEMENT: &str = "context-management-2025-06-27";

/// The edit that Bedrock's Converse cannot do, and whose loss would cost a long conversation its end.
const COMPACTION: &str = "compact_";

/// The betas that the client names, in the headers and in the body.
pub(super) fn named(headers: &HeaderMap, body: Option<Betas>) -> Vec<String> {
    let in_headers = headers.get_all("anthropic-beta").into_iter();
    let in_headers = in_headers.filter_map(|value| value.to_str().ok());
    let in_headers = in_headers.flat_map(|text| Betas::One(text.to_owned()).list());
    let in_body = body.map(Betas::list).unwrap_or_default();
    in_headers.chain(in_body).collect()
}

/// The fields for the model itself: betas, those that the client names and those that tools need (`of_tools`), and what
/// is to be cleared of the context.
pub(super) fn model_fields(
    named: &[String],
    of_tools: &[&str],
    context_management: Option<Value>,
    left_out: &mut LeftOut,
) -> Result<Map<String, Value>, ApiError> {
    let mut betas: Vec<String> = Vec::new();
    let of_tools = of_tools.iter().map(|beta| (*beta).to_owned());
    for beta in named.iter().cloned().chain(of_tools) {
        if PASSED.iter().any(|known| beta.starts_with(known)) && !betas.contains(&beta) {
            betas.push(beta);
        }
    }
    let mut fields = Map::new();
    if let Some(edits) = edits(context_management, left_out)? {
        betas.push(CONTEXT_MANAGEMENT.to_owned());
        fields.insert("context_management".to_owned(), edits);
    }
    if !betas.is_empty() {
        fields.insert("anthropic_beta".to_owned(), betas.into());
    }
    Ok(fields)
}

/// The edits that Bedrock has; `None`: there is nothing to edit.
fn edits(
    context_management: Option<Value>,
    left_out: &mut LeftOut,
) -> Result<Option<Value>, ApiError> {
    const PATH: &str = "context_management";
    let config = match context_management {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(config)) => config,
        Some(_) => {
            left_out.add(PATH);
            return Ok(None);
        }
    };
    let mut edits = Vec::new();
    for (name, value) in config {
        match (name.as_str(), value) {
            ("edits", Value::Array(list)) => edits = list,
            ("edits", Value::Null) => {}
            _ => left_out.add(&format!("{PATH}.{name}")),
        }
    }
    let mut kept = Vec::new();
    for (at, edit) in edits.into_iter().enumerate() {
        let kind = edit.get("type").and_then(Value::as_str);
        match kind.map(str::to_owned) {
            Some(kind) if kind.starts_with("clear_tool_uses_") => kept.push(edit),
            Some(kind) if kind.starts_with("clear_thinking_") => {}
            Some(kind) if kind.starts_with(COMPACTION) => {
                let param = format!("{PATH}.edits[{at}].type");
                let message = format!(
                    "'{param}' is '{kind}', which Bedrock's Converse API does not have; this gateway takes \
                     'clear_tool_uses_20250919' and 'clear_thinking_20251015'."
                );
                return Err(ApiError::bad_request(message, param));
            }
            Some(kind) if !kind.is_empty() => left_out.add(&kind),
            _ => left_out.add(&format!("{PATH}.edits.{at}")),
        }
    }
    if kept.is_empty() {
        return Ok(None);
    }
    Ok(Some(json!({"edits": kept})))
}
