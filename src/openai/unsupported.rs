//! Fields that are understood and cannot be honoured, and fields that nobody knows.
//!
//! What clients send out of habit and what is bookkeeping of theirs is skipped in silence. What would change the answer
//! is never dropped in silence unless the request or the configuration says so (`drop_params`).

use serde_json::Value;

/// Bookkeeping of clients, of routers and of LiteLLM: it changes no answer of this gateway.
const HARMLESS: [&str; 52] = [
    "allowed_openai_params",
    "api_base",
    "api_key",
    "api_version",
    "base_url",
    "cache",
    "caching",
    "chat_template_kwargs",
    "client_metadata",
    "context_management",
    "cost_per_token",
    "custom_llm_provider",
    "drop_params",
    "enable_thinking",
    "fallbacks",
    "include",
    "include_reasoning",
    "input_cost_per_token",
    "litellm_call_id",
    "litellm_logging_obj",
    "litellm_metadata",
    "litellm_session_id",
    "litellm_trace_id",
    "max_retries",
    "metadata",
    "mock_response",
    "models",
    "modify_params",
    "no-log",
    "num_retries",
    "output_cost_per_token",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "provider",
    "provider_specific_fields",
    "request_timeout",
    "route",
    "safety_identifier",
    "session_id",
    "store",
    "stream_timeout",
    "text",
    "timeout",
    "tool_stream",
    "trace_id",
    "transforms",
    "truncation",
    "usage",
    "user",
    "verbosity",
    "xai_search",
];

/// Whether a field that the wire's types do not have must be spoken about.
pub(super) fn is_unknown(field: &str) -> bool {
    !HARMLESS.contains(&field)
}

/// Whether `value` asks for nothing: what the field's default does anyway.
pub(super) fn asks_for_nothing(field: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => {
            let neutral = if field == "repetition_penalty" {
                1.0
            } else {
                0.0
            };
            field != "seed" && number.as_f64() == Some(neutral)
        }
        Value::Object(fields) => fields.is_empty() && matches!(field, "logit_bias" | "guardrails"),
        Value::Array(items) => match field {
            "modalities" => items.iter().all(|item| item == "text"),
            _ => field == "guardrails" && items.is_empty(),
        },
        _ => false,
    }
}
