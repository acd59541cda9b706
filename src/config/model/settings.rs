//! What holds for all deployments: retries, time limits, cooldowns, and the gateway's own switches.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::Decimal;
use url::Url;

use crate::config::{
    ConfiguredTeam, IdentitySettings, Network, Period, RetryPolicy, Secret, StoreResponses,
    WebSearchSettings,
};

/// Retries, time limits and cooldowns. Every field is a key of the file with the same name, in `router_settings` or
/// `litellm_settings`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Retries on a deployment before the next target is called. Default 2.
    pub num_retries: u32,
    /// Retries by the kind of the failure; goes before `num_retries`.
    pub retry_policy: RetryPolicy,
    /// Retries by the kind of the failure for single groups; goes before `retry_policy`.
    pub model_group_retry_policy: BTreeMap<String, RetryPolicy>,
    /// The least wait between two tries (`retry_after`). Default none: backoff alone decides.
    pub retry_after: Duration,
    /// Connecting to Bedrock. Default 3 s.
    pub connect_timeout: Duration,
    /// Until the first event comes, where no `stream_timeout` is set (`request_timeout`, or `timeout` in
    /// `router_settings`). Never a total for a stream. Default 30 s.
    pub request_timeout: Duration,
    /// Whether `request_timeout` grows with the prompt: unless it was written as `timeout`.
    pub request_timeout_grows: bool,
    /// Until the first event and between two events, for all deployments (`stream_timeout`).
    pub stream_timeout: Option<Duration>,
    /// Silence between two events outside of tool calls, where no `stream_timeout` is set. Default 120 s.
    pub idle_timeout: Duration,
    /// Silence towards the client until it is broken by a comment (`heartbeat_interval`, or LiteLLM's
    /// `sse_keepalive_ping_interval_seconds`). Default 10 s; `None` (written 0): never.
    pub heartbeat_interval: Option<Duration>,
    /// A request from its first byte to its last, all retries and fallbacks included. Default 840 s.
    pub total_timeout: Duration,
    /// How long an answer is read on, for its usage, after its client has gone. Default 60 s.
    pub drain_timeout: Duration,
    /// Writing the spend record. Default 5 s.
    pub record_timeout: Duration,
    /// The cooldown of a failing deployment, in which it is not called. Default 5 s.
    pub cooldown_time: Duration,
    /// The cooldown of a deployment that will not recover soon: not authorised, gone, the day's quota spent. Default
    /// 300 s.
    pub long_cooldown_time: Duration,
    /// Failures within a minute that a deployment may have before its cooldown. Default 3.
    pub allowed_fails: u32,
    /// Deployments have no cooldowns.
    pub disable_cooldowns: bool,
    /// At most so many fallback groups are asked. Default: all of them.
    pub max_fallbacks: Option<u32>,
    /// What happens to a stream that is cut after text has gone out.
    pub stream_recovery: StreamRecovery,
    /// Parameters that a model does not take are left out instead of refused.
    pub drop_params: bool,
    /// Whether sessions stay with the deployment that has their cache.
    pub affinity: Affinity,
}

/// Whether sessions stay with the deployment that has their prompt cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affinity {
    /// They do (`session_affinity`). Default true.
    pub sessions: bool,
    /// All requests of a key that name no session are one (`deployment_affinity` among `optional_pre_call_checks`).
    pub keys: bool,
    /// How long one that went elsewhere stays there after its last request (`deployment_affinity_ttl_seconds`); `None`:
    /// as long as its cache is warm.
    pub ttl: Option<Duration>,
}

impl Default for Affinity {
    fn default() -> Self {
        Self {
            sessions: true,
            keys: false,
            ttl: None,
        }
    }
}

/// How long the first event of an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstEventLimit {
    /// For a short prompt.
    pub base: Duration,
    /// A long prompt has longer. A limit that was set for this very wait holds as it is.
    pub grows: bool,
}

impl FirstEventLimit {
    /// A model reads its prompt before it answers: 15 s were measured for 100,000 tokens that no cache knew. So many
    /// tokens have a second more.
    const TOKENS_PER_SECOND: u64 = 4_000;

    /// For a prompt of about so many tokens.
    pub fn for_prompt(self, tokens: u64) -> Duration {
        let more = if self.grows {
            Duration::from_secs(tokens / Self::TOKENS_PER_SECOND)
        } else {
            Duration::ZERO
        };
        self.base.saturating_add(more)
    }
}

