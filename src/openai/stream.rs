//! The stream: `chat.completion.chunk` events.
//!
//! What real clients need of a chunk, each measured: `choices` in every one, `role` in the first delta, exactly one
//! `finish_reason`, `index` on every fragment of a tool call with `id`, `type` and `name` in its first, `arguments` a
//! string, and an `index` in every entry of `thinking_blocks`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::conversation::{Event, NativeStart, Usage};
use crate::wire::{ApiError, ReplyMeta, StreamWriter, free_form};

use super::annotations::Annotation;
use super::delta::{
    CalledDelta, ChunkChoice, ChunkDelta, ChunkOpening, ThinkingDelta, ThinkingKind, ToolCallDelta,
};
use super::reply::finish_reason;
use super::usage::ChatUsage;

/// Writes events as server-sent events. Holds what is the same in every chunk of a reply.
#[derive(Debug)]
pub struct ChunkWriter {
    meta: ReplyMeta,
    /// Every chunk up to its choices, written once: it is most of a chunk's bytes.
    opening: Vec<u8>,
    role_sent: bool,
    /// The tool call whose arguments may still come.
    open_call: Option<OpenCall>,
    /// Position in `thinking_blocks`; the next thinking after a signature is another entry.
    thinking_index: usize,
    /// Annotations so far.
    annotations: usize,
}

/// A tool call whose arguments may still come.
#[derive(Debug)]
struct OpenCall {
    index: usize,
    /// Of a custom tool, all so far: its text is inside the JSON that the model writes, and goes out when that is
    /// whole. Of a function, nothing: its arguments go out as they come.
    held_back: Option<String>,
    any_sent: bool,
}

impl StreamWriter for ChunkWriter {
    fn begin(&mut self, model: String, _: u64, _: Option<&NativeStart>, _: &mut BytesMut) {
        self.meta.model = model;
        self.opening = opening(&self.meta);
    }

    fn continue_with(&mut self, model: String, _: &mut BytesMut) {
        self.meta.model = model;
        self.opening = opening(&self.meta);
        self.thinking_index += 1;
    }

    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        if !matches!(event, Event::ToolInput { .. } | Event::Usage(_)) {
            self.close_call(out);
        }
        match event {
            Event::Text(text) if text.is_empty() => {}
            Event::Text(text) => self.delta(
                ChunkDelta {
                    content: Some(text),
                    ..ChunkDelta::default()
                },
                out,
            ),
            Event::Citation(citation) => {
                let annotation = Annotation::new(citation, Some(self.annotations));
                self.annotations += 1;
                self.delta(
                    ChunkDelta {
                        annotations: Some([annotation]),
                        ..ChunkDelta::default()
                    },
                    out,
                );
            }
            Event::Thinking(text) if text.is_empty() => {}
            Event::Thinking(text) => {
                self.thinking(
                    text,
                    ThinkingKind::Thinking {
                        thinking: text,
                        signature: None,
                    },
                    out,
                );
            }
            Event::Signature(signature) => {
                self.thinking(
                    "",
                    ThinkingKind::Thinking {
                        thinking: "",
                        signature: Some(signature),
                    },
                    out,
                );
                self.thinking_index += 1;
            }
            Event::RedactedThinking(data) => {
                self.thinking(
                    "",
                    ThinkingKind::RedactedThinking {
                        data: STANDARD.encode(data),
                    },
                    out,
                );
                self.thinking_index += 1;
            }
            Event::ToolCall {
                index, id, name, ..
            } => self.begin_call(*index, id, name, out),
            Event::ToolInput { json, .. } if json.is_empty() => {}
            Event::ToolInput { index, json } => self.continue_with_call(*index, json, out),
            Event::Stop(reason) => {
                self.choice(self.first_delta(), Some(finish_reason(reason)), out)
            }
            // Sent at the end, when the client asked for it.
            Event::Usage(_) => {}
            Event::Native(_) => {}
        }
    }

    /// The usage chunk has no choices, as OpenAI sends it.
    fn end(&mut self, usage: &Usage, cost: Option<Decimal>, out: &mut BytesMut) {
        if self.meta.include_usage {
            self.chunk(&[], Some(ChatUsage::new(usage, cost)), out);
        }
        out.put_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        out.put_slice(format!("data: {}\n\n", error.body()).as_bytes());
    }
}

impl ChunkWriter {
    /// A writer that has said nothing yet.
    pub fn new(meta: ReplyMeta) -> Self {
        Self {
            opening: opening(&meta),
            meta,
            role_sent: false,
            open_call: None,
            thinking_index: 0,
            annotations: 0,
        }
    }

