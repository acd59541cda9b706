//! Bedrock's stream events, and its whole replies, as the domain's events.

use std::collections::{HashSet, VecDeque};

use serde_json::Value;

use crate::catalog::ServiceTerms;
use crate::conversation::{Citation, Event, Place, StopReason, Unit, Usage};

use crate::bedrock::decoder::{DecodeError, Decoder};
use crate::bedrock::plan::{ToolNames, call_ids};

mod order;
mod payload;

use order::{BlockEvent, BlockOrder};
use payload::{
    BlockStart, BlockStop, CitationsContent, ConverseBlock, ConverseDelta, ConverseReply, Location,
    MessageStop, PieceDelta, StreamMetadata, TokenUsage,
};

/// Turns a stream's events into the domain's. Keeps what the wire leaves to the reader: which content block is which
/// tool call.
#[derive(Debug)]
pub struct ConverseDecoder {
    names: ToolNames,
    /// The content block index of every tool call so far, in order.
    tool_blocks: Vec<i32>,
    /// The ids of these calls, as the client knows them.
    call_ids: HashSet<String>,
    /// Encrypted thinking so far of the content block under way: it may come in pieces, and is of use as a whole alone.
    encrypted: Option<(i32, Vec<u8>)>,
    order: BlockOrder,
    /// Characters of text so far, and how many of them stand before the block under way.
    text: usize,
    before_block: (i32, usize),
    /// Tokens of thinking, which a stream reports before its usage.
    reasoning: Option<u64>,
    /// On what terms the answer was served, as far as Bedrock has said; it comes with the usage.
    served: ServiceTerms,
    /// Cached tokens are counted as input too; whether the usage has shown that they are not.
    cached_in_input: bool,
    counts_cache_apart: bool,
}

impl ConverseDecoder {
    /// A decoder that gives tools the names that the client knows.
    pub fn new(names: ToolNames) -> Self {
        Self {
            names,
            tool_blocks: Vec::new(),
            call_ids: HashSet::new(),
            encrypted: None,
            order: BlockOrder::default(),
            text: 0,
            before_block: (-1, 0),
            reasoning: None,
            served: ServiceTerms::default(),
            cached_in_input: false,
            counts_cache_apart: false,
        }
    }

    /// This decoder for a model whose usage may count cached tokens as input too.
    #[must_use]
    pub fn with_cached_in_input(self, cached_in_input: bool) -> Self {
        Self {
            cached_in_input,
            ..self
        }
    }
}

impl Decoder for ConverseDecoder {
    fn counts_cache_apart(&self) -> bool {
        self.counts_cache_apart
    }

    fn served(&self) -> &ServiceTerms {
        &self.served
    }

    fn is_in_tool_call(&self) -> bool {
        self.order.is_in_call()
    }

