//! The whole reply: `message`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::conversation::{Citation, Reply, ReplyPart, StopReason, Usage};
use crate::wire::ReplyMeta;

use super::usage::WireUsage;

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
    usage: WireUsage,
}

/// A content block of a reply.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ReplyBlock {
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
}

impl Message {
    /// A finished answer.
    pub(super) fn new(meta: ReplyMeta, reply: Reply) -> Self {
        let usage = reply.usage.unwrap_or_default();
        let (stop_reason, stop_sequence) = match &reply.stop {
            Some(reason) => stop(reason),
            None => ("end_turn".to_owned(), None),
        };
        Self {
            content: blocks(reply.parts, &reply.citations),
            stop_reason: Some(stop_reason),
            stop_sequence,
            ..Self::begun(meta, &usage)
        }
    }

    /// Nothing said yet.
    pub(super) fn begun(meta: ReplyMeta, usage: &Usage) -> Self {
        Self {
            id: meta.id,
            r#type: "message",
            role: "assistant",
            model: meta.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: WireUsage::from(usage),
        }
    }
}

fn blocks(parts: Vec<ReplyPart>, citations: &[Citation]) -> Vec<ReplyBlock> {
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
            ReplyBlock::Text {
                citations: here.filter_map(WireCitation::new).collect(),
                text,
            }
        }
        ReplyPart::Thinking { text, signature } => ReplyBlock::Thinking {
            thinking: text,
            signature,
        },
        ReplyPart::RedactedThinking(data) => ReplyBlock::RedactedThinking {
            data: STANDARD.encode(data),
        },
        ReplyPart::ToolCall { id, name, input } => ReplyBlock::ToolUse {
            id,
            name,
            input: object(input),
        },
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
