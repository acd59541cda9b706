//! Thinking that is bound to what stands before it: some models take a signed block back only behind the very prefix
//! that they wrote it behind, cache marks aside.
//!
//! The prefix is a running hash over the parts of a prompt in the order tools, system, messages. Each format has its
//! own parts, so a conversation stays valid as long as it stays in one of them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Block, CallFormat, ScriptedReply,
    json::{at, list},
    signature::{self, Digest, SignedFor},
};
use crate::catalog::Model;

/// Parts of the ids of the models that bind their thinking
/// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking>, Opus 5.5, Sonnet 5.5, Fable 5.1).
const BINDING: [&str; 3] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"];

/// Whether a model binds its thinking.
pub(super) fn binds(model: &Model) -> bool {
    BINDING.iter().any(|name| model.id.contains(name))
}

/// Everything of a prompt up to some place.
#[derive(Debug, Clone)]
pub(super) struct Prefix {
    hash: Sha256,
    format: CallFormat,
}

impl Prefix {
    /// The beginning of a conversation in this format.
    pub(super) fn new(format: CallFormat) -> Self {
        let mut hash = Sha256::new();
        hash.update(format!("{format:?}"));
        Self { hash, format }
    }

    /// The tools and the system prompt of a Converse request.
    pub(super) fn converse(body: &Value) -> Self {
        let mut prefix = Self::new(CallFormat::Converse);
        for (owner, place) in [("tools", "/toolConfig/tools"), ("system", "/system")] {
            for part in list(at(body, place)) {
                prefix.add(owner, part);
            }
        }
        prefix
    }

    /// All of a Converse request.
    pub(super) fn of_converse(body: &Value) -> Self {
        let mut prefix = Self::converse(body);
        for message in list(at(body, "/messages")) {
            let role = at(message, "/role").as_str().unwrap_or_default();
            for block in list(at(message, "/content")) {
                prefix.add(role, block);
            }
        }
        prefix
    }

    /// A part, behind everything so far. Cache marks are no part; of thinking, which comes back as it was or not at all,
    /// its signature stands for it.
    pub(super) fn add(&mut self, owner: &str, part: &Value) {
        let text = match self.format {
            CallFormat::Converse => match at(part, "/reasoningContent/reasoningText/signature") {
                Value::Null if part.get("cachePoint").is_some() => return,
                Value::Null => part.to_string(),
                signature => format!("thinking {signature}"),
            },
            CallFormat::Messages if at(part, "/type") == "thinking" => {
                format!("thinking {}", at(part, "/signature"))
            }
            CallFormat::Messages => without_marks(part).to_string(),
        };
        self.hash.update(format!("{owner} {} {text}", text.len()));
    }

    /// What stands here in one hash.
    pub(super) fn digest(&self) -> Digest {
        self.hash.clone().finalize().into()
    }
}

/// A block without its cache marks, those of blocks inside it included, and without members that are null.
fn without_marks(block: &Value) -> Value {
    match block {
        Value::Object(fields) => {
            let said = fields
                .iter()
                .filter(|(name, value)| name.as_str() != "cache_control" && !value.is_null());
            let said = said.map(|(name, value)| match name.as_str() {
                "content" => (name.clone(), without_marks(value)),
                _ => (name.clone(), value.clone()),
            });
            Value::Object(said.collect())
        }
        Value::Array(blocks) => blocks.iter().map(without_marks).collect(),
        other => other.clone(),
    }
}

/// The signatures of a reply's blocks, by their place; `None` for what is not signed thinking. `prefix` is what the
/// request consists of, for a model that binds.
pub(super) fn signatures(
    reply: &ScriptedReply,
    mut prefix: Option<Prefix>,
    omitted: bool,
    block_of: impl Fn(&Block, &str) -> Option<Value>,
) -> Vec<Option<String>> {
    let mut signatures = Vec::new();
    for block in &reply.blocks {
        let signature = match block {
            Block::Thinking(text) => {
                let prefix = prefix.as_ref().map(Prefix::digest);
                Some(signature::sign(text, SignedFor { omitted, prefix }))
            }
            _ => None,
        };
        if let Some(prefix) = &mut prefix
            && let Some(block) = block_of(block, signature.as_deref().unwrap_or_default())
        {
            prefix.add("assistant", &block);
        }
        signatures.push(signature);
    }
    signatures
}

/// A text as the block that it stands for.
pub(super) fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}
