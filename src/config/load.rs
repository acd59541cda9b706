//! From a file's text to a [`Config`].

use std::collections::BTreeMap;

use super::file::document::YamlDocument;
use super::file::path::{FieldPath, PathStep};
use super::file::section::{FileSection, Findings};
use super::model::entry::Common;
use super::model::groups::Groups;
use super::model::routes::RoutingReader;
use super::schema::{Access, ConfigFile, GeneralKeys, RetryAndTimeouts, RoutingKeys};
use super::{Config, ConfigError, Environment, General, Settings, Warning};

/// Fields whose variable may be unset without a word: the region then has a default, and credentials come from the
/// SDK's own chain.
const MAY_BE_UNSET: [&str; 6] = [
    "aws_region_name",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_profile_name",
    "master_key",
];

impl Config {
    /// Reads a configuration. `file` is its name in errors; `environment` answers `os.environ/NAME`.
    pub fn parse(
        file: &str,
        source: &str,
        environment: &Environment<'_>,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let document = YamlDocument::parse(file, source, environment)?;
        let environment = &|name: &str| document.look_up(name, environment);
        let mut findings = Findings::default();
        for (path, name) in document.unset() {
            let field = path.0.last();
            if !matches!(field, Some(PathStep::Key(key)) if MAY_BE_UNSET.contains(&key.as_str())) {
                let message = format_args!("os.environ/{name} is not set, so the default applies");
                findings.warnings.push(document.warning(path, message));
            }
        }

        let mut top = FileSection::at(&document, FieldPath::default(), "")?;
        let written: ConfigFile = top.read(&mut findings)?;
        top.finish(&mut findings);

        let litellm_at = FieldPath::of(&["litellm_settings"]);
        let mut litellm = FileSection::at(&document, litellm_at.clone(), "litellm_settings")?;
        let router_at = FieldPath::of(&["router_settings"]);
        let mut router = FileSection::at(&document, router_at.clone(), "router_settings")?;
        let mut general = FileSection::at(
            &document,
            FieldPath::of(&["general_settings"]),
            "general_settings",
        )?;

        let patience: [RetryAndTimeouts; 2] =
            [router.read(&mut findings)?, litellm.read(&mut findings)?];
        let routes = vec![
            (litellm_at, litellm.read::<RoutingKeys>(&mut findings)?),
            (router_at, router.read::<RoutingKeys>(&mut findings)?),
        ];
        let access: Access = litellm.read(&mut findings)?;
        let switches: [GeneralKeys; 2] =
            [general.read(&mut findings)?, litellm.read(&mut findings)?];
        let general_at = general.path.clone();
        for section in [litellm, router, general] {
            section.finish(&mut findings);
        }

        let [router, litellm] = &patience;
        let allowed = |switches: &GeneralKeys| switches.allow_client_guardrails;
        let common = Common {
            document: &document,
            environment,
            access,
            prompt_caching: router.prompt_caching.or(litellm.prompt_caching),
            client_guardrails: switches.iter().find_map(allowed).unwrap_or_default(),
        };
        let entries = written.model_list.map_or(0, |entries| entries.len());
        if entries == 0 {
            return Err(document.error(
                &FieldPath::of(&["model_list"]),
                "found no models, expected at least one",
            ));
        }
        let mut read = Vec::new();
        for n in 0..entries {
            read.push(common.deployment(&FieldPath::of(&["model_list"]).index(n), &mut findings)?);
        }
        let groups = Groups::new(read);
        let routing = RoutingReader::new(&document, &groups).routing(routes)?;
        let general = switches_of(switches, environment)
            .map_err(|(key, message)| document.error(&general_at.key(key), message))?;
        let config = Self {
            name: file.to_owned(),
            routing,
            settings: settings(&patience),
            general: General {
                environment: written.environment_variables.unwrap_or_default(),
                ..general
            },
            groups,
        };
        Ok((config, findings.into_warnings(&document)))
    }
}

