//! An answer as data, and the events and the JSON that Bedrock makes of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Served, wire};

/// What the model says: blocks, why it stopped, what it cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedReply {
    /// The blocks, in order.
    pub blocks: Vec<Block>,
    /// `stopReason`; `None`: `tool_use` when there is a tool call, else `end_turn`.
    pub stop: Option<String>,
    /// The stop sequence that was met; told to those who ask for `/stop_sequence`.
    pub stop_sequence: Option<String>,
    /// Tokens; `None`: estimated from the request and the answer, with the simulated prompt cache.
    pub usage: Option<Tokens>,
    /// The terms on which it is served; `None`: those that were asked for.
    pub served: Option<Served>,
    /// What Claude's own answer has beside the usual (`stop_details`, `context_management`, members of `usage`, …),
    /// laid over it. Converse leaves it out.
    pub native: Map<String, Value>,
}

/// A block of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Text, streamed a word at a time.
    Text(String),
    /// Thinking, streamed a word at a time and closed by a signature that this service accepts again.
    Thinking(String),
    /// Thinking without a signature, as models other than Claude send it.
    Reasoning(String),
    /// Encrypted thinking, base64.
    Redacted(String),
    /// A block of Claude's own, as it stands in its answer (`{"type": "server_tool_use", …}`). Converse leaves it out.
    Native(Value),
    /// A tool call.
    ToolUse {
        /// The call's id; `None`: a new one.
        #[serde(default)]
        id: Option<String>,
        /// The tool's name.
        name: String,
        /// The arguments' JSON text as streamed; may be empty, as for a tool without arguments.
        input: String,
    },
}

/// Tokens of one answer, as Bedrock counts them: the kinds do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Prompt tokens that touched no cache.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Prompt tokens read from the cache.
    pub cache_read: u64,
    /// Prompt tokens written for five minutes.
    pub cache_write_5m: u64,
    /// Prompt tokens written for an hour.
    pub cache_write_1h: u64,
}

/// One event of a stream: its `:event-type` and its payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawEvent {
    /// `messageStart`, `contentBlockDelta`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The JSON payload.
    pub payload: Value,
}

impl RawEvent {
    /// An event of this type.
    pub fn new(kind: &str, payload: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            payload,
        }
    }

    /// An event of Claude's own (`{"type": "message_start", …}`), as InvokeModelWithResponseStream sends it.
    pub fn chunk(event: Value) -> Self {
        Self::new(wire::CHUNK, event)
    }
}

