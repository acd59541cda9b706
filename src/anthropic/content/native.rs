//! Blocks that only Claude's own format has, and fields of others that only it has.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::conversation::{NativeBlock, NativeFields, Part};
use crate::wire::{ApiError, DroppedFields};

use super::super::inner;
use super::BlockFields;

/// What an answer of Anthropic's own service leaves in a history, and what says nothing to a model
/// (<https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback>).
const FALLBACK: &str = "fallback";

/// Blocks of tools that run at Anthropic's own service and on no Bedrock.
const OF_ANTHROPIC: [&str; 4] = [
    "container_upload",
    "mcp_tool_use",
    "mcp_tool_result",
    "advisor_tool_result",
];

/// The one tool of the service behind the model that Bedrock runs too.
const TOOL_SEARCH: &str = "tool_search_tool";

/// The parts of a block that the domain has no kind for. `fields` are what is known of it.
pub(super) fn block(
    kind: String,
    mut whole: Map<String, Value>,
    fields: BlockFields,
    path: &str,
    dropped: &mut DroppedFields,
) -> Result<Vec<Part>, ApiError> {
    let is_on_bedrock = is_on_bedrock(&kind, &whole);
    let mut unnamed = DroppedFields::default();
    let told = |dropped: &mut DroppedFields| match fields.into_parts(&kind, path, dropped) {
        Ok(Some(parts)) => Ok(parts),
        Ok(None) => Ok(vec![dropped.note(&kind)]),
        // What no model here takes is refused where it is new.
        Err(error) if !dropped.heals() => Err(error),
        Err(_) => Ok(vec![dropped.note(&kind)]),
    };
    if !is_on_bedrock {
        return told(dropped);
    }
    let heals = dropped.heals();
    let instead = if heals {
        unnamed.healing(told)?
    } else {
        told(&mut unnamed)?
    };
    whole.shift_remove("cache_control");
    if kind == FALLBACK {
        whole.clear();
    }
    without_marks(&mut whole);
    Ok(vec![Part::Native(Arc::new(NativeBlock {
        kind,
        part: None,
        fields: whole,
        instead: instead.into_iter().flat_map(inner::spoken).collect(),
        lost_elsewhere: unnamed.into_names(),
    }))])
}

/// Whether Bedrock's Claude may know it. Of a kind that nobody here knows, Bedrock says so itself.
fn is_on_bedrock(kind: &str, whole: &Map<String, Value>) -> bool {
    if OF_ANTHROPIC.contains(&kind) || crate::wire::is_sound_or_video(kind) {
        return false;
    }
    if kind == "server_tool_use" {
        let name = whole.get("name").and_then(Value::as_str);
        return name.is_some_and(|name| name.starts_with(TOOL_SEARCH));
    }
    !kind.ends_with("_tool_result") || kind == "tool_search_tool_result"
}

/// Takes the marks for the cache off the blocks inside: they stand behind the outer block.
fn without_marks(whole: &mut Map<String, Value>) {
    if let Some(Value::Array(items)) = whole.get_mut("content") {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.shift_remove("cache_control");
        }
    }
}

/// A part of a block that has further fields in Claude's own format.
pub(super) fn with_fields(kind: &str, part: Part, fields: Map<String, Value>) -> Part {
    if fields.is_empty() {
        return part;
    }
    Part::Native(Arc::new(NativeBlock {
        kind: kind.to_owned(),
        instead: vec![part.clone()],
        part: Some(part),
        fields,
        lost_elsewhere: Vec::new(),
    }))
}

/// The block with other words for another format.
pub(super) fn with_words(block: &NativeBlock, instead: Vec<Part>) -> Part {
    Part::Native(Arc::new(NativeBlock {
        instead,
        ..block.clone()
    }))
}

/// Fields beside those of something that the domain has.
pub(in crate::anthropic) fn native(fields: Map<String, Value>) -> NativeFields {
    Some(fields)
        .filter(|fields| !fields.is_empty())
        .map(Arc::new)
}
