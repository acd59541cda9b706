use std::time::Duration;

use serde_json::json;

use super::*;
use crate::conversation::{Effort, Thinking};

#[test]
fn what_nobody_wrote_has_its_default() {
    let config = sound(&one(""));
    assert_eq!(config.settings, Settings::default());
    assert_eq!(config.general, General::default());
    let deployment = first(&config);
    assert_eq!(deployment.region, "us-east-1");
    assert_eq!(deployment.credentials, Credentials::Default);
    assert_eq!(deployment.defaults.caching, CachePolicy::Planned);
    assert_eq!(config.retries(deployment), 2);
    let first_event = config.first_event_limit(deployment);
    assert_eq!(first_event.for_prompt(3_999).as_secs(), 30);
    assert_eq!(config.idle_limit(deployment).as_secs(), 120);
    assert_eq!(config.tool_call_idle_limit(deployment).as_secs(), 600);
}

#[test]
fn a_long_prompt_has_a_second_more_for_every_4000_tokens_unless_the_wait_itself_was_set() {
    const TOKENS: u64 = 100_000;
    for (of_deployment, settings, seconds) in [
        ("", "", 55),
        ("", "litellm_settings: {request_timeout: 10}\n", 35),
        ("", "router_settings: {request_timeout: 10}\n", 35),
        ("", "router_settings: {timeout: 10}\n", 10),
        (
            "",
            "router_settings: {timeout: 5}\nlitellm_settings: {request_timeout: 10}\n",
            35,
        ),
        ("", "litellm_settings: {stream_timeout: 10}\n", 10),
        ("      timeout: 10\n", "", 10),
        ("      stream_timeout: 10\n", "", 10),
        (
            "      stream_timeout: 10\n",
            "litellm_settings: {request_timeout: 20}\n",
            10,
        ),
    ] {
        let config = sound(&one(&format!("{of_deployment}{settings}")));
        let limit = config.first_event_limit(first(&config));
        let limit = limit.for_prompt(TOKENS).as_secs();
        assert_eq!(limit, seconds, "{of_deployment}{settings}");
    }
}

#[test]
fn a_silent_tool_call_has_ten_minutes_unless_stream_timeout_is_set() {
    for (written, seconds) in [
        ("", 600),
        ("litellm_settings: {idle_timeout: 3}\n", 600),
        ("      timeout: 3\n", 600),
        ("      stream_timeout: 3\n", 3),
        ("router_settings: {stream_timeout: 3}\n", 3),
    ] {
        let config = sound(&one(written));
        let limit = config.tool_call_idle_limit(first(&config));
        assert_eq!(limit.as_secs(), seconds, "{written}");
    }
}

#[test]
fn numbers_and_switches_may_stand_in_quotes_or_in_the_environment() {
    let source = one(
        "      rpm: \"60\"\n      weight: os.environ/WEIGHT\n      timeout: '1.5'\nlitellm_settings: {drop_params: \"True\", num_retries: \"0\"}\n",
    );
    let (config, warnings) = parse_in(&source, &[("WEIGHT", "2")]).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let deployment = first(&config);
    assert_eq!(deployment.limits.rpm, Some(60));
    assert_eq!(deployment.limits.weight, Some(2.0));
    assert_eq!(deployment.timeout, Some(Duration::from_millis(1_500)));
    assert!(config.settings.drop_params);
    assert_eq!(config.settings.num_retries, 0);
}

