//! The item under way: what is known of it, and how it looks at its beginning and at its end.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::conversation::Fold;
use crate::wire::tools::parted;
use crate::wire::{Head, free_form};

use super::item::REASONING;
use super::sealed;

/// The item under way.
#[derive(Debug)]
pub(super) enum Open {
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

impl Open {
    /// What the item's id begins with.
    pub(super) fn prefix(&self, head: &Head) -> &'static str {
        match self {
            Self::Reasoning { .. } => REASONING,
            Self::Call { name, .. } if head.free_form.contains(name) => "ctc_",
            Self::Call { .. } => "fc_",
            Self::Message { .. } | Self::Nothing => "msg_",
        }
    }

    /// The item: empty at first, with all that it holds once it is whole.
    pub(super) fn item(&self, id: String, head: &Head, is_whole: bool) -> Value {
        let status = match self {
            _ if !is_whole => "in_progress",
            // The answer was cut at its longest, or the model wrote what is no JSON.
            Self::Call { arguments, .. }
                if serde_json::from_str::<IgnoredAny>(whole(arguments)).is_err() =>
            {
                "incomplete"
            }
            _ => "completed",
        };
        match self {
            Self::Nothing => Value::Null,
            Self::Message { text, annotations } => {
                let part = json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []});
                let content = if is_whole { vec![part] } else { Vec::new() };
                json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": content})
            }
            Self::Reasoning { text, blocks } => {
                let summary = json!({"type": "summary_text", "text": text});
                let summary = if is_whole && !text.is_empty() {
                    vec![summary]
                } else {
                    Vec::new()
                };
                let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
                let seal = head.seal.as_ref().filter(|_| is_whole);
                let sealed = seal.and_then(|seal| sealed::seal(&blocks.blocks(), seal));
                if let (Some(sealed), Some(fields)) = (sealed, item.as_object_mut()) {
                    fields.insert("encrypted_content".to_owned(), sealed.into());
                }
                item
            }
            Self::Call {
                id: call,
                name,
                arguments,
            } if head.free_form.contains(name) => {
                let (namespace, name) = parted(name);
                let input = if is_whole {
                    free_form::text(arguments)
                } else {
                    String::new()
                };
                let item = json!({"id": id, "type": "custom_tool_call", "status": status, "call_id": call,
                    "name": name, "input": input});
                within(namespace, item)
            }
            Self::Call {
                id: call,
                name,
                arguments,
            } => {
                let (namespace, name) = parted(name);
                let arguments = if is_whole { whole(arguments) } else { "" };
                let item = json!({"id": id, "type": "function_call", "status": status, "call_id": call,
                    "name": name, "arguments": arguments});
                within(namespace, item)
            }
        }
    }
}

/// A tool without arguments still needs JSON that parses.
pub(super) fn whole(arguments: &str) -> &str {
    if arguments.is_empty() {
        "{}"
    } else {
        arguments
    }
}

fn within(namespace: Option<&str>, mut item: Value) -> Value {
    if let (Some(namespace), Some(fields)) = (namespace, item.as_object_mut()) {
        fields.insert("namespace".to_owned(), namespace.into());
    }
    item
}
