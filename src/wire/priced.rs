//! The body of `POST /spend/calculate`: what is to be priced.
//!
//! The tokens are those of a reply of any wire: the whole reply as `completion_response` or as the body itself, or its
//! `usage` alone.

use serde::Deserialize;

use super::{ApiError, read};
use crate::conversation::Usage;

/// What is to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The model that answered, or would.
    pub model: String,
    /// The tokens; `None`: of the body's messages or input.
    pub usage: Option<Usage>,
    /// The service tier that was paid.
    pub tier: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body {
    completion_response: Option<WireReply>,
    messages: Option<serde::de::IgnoredAny>,
    input: Option<serde::de::IgnoredAny>,
    // Of a body that is a reply itself.
    model: Option<String>,
    usage: Option<WireUsage>,
    service_tier: Option<String>,
}

/// What of a reply says its price.
#[derive(Deserialize)]
#[serde(expecting = "a reply (an object)")]
struct WireReply {
    model: Option<String>,
    usage: Option<WireUsage>,
    service_tier: Option<String>,
}

/// Usage of any wire.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "the usage of a reply (an object)")]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<Details>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<Written>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_creation_tokens: Option<u64>,
    cache_creation_token_details: Option<Written>,
}

/// Tokens written to the cache, by how long they are kept.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

impl Written {
    fn total(&self) -> u64 {
        let hour = self.ephemeral_1h_input_tokens.unwrap_or(0);
        (self.ephemeral_5m_input_tokens.unwrap_or(0)).saturating_add(hour)
    }
}

/// What replies call the tier that costs nothing more or less, beside Bedrock's own word.
const ORDINARY: [&str; 2] = ["auto", "standard"];

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
        let is_prompt = body.messages.is_some() || body.input.is_some();
        let reply = match body.completion_response {
            Some(reply) => {
                if reply.usage.is_none() {
                    let param = "completion_response.usage";
                    return Err(missing(param, "the tokens of the reply"));
                }
                reply
            }
            None if body.usage.is_none() && !is_prompt => {
                return Err(missing("completion_response", "or 'usage' or 'messages'"));
            }
            None => WireReply {
                model: None,
                usage: body.usage,
                service_tier: body.service_tier,
            },
        };
        let model = reply.model.or(body.model);
        Ok(Self {
            model: model.ok_or_else(|| missing("model", "the model's name"))?,
            usage: reply.usage.map(WireUsage::billed),
            tier: reply
                .service_tier
                .filter(|tier| !ORDINARY.contains(&tier.as_str())),
        })
    }
}

impl WireUsage {
    /// The prompt's tokens include what was read from and written to the cache, but for the Messages wire, which
    /// counts them side by side.
    fn billed(self) -> Usage {
        let side_by_side = self.prompt_tokens.is_none() && self.input_tokens_details.is_none();
        let details = self.prompt_tokens_details.or(self.input_tokens_details);
        let details = details.unwrap_or_default();
        let by_time = self.cache_creation.or(details.cache_creation_token_details);
        let by_time = by_time.unwrap_or_default();
        let read = self.cache_read_input_tokens.or(details.cached_tokens);
        let read = read.unwrap_or(0);
        let written = self
            .cache_creation_input_tokens
            .or(details.cache_write_tokens)
            .or(details.cache_creation_tokens)
            .unwrap_or_else(|| by_time.total());
        let for_an_hour = by_time.ephemeral_1h_input_tokens.unwrap_or(0).min(written);
        let prompt = self.prompt_tokens.or(self.input_tokens).unwrap_or(0);
        let cached = if side_by_side {
            0
        } else {
            read.saturating_add(written)
        };
        Usage {
            input: prompt.saturating_sub(cached),
            output: self.completion_tokens.or(self.output_tokens).unwrap_or(0),
            cache_read: read,
            cache_write_5m: written - for_an_hour,
            cache_write_1h: for_an_hour,
            ..Usage::default()
        }
    }
}
