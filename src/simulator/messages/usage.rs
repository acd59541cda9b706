//! What an answer cost, as Claude's own API says it. Older models say less.

use serde_json::{Map, Value, json};

use super::{super::Tokens, Claude};

/// Where usage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsageOf {
    /// `message_start`: the prompt is counted, the answer has only begun.
    Start,
    /// `message_delta`: older models count the answer alone there.
    Delta,
    /// A whole answer.
    MessageReply,
}

/// `usage`; `thinking` are the answer's tokens that are thinking.
pub(super) fn usage(
    tokens: Tokens,
    thinking: u64,
    tier: Option<&str>,
    claude: Claude<'_>,
    of: UsageOf,
) -> Map<String, Value> {
    let mut usage = Map::new();
    let mut set = |name: &str, value: Value| usage.insert(name.to_owned(), value);
    if of != UsageOf::Delta || claude.is_new() {
        set("input_tokens", json!(tokens.input));
        if claude.0.abilities.caching.is_some() {
            let written = tokens.cache_write_5m + tokens.cache_write_1h;
            set("cache_creation_input_tokens", json!(written));
            set("cache_read_input_tokens", json!(tokens.cache_read));
            if claude.since_4_5() && of != UsageOf::Delta {
                let split = json!({
                    "ephemeral_5m_input_tokens": tokens.cache_write_5m,
                    "ephemeral_1h_input_tokens": tokens.cache_write_1h,
                });
                set("cache_creation", split);
            }
        }
    }
    let output = match of {
        UsageOf::Start => tokens.output.min(1),
        _ => tokens.output,
    };
    set("output_tokens", json!(output));
    if claude.is_new() {
        if of != UsageOf::Start {
            set(
                "output_tokens_details",
                json!({"thinking_tokens": thinking}),
            );
        }
        if of != UsageOf::Delta {
            let tier = tier.filter(|tier| *tier != "default").unwrap_or("standard");
            set("service_tier", json!(tier));
        }
    }
    usage
}

/// `amazon-bedrock-invocationMetrics` of the last event of older models.
pub(super) fn metrics(tokens: Tokens, latency_ms: u64) -> Value {
    let mut metrics = json!({
        "inputTokenCount": tokens.input,
        "outputTokenCount": tokens.output,
        "invocationLatency": latency_ms,
        "firstByteLatency": latency_ms.min(250),
    });
    if tokens.cached() > 0
        && let Some(fields) = metrics.as_object_mut()
    {
        let written = tokens.cache_write_5m + tokens.cache_write_1h;
        fields.insert(
            "cacheReadInputTokenCount".to_owned(),
            json!(tokens.cache_read),
        );
        fields.insert("cacheWriteInputTokenCount".to_owned(), json!(written));
    }
    metrics
}
