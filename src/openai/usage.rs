//! `usage`, with the fields of both styles: OpenAI's details, which current Cline reads, and Anthropic's top-level
//! cache fields, which classic Cline reads.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::conversation::Usage;
use crate::wire::CacheCreation;

/// `usage` of a reply or of the last chunk.
#[derive(Debug, Serialize)]
pub(super) struct ChatUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    /// US dollars; left out where the price is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation_token_details: Option<CacheCreation>,
}

#[derive(Debug, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl ChatUsage {
    /// `prompt_tokens` includes what was read from and written to the cache.
    pub(super) fn new(usage: &Usage, cost: Option<Decimal>) -> Self {
        Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.output,
            total_tokens: usage.total(),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write(),
                cache_creation_token_details: CacheCreation::some(usage),
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning.unwrap_or(0),
            },
            cache_creation_input_tokens: usage.cache_write(),
            cache_read_input_tokens: usage.cache_read,
            cost: cost.and_then(exact),
        }
    }
}

/// The decimal as a JSON number, digit by digit: a float would not be exact.
fn exact(amount: Decimal) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.normalize().to_string()).ok()
}
