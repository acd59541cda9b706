//! The keys beside `model_list`.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_yaml::Value;
use url::Url;

use super::identity::{IdentitySettings, LitellmJwtAuth};
use super::team::{self, ConfiguredTeam};
use super::{WebSearchSettings, network, period, store_responses, web_search};
use crate::config::file::lenient;
use crate::config::{Network, Period, RetryPolicy, Secret, StoreResponses};

/// The top level.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct ConfigFile {
    pub model_list: Option<Vec<Value>>,
    pub litellm_settings: Value,
    pub router_settings: Value,
    pub general_settings: Value,
    pub environment_variables: Option<BTreeMap<String, Secret>>,
}

/// `litellm_settings` and `router_settings`: retries, time limits, cooldowns. Either place will do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct RetryAndTimeouts {
    #[serde(deserialize_with = "lenient::whole")]
    pub num_retries: Option<u32>,
    /// Not a key of LiteLLM, but what people write for `num_retries`.
    #[serde(deserialize_with = "lenient::whole")]
    pub retries: Option<u32>,
    pub retry_policy: Option<RetryPolicy>,
    pub model_group_retry_policy: Option<BTreeMap<String, RetryPolicy>>,
    #[serde(deserialize_with = "lenient::seconds_or_zero")]
    pub retry_after: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub connect_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub request_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub stream_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub idle_timeout: Option<Duration>,
    #[serde(
        alias = "sse_keepalive_ping_interval_seconds",
        deserialize_with = "lenient::seconds_or_zero"
    )]
    pub heartbeat_interval: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub total_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds_or_zero")]
    pub drain_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub record_timeout: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds_or_zero")]
    pub cooldown_time: Option<Duration>,
    #[serde(deserialize_with = "lenient::seconds_or_zero")]
    pub long_cooldown_time: Option<Duration>,
    #[serde(deserialize_with = "lenient::whole")]
    pub allowed_fails: Option<u32>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub disable_cooldowns: Option<bool>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_fallbacks: Option<u32>,
    pub stream_recovery: Option<StreamRecoveryParam>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub drop_params: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub prompt_caching: Option<bool>,
    /// The gateway's own; LiteLLM turns it on in `optional_pre_call_checks`.
    #[serde(deserialize_with = "lenient::boolean")]
    pub session_affinity: Option<bool>,
    #[serde(deserialize_with = "lenient::texts")]
    pub optional_pre_call_checks: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::seconds")]
    pub deployment_affinity_ttl_seconds: Option<Duration>,
}

/// `stream_recovery`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum StreamRecoveryParam {
    Error,
    Continue,
}

/// `litellm_settings` and `router_settings`: which group follows which. The values are read by hand, for they come
/// in several shapes and their errors should name the group.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct RoutingKeys {
    pub fallbacks: Value,
    pub context_window_fallbacks: Value,
    pub content_policy_fallbacks: Value,
    #[serde(deserialize_with = "lenient::texts")]
    pub default_fallbacks: Option<Vec<String>>,
    pub model_group_alias: Option<BTreeMap<String, AliasParam>>,
    #[serde(deserialize_with = "lenient::text")]
    pub default_model: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub failover: Option<bool>,
}

/// `alias: group` or `alias: {model: group, hidden: true}`.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a group's name, or {model: <group>, hidden: true}"
)]
pub(in crate::config) enum AliasParam {
    Name(String),
    Full {
        model: String,
        #[serde(default)]
        hidden: bool,
    },
}

/// `general_settings` and `litellm_settings`: the gateway's own switches. Either place will do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct GeneralKeys {
    pub master_key: Option<Secret>,
    /// The gateway's own key.
    pub metrics_token: Option<Secret>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub store_prompts_in_spend_logs: Option<bool>,
    #[serde(deserialize_with = "days")]
    pub maximum_spend_logs_retention_period: Option<u32>,
    #[serde(deserialize_with = "days")]
    pub maximum_spend_logs_content_retention_period: Option<u32>,
    #[serde(deserialize_with = "store_responses::optional")]
    pub store_responses: Option<StoreResponses>,
    #[serde(deserialize_with = "shards")]
    pub spend_shards: Option<u8>,
    #[serde(deserialize_with = "lenient::texts")]
    pub cors_allow_origins: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::texts")]
    pub user_url_allowed_hosts: Option<Vec<String>>,
    #[serde(deserialize_with = "network::list")]
    pub trusted_proxies: Option<Vec<Network>>,
    #[serde(deserialize_with = "lenient::text")]
    pub log_level: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub set_verbose: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub json_logs: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub always_include_stream_usage: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub max_request_size_mb: Option<f64>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub max_budget: Option<Decimal>,
    #[serde(deserialize_with = "period::optional")]
    pub budget_duration: Option<Period>,
    #[serde(deserialize_with = "lenient::client_error")]
    pub budget_exceeded_status_code: Option<u16>,
    #[serde(deserialize_with = "lenient::texts")]
    pub bedrock_request_metadata_fields: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub allow_client_guardrails: Option<bool>,
    #[serde(deserialize_with = "network::list")]
    pub allowed_ips: Option<Vec<Network>>,
    #[serde(deserialize_with = "lenient::texts")]
    pub accept_missing: Option<Vec<String>>,
    #[serde(deserialize_with = "team::list")]
    pub teams: Option<Vec<ConfiguredTeam>>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub apply_user_budget_to_team_keys: Option<bool>,
    #[serde(deserialize_with = "lenient::texts")]
    pub allowed_regions: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::texts")]
    pub alerting: Option<Vec<String>>,
    pub identity: Option<IdentitySettings>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub enable_jwt_auth: Option<bool>,
    pub litellm_jwtauth: Option<LitellmJwtAuth>,
    #[serde(deserialize_with = "public_url")]
    pub public_url: Option<Url>,
    #[serde(deserialize_with = "percents")]
    pub budget_alert_percents: Option<Vec<u32>>,
    #[serde(deserialize_with = "web_search::optional")]
    pub web_search: Option<WebSearchSettings>,
}

/// Where browsers find the gateway, without what stands behind its path.
fn public_url<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Url>, D::Error> {
    let expected = "an address such as https://gateway.example.com, without a query";
    lenient::scalar(d, expected, |text| {
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        (is_web && url.query().is_none() && url.fragment().is_none()).then_some(url)
    })
}

/// Shares of a budget.
fn percents<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<u32>>, D::Error> {
    let percent = |text: &str| {
        let percent = text.parse().ok()?;
        (1..=100).contains(&percent).then_some(percent)
    };
    let expected = "a list of percentages such as [50, 80, 100]";
    lenient::list(d, expected, "a whole number from 1 to 100", percent)
}

/// `90d`, `12w`, `48h`: in whole days, begun ones counted.
fn days<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    lenient::scalar(d, "a time such as 90d, 12w or 48h", |text| {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number: u32 = number.parse().ok()?;
        match unit {
            "d" => Some(number),
            "w" => number.checked_mul(7),
            "h" => Some(number.div_ceil(24)),
            _ => None,
        }
    })
}

/// Over how many partitions a day's records are spread.
fn shards<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u8>, D::Error> {
    lenient::scalar(d, "a number from 4 to 64", |text| {
        text.parse().ok().filter(|shards| (4..=64).contains(shards))
    })
}
