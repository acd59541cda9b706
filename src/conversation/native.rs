//! What only Claude's own Messages format has words for. It travels untouched to a model that is asked in that format,
//! and something else stands in its place for any other.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Part, Usage};

/// Fields of something that the domain has, which the domain has not; `None`: there are none.
pub type NativeFields = Option<Arc<Map<String, Value>>>;

/// A content block of which the domain has a part at most.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeBlock {
    /// Its type.
    pub kind: String,
    /// What the domain has of it; `None`: `fields` are the whole block, and where there are none, Claude on Bedrock has
    /// nothing in its place.
    pub part: Option<Part>,
    /// The fields that `part` has not, without the mark for the cache: that is a part of its own.
    pub fields: Map<String, Value>,
    /// What stands in its place in another format.
    pub instead: Vec<Part>,
    /// What is lost there of what it says, by names that may stand in a header.
    pub lost_elsewhere: Vec<String>,
}

/// What a request says beside its conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NativeRequest {
    /// Fields of the body, and of objects of settings in it, that the domain has not.
    pub fields: Map<String, Value>,
    /// The betas that the client asks for, by header or body.
    pub betas: Vec<String>,
    /// What of all this is lost where the format is another, by the names that the client knows.
    pub lost_elsewhere: Vec<String>,
}

/// Something of an answer for which no other event has a place.
#[derive(Debug, Clone, PartialEq)]
pub enum NativeEvent {
    /// The answer begins. Comes before anything that a client sees.
    Start(Box<NativeStart>),
    /// A block of a kind that the domain has not begins, with these fields.
    BlockStart(Map<String, Value>),
    /// A piece of the block under way, whichever it is.
    BlockDelta(Map<String, Value>),
    /// The block under way is whole.
    BlockStop,
    /// Fields of the answer's end, beside its stop reason and usage.
    MessageFields(Map<String, Value>),
    /// Fields of the `delta` that ends the answer, beside its stop reason.
    StopFields(Map<String, Value>),
    /// Fields of the end's usage beside those that every answer has.
    UsageFields(Map<String, Value>),
    /// An event of an unknown type.
    Other(Map<String, Value>),
}

/// What is said of an answer as it begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NativeStart {
    /// The prompt's tokens; `None`: they were not counted.
    pub usage: Option<Usage>,
    /// Further fields of the answer.
    pub message: Map<String, Value>,
    /// Further fields of its usage.
    pub usage_fields: Map<String, Value>,
}

impl NativeEvent {
    /// Whether a client sees anything of it before the answer ends.
    pub fn is_visible(&self) -> bool {
        matches!(self, Self::BlockStart(_) | Self::BlockDelta(_))
    }
}
