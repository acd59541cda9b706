//! `usage`: the four kinds of tokens side by side, as Bedrock counts them too.

use serde::Serialize;

use crate::conversation::Usage;
use crate::wire::CacheCreation;

/// `usage` of a message, of its beginning (an estimate of the prompt: Bedrock counts at the end) and of its end.
#[derive(Debug, Serialize)]
pub(super) struct WireUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl From<&Usage> for WireUsage {
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input,
            cache_creation_input_tokens: usage.cache_write(),
            cache_read_input_tokens: usage.cache_read,
            cache_creation: usage.into(),
            output_tokens: usage.output,
            output_tokens_details: usage
                .reasoning
                .map(|thinking_tokens| OutputDetails { thinking_tokens }),
        }
    }
}