/// Parameter, ARN, `bedrock/<region>/`, `litellm_settings`, AWS_REGION_NAME, AWS_REGION, us-east-1.
#[test]
fn the_region_comes_from_the_nearest_place_that_names_one() {
    let arn = "bedrock/arn:aws:bedrock:eu-west-3:1:application-inference-profile/x";
    let env: &[_] = &[
        ("AWS_REGION_NAME", "ap-south-1"),
        ("AWS_REGION", "sa-east-1"),
    ];
    type Row<'a> = (&'a str, &'a str, &'a str, Pairs<'a>, &'a str);
    let rows: &[Row<'_>] = &[
        (
            arn,
            ", aws_region_name: eu-west-1",
            "us-west-1",
            env,
            "eu-west-1",
        ),
        (arn, "", "us-west-1", env, "eu-west-3"),
        (
            "bedrock/ca-central-1/amazon.nova-pro-v1:0",
            "",
            "us-west-1",
            env,
            "ca-central-1",
        ),
        ("amazon.nova-pro-v1:0", "", "us-west-1", env, "us-west-1"),
        (
            "amazon.nova-pro-v1:0",
            "",
            "os.environ/NONE",
            env,
            "ap-south-1",
        ),
        (
            "amazon.nova-pro-v1:0",
            ", aws_region_name: os.environ/NONE",
            "os.environ/NONE",
            &env[1..],
            "sa-east-1",
        ),
        (
            "amazon.nova-pro-v1:0",
            "",
            "os.environ/NONE",
            &[],
            "us-east-1",
        ),
        (
            "amazon.nova-pro-v1:0",
            ", aws_region_name: os.environ/AWS_REGION_NAME",
            "us-west-1",
            env,
            "ap-south-1",
        ),
    ];
    for (model, param, common, env, expected) in rows {
        let source = format!(
            "model_list: [{{model_name: a, litellm_params: {{model: \"{model}\"{param}}}}}]\nlitellm_settings: {{aws_region_name: {common}}}\n"
        );
        let (config, _) = parse_in(&source, env).unwrap();
        assert_eq!(first(&config).region, *expected, "{source}");
    }
}

