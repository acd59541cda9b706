//! What a client asks: turns of parts, the tools it offers, how to sample and how hard to think.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{AnswerFormat, Document, Image, NativeBlock, NativeFields, NativeRequest, Service};

/// One request, free of any wire format. It is planned anew for every target of a chain (see `bedrock/plan`), so
/// nothing in it depends on what a particular model can do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The leading system and developer messages, in order: text and cache marks only.
    pub system: Vec<Part>,
    /// Everything after them. Roles need not alternate: joining turns is part of planning.
    pub turns: Vec<Turn>,
    /// The tools the model may call, in the client's order (the order is part of the prompt cache's key).
    pub tools: Vec<Tool>,
    /// Whether and which tool the model must call.
    pub tool_choice: ToolChoice,
    /// `Some(false)` asks for at most one tool call in a turn.
    pub parallel_tool_calls: Option<bool>,
    /// Arguments of tool calls are to come while the model writes them, unchecked, where it would hold them back until
    /// they are whole. The client reads the stream, and does not mind.
    pub eager_tool_input: bool,
    /// Length, randomness and stop sequences.
    pub sampling: Sampling,
    /// How hard the model should think before it answers; `None` leaves it to the deployment and the model.
    pub thinking: Option<Thinking>,
    /// How much work an answer is worth, with or without thinking.
    pub effort: Option<Effort>,
    /// What the answer must look like.
    pub format: AnswerFormat,
    /// What is asked of the service around the model.
    pub service: Service,
    /// The model is to have its window of a million tokens, where that has to be asked for.
    pub long_context: bool,
    /// Fields that go to the model untouched (`additionalModelRequestFields` on Bedrock).
    pub model_fields: Map<String, Value>,
    /// What else a request in Claude's own format says; `None`: it came in another.
    pub native: Option<Arc<NativeRequest>>,
}

/// The speaker of a [`Turn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A system or developer message that came after the first turn.
    System,
    /// The user; tool results are parts of a user's turn.
    User,
    /// The model.
    Assistant,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The speaker.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// Fields of the message beside these two.
    pub native: NativeFields,
}

impl Turn {
    /// A turn of these parts.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            native: None,
        }
    }
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Plain text; may be empty or white space as the client sent it.
    Text(String),
    /// A picture.
    Image(Image),
    /// A document.
    Document(Document),
    /// A call of a tool, in an assistant's turn.
    ToolCall(ToolCall),
    /// What a tool answered, in a user's turn.
    ToolResult(ToolResult),
    /// The model's own thinking, replayed by the client, in an assistant's turn.
    Thinking(ThinkingBlock),
    /// A block that only Claude's own format has.
    Native(Arc<NativeBlock>),
    /// The client asks that everything up to here be cached.
    CacheMark(CacheTtl),
}

/// How long a cached prefix is kept by Bedrock after its last use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum CacheTtl {
    /// Five minutes: every caching model has it.
    #[default]
    FiveMinutes,
    /// One hour, at a higher write price; only some models have it.
    OneHour,
}

/// A call of a tool by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The id by which a [`ToolResult`] refers to this call.
    pub id: String,
    /// The tool's name as the client knows it.
    pub name: String,
    /// The arguments: a JSON object.
    pub input: Value,
    /// Fields of the call beside these.
    pub native: NativeFields,
}

/// The answer to a [`ToolCall`].
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// Id of the call that is answered.
    pub id: String,
    /// Text, pictures and documents.
    pub content: Vec<Part>,
    /// The tool failed, as far as the client says.
    pub is_error: bool,
    /// Fields of the result beside these.
    pub native: NativeFields,
}

/// A block of thinking as the model produced it. Bedrock verifies the signature, so blocks go back byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThinkingBlock {
    /// Readable thinking with its signature; without one it cannot be sent back.
    Signed {
        /// The thinking itself, possibly summarised by the provider.
        text: String,
        /// The provider's proof that the text is its own.
        signature: String,
    },
    /// Thinking that the provider encrypted.
    Redacted(Bytes),
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// The name as the client knows it.
    pub name: String,
    /// What the tool does; may be empty.
    pub description: String,
    /// JSON Schema of the arguments.
    pub schema: Arc<Value>,
    /// The arguments must match the schema exactly, where the model can be held to it.
    pub strict: bool,
    /// The client asks that the tools up to this one be cached.
    pub cache: Option<CacheTtl>,
    /// Its `type` in Claude's own format, where Claude or the service behind it has learned what the tool is; `None`: it
    /// is what its description and schema say.
    pub kind: Option<String>,
    /// Fields of the definition beside these.
    pub native: NativeFields,
}

