//! `usage`: the four kinds of tokens side by side, as Bedrock counts them too.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::conversation::Usage;
use crate::wire::CacheCreation;

/// `usage` of a message, of its beginning (an estimate of the prompt: Bedrock counts at the end) and of its end.
#[derive(Debug, Serialize)]
pub(super) struct MessagesUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<MessagesOutputDetails>,
    /// What Claude says beyond these.
    #[serde(flatten)]
    native: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct MessagesOutputDetails {
    thinking_tokens: u64,
}

impl From<&Usage> for MessagesUsage {
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input,
            cache_creation_input_tokens: usage.cache_write(),
            cache_read_input_tokens: usage.cache_read,
            cache_creation: usage.into(),
            output_tokens: usage.output,
            output_tokens_details: usage
                .reasoning
                .map(|thinking_tokens| MessagesOutputDetails { thinking_tokens }),
            native: Map::new(),
        }
    }
}

impl MessagesUsage {
    /// Adds what Claude says of its usage in its own format.
    pub(super) fn add(&mut self, native: Map<String, Value>) {
        self.native.extend(native);
    }
}
