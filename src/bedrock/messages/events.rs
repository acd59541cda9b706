//! The events of Claude's own stream as the domain's.

use std::collections::{HashSet, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde_json::{Map, Value};

use crate::bedrock::decoder::{DecodeError, Decoder};
use crate::bedrock::failure::Failure;
use crate::bedrock::plan::{ToolNames, call_ids};
use crate::catalog::ServiceTerms;
use crate::conversation::{Event, NativeEvent, NativeFields, NativeStart, StopReason};

use super::citation::cite;
use super::payload::{BlockDelta, Chunk, EventError, KnownDelta, without};
use super::usage::{EventUsage, InvocationMetrics};

/// Turns Claude's events into the domain's.
#[derive(Debug)]
pub struct MessagesDecoder {
    names: ToolNames,
    open: Option<OpenAnswerBlock>,
    /// Tool calls so far, and their ids as the client knows them.
    calls: usize,
    call_ids: HashSet<String>,
    /// Characters of text so far, and how many of them stand before the block under way.
    text: usize,
    before_block: usize,
    usage: EventUsage,
    stop: Option<StopReason>,
    /// What only Claude's own format has of the end: of the answer, of why it stopped, of its usage.
    message_fields: Map<String, Value>,
    stop_fields: Map<String, Value>,
    usage_fields: Map<String, Value>,
    served: ServiceTerms,
    /// The bytes of one event; kept for their room.
    json: Vec<u8>,
}

/// The block under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenAnswerBlock {
    Text,
    Thinking,
    ToolUse,
    Native,
}

impl MessagesDecoder {
    /// A decoder that gives tools the names that the client knows. `served`: the terms that the answer's headers name.
    pub fn new(names: ToolNames, served: ServiceTerms) -> Self {
        Self {
            names,
            open: None,
            calls: 0,
            call_ids: HashSet::new(),
            text: 0,
            before_block: 0,
            usage: EventUsage::default(),
            stop: None,
            message_fields: Map::new(),
            stop_fields: Map::new(),
            usage_fields: Map::new(),
            served,
            json: Vec::new(),
        }
    }
}

