//! The keys of `litellm_params` that are fields of a request.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::file::lenient::{self, LenientText};

/// `litellm_params`: what a request gets that does not say otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct RequestDefaults {
    #[serde(deserialize_with = "lenient::whole")]
    pub max_tokens: Option<u32>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_completion_tokens: Option<u32>,
    #[serde(deserialize_with = "lenient::number")]
    pub temperature: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub top_p: Option<f64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub top_k: Option<u32>,
    #[serde(deserialize_with = "lenient::texts")]
    pub stop: Option<Vec<String>>,
    pub thinking: Option<ThinkingParam>,
    pub reasoning_effort: Option<EffortParam>,
    #[serde(rename = "guardrailConfig", alias = "guardrail_config")]
    pub guardrail_config: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(rename = "performanceConfig", alias = "performance_config")]
    pub performance_config: Option<PerformanceParam>,
    pub service_tier: Option<ServiceTierParam>,
    #[serde(rename = "requestMetadata", alias = "request_metadata")]
    pub request_metadata: Option<BTreeMap<String, LenientText>>,
    #[serde(alias = "additionalModelRequestFields")]
    pub additional_model_request_fields: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(deserialize_with = "lenient::texts")]
    pub anthropic_beta: Option<Vec<String>>,
    pub cache_control_injection_points: Option<Vec<Injection>>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub prompt_caching: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub drop_params: Option<bool>,
    pub dialect: Option<DialectParam>,
}

/// `dialect`: the gateway's own key.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum DialectParam {
    Converse,
    Messages,
}

/// `thinking: {type: enabled, budget_tokens: 1024}`.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::config) struct ThinkingParam {
    #[serde(rename = "type")]
    pub kind: ThinkingType,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub budget_tokens: Option<u32>,
}

/// The `type` of `thinking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum ThinkingType {
    Enabled,
    Disabled,
    Adaptive,
}

/// `reasoning_effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum EffortParam {
    #[serde(alias = "disable")]
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

/// `performanceConfig`.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::config) struct PerformanceParam {
    pub latency: LatencyParam,
}

/// `performanceConfig.latency`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum LatencyParam {
    Standard,
    Optimized,
}

/// `service_tier`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum ServiceTierParam {
    #[serde(alias = "auto")]
    Default,
    Flex,
    Priority,
    Reserved,
}

/// An entry of `cache_control_injection_points`.
#[derive(Debug, Deserialize)]
pub(in crate::config) struct Injection {
    pub location: InjectionPlace,
    #[serde(default)]
    pub role: Option<InjectionRole>,
    #[serde(default)]
    pub index: Option<i64>,
    #[serde(default)]
    pub control: Option<InjectionControl>,
}

/// `location` of an injection point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum InjectionPlace {
    Message,
    ToolConfig,
}

/// `role` of an injection point.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum InjectionRole {
    System,
    User,
    Assistant,
    Tool,
}

/// `control: {type: ephemeral, ttl: 1h}` of an injection point.
#[derive(Debug, Deserialize)]
pub(in crate::config) struct InjectionControl {
    #[serde(rename = "type", default)]
    pub _kind: Option<String>,
    #[serde(default)]
    pub ttl: Option<Ttl>,
}

/// `ttl` of a cache point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(in crate::config) enum Ttl {
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "1h")]
    OneHour,
}
