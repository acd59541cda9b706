//! The whole answer, folded from its events: the one way from a stream to a reply.

use bytes::Bytes;
use serde_json::Value;

use super::{Citation, Event, StopReason, ThinkingBlock, Usage};

/// A piece of a finished answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyPart {
    /// Text.
    Text(String),
    /// A block of thinking. `signature` is empty where the model signs nothing.
    Thinking {
        /// The thinking.
        text: String,
        /// Its signature.
        signature: String,
    },
    /// A block of encrypted thinking.
    RedactedThinking(Bytes),
    /// A tool call; `input` is the arguments' JSON text as the model wrote it, `{}` where it wrote none.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool's name as the client knows it.
        name: String,
        /// JSON text.
        input: String,
    },
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The blocks, in order.
    pub parts: Vec<ReplyPart>,
    /// What the text rests on.
    pub citations: Vec<Citation>,
    /// Why the model stopped; `None` means the stream was cut and this is not a whole answer.
    pub stop: Option<StopReason>,
    /// Tokens, if they were reported.
    pub usage: Option<Usage>,
}

impl Reply {
    /// All text of the answer.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            ReplyPart::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// All readable thinking of the answer.
    pub fn thinking(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            ReplyPart::Thinking { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The thinking blocks that Bedrock would take back, in order.
    pub fn thinking_blocks(&self) -> Vec<ThinkingBlock> {
        let blocks = self.parts.iter().filter_map(|part| match part {
            ReplyPart::Thinking { text, signature } if !signature.is_empty() => {
                Some(ThinkingBlock::Signed {
                    text: text.clone(),
                    signature: signature.clone(),
                })
            }
            ReplyPart::RedactedThinking(data) => Some(ThinkingBlock::Redacted(data.clone())),
            _ => None,
        });
        blocks.collect()
    }
}

/// Collects events into a [`Reply`].
#[derive(Debug, Default)]
pub struct Fold {
    reply: Reply,
    /// The thinking block at the end of `parts` has got its signature: the next thinking starts a new one.
    sealed: bool,
}

/// Room for further pieces of an answer, in bytes. Where each grew its text by a few, they would be moved again and again.
const ROOM: usize = 1024;

fn add(text: &mut String, piece: &str) {
    if text.capacity() - text.len() < piece.len() {
        text.reserve(piece.len().max(text.len()).max(ROOM));
    }
    text.push_str(piece);
}

impl Fold {
    /// Adds one event.
    pub fn push(&mut self, event: Event) {
        let parts = &mut self.reply.parts;
        match event {
            Event::Text(piece) => match parts.last_mut() {
                Some(ReplyPart::Text(text)) => add(text, &piece),
                _ if piece.is_empty() => {}
                _ => parts.push(ReplyPart::Text(piece)),
            },
            Event::Citation(citation) => self.reply.citations.push(citation),
            Event::Thinking(piece) => match parts.last_mut() {
                Some(ReplyPart::Thinking { text, .. }) if !self.sealed => add(text, &piece),
                _ if piece.is_empty() => {}
                _ => {
                    self.sealed = false;
                    parts.push(ReplyPart::Thinking {
                        text: piece,
                        signature: String::new(),
                    });
                }
            },
            Event::Signature(piece) => {
                // A block may hold nothing but its signature: its text can be left out on the provider's side.
                let sealed = std::mem::replace(&mut self.sealed, true);
                match parts.last_mut() {
                    Some(ReplyPart::Thinking { signature, .. }) if !sealed => {
                        signature.push_str(&piece);
                    }
                    _ => parts.push(ReplyPart::Thinking {
                        text: String::new(),
                        signature: piece,
                    }),
                }
            }
            Event::RedactedThinking(data) => parts.push(ReplyPart::RedactedThinking(data)),
            Event::ToolCall { id, name, .. } => {
                parts.push(ReplyPart::ToolCall {
                    id,
                    name,
                    input: String::new(),
                });
            }
            Event::ToolInput { index, json } => {
                let call = parts
                    .iter_mut()
                    .filter(|part| matches!(part, ReplyPart::ToolCall { .. }))
                    .nth(index);
                if let Some(ReplyPart::ToolCall { input, .. }) = call {
                    add(input, &json);
                }
            }
            Event::Stop(reason) => self.reply.stop = Some(reason),
            Event::Usage(usage) => self.reply.usage = Some(usage),
        }
    }

    /// The whole thinking blocks so far.
    pub fn blocks(&self) -> Vec<ThinkingBlock> {
        self.reply.thinking_blocks()
    }

    /// The answer so far.
    pub fn finish(mut self) -> Reply {
        for part in &mut self.reply.parts {
            if let ReplyPart::ToolCall { input, .. } = part
                && input.is_empty()
            {
                *input = Value::Object(serde_json::Map::new()).to_string();
            }
        }
        self.reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(events: Vec<Event>) -> Reply {
        let mut fold = Fold::default();
        events.into_iter().for_each(|event| fold.push(event));
        fold.finish()
    }

    #[test]
    fn pieces_of_a_block_are_joined_and_blocks_kept_apart() {
        let reply = fold(vec![
            Event::Thinking("a".into()),
            Event::Thinking("b".into()),
            Event::Signature("s1".into()),
            Event::Thinking("c".into()),
            Event::Signature("s2".into()),
            Event::Text("x".into()),
            Event::Text("y".into()),
            Event::ToolCall {
                index: 0,
                id: "t0".into(),
                name: "one".into(),
            },
            Event::ToolCall {
                index: 1,
                id: "t1".into(),
                name: "two".into(),
            },
            Event::ToolInput {
                index: 1,
                json: "{\"a\":".into(),
            },
            Event::ToolInput {
                index: 1,
                json: "1}".into(),
            },
            Event::Stop(StopReason::ToolUse),
        ]);
        assert_eq!(
            reply.parts,
            vec![
                ReplyPart::Thinking {
                    text: "ab".into(),
                    signature: "s1".into()
                },
                ReplyPart::Thinking {
                    text: "c".into(),
                    signature: "s2".into()
                },
                ReplyPart::Text("xy".into()),
                ReplyPart::ToolCall {
                    id: "t0".into(),
                    name: "one".into(),
                    input: "{}".into()
                },
                ReplyPart::ToolCall {
                    id: "t1".into(),
                    name: "two".into(),
                    input: "{\"a\":1}".into()
                },
            ]
        );
        assert_eq!(reply.stop, Some(StopReason::ToolUse));
        assert_eq!(reply.thinking_blocks().len(), 2);
    }

    #[test]
    fn a_block_with_a_signature_and_no_text_is_a_block_of_its_own() {
        let reply = fold(vec![
            Event::Thinking("a".into()),
            Event::Signature("s1".into()),
            Event::Thinking(String::new()),
            Event::Signature("s2".into()),
        ]);
        let block = |text: &str, signature: &str| ThinkingBlock::Signed {
            text: text.into(),
            signature: signature.into(),
        };
        assert_eq!(reply.thinking_blocks(), [block("a", "s1"), block("", "s2")]);
    }

    #[test]
    fn a_cut_answer_has_no_stop_reason() {
        assert_eq!(fold(vec![Event::Text("half".into())]).stop, None);
    }
}
