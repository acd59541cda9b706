//! The stream: `message_start`, then block after block, then `message_delta` and `message_stop`.
//!
//! Stop reason and usage stand in one event, and Bedrock reports the usage last: so the stop reason waits for the end,
//! and a stream that breaks in between ends in an error and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::conversation::{Event, NativeEvent, NativeStart, StopReason, Usage};
use crate::wire::{ApiError, ReplyMeta, StreamWriter};

use super::reply::{Message, MessagesBlock, ReplyBlock, WireCitation, stop};
use super::usage::MessagesUsage;
use super::{HEARTBEAT, error};

/// Writes events as Anthropic's server-sent events.
#[derive(Debug)]
pub struct EventWriter {
    meta: ReplyMeta,
    /// The block under way.
    open: Option<OpenBlock>,
    /// Position of the next block.
    next: usize,
    stop: Option<StopReason>,
    /// What Claude says of the end in its own format: of the answer, of why it stopped, of its usage.
    message_fields: Map<String, Value>,
    stop_fields: Map<String, Value>,
    usage_fields: Map<String, Value>,
}

/// What kind of block is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenBlock {
    Text,
    Thinking,
    ToolUse,
    Native,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireEvent<'a> {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: usize,
        content_block: ReplyBlock,
    },
    ContentBlockDelta {
        index: usize,
        delta: MessagesDelta<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: StopDelta,
        usage: MessagesUsage,
        #[serde(flatten)]
        native: Map<String, Value>,
    },
    MessageStop,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum MessagesDelta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: WireCitation },
    #[serde(untagged)]
    Native(&'a Map<String, Value>),
}

#[derive(Serialize)]
struct StopDelta {
    stop_reason: String,
    stop_sequence: Option<String>,
    #[serde(flatten)]
    native: Map<String, Value>,
}

impl EventWriter {
    /// A writer that has said nothing yet.
    pub fn new(meta: ReplyMeta) -> Self {
        Self {
            meta,
            open: None,
            next: 0,
            stop: None,
            message_fields: Map::new(),
            stop_fields: Map::new(),
            usage_fields: Map::new(),
        }
    }
}

impl StreamWriter for EventWriter {
    fn begin(
        &mut self,
        model: String,
        estimated_prompt: u64,
        native: Option<&NativeStart>,
        out: &mut BytesMut,
    ) {
        self.meta.model = model;
        let counted = native.and_then(|start| start.usage);
        let prompt = counted.unwrap_or_else(|| Usage {
            input: estimated_prompt,
            ..Usage::default()
        });
        let message = Message::begun(self.meta.clone(), &prompt, native);
        write(&WireEvent::MessageStart { message }, out);
        out.put_slice(HEARTBEAT);
    }

    /// Text goes on in its block; thinking without a signature is over.
    fn continue_with(&mut self, _: String, out: &mut BytesMut) {
        if self.open == Some(OpenBlock::Thinking) {
            self.close(out);
        }
    }

    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Text(text) if text.is_empty() => {}
            Event::Text(text) => {
                self.within(OpenBlock::Text, out);
                self.delta(MessagesDelta::Text { text }, out);
            }
            Event::Citation(citation) => {
                if let Some(citation) = WireCitation::new(citation) {
                    self.within(OpenBlock::Text, out);
                    self.delta(MessagesDelta::Citations { citation }, out);
                }
            }
            Event::Thinking(text) if text.is_empty() => {}
            Event::Thinking(thinking) => {
                self.within(OpenBlock::Thinking, out);
                self.delta(MessagesDelta::Thinking { thinking }, out);
            }
            Event::Signature(signature) => {
                self.within(OpenBlock::Thinking, out);
                self.delta(MessagesDelta::Signature { signature }, out);
                self.close(out);
            }
            Event::RedactedThinking(data) => {
                let data = STANDARD.encode(data);
                self.start(
                    OpenBlock::Thinking,
                    MessagesBlock::RedactedThinking { data },
                    out,
                );
                self.close(out);
            }
            Event::ToolCall {
                id, name, native, ..
            } => {
                let block = MessagesBlock::ToolUse {
                    id: id.clone(),
                    name: name.clone(),
                    input: Value::Object(Map::new()),
                };
                let block = ReplyBlock {
                    block,
                    native: native.as_deref().cloned().unwrap_or_default(),
                };
                self.start(OpenBlock::ToolUse, block, out);
            }
            Event::ToolInput { json, .. } if json.is_empty() => {}
            Event::ToolInput { json, .. } => {
                if self.open == Some(OpenBlock::ToolUse) {
                    self.delta(MessagesDelta::InputJson { partial_json: json }, out);
                }
            }
            Event::Stop(reason) => {
                self.close(out);
                self.stop = Some(reason.clone());
            }
            // Sent at the end.
            Event::Usage(_) => {}
            Event::Native(event) => self.native(event, out),
        }
    }

    fn end(&mut self, usage: &Usage, _: Option<Decimal>, out: &mut BytesMut) {
        self.close(out);
        let (stop_reason, stop_sequence) = stop(self.stop.as_ref().unwrap_or(&StopReason::EndTurn));
        let end = WireEvent::MessageDelta {
            delta: StopDelta {
                stop_reason,
                stop_sequence,
                native: std::mem::take(&mut self.stop_fields),
            },
            usage: {
                let mut usage = MessagesUsage::from(usage);
                usage.add(std::mem::take(&mut self.usage_fields));
                usage
            },
            native: std::mem::take(&mut self.message_fields),
        };
        write(&end, out);
        write(&WireEvent::MessageStop, out);
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        let body = error::body(error, None);
        out.put_slice(format!("event: error\ndata: {body}\n\n").as_bytes());
    }
}

