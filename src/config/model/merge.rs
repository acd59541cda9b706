//! The settings of the file's sections taken together, over their defaults.

use std::collections::BTreeMap;

use super::settings::{Affinity, General, Settings, StreamRecovery};
use crate::config::Environment;
use crate::config::schema::{
    GeneralKeys, LitellmSettings, RetryAndTimeouts, RouterSettings, StreamRecoveryParam,
};

/// Retries, time limits and cooldowns: what `router_settings` says, else `litellm_settings`, else the default.
pub(super) fn settings(router: &RouterSettings, litellm: &LitellmSettings) -> Settings {
    type Sections<'a> = [&'a RetryAndTimeouts; 2];
    fn first<T: Copy>(
        sections: Sections<'_>,
        get: fn(&RetryAndTimeouts) -> Option<T>,
    ) -> Option<T> {
        sections.into_iter().find_map(get)
    }
    let sections = [&router.retry_and_timeouts, &litellm.retry_and_timeouts];
    let default = Settings::default();
    Settings {
        num_retries: first(sections, |s| s.num_retries)
            .or(first(sections, |s| s.retries))
            .unwrap_or(default.num_retries),
        retry_policy: first(sections, |s| s.retry_policy).unwrap_or_default(),
        model_group_retry_policy: sections
            .iter()
            .find_map(|section| section.model_group_retry_policy.clone())
            .unwrap_or_default(),
        retry_after: first(sections, |s| s.retry_after).unwrap_or(default.retry_after),
        connect_timeout: first(sections, |s| s.connect_timeout).unwrap_or(default.connect_timeout),
        request_timeout: first(sections, |s| s.request_timeout)
            .or(first(sections, |s| s.timeout))
            .unwrap_or(default.request_timeout),
        request_timeout_grows: first(sections, |s| s.request_timeout).is_some()
            || first(sections, |s| s.timeout).is_none(),
        stream_timeout: first(sections, |s| s.stream_timeout),
        idle_timeout: first(sections, |s| s.idle_timeout).unwrap_or(default.idle_timeout),
        heartbeat_interval: match first(sections, |s| s.heartbeat_interval) {
            Some(interval) => Some(interval).filter(|interval| !interval.is_zero()),
            None => default.heartbeat_interval,
        },
        total_timeout: first(sections, |s| s.total_timeout).unwrap_or(default.total_timeout),
        drain_timeout: first(sections, |s| s.drain_timeout).unwrap_or(default.drain_timeout),
        record_timeout: first(sections, |s| s.record_timeout).unwrap_or(default.record_timeout),
        cooldown_time: first(sections, |s| s.cooldown_time).unwrap_or(default.cooldown_time),
        long_cooldown_time: first(sections, |s| s.long_cooldown_time)
            .unwrap_or(default.long_cooldown_time),
        allowed_fails: first(sections, |s| s.allowed_fails).unwrap_or(default.allowed_fails),
        disable_cooldowns: first(sections, |s| s.disable_cooldowns)
            .unwrap_or(default.disable_cooldowns),
        max_fallbacks: first(sections, |s| s.max_fallbacks),
        stream_recovery: first(sections, |s| s.stream_recovery)
            .map_or(default.stream_recovery, Into::into),
        drop_params: first(sections, |s| s.drop_params).unwrap_or(default.drop_params),
        affinity: Affinity {
            sessions: first(sections, |s| s.session_affinity).unwrap_or(true),
            keys: sections.iter().any(|section| {
                let checks = section.optional_pre_call_checks.as_ref();
                checks
                    .is_some_and(|checks| checks.iter().any(|check| check == "deployment_affinity"))
            }),
            ttl: first(sections, |s| s.deployment_affinity_ttl_seconds),
        },
    }
}

/// The gateway's own switches: what `general_settings` says, else `litellm_settings`.
pub(super) fn general(
    general: GeneralKeys,
    litellm: GeneralKeys,
    environment: &Environment<'_>,
) -> General {
    let verbose = general.set_verbose.or(litellm.set_verbose) == Some(true);
    let stored = general
        .store_prompts_in_spend_logs
        .or(litellm.store_prompts_in_spend_logs);
    let stored_by_environment = || {
        environment("STORE_PROMPTS_IN_SPEND_LOGS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let megabytes = general.max_request_size_mb.or(litellm.max_request_size_mb);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // never negative; saturates
    let max_request_bytes = megabytes.map(|mb| (mb * 1_048_576.0) as u64);
    General {
        master_key: general.master_key.or(litellm.master_key),
        metrics_token: general.metrics_token.or(litellm.metrics_token),
        store_prompts: stored.unwrap_or_else(stored_by_environment),
        retention_days: general
            .maximum_spend_logs_retention_period
            .or(litellm.maximum_spend_logs_retention_period),
        content_retention_days: general
            .maximum_spend_logs_content_retention_period
            .or(litellm.maximum_spend_logs_content_retention_period),
        store_responses: general
            .store_responses
            .or(litellm.store_responses)
            .unwrap_or_default(),
        spend_shards: general.spend_shards.or(litellm.spend_shards),
        cors_allow_origins: general
            .cors_allow_origins
            .or(litellm.cors_allow_origins)
            .unwrap_or_default(),
        image_hosts: general
            .user_url_allowed_hosts
            .or(litellm.user_url_allowed_hosts)
            .unwrap_or_default(),
        trusted_proxies: general
            .trusted_proxies
            .or(litellm.trusted_proxies)
            .unwrap_or_default(),
        allowed_ips: general.allowed_ips.or(litellm.allowed_ips),
        log_level: general
            .log_level
            .or(litellm.log_level)
            .or(verbose.then(|| "debug".to_owned())),
        json_logs: general.json_logs.or(litellm.json_logs),
        always_include_stream_usage: general
            .always_include_stream_usage
            .or(litellm.always_include_stream_usage)
            .unwrap_or_default(),
        max_request_bytes,
        max_budget: general.max_budget.or(litellm.max_budget),
        budget_duration: general.budget_duration.or(litellm.budget_duration),
        budget_exceeded_status: general
            .budget_exceeded_status_code
            .or(litellm.budget_exceeded_status_code),
        request_metadata_fields: general
            .bedrock_request_metadata_fields
            .or(litellm.bedrock_request_metadata_fields)
            .unwrap_or_default(),
        teams: general.teams.or(litellm.teams).unwrap_or_default(),
        web_search: general.web_search.or(litellm.web_search),
        apply_user_budget_to_team_keys: general
            .apply_user_budget_to_team_keys
            .or(litellm.apply_user_budget_to_team_keys)
            .unwrap_or_default(),
        allowed_regions: general
            .allowed_regions
            .or(litellm.allowed_regions)
            .unwrap_or_default(),
        alerting: general.alerting.or(litellm.alerting).unwrap_or_default(),
        budget_alert_percents: general
            .budget_alert_percents
            .or(litellm.budget_alert_percents),
        identity: general.identity.or(litellm.identity).unwrap_or_default(),
        public_url: general.public_url.or(litellm.public_url),
        environment: BTreeMap::new(),
    }
}

impl From<StreamRecoveryParam> for StreamRecovery {
    fn from(written: StreamRecoveryParam) -> Self {
        match written {
            StreamRecoveryParam::Error => Self::Error,
            StreamRecoveryParam::Continue => Self::Continue,
        }
    }
}
