//! The whole reply: `chat.completion`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::conversation::{Reply, ReplyPart, StopReason};
use crate::wire::{ReplyMeta, free_form};

use super::annotations::Annotation;
use super::usage::ChatUsage;

/// The body of a reply that is not streamed.
#[derive(Debug, Serialize)]
pub struct Completion {
    id: String,
    object: &'static str,
    created: i64,
    model: String,
    choices: [ReplyChoice; 1],
    usage: ChatUsage,
}

#[derive(Debug, Serialize)]
struct ReplyChoice {
    index: u32,
    finish_reason: &'static str,
    message: ChatReplyMessage,
}

#[derive(Debug, Serialize)]
struct ChatReplyMessage {
    role: &'static str,
    content: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thinking_blocks: Vec<ReplyThinkingBlock>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ReplyToolCall>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

/// One entry of `thinking_blocks`, in Anthropic's form.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReplyThinkingBlock {
    Thinking { thinking: String, signature: String },
    RedactedThinking { data: String },
}

#[derive(Debug, Serialize)]
struct ReplyToolCall {
    id: String,
    #[serde(flatten)]
    called: ReplyCall,
}

/// What is called: a function with JSON text, or a custom tool with its own.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReplyCall {
    Function { function: Function },
    Custom { custom: Custom },
}

#[derive(Debug, Serialize)]
struct Function {
    name: String,
    arguments: String,
}

#[derive(Debug, Serialize)]
struct Custom {
    name: String,
    input: String,
}

impl ReplyCall {
    fn new(name: String, arguments: String, meta: &ReplyMeta) -> Self {
        if meta.free_form.contains(&name) {
            let input = free_form::text(&arguments);
            return Self::Custom {
                custom: Custom { name, input },
            };
        }
        Self::Function {
            function: Function { name, arguments },
        }
    }
}

/// A finished answer as OpenAI's reply.
pub fn completion(meta: ReplyMeta, reply: Reply, cost: Option<Decimal>) -> Completion {
    let text = reply.text();
    let reasoning_content = reply.thinking();
    let finish_reason = reply.stop.as_ref().map_or("stop", finish_reason);
    let usage = ChatUsage::new(&reply.usage.unwrap_or_default(), cost);
    let cited = reply.citations.iter();
    let annotations = cited
        .map(|citation| Annotation::new(citation, None))
        .collect();
    let mut thinking_blocks = Vec::new();
    let mut tool_calls = Vec::new();
    for part in reply.parts {
        match part {
            ReplyPart::Text(_) | ReplyPart::Native(_) => {}
            ReplyPart::Thinking { text, signature } if !signature.is_empty() => {
                thinking_blocks.push(ReplyThinkingBlock::Thinking {
                    thinking: text,
                    signature,
                });
            }
            ReplyPart::Thinking { .. } => {}
            ReplyPart::RedactedThinking(data) => {
                thinking_blocks.push(ReplyThinkingBlock::RedactedThinking {
                    data: STANDARD.encode(data),
                });
            }
            ReplyPart::ToolCall { id, name, input } => {
                let called = ReplyCall::new(name, input, &meta);
                tool_calls.push(ReplyToolCall { id, called });
            }
        }
    }
    // OpenAI sends null beside tool calls; a reply with nothing at all is an empty text.
    let content = (!text.is_empty() || tool_calls.is_empty()).then_some(text);
    let message = ChatReplyMessage {
        role: "assistant",
        content,
        reasoning_content,
        thinking_blocks,
        tool_calls,
        annotations,
    };
    Completion {
        id: meta.id,
        object: "chat.completion",
        created: meta.created,
        model: meta.model,
        choices: [ReplyChoice {
            index: 0,
            finish_reason,
            message,
        }],
        usage,
    }
}

/// OpenAI's `finish_reason`.
pub(super) fn finish_reason(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::EndTurn
        | StopReason::StopSequence(_)
        | StopReason::Malformed
        | StopReason::Other(_) => "stop",
        StopReason::MaxTokens | StopReason::ContextWindowExceeded => "length",
        StopReason::ToolUse => "tool_calls",
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => "content_filter",
    }
}