/// Whether and which tool the model must call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// No tool may be called, though tools may appear in the history.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Named(String),
}

/// Length, randomness and stop sequences. `None` everywhere means: not said by the client.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sampling {
    /// Upper bound of the answer, thinking included, in tokens.
    pub max_tokens: Option<u32>,
    /// Randomness; OpenAI allows up to 2, Claude up to 1.
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    pub top_p: Option<f32>,
    /// Sampling from the k likeliest tokens.
    pub top_k: Option<u32>,
    /// Strings that end the answer.
    pub stop: Vec<String>,
}

/// How hard the model should think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Off,
    /// At most so many tokens (`thinking: {type: enabled, budget_tokens}`).
    Budget(u32),
    /// As the model sees fit (`thinking: {type: adaptive}`), with an effort if given.
    Adaptive(Option<Effort>),
    /// OpenAI's `reasoning_effort`.
    Effort(Effort),
}

impl Thinking {
    /// Whether there is to be any.
    pub fn is_wanted(self) -> bool {
        self != Thinking::Off
    }
}

/// How much work a model should put into an answer, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

impl Request {
    /// The prompt's length in tokens, judged at four bytes each and a flat figure for a picture. An estimate for
    /// limits and for usage that Bedrock did not report, never for a bill that it did.
    pub fn estimated_prompt_tokens(&self) -> u64 {
        (estimated_bytes(&self.system, &self.turns, &self.tools) / 4) as u64
    }
}

/// A prompt's length in bytes of text, near enough; a picture counts by its tokens.
pub fn estimated_bytes(system: &[Part], turns: &[Turn], tools: &[Tool]) -> usize {
    let tools = tools.iter().map(Tool::estimated_bytes);
    let turns = turns.iter().flat_map(|turn| &turn.parts);
    let parts = system.iter().chain(turns).map(Part::estimated_bytes);
    tools.chain(parts).sum()
}

impl Tool {
    /// Whether it is left out of the prompt until the model finds it (`defer_loading`). Only Claude's own format has it.
    pub fn is_deferred(&self) -> bool {
        let fields = self.native.as_deref();
        let field = fields.and_then(|fields| fields.get("defer_loading"));
        field.is_some_and(|deferred| deferred == true)
    }

    /// The definition's length in bytes of text, near enough.
    pub fn estimated_bytes(&self) -> usize {
        let native = self.native.as_ref().map_or(0, |fields| json_len_of(fields));
        self.name.len() + self.description.len() + json_len(&self.schema) + native
    }
}

impl Part {
    /// The part's length in bytes of text, near enough; a picture counts by its tokens.
    pub fn estimated_bytes(&self) -> usize {
        /// About 1,600 tokens: Claude's figure for a picture of a megapixel or more.
        const PICTURE: usize = 6_400;
        /// Most of a PDF or an office file is not text: a page of it is some 50 kB and some 1,600 tokens.
        const PACKED: usize = 8;
        match self {
            Part::Text(text) => text.len(),
            Part::Image(_) => PICTURE,
            Part::Document(document) if document.text().is_some() => document.bytes.len(),
            Part::Document(document) => document.bytes.len() / PACKED,
            Part::ToolCall(call) => call.name.len() + json_len(&call.input),
            Part::ToolResult(result) => result.content.iter().map(Part::estimated_bytes).sum(),
            Part::Thinking(ThinkingBlock::Signed { text, .. }) => text.len(),
            Part::Thinking(ThinkingBlock::Redacted(data)) => data.len(),
            Part::Native(block) => {
                let part = block.part.as_ref().map_or(0, Part::estimated_bytes);
                part + json_len_of(&block.fields)
            }
            Part::CacheMark(_) => 0,
        }
    }
}

/// The length of a JSON value's text, near enough, without writing it.
pub fn json_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| json_len(item) + 1).sum::<usize>() + 2,
        Value::Object(fields) => json_len_of(fields),
    }
}

fn json_len_of(fields: &Map<String, Value>) -> usize {
    let fields = fields.iter();
    let lengths = fields.map(|(key, value)| key.len() + 4 + json_len(value));
    lengths.sum::<usize>() + 2
}
