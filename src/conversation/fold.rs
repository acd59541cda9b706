//! The whole answer, folded from its events: the one way from a stream to a reply.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Citation, Event, NativeEvent, NativeStart, StopReason, ThinkingBlock, Usage};

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
    /// A block of a kind that only Claude's own format has.
    Native(Map<String, Value>),
}

/// What only Claude's own format has of an answer, beside blocks of its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NativeReply {
    /// Further fields of the parts at these places.
    pub of_parts: Vec<(usize, Map<String, Value>)>,
    /// Further fields of the answer.
    pub message: Map<String, Value>,
    /// Further fields of its usage.
    pub usage: Map<String, Value>,
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
    /// What only Claude's own format has; `None`: nothing.
    pub native: Option<Box<NativeReply>>,
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
    is_signed: bool,
    /// The block at the end of `parts` is said to be whole: the next text starts a new one.
    is_ended: bool,
    /// The arguments of the last block, where that is a call of Claude's own format, as JSON text so far.
    native_input: String,
}

/// Room for further pieces of an answer, in bytes. Where each grew its text by a few, they would be moved again and again.
const ROOM: usize = 1024;

fn add(text: &mut String, piece: &str) {
    if text.capacity() - text.len() < piece.len() {
        text.reserve(piece.len().max(text.len()).max(ROOM));
    }
    text.push_str(piece);
}

/// Removes the fields of a block or a piece of it that events of their own tell.
fn remove_told(fields: &mut Map<String, Value>) {
    for told in ["type", "text", "thinking", "signature", "partial_json"] {
        fields.shift_remove(told);
    }
}

/// Adds a piece to the fields of its block: texts and lists grow, what else there is stands in the place of what was.
fn apply(delta: Map<String, Value>, fields: &mut Map<String, Value>) {
    for (name, piece) in delta {
        match (fields.get_mut(&name), piece) {
            _ if name == "type" => {}
            (Some(Value::String(text)), Value::String(piece)) => add(text, &piece),
            (Some(Value::Array(items)), Value::Array(piece)) => items.extend(piece),
            (_, piece) => {
                fields.insert(name, piece);
            }
        }
    }
}

impl Fold {
    /// An answer that begins with this.
    pub fn begun(start: Option<&NativeStart>) -> Self {
        let mut fold = Self::default();
        if let Some(start) = start {
            fold.push_native(NativeEvent::Start(Box::new(start.clone())));
        }
        fold
    }

    /// Adds one event.
    pub fn push(&mut self, event: Event) {
        let was_ended = std::mem::take(&mut self.is_ended);
        let parts = &mut self.reply.parts;
        match event {
            Event::Text(piece) => match parts.last_mut() {
                Some(ReplyPart::Text(text)) if !was_ended => add(text, &piece),
                _ if piece.is_empty() => {}
                _ => parts.push(ReplyPart::Text(piece)),
            },
            Event::Citation(citation) => self.reply.citations.push(citation),
            Event::Thinking(piece) => match parts.last_mut() {
                Some(ReplyPart::Thinking { text, .. }) if !self.is_signed => add(text, &piece),
                _ if piece.is_empty() => {}
                _ => {
                    self.is_signed = false;
                    parts.push(ReplyPart::Thinking {
                        text: piece,
                        signature: String::new(),
                    });
                }
            },
            Event::Signature(piece) => {
                // A block may hold nothing but its signature: its text can be left out on the provider's side.
                let was_signed = std::mem::replace(&mut self.is_signed, true);
                match parts.last_mut() {
                    Some(ReplyPart::Thinking { signature, .. }) if !was_signed => {
                        signature.push_str(&piece);
                    }
                    _ => parts.push(ReplyPart::Thinking {
                        text: String::new(),
                        signature: piece,
                    }),
                }
            }
            Event::RedactedThinking(data) => parts.push(ReplyPart::RedactedThinking(data)),
            Event::ToolCall {
                id, name, native, ..
            } => {
                if let Some(fields) = native {
                    let of_parts = &mut self.reply.native.get_or_insert_default().of_parts;
                    of_parts.push((parts.len(), fields.as_ref().clone()));
                }
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
            Event::Native(event) => self.push_native(event),
        }
    }

    fn push_native(&mut self, event: NativeEvent) {
        let Reply { parts, native, .. } = &mut self.reply;
        match event {
            NativeEvent::Start(start) => {
                let NativeStart {
                    message,
                    usage_fields,
                    ..
                } = *start;
                if !message.is_empty() || !usage_fields.is_empty() {
                    let native = native.get_or_insert_default();
                    native.message.extend(message);
                    native.usage.extend(usage_fields);
                }
            }
            NativeEvent::BlockStart(mut fields) => {
                let part = match fields.get("type").and_then(Value::as_str) {
                    Some("text") => ReplyPart::Text(String::new()),
                    Some("thinking") => {
                        self.is_signed = false;
                        ReplyPart::Thinking {
                            text: String::new(),
                            signature: String::new(),
                        }
                    }
                    _ => {
                        parts.push(ReplyPart::Native(fields));
                        return;
                    }
                };
                remove_told(&mut fields);
                native
                    .get_or_insert_default()
                    .of_parts
                    .push((parts.len(), fields));
                parts.push(part);
            }
            NativeEvent::BlockDelta(mut delta) => {
                let at = parts.len().saturating_sub(1);
                match parts.last_mut() {
                    Some(ReplyPart::Native(fields)) => match delta.get("partial_json") {
                        Some(Value::String(json)) => self.native_input.push_str(json),
                        _ => apply(delta, fields),
                    },
                    Some(_) => {
                        remove_told(&mut delta);
                        let of_parts = &mut native.get_or_insert_default().of_parts;
                        match of_parts.iter_mut().find(|(part, _)| *part == at) {
                            Some((_, fields)) => apply(delta, fields),
                            None => {
                                let mut fields = Map::new();
                                apply(delta, &mut fields);
                                of_parts.push((at, fields));
                            }
                        }
                    }
                    None => {}
                }
            }
            NativeEvent::BlockStop => {
                self.is_ended = true;
                let input = std::mem::take(&mut self.native_input);
                if let Some(ReplyPart::Native(fields)) = parts.last_mut()
                    && let Ok(input) = serde_json::from_str::<Value>(&input)
                {
                    fields.insert("input".to_owned(), input);
                }
            }
            NativeEvent::MessageFields(fields) | NativeEvent::StopFields(fields) => {
                native.get_or_insert_default().message.extend(fields);
            }
            NativeEvent::UsageFields(fields) => {
                native.get_or_insert_default().usage.extend(fields);
            }
            // Only a stream has a place for it.
            NativeEvent::Other(_) => {}
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
                native: None,
            },
            Event::ToolCall {
                index: 1,
                id: "t1".into(),
                name: "two".into(),
                native: None,
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
