//! The keys that a struct of the schema knows, and the keys of LiteLLM that have no effect here.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// The keys that a struct of the schema reads, aliases included.
pub(super) fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // A derived reader hands its fields to the deserializer, which keeps them and then fails.
    let _ = T::deserialize(AskForFields(&mut fields));
    fields
}

struct AskForFields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for AskForFields<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(Error::custom("asked"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Keys of LiteLLM that are understood, and why they have no effect. Keyed by section; `""` is the top level.
const KEYS_WITHOUT_EFFECT: &[(&str, &str, &str)] = &[
    ("", "openapi", "the API describes itself"),
    (
        "general_settings",
        "disable_user_auth",
        "authentication stays on",
    ),
    (
        "general_settings",
        "openai_api_base",
        "every route answers with and without /v1",
    ),
    (
        "general_settings",
        "database_url",
        "spend is recorded in DynamoDB",
    ),
    (
        "general_settings",
        "store_model_in_db",
        "models come from this file",
    ),
    (
        "general_settings",
        "proxy_batch_write_at",
        "every record is written at once",
    ),
    (
        "general_settings",
        "database_connection_pool_limit",
        "there is no SQL database",
    ),
    (
        "general_settings",
        "allow_requests_on_db_unavailable",
        "requests are always served",
    ),
    (
        "general_settings",
        "dangerously_allow_mock_testing_request_params",
        "they are always allowed",
    ),
    (
        "general_settings",
        "user_api_key_cache_ttl",
        "keys are read again after 60 s",
    ),
    (
        "litellm_settings",
        "modify_params",
        "requests are always made fit for the model",
    ),
    (
        "litellm_settings",
        "enable_anthropic_prompt_caching",
        "caching is planned for every model that can; see prompt_caching",
    ),
    (
        "litellm_settings",
        "include_cost_in_streaming_usage",
        "the cost is in the headers and in the spend records",
    ),
    ("litellm_settings", "callbacks", "there are no callbacks"),
    (
        "litellm_settings",
        "success_callback",
        "there are no callbacks",
    ),
    (
        "litellm_settings",
        "failure_callback",
        "there are no callbacks",
    ),
    ("litellm_settings", "cache", "answers are not cached"),
    ("litellm_settings", "cache_params", "answers are not cached"),
    (
        "litellm_settings",
        "turn_off_message_logging",
        "prompts are never logged",
    ),
    ("litellm_settings", "telemetry", "there is none"),
    (
        "router_settings",
        "routing_strategy",
        "siblings are chosen by weight",
    ),
    (
        "router_settings",
        "routing_strategy_args",
        "siblings are chosen by weight",
    ),
    (
        "router_settings",
        "enable_pre_call_checks",
        "limits are always checked",
    ),
    (
        "router_settings",
        "redis_host",
        "cooldowns are shared through DynamoDB",
    ),
    (
        "router_settings",
        "redis_port",
        "cooldowns are shared through DynamoDB",
    ),
    (
        "router_settings",
        "redis_password",
        "cooldowns are shared through DynamoDB",
    ),
    ("litellm_params", "max_budget", "budgets belong to keys"),
    (
        "litellm_params",
        "budget_duration",
        "budgets belong to keys",
    ),
    (
        "litellm_params",
        "litellm_credential_name",
        "credentials are written beside the model",
    ),
    (
        "litellm_params",
        "aws_sts_endpoint",
        "the SDK's AWS_ENDPOINT_URL_STS does that",
    ),
    (
        "litellm_params",
        "tags",
        "deployments are not chosen by tag",
    ),
    (
        "litellm_params",
        "custom_llm_provider",
        "there is only Bedrock",
    ),
];

/// Why a key of LiteLLM has no effect here, if it is one of those.
pub(super) fn without_effect(section: &str, key: &str) -> Option<&'static str> {
    let mut table = KEYS_WITHOUT_EFFECT.iter();
    table
        .find(|(of, name, _)| *of == section && *name == key)
        .map(|(_, _, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn a_schema_tells_its_keys() {
        let keys = fields_of::<schema::LimitKeys>();
        assert!(keys.contains(&"rpm") && keys.contains(&"max_parallel_requests"));
        let keys = fields_of::<schema::RetryAndTimeouts>();
        assert!(
            keys.contains(&"sse_keepalive_ping_interval_seconds"),
            "{keys:?}"
        );
    }
}