/// What happens to a stream that is cut after text has gone out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamRecovery {
    /// The client is told by an error in the stream.
    #[default]
    Error,
    /// The next target continues the text, where it can and no tools are in play.
    Continue,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            num_retries: 2,
            retry_policy: RetryPolicy::default(),
            model_group_retry_policy: BTreeMap::new(),
            retry_after: Duration::ZERO,
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(30),
            request_timeout_grows: true,
            stream_timeout: None,
            idle_timeout: Duration::from_secs(120),
            heartbeat_interval: Some(Duration::from_secs(10)),
            total_timeout: Duration::from_secs(840),
            drain_timeout: Duration::from_secs(60),
            record_timeout: Duration::from_secs(5),
            cooldown_time: Duration::from_secs(5),
            long_cooldown_time: Duration::from_secs(300),
            allowed_fails: 3,
            disable_cooldowns: false,
            max_fallbacks: None,
            stream_recovery: StreamRecovery::Error,
            drop_params: false,
            affinity: Affinity::default(),
        }
    }
}

/// The gateway's own switches, mostly from `general_settings`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct General {
    /// `master_key`.
    pub master_key: Option<Secret>,
    /// What opens `/metrics` beside the master key, and nothing else (`metrics_token`).
    pub metrics_token: Option<Secret>,
    /// Prompts and replies are stored with the spend record (`store_prompts_in_spend_logs`, or the environment's
    /// `STORE_PROMPTS_IN_SPEND_LOGS`).
    pub store_prompts: bool,
    /// How many days spend records are kept (`maximum_spend_logs_retention_period: 90d`). Default: for ever.
    pub retention_days: Option<u32>,
    /// How many days prompts and replies are kept, where they are stored
    /// (`maximum_spend_logs_content_retention_period: 14d`), and never longer than their record. Default: 14.
    pub content_retention_days: Option<u32>,
    /// What is kept of the answers of the Responses API, for later requests of the same key (`store_responses`).
    /// Default: their items, for 7 days.
    pub store_responses: StoreResponses,
    /// Over how many partitions of the table this process spreads a day's records (`spend_shards`), 4 to 64. Default:
    /// 4. May be changed at any time: the day knows how many were used.
    pub spend_shards: Option<u8>,
    /// Web origins whose pages may call the gateway (`cors_allow_origins`). Default none.
    pub cors_allow_origins: Vec<String>,
    /// Hosts from which pictures may be fetched (`user_url_allowed_hosts`). Default none.
    pub image_hosts: Vec<String>,
    /// Proxies in front of the local server whose `X-Forwarded-For` and `Forwarded` are believed (`trusted_proxies`).
    /// Default none: the client is who has connected.
    pub trusted_proxies: Vec<Network>,
    /// Networks whose clients are served (`allowed_ips`); any other client is refused. Default: all are served.
    pub allowed_ips: Option<Vec<Network>>,
    /// Tracing filter where the environment's `LOG_LEVEL` says nothing (`log_level`; `set_verbose` means debug).
    pub log_level: Option<String>,
    /// Log lines are JSON (`json_logs`).
    pub json_logs: Option<bool>,
    /// Streams end with a usage chunk even if the request does not ask for one (`always_include_stream_usage`).
    pub always_include_stream_usage: bool,
    /// Bodies above this size are refused (`max_request_size_mb`), in bytes.
    pub max_request_bytes: Option<u64>,
    /// Dollars that all virtual keys together may spend (`max_budget`). The master key is neither limited nor counted.
    pub max_budget: Option<Decimal>,
    /// The window of `max_budget` (`budget_duration: 30d`). Default: for ever.
    pub budget_duration: Option<Period>,
    /// The HTTP status when a budget is spent (`budget_exceeded_status_code`). Default 422, as LiteLLM's.
    pub budget_exceeded_status: Option<u16>,
    /// Metadata fields that are handed on to Bedrock's invocation log (`bedrock_request_metadata_fields`).
    pub request_metadata_fields: Vec<String>,
    /// Teams that the API reads only (`teams`).
    pub teams: Vec<ConfiguredTeam>,
    /// The budget of a key's user holds for the key of a team too (`apply_user_budget_to_team_keys`). Default: for the
    /// user's own keys alone, as in LiteLLM.
    pub apply_user_budget_to_team_keys: bool,
    /// Regions that may answer any request (`allowed_regions: [eu-*]`). Default: all.
    pub allowed_regions: Vec<String>,
    /// Where alerts go beside a topic and a bus (`alerting: [slack]`). Default: nowhere.
    pub alerting: Vec<String>,
    /// At which shares of a budget there is an alert, in percent (`budget_alert_percents`). Default 50, 80 and 100.
    pub budget_alert_percents: Option<Vec<u32>>,
    /// Whose tokens are keys, and who signs in to the pages (`identity`, or LiteLLM's `enable_jwt_auth` and
    /// `litellm_jwtauth`). Default: keys alone are let in.
    pub identity: IdentitySettings,
    /// Where browsers find the gateway (`public_url`). Default on Lambda: the function's own domain; else what the
    /// browser asks for on this machine.
    pub public_url: Option<Url>,
    /// Who searches the web, and what that costs (`web_search`). Default: nobody does.
    pub web_search: Option<WebSearchSettings>,
    /// The file's `environment_variables`, which `os.environ/` sees too.
    pub environment: BTreeMap<String, Secret>,
}