    fn decode(
        &mut self,
        name: &str,
        payload: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<(), DecodeError> {
        match name {
            "contentBlockDelta" => {
                let delta: ConverseDelta = serde_json::from_slice(payload)?;
                let block = delta.content_block_index;
                self.end_encrypted(|held| held != block, out);
                if let Some(event) = self.delta(delta) {
                    self.order.push(block, BlockEvent::Piece(event), out);
                }
            }
            "contentBlockStart" => {
                let start: BlockStart = serde_json::from_slice(payload)?;
                let block = start.content_block_index;
                self.end_encrypted(|held| held != block, out);
                if let Some(event) = self.start(start) {
                    self.order.push(block, BlockEvent::BeginsCall(event), out);
                }
            }
            "contentBlockStop" => {
                let stop: BlockStop = serde_json::from_slice(payload)?;
                let block = stop.content_block_index;
                self.end_encrypted(|held| held == block, out);
                self.order.push(block, BlockEvent::Ends, out);
            }
            "messageStop" => {
                let stop: MessageStop = serde_json::from_slice(payload)?;
                let fields = stop.additional_model_response_fields.as_ref();
                self.reasoning = thinking_tokens(fields);
                self.end_encrypted(|_| true, out);
                self.order.end(out);
                out.push_back(Event::Stop(stop_reason(stop.stop_reason, fields)));
            }
            "metadata" => {
                let metadata: StreamMetadata = serde_json::from_slice(payload)?;
                self.served = served(&metadata.service_tier, &metadata.performance_config);
                if let Some(usage) = &metadata.usage {
                    let usage = tokens(usage, self.reasoning);
                    out.push_back(Event::Usage(self.without_cached_input(usage)));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl ConverseDecoder {
    fn start(&mut self, start: BlockStart) -> Option<Event> {
        let call = start.start.and_then(|start| start.tool_use)?;
        self.tool_blocks.push(start.content_block_index);
        Some(Event::ToolCall {
            index: self.tool_blocks.len() - 1,
            id: call_ids::of_answer(call.tool_use_id, &call.name, &mut self.call_ids),
            name: self.names.to_client(call.name),
            native: None,
        })
    }

    /// Hands on the encrypted thinking of a content block that is over.
    fn end_encrypted(&mut self, is_over: impl Fn(i32) -> bool, out: &mut VecDeque<Event>) {
        if let Some((block, data)) = self.encrypted.take_if(|(block, _)| is_over(*block)) {
            let event = Event::RedactedThinking(data.into());
            self.order.push(block, BlockEvent::Piece(event), out);
        }
    }

    /// The usage with cached tokens counted once.
    fn without_cached_input(&mut self, usage: Usage) -> Usage {
        let cached = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
        if !self.cached_in_input {
            return usage;
        }
        match usage.input.checked_sub(cached) {
            Some(input) => Usage { input, ..usage },
            None => {
                self.counts_cache_apart = true;
                usage
            }
        }
    }

    fn delta(&mut self, event: ConverseDelta) -> Option<Event> {
        let block = event.content_block_index;
        match event.delta? {
            PieceDelta {
                text: Some(text), ..
            } => {
                self.say(block, &text);
                Some(Event::Text(text))
            }
            PieceDelta {
                tool_use: Some(piece),
                ..
            } => {
                let index = self.tool_blocks.iter().rposition(|known| *known == block)?;
                Some(Event::ToolInput {
                    index,
                    json: piece.input,
                })
            }
            PieceDelta {
                reasoning_content: Some(thinking),
                ..
            } => {
                if let Some(piece) = thinking.redacted_content {
                    let (_, data) = self.encrypted.get_or_insert((block, Vec::new()));
                    data.extend_from_slice(&piece);
                    return None;
                }
                let text = thinking.text.map(Event::Thinking);
                text.or_else(|| thinking.signature.map(Event::Signature))
            }
            PieceDelta {
                citation: Some(citation),
                ..
            } => {
                self.say(block, "");
                Some(self.cite(citation, self.before_block.1))
            }
            _ => None,
        }
    }

    /// Counts text of a block.
    fn say(&mut self, block: i32, text: &str) {
        if self.before_block.0 != block {
            self.before_block = (block, self.text);
        }
        self.text += text.chars().count();
    }

    /// What the text from there to here rests on.
    fn cite(&self, citation: payload::ConverseCitation, from: usize) -> Event {
        let quotes = citation.source_content.unwrap_or_default();
        let quotes = quotes.into_iter().filter_map(|quote| quote.text);
        Event::Citation(Citation {
            range: (from, self.text),
            title: citation.title.or(citation.source).unwrap_or_default(),
            place: citation.location.as_ref().and_then(place),
            url: citation.location.and_then(|location| location.web?.url),
            quote: quotes.collect(),
            native: None,
        })
    }

    /// Text of a whole reply with what it rests on.
    fn cited(&mut self, block: CitationsContent, events: &mut Vec<Event>) {
        let from = self.text;
        let pieces = block.content.unwrap_or_default().into_iter();
        for text in pieces.filter_map(|piece| piece.text) {
            self.say(-1, &text);
            events.push(Event::Text(text));
        }
        let citations = block.citations.unwrap_or_default().into_iter();
        events.extend(citations.map(|citation| self.cite(citation, from)));
    }

    /// A whole reply as the events that a stream would have brought.
    ///
    /// # Errors
    /// When the body is not a reply's JSON.
    pub fn replay(&mut self, body: &[u8]) -> Result<Vec<Event>, serde_json::Error> {
        let reply: ConverseReply<'_> = serde_json::from_slice(body)?;
        self.served = served(&reply.service_tier, &reply.performance_config);
        let mut events = Vec::new();
        let message = reply.output.and_then(|output| output.message);
        for block in message
            .and_then(|message| message.content)
            .unwrap_or_default()
        {
            self.replay_block(block, &mut events);
        }
        let fields = reply.additional_model_response_fields.as_ref();
        events.push(Event::Stop(stop_reason(reply.stop_reason, fields)));
        let reasoning = thinking_tokens(fields);
        let usage = reply.usage.as_ref();
        events.extend(usage.map(|usage| Event::Usage(tokens(usage, reasoning))));
        Ok(events)
    }

    fn replay_block(&mut self, block: ConverseBlock<'_>, events: &mut Vec<Event>) {
        if let Some(text) = block.text {
            self.say(-1, &text);
            events.push(Event::Text(text));
        } else if let Some(cited) = block.citations_content {
            self.cited(cited, events);
        } else if let Some(thinking) = block.reasoning_content {
            if let Some(thinking) = thinking.reasoning_text {
                events.push(Event::Thinking(thinking.text));
                events.extend(thinking.signature.map(Event::Signature));
            }
            events.extend(thinking.redacted_content.map(Event::RedactedThinking));
        } else if let Some(call) = block.tool_use {
            let index = self.tool_blocks.len();
            self.tool_blocks
                .push(i32::try_from(index).unwrap_or(i32::MAX));
            events.push(Event::ToolCall {
                index,
                id: call_ids::of_answer(call.tool_use_id, &call.name, &mut self.call_ids),
                name: self.names.to_client(call.name),
                native: None,
            });
            events.push(Event::ToolInput {
                index,
                json: call.input.map_or("{}", |input| input.get()).to_owned(),
            });
        }
    }
}

/// Where in a document of the request the cited words stand.
fn place(location: &Location) -> Option<Place> {
    let spans = [
        (Unit::Character, &location.document_char),
        (Unit::Page, &location.document_page),
        (Unit::Block, &location.document_chunk),
    ];
    let mut spans = spans.into_iter();
    let (unit, span) = spans.find_map(|(unit, span)| Some((unit, span.as_ref()?)))?;
    let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    Some(Place {
        unit,
        document: count(span.document_index),
        start: count(span.start),
        end: count(span.end),
    })
}

fn stop_reason(reason: String, fields: Option<&Value>) -> StopReason {
    let sequence = fields.and_then(|fields| fields.get("stop_sequence")?.as_str());
    StopReason::named(reason, sequence.map(str::to_owned))
}

/// What Claude says of its thinking, where it was asked (`additionalModelResponseFieldPaths`).
fn thinking_tokens(fields: Option<&Value>) -> Option<u64> {
    let tokens = fields?.pointer("/usage/output_tokens_details/thinking_tokens");
    tokens?.as_u64()
}

/// The terms that Bedrock's answer names.
fn served(tier: &Option<Value>, performance: &Option<Value>) -> ServiceTerms {
    let word = |value: &Option<Value>, field| {
        let word = value.as_ref()?.get(field)?.as_str()?;
        Some(word.to_owned())
    };
    ServiceTerms {
        tier: word(tier, "type"),
        latency: word(performance, "latency"),
    }
}

fn tokens(usage: &TokenUsage, reasoning: Option<u64>) -> Usage {
    let count = |tokens: Option<i32>| u64::try_from(tokens.unwrap_or(0)).unwrap_or(0);
    let written = count(usage.cache_write_input_tokens);
    let details = usage.cache_details.iter().flatten();
    let one_hour = details
        .filter(|detail| detail.ttl.as_deref() == Some("1h"))
        .map(|detail| count(detail.input_tokens))
        .sum::<u64>()
        .min(written);
    Usage {
        input: count(usage.input_tokens),
        output: count(usage.output_tokens),
        cache_read: count(usage.cache_read_input_tokens),
        cache_write_5m: written - one_hour,
        cache_write_1h: one_hour,
        reasoning,
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests;
