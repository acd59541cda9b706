//! The body of `POST /spend/calculate`: what is to be priced.

use serde::Deserialize;

use crate::conversation::Usage;
use crate::wire::{ApiError, read};

/// What is to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The model that answered, or would.
    pub model: String,
    /// The tokens; `None`: of the body's messages.
    pub usage: Option<Usage>,
    /// The service tier that was paid.
    pub tier: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body {
    model: Option<String>,
    completion_response: Option<Response>,
    messages: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object such as a reply of /chat/completions")]
struct Response {
    model: Option<String>,
    usage: Option<WireUsage>,
    service_tier: Option<String>,
}

/// Usage in OpenAI's names and Anthropic's, as the gateway itself writes it.
#[derive(Default, Deserialize)]
#[serde(
    default,
    expecting = "an object with prompt_tokens and completion_tokens"
)]
struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_creation_tokens: Option<u64>,
    cache_creation_token_details: Option<Written>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    ephemeral_1h_input_tokens: u64,
}

impl Priced {
    /// Reads a body. The error names the field that was wrong.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let body: Body = read(body)?;
        let missing = |param: &str, what: &str| {
            ApiError::bad_request(
                format!("Missing required parameter: '{param}' ({what})."),
                param,
            )
        };
        let (of_response, usage, tier) = match body.completion_response {
            None if body.messages.is_none() => {
                return Err(missing("completion_response", "or 'messages'"));
            }
            None => (None, None, None),
            Some(response) => {
                let usage = response.usage.ok_or_else(|| {
                    missing("completion_response.usage", "the tokens of the reply")
                })?;
                (response.model, Some(usage.billed()), response.service_tier)
            }
        };
        let model = of_response
            .or(body.model)
            .ok_or_else(|| missing("model", "the model's name"))?;
        Ok(Self { model, usage, tier })
    }
}

impl WireUsage {
    /// `prompt_tokens` includes what was read from and written to the cache.
    fn billed(self) -> Usage {
        let details = self.prompt_tokens_details.unwrap_or_default();
        let read = self.cache_read_input_tokens.or(details.cached_tokens);
        let written = self
            .cache_creation_input_tokens
            .or(details.cache_write_tokens)
            .or(details.cache_creation_tokens)
            .unwrap_or(0);
        let for_an_hour = details
            .cache_creation_token_details
            .map_or(0, |written| written.ephemeral_1h_input_tokens)
            .min(written);
        let read = read.unwrap_or(0);
        Usage {
            input: (self.prompt_tokens)
                .saturating_sub(read)
                .saturating_sub(written),
            output: self.completion_tokens,
            cache_read: read,
            cache_write_5m: written - for_an_hour,
            cache_write_1h: for_an_hour,
            ..Usage::default()
        }
    }
}