impl ScriptedReply {
    /// A reply of text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            blocks: vec![Block::Text(text.into())],
            ..Self::default()
        }
    }

    /// A reply that calls one tool.
    pub fn tool(name: impl Into<String>, input: &Value) -> Self {
        Self::default().with_tool(name, input)
    }

    /// Puts a signed block of thinking before what is there.
    pub fn with_thinking(mut self, text: impl Into<String>) -> Self {
        self.blocks.insert(0, Block::Thinking(text.into()));
        self
    }

    /// Adds a tool call at the end.
    pub fn with_tool(mut self, name: impl Into<String>, input: &Value) -> Self {
        self.blocks.push(Block::ToolUse {
            id: None,
            name: name.into(),
            input: input.to_string(),
        });
        self
    }

    /// Stops for this reason.
    pub fn with_stop(mut self, reason: &str) -> Self {
        self.stop = Some(reason.to_owned());
        self
    }

    /// Reports these tokens.
    pub fn with_usage(mut self, usage: Tokens) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Is served on these terms, whatever was asked for.
    pub fn with_served(mut self, served: Served) -> Self {
        self.served = Some(served);
        self
    }

    /// Adds a block of Claude's own at the end.
    pub fn with_block(mut self, block: Value) -> Self {
        self.blocks.push(Block::Native(block));
        self
    }

    /// Has this beside the usual in Claude's own answer.
    pub fn with_field(mut self, name: &str, value: Value) -> Self {
        self.native.insert(name.to_owned(), value);
        self
    }

    /// Gives every tool call without an id a new one that begins so, so that stream and JSON agree.
    pub(super) fn with_ids(mut self, beginning: &str) -> Self {
        for block in &mut self.blocks {
            if let Block::ToolUse { id: id @ None, .. } = block {
                *id = Some(format!("{beginning}{}", wire::random_id(22)));
            }
        }
        self
    }

    /// `stopReason`.
    pub(super) fn stop_reason(&self) -> &str {
        let calls = self
            .blocks
            .iter()
            .any(|block| matches!(block, Block::ToolUse { .. }));
        let usual = if calls { "tool_use" } else { "end_turn" };
        self.stop.as_deref().unwrap_or(usual)
    }

    /// How many tokens this answer would have been, roughly.
    pub(super) fn estimated_output(&self) -> u64 {
        let bytes = self.blocks.iter().map(|block| match block {
            Block::Text(text) | Block::Thinking(text) | Block::Reasoning(text) => text.len(),
            Block::Redacted(data) => data.len(),
            Block::Native(block) => block.to_string().len(),
            Block::ToolUse { name, input, .. } => name.len() + input.len() + 40,
        });
        (bytes.sum::<usize>() as u64).div_ceil(4).max(1)
    }

    /// The stream of this answer, `messageStart` to `messageStop`. Blocks of text and of thinking have no
    /// `contentBlockStart`: the real service sends none.
    pub(super) fn events(&self, signatures: &[Option<String>]) -> Vec<RawEvent> {
        let mut events = vec![RawEvent::new("messageStart", json!({"role": "assistant"}))];
        let is_native = |block: &Block| matches!(block, Block::Native(_));
        let blocks = self.blocks.iter().zip(signatures);
        let blocks = blocks.filter(|(block, _)| !is_native(block));
        for (index, (block, signature)) in blocks.enumerate() {
            let mut delta = |delta: Value| {
                let payload = json!({"contentBlockIndex": index, "delta": delta});
                events.push(RawEvent::new("contentBlockDelta", payload));
            };
            match block {
                Block::Text(text) => {
                    for piece in pieces(text) {
                        delta(json!({"text": piece}));
                    }
                }
                Block::Thinking(text) => {
                    for piece in pieces(text) {
                        delta(json!({"reasoningContent": {"text": piece}}));
                    }
                    delta(json!({"reasoningContent": {"signature": signature}}));
                }
                Block::Reasoning(text) => {
                    for piece in pieces(text) {
                        delta(json!({"reasoningContent": {"text": piece}}));
                    }
                }
                Block::Redacted(data) => {
                    delta(json!({"reasoningContent": {"redactedContent": data}}));
                }
                Block::Native(_) => continue,
                Block::ToolUse { id, name, input } => {
                    let start = json!({"toolUse": {"toolUseId": id, "name": name}});
                    let payload = json!({"contentBlockIndex": index, "start": start});
                    events.push(RawEvent::new("contentBlockStart", payload));
                    for piece in fragments(input) {
                        let delta = json!({"toolUse": {"input": piece}});
                        let payload = json!({"contentBlockIndex": index, "delta": delta});
                        events.push(RawEvent::new("contentBlockDelta", payload));
                    }
                }
            }
            let payload = json!({"contentBlockIndex": index});
            events.push(RawEvent::new("contentBlockStop", payload));
        }
        let mut payload = json!({"stopReason": self.stop_reason()});
        self.add_response_fields(&mut payload);
        events.push(RawEvent::new("messageStop", payload));
        events
    }

    /// The body of Converse's answer.
    pub(super) fn body(
        &self,
        signatures: &[Option<String>],
        usage: Tokens,
        served: &Served,
        latency_ms: u64,
    ) -> Value {
        let blocks = self.blocks.iter().zip(signatures);
        let content = blocks.filter_map(|(block, signature)| {
            content_block(block, signature.as_deref().unwrap_or_default())
        });
        let content: Vec<Value> = content.collect();
        let mut body = json!({
            "metrics": {"latencyMs": latency_ms},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": self.stop_reason(),
            "usage": usage.wire(),
        });
        self.add_response_fields(&mut body);
        if let Some(body) = body.as_object_mut() {
            served.write(body);
        }
        body
    }

    /// `additionalModelResponseFields`, where there are any.
    fn add_response_fields(&self, body: &mut Value) {
        if let (Some(sequence), Some(body)) = (&self.stop_sequence, body.as_object_mut()) {
            let fields = json!({"stop_sequence": sequence});
            body.insert("additionalModelResponseFields".to_owned(), fields);
        }
    }
}