impl Decoder for MessagesDecoder {
    fn decode(
        &mut self,
        name: &str,
        payload: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<(), DecodeError> {
        // Another frame's meaning is not known yet.
        if name != "chunk" {
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(payload)?;
        let mut json = std::mem::take(&mut self.json);
        json.clear();
        let bytes = STANDARD.decode_vec(chunk.bytes, &mut json);
        bytes.map_err(serde_json::Error::custom)?;
        // As they are written so far. Written in another way they are read like any other event, which takes longer.
        let is_delta = json.starts_with(br#"{"type":"content_block_delta""#);
        let delta = is_delta.then(|| serde_json::from_slice::<BlockDelta>(&json));
        let decoded = match delta {
            Some(Ok(BlockDelta { delta, .. })) => {
                self.known_delta(delta, out);
                Ok(())
            }
            _ => self.event(serde_json::from_slice(&json)?, out),
        };
        self.json = json;
        decoded
    }

    fn is_in_tool_call(&self) -> bool {
        matches!(
            self.open,
            Some(OpenAnswerBlock::ToolUse | OpenAnswerBlock::Native)
        )
    }

    fn served(&self) -> &ServiceTerms {
        &self.served
    }
}

impl MessagesDecoder {
    fn event(
        &mut self,
        mut fields: Map<String, Value>,
        out: &mut VecDeque<Event>,
    ) -> Result<(), DecodeError> {
        let kind = fields.get("type").and_then(Value::as_str);
        match kind {
            Some("message_start") => {
                if let Some(Value::Object(message)) = fields.remove("message") {
                    self.message_start(message, out)?;
                }
            }
            Some("content_block_start") => {
                if let Some(Value::Object(block)) = fields.remove("content_block") {
                    self.block_start(block, out);
                }
            }
            Some("content_block_delta") => {
                if let Some(Value::Object(delta)) = fields.remove("delta") {
                    self.delta(delta, out);
                }
            }
            Some("content_block_stop") => {
                if let Some(OpenAnswerBlock::Text | OpenAnswerBlock::Native) = self.open.take() {
                    out.push_back(Event::Native(NativeEvent::BlockStop));
                }
            }
            Some("message_delta") => self.message_delta(fields)?,
            Some("message_stop") => self.message_stop(&mut fields, out)?,
            Some("error") => {
                let error = fields.remove("error").unwrap_or_default();
                let error: EventError = serde_json::from_value(error)?;
                return Err(Failure::of_event(&error.r#type, &error.message).into());
            }
            // Without a type it is no event, as Anthropic's SDKs take it.
            Some("ping") | None => {}
            Some(_) => out.push_back(Event::Native(NativeEvent::Other(fields))),
        }
        Ok(())
    }

    fn message_start(
        &mut self,
        mut message: Map<String, Value>,
        out: &mut VecDeque<Event>,
    ) -> Result<(), DecodeError> {
        let usage_fields = self.add_usage(message.remove("usage"))?;
        const KNOWN: [&str; 7] = [
            "id",
            "type",
            "role",
            "model",
            "content",
            "stop_reason",
            "stop_sequence",
        ];
        let usage = self.usage.input_tokens.and_then(|_| self.usage.tokens());
        // What was written by then is no count of what will be.
        self.usage.output_tokens = None;
        let start = NativeStart {
            usage,
            message: without(message, &KNOWN),
            usage_fields,
        };
        out.push_back(Event::Native(NativeEvent::Start(Box::new(start))));
        Ok(())
    }

    fn block_start(&mut self, mut block: Map<String, Value>, out: &mut VecDeque<Event>) {
        let kind = block
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let text = |block: &Map<String, Value>, name: &str| {
            let text = block.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        match kind {
            "text" => {
                self.open = Some(OpenAnswerBlock::Text);
                self.before_block = self.text;
                let said = text(&block, "text");
                let mut further = without(block.clone(), &["type", "text"]);
                further.retain(|name, value| {
                    name != "citations" || value.as_array().is_none_or(|list| !list.is_empty())
                });
                if !further.is_empty() {
                    block.insert("text".to_owned(), "".into());
                    out.push_back(Event::Native(NativeEvent::BlockStart(block)));
                }
                self.say(said, out);
            }
            "thinking" => {
                self.open = Some(OpenAnswerBlock::Thinking);
                let (thinking, signature) = (text(&block, "thinking"), text(&block, "signature"));
                if !without(block.clone(), &["type", "thinking", "signature"]).is_empty() {
                    block.insert("thinking".to_owned(), "".into());
                    block.insert("signature".to_owned(), "".into());
                    out.push_back(Event::Native(NativeEvent::BlockStart(block)));
                }
                if !thinking.is_empty() {
                    out.push_back(Event::Thinking(thinking));
                }
                if !signature.is_empty() {
                    out.push_back(Event::Signature(signature));
                }
            }
            "redacted_thinking" => {
                self.open = Some(OpenAnswerBlock::Thinking);
                match STANDARD.decode(text(&block, "data")) {
                    Ok(data) => out.push_back(Event::RedactedThinking(data.into())),
                    Err(_) => self.native_block(block, out),
                }
            }
            "tool_use" => self.call(block, out),
            _ => self.native_block(block, out),
        }
    }

    fn native_block(&mut self, block: Map<String, Value>, out: &mut VecDeque<Event>) {
        self.open = Some(OpenAnswerBlock::Native);
        out.push_back(Event::Native(NativeEvent::BlockStart(block)));
    }

    fn call(&mut self, mut block: Map<String, Value>, out: &mut VecDeque<Event>) {
        self.open = Some(OpenAnswerBlock::ToolUse);
        let mut text = |name: &str| match block.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (written, name) = (text("id"), text("name"));
        let input = block.remove("input");
        let native = without(block, &["type"]);
        let native: NativeFields = Some(native)
            .filter(|fields| !fields.is_empty())
            .map(Into::into);
        let index = self.calls;
        self.calls += 1;
        out.push_back(Event::ToolCall {
            index,
            id: call_ids::of_answer(written, &name, &mut self.call_ids),
            name: self.names.to_client(name),
            native,
        });
        if let Some(Value::Object(input)) =
            input.filter(|input| input.as_object().is_some_and(|input| !input.is_empty()))
        {
            let json = Value::Object(input).to_string();
            out.push_back(Event::ToolInput { index, json });
        }
    }

    fn say(&mut self, text: String, out: &mut VecDeque<Event>) {
        if !text.is_empty() {
            self.text += text.chars().count();
            out.push_back(Event::Text(text));
        }
    }

    fn known_delta(&mut self, delta: KnownDelta, out: &mut VecDeque<Event>) {
        match (self.open, delta) {
            (Some(OpenAnswerBlock::Text), KnownDelta::Text { text }) => self.say(text, out),
            (Some(OpenAnswerBlock::Thinking), KnownDelta::Thinking { thinking }) => {
                if !thinking.is_empty() {
                    out.push_back(Event::Thinking(thinking));
                }
            }
            (Some(OpenAnswerBlock::Thinking), KnownDelta::Signature { signature }) => {
                out.push_back(Event::Signature(signature));
            }
            (Some(OpenAnswerBlock::ToolUse), KnownDelta::InputJson { partial_json }) => {
                if let Some(index) = self.calls.checked_sub(1) {
                    out.push_back(Event::ToolInput {
                        index,
                        json: partial_json,
                    });
                }
            }
            (_, delta) => {
                out.push_back(Event::Native(NativeEvent::BlockDelta(delta.into_fields())))
            }
        }
    }

    fn delta(&mut self, mut delta: Map<String, Value>, out: &mut VecDeque<Event>) {
        let kind = delta.get("type").and_then(Value::as_str);
        if kind == Some("citations_delta")
            && self.open == Some(OpenAnswerBlock::Text)
            && let Some(citation) = delta.remove("citation")
        {
            let range = (self.before_block, self.text);
            out.push_back(Event::Citation(cite(citation, range)));
            return;
        }
        if let Some(piece) = self.take_piece(&mut delta) {
            self.known_delta(piece, out);
            // Its type, and the text that was taken.
            if delta.len() == 2 {
                return;
            }
        }
        out.push_back(Event::Native(NativeEvent::BlockDelta(delta)));
    }

    /// Takes the piece of the block under way out of a delta that may have further fields: clients of every format get
    /// the piece, and those of Claude's own get the fields behind it.
    fn take_piece(&self, delta: &mut Map<String, Value>) -> Option<KnownDelta> {
        type Piece = fn(String) -> KnownDelta;
        let kind = delta.get("type").and_then(Value::as_str)?;
        let (field, piece): (_, Piece) = match (self.open?, kind) {
            (OpenAnswerBlock::Text, "text_delta") => ("text", |text| KnownDelta::Text { text }),
            (OpenAnswerBlock::Thinking, "thinking_delta") => {
                ("thinking", |thinking| KnownDelta::Thinking { thinking })
            }
            (OpenAnswerBlock::Thinking, "signature_delta") => {
                ("signature", |signature| KnownDelta::Signature { signature })
            }
            (OpenAnswerBlock::ToolUse, "input_json_delta") => ("partial_json", |partial_json| {
                KnownDelta::InputJson { partial_json }
            }),
            _ => return None,
        };
        match delta.get_mut(field)? {
            Value::String(text) => Some(piece(std::mem::take(text))),
            _ => None,
        }
    }

    fn message_delta(&mut self, mut fields: Map<String, Value>) -> Result<(), DecodeError> {
        let usage_fields = self.add_usage(fields.remove("usage"))?;
        self.usage_fields.extend(usage_fields);
        if let Some(Value::Object(mut delta)) = fields.remove("delta") {
            let sequence = match delta.remove("stop_sequence") {
                Some(Value::String(sequence)) => Some(sequence),
                _ => None,
            };
            if let Some(Value::String(reason)) = delta.remove("stop_reason") {
                self.stop = Some(StopReason::named(reason, sequence));
            }
            self.stop_fields.extend(without(delta, &[]));
        }
        self.message_fields.extend(without(fields, &["type"]));
        Ok(())
    }

    fn message_stop(
        &mut self,
        fields: &mut Map<String, Value>,
        out: &mut VecDeque<Event>,
    ) -> Result<(), DecodeError> {
        let metrics = fields.remove("amazon-bedrock-invocationMetrics");
        let metrics: InvocationMetrics = match metrics {
            Some(metrics) => serde_json::from_value(metrics)?,
            None => InvocationMetrics::default(),
        };
        self.usage.or_metrics(&metrics);
        let reason = self.stop.take().unwrap_or(StopReason::EndTurn);
        out.push_back(Event::Stop(reason));
        let of_message = std::mem::take(&mut self.message_fields);
        let of_stop = std::mem::take(&mut self.stop_fields);
        let of_usage = std::mem::take(&mut self.usage_fields);
        for (fields, event) in [
            (of_message, NativeEvent::MessageFields as fn(_) -> _),
            (of_stop, NativeEvent::StopFields),
            (of_usage, NativeEvent::UsageFields),
        ] {
            if !fields.is_empty() {
                out.push_back(Event::Native(event(fields)));
            }
        }
        // Without a count of the answer there is an estimate.
        if let Some(usage) = self.usage.tokens().filter(|_| self.usage.counts_answer()) {
            out.push_back(Event::Usage(usage));
        }
        Ok(())
    }

    /// Takes over what an event says of its usage: its numbers count from the answer's beginning. Returns the fields
    /// beyond those that every answer has.
    fn add_usage(&mut self, usage: Option<Value>) -> Result<Map<String, Value>, DecodeError> {
        let Some(Value::Object(written)) = usage else {
            return Ok(Map::new());
        };
        let usage: EventUsage = serde_json::from_value(Value::Object(written.clone()))?;
        if let Some(tier) = usage
            .service_tier
            .as_deref()
            .filter(|tier| *tier != "standard")
        {
            self.served.tier.get_or_insert_with(|| tier.to_owned());
        }
        // Those that every answer has, unless they count one step of several.
        const KNOWN: [&str; 6] = [
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation",
            "output_tokens_details",
        ];
        let known = if usage.iterations.is_some() {
            &[][..]
        } else {
            &KNOWN[..]
        };
        self.usage.merge(usage);
        Ok(without(written, known))
    }
}

#[cfg(test)]
mod tests;