#[test]
fn credentials_are_those_of_the_deployment_else_the_common_ones() {
    let keys = |token: Option<&str>| Credentials::Keys {
        access_key_id: Secret::new("AKIA1"),
        secret_access_key: Secret::new("s3cret"),
        session_token: token.map(Secret::new),
    };
    let env: &[_] = &[
        ("AWS_ACCESS_KEY_ID", "AKIA1"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
    ];
    let named = "      aws_access_key_id: os.environ/AWS_ACCESS_KEY_ID\n      aws_secret_access_key: os.environ/AWS_SECRET_ACCESS_KEY\n";
    let temporary: Vec<_> = env
        .iter()
        .copied()
        .chain([("AWS_SESSION_TOKEN", "t0ken")])
        .collect();
    let role = |source| Credentials::Role {
        arn: "arn:aws:iam::1:role/r".to_owned(),
        session_name: "me".to_owned(),
        external_id: Some("42".to_owned()),
        source: Box::new(source),
    };
    let assume = "      aws_role_name: arn:aws:iam::1:role/r\n      aws_session_name: me\n      aws_external_id: 42\n";
    let rows: &[(&str, Pairs<'_>, Credentials)] = &[
        (named, env, keys(None)),
        (named, &temporary, keys(Some("t0ken"))),
        (named, &[], Credentials::Default),
        (
            "      aws_profile_name: dev\n",
            env,
            Credentials::Profile("dev".to_owned()),
        ),
        (assume, env, role(Credentials::Default)),
        (&format!("{assume}{named}"), env, role(keys(None))),
        (
            "      api_key: os.environ/AWS_BEARER_TOKEN_BEDROCK\n",
            &[("AWS_BEARER_TOKEN_BEDROCK", "b")],
            Credentials::Bearer(Secret::new("b")),
        ),
        (
            "litellm_settings: {aws_profile_name: common}\n",
            env,
            Credentials::Profile("common".to_owned()),
        ),
        (
            "      aws_profile_name: dev\nlitellm_settings: {aws_profile_name: common}\n",
            env,
            Credentials::Profile("dev".to_owned()),
        ),
    ];
    for (params, env, expected) in rows {
        let (config, _) = parse_in(&one(params), env).unwrap();
        assert_eq!(first(&config).credentials, *expected, "{params}");
        let printed = format!("{config:?}");
        assert!(
            !printed.contains("s3cret") && !printed.contains("AKIA1") && !printed.contains("t0ken")
        );
    }
}

#[test]
fn model_info_shows_the_parameters_but_nothing_secret() {
    let source = one(
        "      aws_access_key_id: AKIA1\n      aws_secret_access_key: s3cret\n      api_key: k3y\n      aws_region_name: us-west-2\n      max_tokens: 100\n      input_cost_per_token: 0.000003\n    model_info: {id: mine, team: blue}\n",
    );
    let (config, _) = parse_in(&source, &[]).unwrap();
    let deployment = first(&config);
    assert_eq!(deployment.id, "mine");
    assert_eq!(
        json!(deployment.info),
        json!({"id": "mine", "team": "blue"})
    );
    assert_eq!(
        json!(deployment.params),
        json!({
            "model": "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws_region_name": "us-west-2",
            "max_tokens": 100,
            "input_cost_per_token": 0.000003,
        })
    );
}

#[test]
fn ids_are_stable_and_differ_where_entries_do() {
    let entry = "{model_name: a, litellm_params: {model: amazon.nova-pro-v1:0}}";
    let other = "{model_name: a, litellm_params: {model: amazon.nova-pro-v1:0, aws_region_name: eu-west-1}}";
    let source = format!("model_list: [{entry}, {other}, {entry}]\n");
    let config = sound(&source);
    let ids: Vec<_> = config.deployments().map(|d| d.id.clone()).collect();
    assert_eq!(ids[0].len(), 64);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[2], format!("{}-2", ids[0]));
    assert_eq!(config.groups().len(), 1);
    assert_eq!(sound(&source), config);
}

#[test]
fn request_fields_become_defaults() {
    let config = sound(&one(
        "      max_tokens: 4096\n      temperature: 0.5\n      stop: END\n      thinking: {type: enabled, budget_tokens: 2048}\n      guardrailConfig: {guardrailIdentifier: g, guardrailVersion: DRAFT}\n      performanceConfig: {latency: optimized}\n      service_tier: flex\n      anthropic_beta: [context-1m-2025-08-07]\n      requestMetadata: {team: 7}\n      cache_control_injection_points:\n        - {location: message, role: system}\n        - {location: message, index: -1, control: {type: ephemeral, ttl: 1h}}\n        - {location: tool_config}\n",
    ));
    let deployment = first(&config);
    let defaults = &deployment.defaults;
    assert_eq!(defaults.max_tokens, Some(4_096));
    assert_eq!(defaults.temperature, Some(0.5));
    assert_eq!(defaults.stop, ["END"]);
    assert_eq!(defaults.thinking, Some(Thinking::Budget(2_048)));
    assert_eq!(
        defaults.guardrail,
        Some(json!({"guardrailIdentifier": "g", "guardrailVersion": "DRAFT"}))
    );
    assert_eq!(defaults.latency.as_deref(), Some("optimized"));
    assert_eq!(defaults.service_tier.as_deref(), Some("flex"));
    assert_eq!(
        json!(defaults.model_fields),
        json!({"anthropic_beta": ["context-1m-2025-08-07"]})
    );
    assert_eq!(
        defaults.request_metadata.get("team").map(String::as_str),
        Some("7")
    );
    let point = |location, one_hour| InjectionPoint { location, one_hour };
    assert_eq!(
        deployment.defaults.caching,
        CachePolicy::At(vec![
            point(InjectionLocation::Role("system".to_owned()), false),
            point(InjectionLocation::Message(-1), true),
            point(InjectionLocation::Tools, false),
        ])
    );
    let effort = sound(&one("      reasoning_effort: high\n"));
    assert_eq!(
        first(&effort).defaults.thinking,
        Some(Thinking::Effort(Effort::High))
    );
    for off in [
        "      cache_control_injection_points: []\n",
        "      prompt_caching: false\n",
        "litellm_settings: {prompt_caching: false}\n",
    ] {
        assert_eq!(
            first(&sound(&one(off))).defaults.caching,
            CachePolicy::ClientOnly,
            "{off}"
        );
    }
}

#[test]
fn it_is_known_whether_any_deployment_thinks_unasked() {
    for (fields, thinks) in [
        ("", false),
        ("      thinking: {type: disabled}\n", false),
        ("      thinking: {type: adaptive}\n", true),
        ("      reasoning_effort: low\n", true),
    ] {
        assert_eq!(sound(&one(fields)).asks_for_thinking(), thinks, "{fields}");
    }
}

#[test]
fn keys_that_other_files_use_work_here() {
    let config = sound(&one(
        "router_settings: {retries: 5, timeout: 20, default_model: a, failover: false}\ngeneral_settings: {log_level: debug, master_key: sk-1, maximum_spend_logs_retention_period: 12w, maximum_spend_logs_content_retention_period: 36h, spend_shards: 16}\nlitellm_settings:\n  sse_keepalive_ping_interval_seconds: 0\n  default_fallbacks: []\n",
    ));
    assert_eq!(config.settings.num_retries, 5);
    assert_eq!(config.settings.request_timeout.as_secs(), 20);
    assert_eq!(config.settings.heartbeat_interval, None);
    assert_eq!(config.routing.default_model.as_deref(), Some("a"));
    assert_eq!(config.general.log_level.as_deref(), Some("debug"));
    assert_eq!(config.general.master_key, Some(Secret::new("sk-1")));
    assert_eq!(config.general.retention_days, Some(84));
    assert_eq!(config.general.content_retention_days, Some(2));
    assert_eq!(config.general.spend_shards, Some(16));
}

#[test]
fn responses_are_stored_as_the_file_says_and_their_items_by_default() {
    for (written, meant) in [
        ("", StoreResponses::Items),
        ("store_responses: items", StoreResponses::Items),
        ("store_responses: off", StoreResponses::Off),
        ("store_responses: false", StoreResponses::Off),
        ("store_responses: 30d", StoreResponses::Whole(30)),
    ] {
        let config = sound(&one(&format!("general_settings: {{{written}}}\n")));
        assert_eq!(config.general.store_responses, meant, "{written}");
    }
}

#[test]
fn proxies_are_a_list_of_addresses_and_networks_or_one_of_them() {
    let networks = |texts: &[&str]| -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    for (written, read) in [
        ("", networks(&[])),
        ("  trusted_proxies: []\n", networks(&[])),
        ("  trusted_proxies: 127.0.0.1\n", networks(&["127.0.0.1"])),
        (
            "  trusted_proxies: [10.0.0.0/8, '::1', ' fd00::/8 ', '::ffff:192.0.2.0/120']\n",
            networks(&["10.0.0.0/8", "::1", "fd00::/8", "192.0.2.0/24"]),
        ),
    ] {
        let config = sound(&one(&format!(
            "general_settings:\n  log_level: info\n{written}"
        )));
        assert_eq!(config.general.trusted_proxies, read, "{written}");
    }
}

#[test]
fn variables_of_the_file_itself_and_merged_mappings_count() {
    let source = "
environment_variables: {AWS_REGION_NAME: eu-north-1}
common: &common {rpm: 7}
model_list:
  - model_name: a
    litellm_params: {<<: *common, model: amazon.nova-pro-v1:0, aws_region_name: os.environ/AWS_REGION_NAME}
";
    let (config, warnings) = parse_in(source, &[]).unwrap();
    assert_eq!(first(&config).region, "eu-north-1");
    assert_eq!(first(&config).limits.rpm, Some(7));
    assert_eq!(warnings, ["c.yml:3:1: common: unknown key, ignored"]);
}
