//! The whole reply: `message`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::conversation::{Citation, NativeStart, Reply, ReplyPart, StopReason, Usage};
use crate::wire::ReplyMeta;

use super::usage::MessagesUsage;

mod citation;

pub(super) use citation::WireCitation;

/// A reply that is not streamed; without content, what a stream begins with.
#[derive(Debug, Serialize)]
pub struct Message {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: String,
    content: Vec<ReplyBlock>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    usage: MessagesUsage,
    /// What Claude says beyond these.
    #[serde(flatten)]
    native: Map<String, Value>,
}

/// A content block with what Claude says of it beyond its own fields.
#[derive(Debug, Serialize)]
pub(super) struct ReplyBlock {
    #[serde(flatten)]
    pub(super) block: MessagesBlock,
    #[serde(flatten)]
    pub(super) native: Map<String, Value>,
}

impl From<MessagesBlock> for ReplyBlock {
    fn from(block: MessagesBlock) -> Self {
        Self {
            block,
            native: Map::new(),
        }
    }
}

/// A content block of a reply.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum MessagesBlock {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<WireCitation>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    #[serde(untagged)]
    Native(Map<String, Value>),
}

impl Message {
    /// A finished answer.
    pub(super) fn new(meta: ReplyMeta, reply: Reply) -> Self {
        let usage = reply.usage.unwrap_or_default();
        let (stop_reason, stop_sequence) = match &reply.stop {
            Some(reason) => stop(reason),
            None => ("end_turn".to_owned(), None),
        };
        let native = reply.native.unwrap_or_default();
        let mut message = Self {
            stop_reason: Some(stop_reason),
            stop_sequence,
            native: native.message,
            ..Self::begun(meta, &usage, None)
        };
        message.usage.add(native.usage);
        message.content = blocks(reply.parts, &reply.citations)
            .into_iter()
            .map(ReplyBlock::from)
            .collect();
        for (part, fields) in native.of_parts {
            if let Some(block) = message.content.get_mut(part) {
                block.native.extend(fields);
            }
        }
        message
    }

    /// Nothing said yet, but for what Claude says at once in its own format.
    pub(super) fn begun(meta: ReplyMeta, usage: &Usage, start: Option<&NativeStart>) -> Self {
        let mut usage = MessagesUsage::from(usage);
        if let Some(start) = start {
            usage.add(start.usage_fields.clone());
        }
        Self {
            id: meta.id,
            r#type: "message",
            role: "assistant",
            model: meta.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage,
            native: start.map_or_else(Map::new, |start| start.message.clone()),
        }
    }
}

fn blocks(parts: Vec<ReplyPart>, citations: &[Citation]) -> Vec<MessagesBlock> {
    let mut said = 0;
    let blocks = parts.into_iter().map(|part| match part {
        ReplyPart::Text(text) => {
            let from = said;
            said += text.chars().count();
            let here = citations.iter().filter(|citation| {
                // A citation belongs to the block in which its stretch ends.
                let (_, end) = citation.range;
                end > from && end <= said
            });
            MessagesBlock::Text {
                citations: here.filter_map(WireCitation::new).collect(),
                text,
            }
        }
        ReplyPart::Thinking { text, signature } => MessagesBlock::Thinking {
            thinking: text,
            signature,
        },
        ReplyPart::RedactedThinking(data) => MessagesBlock::RedactedThinking {
            data: STANDARD.encode(data),
        },
        ReplyPart::ToolCall { id, name, input } => MessagesBlock::ToolUse {
            id,
            name,
            input: object(input),
        },
        ReplyPart::Native(fields) => MessagesBlock::Native(fields),
    });
    blocks.collect()
}

/// The arguments of a call as an object. An answer that was cut at its longest may end inside them, and what Claude
/// streams unchecked may be no JSON: then they are said to be broken, in the form in which Anthropic's own guide gives
/// broken arguments back, for a call with made-up arguments would be carried out.
fn object(input: String) -> Value {
    match serde_json::from_str(&input) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ => json!({"INVALID_JSON": input}),
    }
}

/// `stop_reason` and `stop_sequence`.
pub(super) fn stop(reason: &StopReason) -> (String, Option<String>) {
    let (word, sequence) = match reason {
        StopReason::EndTurn | StopReason::Malformed => ("end_turn", None),
        StopReason::StopSequence(sequence) => ("stop_sequence", sequence.clone()),
        StopReason::MaxTokens => ("max_tokens", None),
        StopReason::ToolUse => ("tool_use", None),
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => ("refusal", None),
        StopReason::ContextWindowExceeded => ("model_context_window_exceeded", None),
        StopReason::Other(other) => (other.as_str(), None),
    };
    (word.to_owned(), sequence)
}
