//! What of Anthropic's betas and of `context_management` Bedrock has. The table is in this folder's `mod.rs`.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::wire::{Betas, DroppedFields};

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

/// The betas that the client names, in the headers and in the body.
pub(super) fn named(headers: &HeaderMap, body: Option<Betas>) -> Vec<String> {
    let in_headers = headers.get_all("anthropic-beta").into_iter();
    let in_headers = in_headers.filter_map(|value| value.to_str().ok());
    let in_headers = in_headers.flat_map(|text| Betas::One(text.to_owned()).list());
    let in_body = body.map(Betas::list).unwrap_or_default();
    in_headers.chain(in_body).collect()
}

/// The fields for the model itself on Converse: betas that the client names, and what is to be cleared of the context.
/// What has no place there is named in `lost`.
pub(super) fn model_fields(
    named: &[String],
    context_management: Option<&Value>,
    lost: &mut DroppedFields,
) -> Map<String, Value> {
    let mut betas: Vec<String> = Vec::new();
    for beta in named.iter().cloned() {
        if PASSED.iter().any(|known| beta.starts_with(known)) && !betas.contains(&beta) {
            betas.push(beta);
        }
    }
    let mut fields = Map::new();
    if let Some(edits) = context_management.and_then(|config| edits(config, lost)) {
        betas.push(CONTEXT_MANAGEMENT.to_owned());
        fields.insert("context_management".to_owned(), edits);
    }
    if !betas.is_empty() {
        fields.insert("anthropic_beta".to_owned(), betas.into());
    }
    fields
}

/// The edits that Converse has; `None`: there is nothing to edit.
fn edits(context_management: &Value, lost: &mut DroppedFields) -> Option<Value> {
    const PATH: &str = "context_management";
    let config = match context_management {
        Value::Null => return None,
        Value::Object(config) => config,
        _ => {
            lost.add(PATH);
            return None;
        }
    };
    let mut edits: &[Value] = &[];
    for (name, value) in config {
        match (name.as_str(), value) {
            ("edits", Value::Array(list)) => edits = list,
            ("edits", Value::Null) => {}
            _ => lost.add(&format!("{PATH}.{name}")),
        }
    }
    let mut kept = Vec::new();
    for (at, edit) in edits.iter().enumerate() {
        match edit.get("type").and_then(Value::as_str) {
            Some(kind) if kind.starts_with("clear_tool_uses_") => kept.push(edit.clone()),
            Some(kind) if kind.starts_with("clear_thinking_") => {}
            Some(kind) if !kind.is_empty() => lost.add(kind),
            _ => lost.add(&format!("{PATH}.edits.{at}")),
        }
    }
    (!kept.is_empty()).then(|| json!({"edits": kept}))
}
