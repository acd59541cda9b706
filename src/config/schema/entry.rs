//! The keys of an entry of `model_list`.

use std::time::Duration;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_yaml::Value;

use super::StreamRecoveryParam;
use crate::config::Secret;
use crate::config::file::lenient;

/// An entry of `model_list`; the two mappings in it are sections of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct ModelEntry {
    #[serde(deserialize_with = "lenient::text")]
    pub model_name: Option<String>,
    #[serde(rename = "litellm_params")]
    pub _params: Value,
    #[serde(rename = "model_info")]
    pub _info: Value,
}

/// An entry of `model_list`, and its `model_info`: limits that LiteLLM also takes there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct OuterLimits {
    #[serde(deserialize_with = "lenient::whole")]
    pub rpm: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub tpm: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_parallel_requests: Option<u32>,
}

impl LimitKeys {
    /// The limits of an entry: its own, else those of `litellm_params`, else those of `model_info`, as LiteLLM takes them.
    pub(super) fn between(self, entry: &OuterLimits, info: &OuterLimits) -> Self {
        Self {
            rpm: entry.rpm.or(self.rpm).or(info.rpm),
            tpm: entry.tpm.or(self.tpm).or(info.tpm),
            max_parallel_requests: (entry.max_parallel_requests)
                .or(self.max_parallel_requests)
                .or(info.max_parallel_requests),
            ..self
        }
    }
}

/// `litellm_params`: which model, and where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct ModelTarget {
    #[serde(deserialize_with = "lenient::text")]
    pub model: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub model_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub base_model: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub aws_bedrock_runtime_endpoint: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub api_base: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub mock_response: Option<String>,
    /// The gateway's own key.
    #[serde(deserialize_with = "lenient::texts")]
    pub allowed_regions: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::text")]
    pub custom_llm_provider: Option<String>,
}

/// `litellm_params` and `litellm_settings`: the credentials and the region.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Access {
    #[serde(deserialize_with = "lenient::text")]
    pub aws_region_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub aws_profile_name: Option<String>,
    pub aws_access_key_id: Option<Secret>,
    pub aws_secret_access_key: Option<Secret>,
    pub aws_session_token: Option<Secret>,
    #[serde(deserialize_with = "lenient::text")]
    pub aws_role_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub aws_session_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub aws_external_id: Option<String>,
    pub api_key: Option<Secret>,
}

/// `litellm_params`: share among siblings, limits, retries and time limits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct LimitKeys {
    #[serde(deserialize_with = "lenient::number")]
    pub weight: Option<f64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub order: Option<u32>,
    #[serde(deserialize_with = "lenient::whole")]
    pub rpm: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub tpm: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_parallel_requests: Option<u32>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub stream_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::whole")]
    pub num_retries: Option<u32>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_retries: Option<u32>,
    #[serde(deserialize_with = "lenient::seconds_or_zero")]
    pub cooldown_time: Option<Duration>,
    pub stream_recovery: Option<StreamRecoveryParam>,
}

/// `litellm_params` and `model_info`: prices per token, and per query of a reranker.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::config) struct CustomPrices {
    #[serde(deserialize_with = "lenient::dollars")]
    pub input_cost_per_token: Option<Decimal>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub output_cost_per_token: Option<Decimal>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub cache_read_input_token_cost: Option<Decimal>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub cache_creation_input_token_cost: Option<Decimal>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub cache_creation_input_token_cost_above_1hr: Option<Decimal>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub input_cost_per_query: Option<Decimal>,
}

impl CustomPrices {
    /// These prices, and for each that is missing the other's.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            input_cost_per_token: self.input_cost_per_token.or(other.input_cost_per_token),
            output_cost_per_token: self.output_cost_per_token.or(other.output_cost_per_token),
            cache_read_input_token_cost: self
                .cache_read_input_token_cost
                .or(other.cache_read_input_token_cost),
            cache_creation_input_token_cost: self
                .cache_creation_input_token_cost
                .or(other.cache_creation_input_token_cost),
            cache_creation_input_token_cost_above_1hr: self
                .cache_creation_input_token_cost_above_1hr
                .or(other.cache_creation_input_token_cost_above_1hr),
            input_cost_per_query: self.input_cost_per_query.or(other.input_cost_per_query),
        }
    }
}

/// `model_info`: what the config knows better than the catalog. Other keys pass through to `GET /model/info`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::config) struct ModelInfoKeys {
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub base_model: Option<String>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_tokens: Option<u32>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_input_tokens: Option<u32>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_output_tokens: Option<u32>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_prompt_caching: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_reasoning: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_vision: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_pdf_input: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_function_calling: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_tool_choice: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_system_messages: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_assistant_prefill: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_native_structured_output: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub supports_sampling_params: Option<bool>,
}
