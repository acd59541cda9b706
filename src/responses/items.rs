//! The item under way: what is known of it, and how it looks at its beginning and at its end.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::conversation::{Fold, ThinkingBlock};
use crate::wire::tools::parted;
use crate::wire::{ReplyMeta, Seal, free_form};

use super::ids::{MESSAGE, REASONING};
use super::sealed;

const IN_PROGRESS: &str = "in_progress";
const COMPLETED: &str = "completed";

/// The item under way.
#[derive(Debug)]
pub(super) enum OpenItem {
    Nothing,
    Message {
        text: String,
        annotations: Vec<Value>,
    },
    /// Consecutive thinking is one item, however many blocks it has.
    Reasoning {
        text: String,
        blocks: Fold,
    },
    Call {
        id: String,
        name: String,
        arguments: String,
    },
}

impl OpenItem {
    /// What the item's id begins with.
    pub(super) fn prefix(&self, meta: &ReplyMeta) -> &'static str {
        match self {
            Self::Reasoning { .. } => REASONING,
            Self::Call { name, .. } => call_prefix(name, meta),
            Self::Message { .. } | Self::Nothing => MESSAGE,
        }
    }

    /// The item: empty at first, with all that it holds once it is whole.
    pub(super) fn item(&self, id: String, meta: &ReplyMeta, is_whole: bool) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Message { text, annotations } if is_whole => message(id, text, annotations),
            Self::Message { .. } => {
                json!({"id": id, "type": "message", "role": "assistant", "status": IN_PROGRESS, "content": []})
            }
            Self::Reasoning { text, blocks } if is_whole => {
                reasoning(id, text, &blocks.blocks(), client_seal(meta))
            }
            Self::Reasoning { .. } => json!({"id": id, "type": "reasoning", "summary": []}),
            Self::Call {
                id: call_id,
                name,
                arguments,
            } => {
                let arguments = is_whole.then_some(arguments.as_str());
                call(id, call_id, name, arguments, meta)
            }
        }
    }
}

/// What the id of an item for a call begins with.
pub(super) fn call_prefix(name: &String, meta: &ReplyMeta) -> &'static str {
    if meta.free_form.contains(name) {
        "ctc_"
    } else {
        "fc_"
    }
}

/// A whole message.
pub(super) fn message(id: String, text: &str, annotations: &[Value]) -> Value {
    let part =
        json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []});
    json!({"id": id, "type": "message", "role": "assistant", "status": COMPLETED, "content": [part]})
}

/// The seal on the thinking that goes to the client, where it is to have its signatures.
pub(super) fn client_seal(meta: &ReplyMeta) -> Option<&Seal> {
    meta.seal.as_ref().filter(|_| meta.include_thinking)
}

/// Whole thinking, with its signatures where there is a seal for them.
pub(super) fn reasoning(
    id: String,
    text: &str,
    blocks: &[ThinkingBlock],
    seal: Option<&Seal>,
) -> Value {
    let summary = match text {
        "" => json!([]),
        text => json!([{"type": "summary_text", "text": text}]),
    };
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let Some(sealed) = seal.and_then(|seal| sealed::seal(blocks, seal)) {
        add_sealed(&mut item, sealed);
    }
    item
}

/// Adds its signatures to a reasoning item, as they are sealed.
pub(super) fn add_sealed(item: &mut Value, sealed: String) {
    if let Some(fields) = item.as_object_mut() {
        fields.insert("encrypted_content".to_owned(), sealed.into());
    }
}

/// A call; without `arguments` one that has just begun.
pub(super) fn call(
    id: String,
    call_id: &str,
    name: &String,
    arguments: Option<&str>,
    meta: &ReplyMeta,
) -> Value {
    let status = match arguments.map(or_empty_object) {
        None => IN_PROGRESS,
        // The answer was cut at its longest, or the model wrote what is no JSON.
        Some(arguments) if serde_json::from_str::<IgnoredAny>(arguments).is_err() => "incomplete",
        Some(_) => COMPLETED,
    };
    let is_free_form = meta.free_form.contains(name);
    let (namespace, name) = parted(name);
    let mut item = if is_free_form {
        let input = arguments.map(free_form::text).unwrap_or_default();
        json!({"id": id, "type": "custom_tool_call", "status": status, "call_id": call_id,
            "name": name, "input": input})
    } else {
        json!({"id": id, "type": "function_call", "status": status, "call_id": call_id,
            "name": name, "arguments": arguments.map(or_empty_object).unwrap_or_default()})
    };
    if let (Some(namespace), Some(fields)) = (namespace, item.as_object_mut()) {
        fields.insert("namespace".to_owned(), namespace.into());
    }
    item
}

/// A tool without arguments still needs JSON that parses.
pub(super) fn or_empty_object(arguments: &str) -> &str {
    if arguments.is_empty() {
        "{}"
    } else {
        arguments
    }
}