    fn begin_call(&mut self, index: usize, id: &str, name: &String, out: &mut BytesMut) {
        let is_custom = self.meta.free_form.contains(name);
        self.open_call = Some(OpenCall {
            index,
            held_back: is_custom.then(String::new),
            any_sent: false,
        });
        let name = Some(name.as_str());
        let (kind, called) = if is_custom {
            ("custom", CalledDelta::Custom { name, input: "" })
        } else {
            let arguments = "";
            ("function", CalledDelta::Function { name, arguments })
        };
        let call = ToolCallDelta {
            index,
            id: Some(id),
            r#type: Some(kind),
            called,
        };
        self.tool_call(call, out);
    }

    fn continue_with_call(&mut self, index: usize, json: &str, out: &mut BytesMut) {
        if let Some(open) = self.open_call.as_mut().filter(|open| open.index == index) {
            open.any_sent = true;
            if let Some(held_back) = &mut open.held_back {
                held_back.push_str(json);
                return;
            }
        }
        let (name, arguments) = (None, json);
        self.further(index, CalledDelta::Function { name, arguments }, out);
    }

    /// Sends what was held back. A function without arguments still needs JSON that parses.
    fn close_call(&mut self, out: &mut BytesMut) {
        let Some(open) = self.open_call.take() else {
            return;
        };
        let name = None;
        match open.held_back {
            Some(json) => {
                let input = &free_form::text(&json);
                self.further(open.index, CalledDelta::Custom { name, input }, out);
            }
            None if !open.any_sent => {
                let arguments = "{}";
                self.further(open.index, CalledDelta::Function { name, arguments }, out);
            }
            None => {}
        }
    }

    /// A further fragment of a call.
    fn further(&mut self, index: usize, called: CalledDelta<'_>, out: &mut BytesMut) {
        let call = ToolCallDelta {
            index,
            id: None,
            r#type: None,
            called,
        };
        self.tool_call(call, out);
    }

    fn thinking<'a>(&mut self, text: &'a str, kind: ThinkingKind<'a>, out: &mut BytesMut) {
        let block = ThinkingDelta {
            index: self.thinking_index,
            kind,
        };
        let delta = ChunkDelta {
            reasoning_content: Some(text),
            thinking_blocks: Some([block]),
            ..ChunkDelta::default()
        };
        self.delta(delta, out);
    }

    fn tool_call(&mut self, call: ToolCallDelta<'_>, out: &mut BytesMut) {
        self.delta(
            ChunkDelta {
                tool_calls: Some([call]),
                ..ChunkDelta::default()
            },
            out,
        );
    }

    fn delta(&mut self, delta: ChunkDelta<'_>, out: &mut BytesMut) {
        let role = self.first_delta().role;
        self.role_sent = true;
        self.choice(ChunkDelta { role, ..delta }, None, out);
    }

    fn first_delta(&self) -> ChunkDelta<'static> {
        ChunkDelta {
            role: (!self.role_sent).then_some("assistant"),
            ..ChunkDelta::default()
        }
    }

    fn choice(
        &self,
        delta: ChunkDelta<'_>,
        finish_reason: Option<&'static str>,
        out: &mut BytesMut,
    ) {
        self.chunk(
            &[ChunkChoice {
                index: 0,
                delta,
                finish_reason,
            }],
            None,
            out,
        );
    }

    fn chunk(&self, choices: &[ChunkChoice<'_>], usage: Option<ChatUsage>, out: &mut BytesMut) {
        // Room for a delta of the usual length, so that the buffer does not move while it is written.
        out.reserve(self.opening.len() + 256);
        out.put_slice(&self.opening);
        write(choices, (&mut *out).writer());
        if let Some(usage) = usage {
            out.put_slice(b",\"usage\":");
            write(&usage, (&mut *out).writer());
        }
        out.put_slice(b"}\n\n");
    }
}

/// An event's first bytes, up to the value of `choices`.
fn opening(meta: &ReplyMeta) -> Vec<u8> {
    let opening = ChunkOpening {
        id: &meta.id,
        object: "chat.completion.chunk",
        created: meta.created,
        model: &meta.model,
    };
    let mut bytes = b"data: ".to_vec();
    write(&opening, &mut bytes);
    // The object goes on.
    bytes.pop();
    bytes.extend_from_slice(b",\"choices\":");
    bytes
}

/// Writing these types into memory cannot fail: their keys are strings and their values plain data.
fn write(value: &(impl Serialize + ?Sized), out: impl std::io::Write) {
    if let Err(error) = serde_json::to_writer(out, value) {
        tracing::error!(%error, "a chunk could not be written");
    }
}
