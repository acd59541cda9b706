//! A reply as Claude's own Message.

use serde_json::{Map, Value, json};

use super::{
    super::{Block, ScriptedReply, Tokens, wire},
    Claude,
    usage::{self, UsageOf},
};

/// A reply that is ready to be written, as a stream or whole.
#[derive(Debug)]
pub(super) struct MessageReply<'a> {
    pub(super) claude: Claude<'a>,
    pub(super) id: String,
    pub(super) reply: &'a ScriptedReply,
    /// Of the reply's blocks, by their place.
    pub(super) signatures: &'a [Option<String>],
    /// Thinking goes out without its text.
    pub(super) omits_thinking: bool,
    pub(super) tokens: Tokens,
    /// The service tier on which it is served.
    pub(super) tier: Option<&'a str>,
}

/// A new message's id.
pub(super) fn message_id() -> String {
    format!("msg_bdrk_01{}", wire::random_id(22))
}

/// A block of a reply as Claude's messages have it.
pub(super) fn content_block(block: &Block, signature: &str, omits_thinking: bool) -> Value {
    match block {
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::Thinking(text) => {
            let shown = if omits_thinking { "" } else { text };
            json!({"type": "thinking", "thinking": shown, "signature": signature})
        }
        Block::Reasoning(text) => json!({"type": "thinking", "thinking": text, "signature": ""}),
        Block::Redacted(data) => json!({"type": "redacted_thinking", "data": data}),
        Block::ToolUse { id, name, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
        Block::Native(block) => block.clone(),
    }
}

impl MessageReply<'_> {
    /// The blocks, each with what it came from.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (&Block, Value)> {
        let blocks = self.reply.blocks.iter().zip(self.signatures);
        blocks.map(|(block, signature)| {
            let signature = signature.as_deref().unwrap_or_default();
            (block, content_block(block, signature, self.omits_thinking))
        })
    }

    /// `stop_reason`: Converse has other words for some.
    pub(super) fn stop_reason(&self) -> &str {
        match self.reply.stop_reason() {
            "content_filtered" => "refusal",
            "guardrail_intervened" => "end_turn",
            reason => reason,
        }
    }

    /// `stop_details`: newer models say why they refused.
    pub(super) fn stop_details(&self) -> Option<Value> {
        let said = self.reply.native.get("stop_details").cloned();
        let refused = || match self.stop_reason() {
            "refusal" => json!({"type": "refusal", "category": null, "explanation": null}),
            _ => Value::Null,
        };
        said.or_else(|| self.claude.is_new().then(refused))
    }

    /// Members of the answer beside the usual ones.
    pub(super) fn more(&self) -> impl Iterator<Item = (&String, &Value)> {
        let elsewhere = ["usage", "stop_details"];
        let native = self.reply.native.iter();
        native.filter(move |(name, _)| !elsewhere.contains(&name.as_str()))
    }

    pub(super) fn usage(&self, of: UsageOf) -> Map<String, Value> {
        let thinking = self.reply.blocks.iter().map(|block| match block {
            Block::Thinking(text) | Block::Reasoning(text) => text.len(),
            Block::Redacted(data) => data.len(),
            _ => 0,
        });
        let thinking = (thinking.sum::<usize>() as u64).div_ceil(4);
        let thinking = thinking.min(self.tokens.output);
        let mut usage = usage::usage(self.tokens, thinking, self.tier, self.claude, of);
        if of != UsageOf::Start
            && let Some(Value::Object(more)) = self.reply.native.get("usage")
        {
            usage.extend(more.clone());
        }
        usage
    }

    /// The whole answer.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.claude.name(),
            "content": self.blocks().map(|(_, block)| block).collect::<Vec<_>>(),
            "stop_reason": self.stop_reason(),
            "stop_sequence": self.reply.stop_sequence,
            "usage": self.usage(UsageOf::MessageReply),
        });
        if let Some(fields) = body.as_object_mut() {
            if let Some(details) = self.stop_details() {
                fields.insert("stop_details".to_owned(), details);
            }
            if self.reply.stop_reason() == "guardrail_intervened" {
                fields.insert(
                    "amazon-bedrock-guardrailAction".to_owned(),
                    json!("INTERVENED"),
                );
            }
            for (name, value) in self.more() {
                fields.insert(name.clone(), value.clone());
            }
        }
        body
    }
}