impl Tokens {
    /// Prompt tokens that were read from the cache or written to it.
    pub(super) fn cached(&self) -> u64 {
        self.cache_read + self.cache_write_5m + self.cache_write_1h
    }

    /// Bedrock's `totalTokens`.
    pub fn total(&self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }

    /// The closing event.
    pub(super) fn metadata(&self, served: &Served, latency_ms: u64) -> RawEvent {
        let mut payload = Map::new();
        payload.insert("metrics".to_owned(), json!({"latencyMs": latency_ms}));
        served.write(&mut payload);
        payload.insert("usage".to_owned(), self.wire());
        RawEvent::new("metadata", payload.into())
    }

    /// `usage` as recorded from the real service: cache fields twice under two names, details only on writes.
    fn wire(&self) -> Value {
        let write = self.cache_write_5m + self.cache_write_1h;
        let mut usage = Map::new();
        let mut set = |name: &str, value: Value| usage.insert(name.to_owned(), value);
        let kinds = [("1h", self.cache_write_1h), ("5m", self.cache_write_5m)];
        let details: Vec<Value> = kinds
            .iter()
            .filter(|(_, tokens)| *tokens > 0)
            .map(|(ttl, tokens)| json!({"inputTokens": tokens, "ttl": ttl}))
            .collect();
        if !details.is_empty() {
            set("cacheDetails", json!(details));
        }
        if self.cache_read + write > 0 {
            set("cacheReadInputTokenCount", json!(self.cache_read));
            set("cacheReadInputTokens", json!(self.cache_read));
            set("cacheWriteInputTokenCount", json!(write));
            set("cacheWriteInputTokens", json!(write));
        }
        set("inputTokens", json!(self.input));
        set("outputTokens", json!(self.output));
        set("serverToolUsage", json!({}));
        set("totalTokens", json!(self.total()));
        Value::Object(usage)
    }
}

/// A block as Converse's messages have it.
pub(super) fn content_block(block: &Block, signature: &str) -> Option<Value> {
    Some(match block {
        Block::Text(text) => json!({"text": text}),
        Block::Thinking(text) => {
            json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}})
        }
        Block::Reasoning(text) => json!({"reasoningContent": {"reasoningText": {"text": text}}}),
        Block::Redacted(data) => json!({"reasoningContent": {"redactedContent": data}}),
        Block::ToolUse { id, name, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
            json!({"toolUse": {"input": input, "name": name, "toolUseId": id}})
        }
        Block::Native(_) => return None,
    })
}

/// Words with the white space before them: what a model's tokens look like from outside.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(0);
        let end = rest
            .char_indices()
            .find(|(at, c)| *at > word && c.is_whitespace())
            .map_or(rest.len(), |(at, _)| at);
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// A tool's arguments in short pieces. As on the real wire the first one is empty; a tool without arguments has
/// only that one.
pub(super) fn fragments(input: &str) -> Vec<String> {
    let letters: Vec<char> = input.chars().collect();
    let mut fragments = vec![String::new()];
    fragments.extend(letters.chunks(12).map(|piece| piece.iter().collect()));
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_fragments_lose_nothing() {
        for text in ["", "one", " two  words\n", "\n\n", "ends with space "] {
            assert_eq!(pieces(text).concat(), text);
            assert_eq!(fragments(text).concat(), text);
        }
    }

    #[test]
    fn total_tokens_are_the_sum_of_the_kinds_and_details_come_with_writes() {
        let usage = Tokens {
            input: 3,
            output: 61,
            cache_read: 2074,
            cache_write_5m: 297,
            cache_write_1h: 0,
        };
        let wire = usage.wire();
        assert_eq!(wire["totalTokens"], 2435);
        assert_eq!(
            wire["cacheDetails"],
            json!([{"inputTokens": 297, "ttl": "5m"}])
        );
        assert!(Tokens::default().wire().get("cacheDetails").is_none());
    }
}
