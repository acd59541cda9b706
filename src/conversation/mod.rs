//! The domain: what a client asks of a model and what the model says, as plain data.
//!
//! Every wire format is a translation to and from these types: `openai/`, `responses/` and `anthropic/` towards
//! clients, `bedrock/` towards the model. Nothing here knows JSON field names (but for Claude's own blocks, `native`),
//! HTTP or an SDK type, and nothing here does I/O.

mod event;
mod fold;
mod media;
mod native;
mod request;
mod service;
mod summary;
mod usage;

pub use event::{Citation, Event, Place, StopReason, Unit};
pub use fold::{Fold, NativeReply, Reply, ReplyPart};
pub use media::{Document, DocumentFormat, Image, ImageFormat};
pub use native::{NativeBlock, NativeEvent, NativeFields, NativeRequest, NativeStart};
pub use request::{
    CacheTtl, Effort, Part, Request, Role, Sampling, Thinking, ThinkingBlock, Tool, ToolCall,
    ToolChoice, ToolResult, Turn, estimated_bytes, json_len,
};
pub use service::{AnswerFormat, AnswerSchema, Service};
pub use summary::{is_summary, summary_turn};
pub use usage::Usage;