impl EventWriter {
    /// What Claude says in its own format, as it says it.
    fn native(&mut self, event: &NativeEvent, out: &mut BytesMut) {
        match event {
            // Written by `begin`.
            NativeEvent::Start(_) => {}
            NativeEvent::BlockStart(fields) => {
                let kind = match fields.get("type").and_then(Value::as_str) {
                    Some("text") => OpenBlock::Text,
                    Some("thinking") => OpenBlock::Thinking,
                    _ => OpenBlock::Native,
                };
                self.start(kind, MessagesBlock::Native(fields.clone()), out);
            }
            NativeEvent::BlockDelta(fields) if self.open.is_some() => {
                self.delta(MessagesDelta::Native(fields), out);
            }
            NativeEvent::BlockDelta(_) => {}
            NativeEvent::BlockStop => self.close(out),
            NativeEvent::MessageFields(fields) => self.message_fields.extend(fields.clone()),
            NativeEvent::StopFields(fields) => self.stop_fields.extend(fields.clone()),
            NativeEvent::UsageFields(fields) => self.usage_fields.extend(fields.clone()),
            NativeEvent::Other(fields) => {
                if let Some(name) = fields.get("type").and_then(Value::as_str)
                    && name.bytes().all(|byte| byte.is_ascii_graphic())
                {
                    write_named(name, fields, out);
                }
            }
        }
    }

    /// Makes sure that a block of this kind is under way.
    fn within(&mut self, kind: OpenBlock, out: &mut BytesMut) {
        if self.open == Some(kind) {
            return;
        }
        let block = match kind {
            OpenBlock::Thinking => MessagesBlock::Thinking {
                thinking: String::new(),
                signature: String::new(),
            },
            OpenBlock::Text | OpenBlock::ToolUse | OpenBlock::Native => MessagesBlock::Text {
                text: String::new(),
                citations: Vec::new(),
            },
        };
        self.start(kind, block, out);
    }

    fn start(&mut self, kind: OpenBlock, block: impl Into<ReplyBlock>, out: &mut BytesMut) {
        self.close(out);
        let index = self.next;
        write(
            &WireEvent::ContentBlockStart {
                index,
                content_block: block.into(),
            },
            out,
        );
        self.open = Some(kind);
        self.next += 1;
    }

    fn delta(&self, delta: MessagesDelta<'_>, out: &mut BytesMut) {
        let index = self.next.saturating_sub(1);
        write(&WireEvent::ContentBlockDelta { index, delta }, out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some() {
            let index = self.next.saturating_sub(1);
            write(&WireEvent::ContentBlockStop { index }, out);
        }
    }
}

fn write(event: &WireEvent<'_>, out: &mut BytesMut) {
    let name = match event {
        WireEvent::MessageStart { .. } => "message_start",
        WireEvent::ContentBlockStart { .. } => "content_block_start",
        WireEvent::ContentBlockDelta { .. } => "content_block_delta",
        WireEvent::ContentBlockStop { .. } => "content_block_stop",
        WireEvent::MessageDelta { .. } => "message_delta",
        WireEvent::MessageStop => "message_stop",
    };
    write_named(name, event, out);
}

fn write_named(name: &str, event: &impl Serialize, out: &mut BytesMut) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
    // Writing these types into memory cannot fail: their keys are strings and their values plain data.
    if let Err(error) = serde_json::to_writer((&mut *out).writer(), event) {
        tracing::error!(%error, "an event could not be written");
    }
    out.put_slice(b"\n\n");
}
