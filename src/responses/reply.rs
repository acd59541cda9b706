//! The whole reply: the items of `output`, and the response around them.

use serde_json::{Value, json};

use crate::conversation::{Citation, Reply, ReplyPart, ThinkingBlock};
use crate::wire::{AnswerToStore, ReplyMeta, Seal};

use super::compaction;
use super::envelope::{self, Stand};
use super::ids::{MESSAGE, REASONING, item_id};
use super::items;

/// A finished answer as a response.
pub(super) fn response(meta: &ReplyMeta, reply: &Reply) -> Value {
    let usage = reply.usage.unwrap_or_default();
    let items = Items::of(meta, reply, items::client_seal(meta));
    let stand = Stand::Ended(reply.stop.as_ref());
    envelope::response(meta, stand, &items.items, Some(&usage))
}

/// A finished answer as it is stored.
pub(super) fn to_store(meta: &ReplyMeta, reply: &Reply) -> Option<AnswerToStore> {
    let usage = reply.usage.unwrap_or_default();
    let items = Items::of(meta, reply, meta.seal.as_ref());
    let stand = Stand::Ended(reply.stop.as_ref());
    envelope::to_store(meta, stand, &items.items, &usage)
}

/// The items of `output` while they are collected.
struct Items<'a> {
    meta: &'a ReplyMeta,
    /// The seal on thinking with its signatures, where it is to have them.
    seal: Option<&'a Seal>,
    items: Vec<Value>,
    /// Consecutive thinking is one item, however many blocks it has.
    thinking: ConsecutiveThinking,
    /// Characters of text so far.
    said: usize,
}

#[derive(Default)]
struct ConsecutiveThinking {
    text: String,
    blocks: Vec<ThinkingBlock>,
}

impl<'a> Items<'a> {
    fn of(meta: &'a ReplyMeta, reply: &Reply, seal: Option<&'a Seal>) -> Self {
        let mut items = Self {
            meta,
            seal,
            items: Vec::new(),
            thinking: ConsecutiveThinking::default(),
            said: 0,
        };
        if meta.compaction.is_some() {
            let item = compaction::of_answer(meta, &reply.text(), reply.stop.as_ref(), 0);
            items.items.extend(item.ok());
            return items;
        }
        if let (Some(summary), Some(seal)) = (&meta.compacted, &meta.seal) {
            let item = compaction::item(summary, seal, &meta.id, 0);
            items.items.push(item);
        }
        for part in &reply.parts {
            items.add(part, &reply.citations);
        }
        items.end_thinking();
        items
    }

    fn add(&mut self, part: &ReplyPart, citations: &[Citation]) {
        match part {
            ReplyPart::Thinking { text, signature } => {
                self.thinking.text.push_str(text);
                if !signature.is_empty() {
                    self.thinking.blocks.push(ThinkingBlock::Signed {
                        text: text.clone(),
                        signature: signature.clone(),
                    });
                }
            }
            ReplyPart::RedactedThinking(data) => {
                let block = ThinkingBlock::Redacted(data.clone());
                self.thinking.blocks.push(block);
            }
            ReplyPart::Native(_) => {}
            ReplyPart::Text(text) if text.is_empty() => {}
            ReplyPart::Text(text) => {
                self.end_thinking();
                let from = self.said;
                self.said += text.chars().count();
                let here = from + 1..=self.said;
                // A citation belongs to the text in which its stretch ends.
                let here = citations
                    .iter()
                    .filter(|citation| here.contains(&citation.range.1));
                let annotations: Vec<Value> = here.filter_map(annotation).collect();
                let message = items::message(self.id(MESSAGE), text, &annotations);
                self.items.push(message);
            }
            ReplyPart::ToolCall { id, name, input } => {
                self.end_thinking();
                let item_id = self.id(items::call_prefix(name, self.meta));
                let call = items::call(item_id, id, name, Some(input), self.meta);
                self.items.push(call);
            }
        }
    }

    fn end_thinking(&mut self) {
        let ConsecutiveThinking { text, blocks } = std::mem::take(&mut self.thinking);
        if !text.is_empty() || !blocks.is_empty() {
            let item = items::reasoning(self.id(REASONING), &text, &blocks, self.seal);
            self.items.push(item);
        }
    }

    /// The id of the next item.
    fn id(&self, prefix: &str) -> String {
        item_id(prefix, &self.meta.id, self.items.len())
    }
}

/// A citation as an annotation of its text. Pages of the web alone have a form that clients know.
pub(super) fn annotation(citation: &Citation) -> Option<Value> {
    let url = citation.url.as_ref()?;
    let (start, end) = citation.range;
    Some(
        json!({"type": "url_citation", "start_index": start, "end_index": end,
        "url": url, "title": citation.title}),
    )
}
