//! Bedrock's stream events, and its whole replies, as the domain's events.

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::types::{
    CacheTtl, CitationGeneratedContent, CitationLocation, CitationSourceContent,
    CitationsContentBlock, ContentBlock, ContentBlockDelta, ContentBlockStart,
    ConverseStreamOutput, ReasoningContentBlock, ReasoningContentBlockDelta,
    StopReason as SdkStopReason, TokenUsage,
};
use aws_smithy_types::{Document, Number};
use serde_json::Value;

use crate::conversation::{Citation, Event, Place, StopReason, Unit, Usage};

use super::plan::Names;

/// Turns a stream's events into the domain's. Keeps what the wire leaves to the reader: which content block is which
/// tool call.
#[derive(Debug)]
pub struct Decoder {
    names: Names,
    /// The content block index of every tool call so far, in order.
    tool_blocks: Vec<i32>,
    /// Characters of text so far, and how many of them stand before the block under way.
    text: usize,
    before_block: (i32, usize),
    /// Tokens of thinking, which a stream reports before its usage.
    reasoning: Option<u64>,
}

impl Decoder {
    /// A decoder that gives tools the names that the client knows.
    pub fn new(names: Names) -> Self {
        Self {
            names,
            tool_blocks: Vec::new(),
            text: 0,
            before_block: (-1, 0),
            reasoning: None,
        }
    }

    /// The event's meaning; `None` for events that say nothing to a client, and for those that are not known yet.
    pub fn decode(&mut self, event: ConverseStreamOutput) -> Option<Event> {
        match event {
            ConverseStreamOutput::ContentBlockStart(start) => match start.start? {
                ContentBlockStart::ToolUse(call) => {
                    self.tool_blocks.push(start.content_block_index);
                    Some(Event::ToolCall {
                        index: self.tool_blocks.len() - 1,
                        id: call.tool_use_id,
                        name: self.names.to_client(call.name),
                    })
                }
                _ => None,
            },
            ConverseStreamOutput::ContentBlockDelta(delta) => match delta.delta? {
                ContentBlockDelta::Text(text) => {
                    self.say(delta.content_block_index, &text);
                    Some(Event::Text(text))
                }
                ContentBlockDelta::Citation(citation) => {
                    self.say(delta.content_block_index, "");
                    let quotes = citation.source_content.unwrap_or_default();
                    let quotes = quotes.into_iter().filter_map(|quote| quote.text);
                    Some(Event::Citation(Citation {
                        range: (self.before_block.1, self.text),
                        title: citation.title.or(citation.source).unwrap_or_default(),
                        place: place(citation.location.as_ref()),
                        url: web_address(citation.location),
                        quote: quotes.collect(),
                    }))
                }
                ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Text(text)) => {
                    Some(Event::Thinking(text))
                }
                ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Signature(
                    signature,
                )) => Some(Event::Signature(signature)),
                ContentBlockDelta::ReasoningContent(
                    ReasoningContentBlockDelta::RedactedContent(data),
                ) => Some(Event::RedactedThinking(data.into_inner().into())),
                ContentBlockDelta::ToolUse(piece) => {
                    let block = delta.content_block_index;
                    let index = self.tool_blocks.iter().position(|known| *known == block)?;
                    Some(Event::ToolInput {
                        index,
                        json: piece.input,
                    })
                }
                _ => None,
            },
            ConverseStreamOutput::MessageStop(stop) => {
                let fields = stop.additional_model_response_fields.as_ref();
                self.reasoning = thinking_tokens(fields);
                Some(Event::Stop(stop_reason(&stop.stop_reason, fields)))
            }
            ConverseStreamOutput::Metadata(metadata) => metadata
                .usage
                .as_ref()
                .map(|usage| Event::Usage(tokens(usage, self.reasoning))),
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

    /// Text of a whole reply with what it rests on.
    fn cited(&mut self, block: CitationsContentBlock) -> Vec<Event> {
        let from = self.text;
        let mut events = Vec::new();
        for piece in block.content.unwrap_or_default() {
            if let CitationGeneratedContent::Text(text) = piece {
                self.say(-1, &text);
                events.push(Event::Text(text));
            }
        }
        for citation in block.citations.unwrap_or_default() {
            let quotes = citation.source_content.unwrap_or_default();
            let quotes = quotes.into_iter().filter_map(|quote| match quote {
                CitationSourceContent::Text(text) => Some(text),
                _ => None,
            });
            events.push(Event::Citation(Citation {
                range: (from, self.text),
                title: citation.title.or(citation.source).unwrap_or_default(),
                place: place(citation.location.as_ref()),
                url: web_address(citation.location),
                quote: quotes.collect(),
            }));
        }
        events
    }

