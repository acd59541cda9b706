//! `usage`.

use serde::Serialize;

use crate::conversation::Usage;
use crate::wire::CacheCreation;

/// The tokens of a response.
#[derive(Debug, Serialize)]
pub(super) struct ResponsesUsage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: ResponsesOutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation_token_details: Option<CacheCreation>,
}

#[derive(Debug, Serialize)]
struct ResponsesOutputDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for ResponsesUsage {
    /// `input_tokens` includes what was read from and written to the cache.
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.prompt(),
            input_tokens_details: InputDetails {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write(),
                cache_creation_token_details: CacheCreation::some(usage),
            },
            output_tokens: usage.output,
            output_tokens_details: ResponsesOutputDetails {
                reasoning_tokens: usage.reasoning.unwrap_or(0),
            },
            total_tokens: usage.total(),
        }
    }
}
