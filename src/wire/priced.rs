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
struct CalculateBody {
    completion_response: Option<WireReply>,
    messages: Option<serde::de::IgnoredAny>,
    input: Option<serde::de::IgnoredAny>,
    // Of a body that is a reply itself.
    model: Option<String>,
    usage: Option<AnyWireUsage>,
    service_tier: Option<String>,
}

/// What of a reply says its price.
#[derive(Deserialize)]
#[serde(expecting = "a reply (an object)")]
struct WireReply {
    model: Option<String>,
    usage: Option<AnyWireUsage>,
    service_tier: Option<String>,
}

/// Usage of any wire.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "the usage of a reply (an object)")]
struct AnyWireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<Details>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<PricedBody>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_creation_tokens: Option<u64>,
    cache_creation_token_details: Option<PricedBody>,
}

/// Tokens written to the cache, by how long they are kept.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PricedBody {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

impl PricedBody {
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
        let body: CalculateBody = read(body)?;
        let missing = |param: &str, what: &str| ApiError::missing_value(param, what);
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
            usage: reply.usage.map(AnyWireUsage::billed),
            tier: reply
                .service_tier
                .filter(|tier| !ORDINARY.contains(&tier.as_str())),
        })
    }
}

impl AnyWireUsage {
    /// The prompt's tokens include what was read from and written to the cache, but for the Messages wire, which
    /// counts them side by side. Replies that carry the names of two wires have zeros under those of the wrong one, so
    /// the larger of two counts of one thing holds.
    fn billed(self) -> Usage {
        let side_by_side =
            self.prompt_tokens.unwrap_or(0) == 0 && self.input_tokens_details.is_none();
        let of_chat = self.prompt_tokens_details.unwrap_or_default();
        let of_responses = self.input_tokens_details.unwrap_or_default();
        let splits = [
            self.cache_creation,
            of_chat.cache_creation_token_details,
            of_responses.cache_creation_token_details,
        ];
        let splits = splits.into_iter().flatten();
        let split = splits.max_by_key(PricedBody::total).unwrap_or_default();
        let read = most([
            self.cache_read_input_tokens,
            of_chat.cached_tokens,
            of_responses.cached_tokens,
        ]);
        let written = most([
            self.cache_creation_input_tokens,
            of_chat.cache_write_tokens,
            of_chat.cache_creation_tokens,
            of_responses.cache_write_tokens,
            of_responses.cache_creation_tokens,
            Some(split.total()),
        ]);
        let for_an_hour = split.ephemeral_1h_input_tokens.unwrap_or(0);
        let prompt = most([self.prompt_tokens, self.input_tokens]);
        let cached = if side_by_side {
            0
        } else {
            read.saturating_add(written)
        };
        Usage {
            input: prompt.saturating_sub(cached),
            output: most([self.completion_tokens, self.output_tokens]),
            cache_read: read,
            cache_write_5m: written.saturating_sub(for_an_hour),
            cache_write_1h: for_an_hour,
            ..Usage::default()
        }
    }
}

/// The largest of the counts that are there.
fn most<const N: usize>(counts: [Option<u64>; N]) -> u64 {
    counts.into_iter().flatten().max().unwrap_or(0)
}