    /// A whole reply as the events that a stream would have brought.
    pub fn replay(&mut self, output: ConverseOutput) -> Vec<Event> {
        let mut events = Vec::new();
        let fields = output.additional_model_response_fields;
        let stop = stop_reason(&output.stop_reason, fields.as_ref());
        let message = output
            .output
            .and_then(|output| output.as_message().ok().cloned());
        for block in message.map(|message| message.content).unwrap_or_default() {
            match block {
                ContentBlock::Text(text) => {
                    self.say(-1, &text);
                    events.push(Event::Text(text));
                }
                ContentBlock::CitationsContent(block) => events.extend(self.cited(block)),
                ContentBlock::ReasoningContent(ReasoningContentBlock::ReasoningText(thinking)) => {
                    events.push(Event::Thinking(thinking.text));
                    events.extend(thinking.signature.map(Event::Signature));
                }
                ContentBlock::ReasoningContent(ReasoningContentBlock::RedactedContent(data)) => {
                    events.push(Event::RedactedThinking(data.into_inner().into()));
                }
                ContentBlock::ToolUse(call) => {
                    let index = self.tool_blocks.len();
                    self.tool_blocks
                        .push(i32::try_from(index).unwrap_or(i32::MAX));
                    let name = self.names.to_client(call.name);
                    events.push(Event::ToolCall {
                        index,
                        id: call.tool_use_id,
                        name,
                    });
                    events.push(Event::ToolInput {
                        index,
                        json: json(&call.input).to_string(),
                    });
                }
                _ => {}
            }
        }
        events.push(Event::Stop(stop));
        let reasoning = thinking_tokens(fields.as_ref());
        events.extend(
            output
                .usage
                .as_ref()
                .map(|usage| Event::Usage(tokens(usage, reasoning))),
        );
        events
    }
}

fn web_address(location: Option<CitationLocation>) -> Option<String> {
    match location? {
        CitationLocation::Web(place) => place.url,
        _ => None,
    }
}

/// Where in a document of the request the cited words stand.
fn place(location: Option<&CitationLocation>) -> Option<Place> {
    let (unit, document, start, end) = match location? {
        CitationLocation::DocumentChar(place) => (
            Unit::Character,
            place.document_index,
            place.start,
            place.end,
        ),
        CitationLocation::DocumentPage(place) => {
            (Unit::Page, place.document_index, place.start, place.end)
        }
        CitationLocation::DocumentChunk(place) => {
            (Unit::Block, place.document_index, place.start, place.end)
        }
        _ => return None,
    };
    let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    Some(Place {
        unit,
        document: count(document),
        start: count(start),
        end: count(end),
    })
}

fn stop_reason(reason: &SdkStopReason, fields: Option<&Document>) -> StopReason {
    match reason {
        SdkStopReason::EndTurn => StopReason::EndTurn,
        SdkStopReason::StopSequence => {
            let sequence = fields.and_then(|fields| fields.as_object()?.get("stop_sequence"));
            let sequence = sequence.and_then(Document::as_string);
            StopReason::StopSequence(sequence.map(str::to_owned))
        }
        SdkStopReason::MaxTokens => StopReason::MaxTokens,
        SdkStopReason::ToolUse => StopReason::ToolUse,
        SdkStopReason::GuardrailIntervened => StopReason::GuardrailIntervened,
        SdkStopReason::ContentFiltered => StopReason::ContentFiltered,
        SdkStopReason::ModelContextWindowExceeded => StopReason::ContextWindowExceeded,
        SdkStopReason::MalformedModelOutput | SdkStopReason::MalformedToolUse => {
            StopReason::Malformed
        }
        other => match other.as_str() {
            "refusal" => StopReason::ContentFiltered,
            other => StopReason::Other(other.to_owned()),
        },
    }
}

/// What Claude says of its thinking, where it was asked (`additionalModelResponseFieldPaths`).
fn thinking_tokens(fields: Option<&Document>) -> Option<u64> {
    let mut value = fields?;
    for key in ["usage", "output_tokens_details", "thinking_tokens"] {
        value = value.as_object()?.get(key)?;
    }
    match value.as_number()? {
        Number::PosInt(tokens) => Some(*tokens),
        _ => None,
    }
}

fn tokens(usage: &TokenUsage, reasoning: Option<u64>) -> Usage {
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
    let written = usage.cache_write_input_tokens.map_or(0, count);
    let details = usage
        .cache_details()
        .iter()
        .filter(|detail| detail.ttl == CacheTtl::OneHour);
    let one_hour = details
        .map(|detail| count(detail.input_tokens))
        .sum::<u64>()
        .min(written);
    Usage {
        input: count(usage.input_tokens),
        output: count(usage.output_tokens),
        cache_read: usage.cache_read_input_tokens.map_or(0, count),
        cache_write_5m: written - one_hour,
        cache_write_1h: one_hour,
        reasoning,
        estimated: false,
    }
}

/// The SDK's document type as JSON.
fn json(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(*value),
        Document::Number(Number::PosInt(value)) => Value::from(*value),
        Document::Number(Number::NegInt(value)) => Value::from(*value),
        Document::Number(Number::Float(value)) => Value::from(*value),
        Document::String(text) => Value::String(text.clone()),
        Document::Array(items) => Value::Array(items.iter().map(json).collect()),
        Document::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), json(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests;