/// What the sections say, the router's word first, over the defaults.
fn settings(sections: &[RetryAndTimeouts; 2]) -> Settings {
    fn first<T: Copy>(
        sections: &[RetryAndTimeouts; 2],
        get: fn(&RetryAndTimeouts) -> Option<T>,
    ) -> Option<T> {
        sections.iter().find_map(get)
    }
    let default = Settings::default();
    let get = sections;
    Settings {
        num_retries: first(get, |s| s.num_retries)
            .or(first(get, |s| s.retries))
            .unwrap_or(default.num_retries),
        retry_policy: first(get, |s| s.retry_policy).unwrap_or_default(),
        model_group_retry_policy: sections
            .iter()
            .find_map(|section| section.model_group_retry_policy.clone())
            .unwrap_or_default(),
        retry_after: first(get, |s| s.retry_after).unwrap_or(default.retry_after),
        connect_timeout: first(get, |s| s.connect_timeout).unwrap_or(default.connect_timeout),
        request_timeout: first(get, |s| s.request_timeout)
            .or(first(get, |s| s.timeout))
            .unwrap_or(default.request_timeout),
        request_timeout_grows: first(get, |s| s.request_timeout).is_some()
            || first(get, |s| s.timeout).is_none(),
        stream_timeout: first(get, |s| s.stream_timeout),
        idle_timeout: first(get, |s| s.idle_timeout).unwrap_or(default.idle_timeout),
        heartbeat_interval: match first(get, |s| s.heartbeat_interval) {
            Some(interval) => Some(interval).filter(|interval| !interval.is_zero()),
            None => default.heartbeat_interval,
        },
        total_timeout: first(get, |s| s.total_timeout).unwrap_or(default.total_timeout),
        drain_timeout: first(get, |s| s.drain_timeout).unwrap_or(default.drain_timeout),
        record_timeout: first(get, |s| s.record_timeout).unwrap_or(default.record_timeout),
        cooldown_time: first(get, |s| s.cooldown_time).unwrap_or(default.cooldown_time),
        long_cooldown_time: first(get, |s| s.long_cooldown_time)
            .unwrap_or(default.long_cooldown_time),
        allowed_fails: first(get, |s| s.allowed_fails).unwrap_or(default.allowed_fails),
        disable_cooldowns: first(get, |s| s.disable_cooldowns).unwrap_or(default.disable_cooldowns),
        max_fallbacks: first(get, |s| s.max_fallbacks),
        stream_recovery: first(get, |s| s.stream_recovery)
            .map_or(default.stream_recovery, Into::into),
        drop_params: first(get, |s| s.drop_params).unwrap_or(default.drop_params),
    }
}

/// `general_settings` first, then `litellm_settings`. The error names its key.
fn switches_of(
    [general, litellm]: [GeneralKeys; 2],
    environment: &Environment<'_>,
) -> Result<General, (&'static str, String)> {
    let verbose = general.set_verbose.or(litellm.set_verbose) == Some(true);
    let stored = general
        .store_prompts_in_spend_logs
        .or(litellm.store_prompts_in_spend_logs);
    let stored_by_environment = || {
        environment("STORE_PROMPTS_IN_SPEND_LOGS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let retention = general
        .maximum_spend_logs_retention_period
        .or(litellm.maximum_spend_logs_retention_period);
    let content_retention = general
        .maximum_spend_logs_content_retention_period
        .or(litellm.maximum_spend_logs_content_retention_period);
    let in_days = |key, period: Option<String>| {
        let days = period.map(|text| days(&text)).transpose();
        days.map_err(|message| (key, message))
    };
    let shards = general.spend_shards.or(litellm.spend_shards);
    let shards = shards.map(|shards| match u8::try_from(shards) {
        Ok(shards @ 4..=64) => Ok(shards),
        _ => Err((
            "spend_shards",
            format!("found {shards}, expected a number from 4 to 64"),
        )),
    });
    let megabytes = general.max_request_size_mb.or(litellm.max_request_size_mb);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // never negative; saturates
    let max_request_bytes = megabytes.map(|mb| (mb * 1_048_576.0) as u64);
    Ok(General {
        master_key: general.master_key.or(litellm.master_key),
        store_prompts: stored.unwrap_or_else(stored_by_environment),
        retention_days: in_days("maximum_spend_logs_retention_period", retention)?,
        content_retention_days: in_days(
            "maximum_spend_logs_content_retention_period",
            content_retention,
        )?,
        spend_shards: shards.transpose()?,
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
        environment: BTreeMap::new(),
    })
}

/// `90d`, `12w`, `48h`: in whole days, begun ones counted.
fn days(text: &str) -> Result<u32, String> {
    let wrong = || format!("found {text:?}, expected a time such as 90d, 12w or 48h");
    let (number, unit) = text
        .trim()
        .split_at_checked(text.trim().len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    match unit {
        "d" => Ok(number),
        "w" => number.checked_mul(7).ok_or_else(wrong),
        "h" => Ok(number.div_ceil(24)),
        _ => Err(wrong()),
    }
}
