//! Fields of OpenAI's wires that are understood and cannot be honoured, and unknown fields.
//!
//! What is bookkeeping of clients is skipped in silence. What an answer can do without is named. What would change the
//! answer is refused, unless the request or the configuration says that it is to be ignored (`drop_params`).

use serde_json::Value;

use crate::wire::DroppedFields;

/// Bookkeeping of clients, of routers and of LiteLLM: it changes no answer of this gateway.
const HARMLESS: [&str; 36] = [
    "allowed_openai_params",
    "api_base",
    "api_key",
    "api_version",
    "base_url",
    "cache",
    "caching",
    "client_metadata",
    "cost_per_token",
    "custom_llm_provider",
    "include",
    "include_reasoning",
    "input_cost_per_token",
    "litellm_call_id",
    "litellm_logging_obj",
    "litellm_metadata",
    "litellm_trace_id",
    "max_retries",
    "models",
    "modify_params",
    "no-log",
    "output_cost_per_token",
    "prediction",
    "provider",
    "provider_specific_fields",
    "request_timeout",
    "route",
    "safety_identifier",
    "session_id",
    "store",
    "tool_stream",
    "trace_id",
    "transforms",
    "usage",
    "verbosity",
    "xai_search",
];

/// Whether a field that the wire's types do not have must be spoken about.
pub(crate) fn is_unknown(field: &str) -> bool {
    !HARMLESS.contains(&field)
}

/// Whether a field asks for something that is not done here.
pub(crate) fn is_asked(field: &str, value: Option<&Value>) -> bool {
    value.is_some_and(|value| !asks_for_nothing(field, value))
}

/// Names those of the fields that ask for something, where an answer without it is still an answer.
pub(crate) fn name(fields: &[(&str, &Option<Value>)], dropped: &mut DroppedFields) {
    for (field, value) in fields {
        if is_asked(field, value.as_ref()) {
            dropped.add(field);
        }
    }
}

/// Whether `value` asks for nothing: what the field's default does anyway.
fn asks_for_nothing(field: &str, value: &Value) -> bool {
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
        Value::Object(fields) => {
            const EMPTY_IS_NOTHING: [&str; 5] = [
                "logit_bias",
                "guardrails",
                "context_management",
                "chat_template_kwargs",
                "extra_body",
            ];
            // Anthropic's `context_management` is a list of edits in an object.
            let is_empty_list = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
            let is_empty = fields.is_empty()
                || field == "context_management" && fields.values().all(is_empty_list);
            is_empty && EMPTY_IS_NOTHING.contains(&field)
        }
        Value::Array(items) => match field {
            "modalities" => items.iter().all(|item| item == "text"),
            _ => items.is_empty() && matches!(field, "guardrails" | "context_management"),
        },
        Value::String(word) => matches!(
            (field, word.as_str()),
            ("truncation", "disabled") | ("prompt_cache_retention", "in_memory" | "in-memory")
        ),
        Value::Bool(true) => false,
    }
}
