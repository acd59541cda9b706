//! Real files of LiteLLM's users, as they were published without their comments: what `check` says of each.

use super::check::report_of;
use super::*;

fn checked(name: &str, source: &str) -> Report {
    let options = CheckOptions {
        today: TODAY,
        strict: false,
    };
    Report::new(name, Config::parse(name, source, &|_| None), options)
}

#[test]
fn what_is_said_of_real_files_is_known() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm_configs");
    let mut seen = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let report = checked(&name, &std::fs::read_to_string(&path).unwrap());
        insta::with_settings!({snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name.trim_end_matches(".yml"), report.to_string());
        });
        seen += 1;
    }
    assert_eq!(seen, 14);
}

/// A file with one model and this text behind it.
fn with(rest: &str) -> String {
    format!(
        "model_list:\n  - model_name: a\n    litellm_params: {{model: bedrock/us.amazon.nova-pro-v1:0}}\n{rest}"
    )
}

/// A file with entries `a`, `b` of Bedrock and `gpt`, `other/*` of other providers, and this text behind them.
fn mixed(rest: &str) -> String {
    let others = "  - {model_name: b, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0}}\n  \
                  - {model_name: gpt, litellm_params: {model: azure/gpt-5.2, rpm: what LiteLLM takes}}\n  \
                  - {model_name: other/*, litellm_params: {model: other/*, api_key: os.environ/OTHER_KEY}}\n";
    with(&format!("{others}{rest}"))
}

const LEFT_OUT: &str = "c.yml:5:40: left out, for this gateway calls Amazon Bedrock alone: gpt (azure/gpt-5.2), other/* (also at 6:44)";

#[test]
fn what_a_file_loses_is_said_and_no_reason_not_to_start() {
    let rows: &[(String, &[&str])] = &[
        (mixed(""), &[LEFT_OUT]),
        (
            mixed("litellm_settings: {fallbacks: [{a: [gpt, b, other/x]}, {gpt: [a]}]}\n"),
            &[
                LEFT_OUT,
                "c.yml:7:33: litellm_settings.fallbacks[0].a: this chain loses \"gpt\" (left out), \"other/x\" (left out)",
            ],
        ),
        (
            mixed("litellm_settings: {default_fallbacks: [gpt]}\n"),
            &[
                LEFT_OUT,
                "c.yml:7:20: litellm_settings.default_fallbacks: this chain loses \"gpt\" (left out), and nothing is left of it",
            ],
        ),
        (
            mixed(
                "router_settings: {model_group_alias: {best: gpt}, default_model: gpt, fallbacks: [{a: [best]}]}\n",
            ),
            &[
                LEFT_OUT,
                "c.yml:7:39: router_settings.model_group_alias.best: the alias means nothing: \"gpt\" (left out)",
                "c.yml:7:51: router_settings.default_model: \"gpt\" is left out: a request must name its model",
                "c.yml:7:84: router_settings.fallbacks[0].a: this chain loses \"best\" (left out), and nothing is left of it",
            ],
        ),
        (
            with("litellm_settings: {fallbacks: [{a: [gone, aa]}, {nobody: [a]}, {a: [a]}]}\n"),
            &[
                "c.yml:4:33: litellm_settings.fallbacks[0].a: this chain loses \"gone\" (no model_name of model_list), \
                 \"aa\" (no model_name of model_list), and nothing is left of it",
                "c.yml:4:50: litellm_settings.fallbacks[1].nobody: \"nobody\" is no model_name of model_list: its chain is left out",
                "c.yml:4:65: litellm_settings.fallbacks[2].a: this chain loses \"a\" (the same model again), and nothing is left of it",
            ],
        ),
        (
            with("router_settings: {model_group_alias: {b: c, d: e}}\n"),
            &[
                "c.yml:4:39: router_settings.model_group_alias.b: the alias means nothing: \"c\" (no model_name of model_list)",
                "c.yml:4:45: router_settings.model_group_alias.d: the alias means nothing: \"e\" (no model_name of model_list)",
            ],
        ),
        (
            with(
                "  - {model_name: c, litellm_params: {model: gpt-4o}}\n  - {model_name: d, litellm_params: {model: us.amazon.nova-pro-v1:0, custom_llm_provider: openai}}\n",
            ),
            &[
                "c.yml:4:38: left out, for this gateway calls Amazon Bedrock alone: c (gpt-4o), d (us.amazon.nova-pro-v1:0) (also at 5:38)",
            ],
        ),
        (
            with(
                "  - {model_name: c, litellm_params: {model: bedrock/agent/ABC}}\n  - {model_name: d, litellm_params: {model: bedrock/mantle/openai.gpt-5}}\n",
            ),
            &[
                "c.yml:4:38: left out, for this route of Bedrock is not served here: c (bedrock/agent/ABC), d (bedrock/mantle/openai.gpt-5) (also at 5:38)",
            ],
        ),
        (
            with("      aws_role_name: arn:aws:iam::<ACCOUNT>:role/R\n")
                .replace(['{', '}'], "")
                .replace("litellm_params: ", "litellm_params:\n      "),
            &[
                "c.yml:5:7: model_list[0].litellm_params.aws_role_name: \"<ACCOUNT>\" in the ARN is a placeholder: put the \
                 region and the account in, for AWS refuses the call until then",
            ],
        ),
        (
            with(
                "general_settings: {background_health_checks: true, database_url: os.environ/DATABASE_URL}\nrouter_settings: {redis_host: os.environ/REDIS_HOST}\n",
            ),
            &[
                "c.yml:4:20: general_settings.background_health_checks: not done here: deployments are not probed in the background; one that fails requests rests, and GET /health asks each",
                "c.yml:5:19: without effect here: redis_host (instances share what they know through the table, not through Redis), database_url (keys, records and totals are in DynamoDB or in a local file, not in an SQL database)",
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for (source, expected) in rows {
        let found = match Config::parse("c.yml", source, &|_| None) {
            Ok((_, warnings)) => warnings.iter().map(ToString::to_string).collect(),
            Err(problems) => vec![format!("ERRORS {problems}")],
        };
        if found != *expected {
            wrong.push(format!(
                "{source}\n  found:\n{}\n  expected:\n{}\n",
                found.join("\n"),
                expected.join("\n")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_that_is_left_out_is_known_with_its_model() {
    let source = mixed("router_settings: {model_group_alias: {best: gpt}}\n");
    let (config, _) = Config::parse("c.yml", &source, &|_| None).unwrap();
    for (name, model) in [
        ("gpt", Some("azure/gpt-5.2")),
        ("best", Some("azure/gpt-5.2")),
        ("other/thing", Some("other/*")),
        ("nobody", None),
    ] {
        assert_eq!(config.left_out_model(name), model, "{name}");
        assert_eq!(config.resolve_name(name), None, "{name}");
    }
    assert!(config.resolve_name("a").is_some());
}

#[test]
fn a_group_keeps_its_deployments_on_bedrock() {
    let source = with(
        "  - {model_name: a, litellm_params: {model: openai/gpt-5}}\nlitellm_settings: {fallbacks: [{gpt: [a]}, {a: [gpt]}]}\n",
    );
    let (config, _) = Config::parse("c.yml", &source, &|_| None).unwrap();
    assert_eq!(config.group("a").unwrap().deployments.len(), 1);
    assert_eq!(config.left_out_names().count(), 0);
}

#[test]
fn a_strict_check_refuses_what_is_left_out() {
    for (source, sound) in [
        (mixed(""), false),
        (
            with("litellm_settings: {fallbacks: [{a: [gone]}]}\n"),
            false,
        ),
        (with("litellm_settings: {cache: true}\n"), true),
    ] {
        assert!(report_of(&source, false).sound, "{source}");
        assert_eq!(report_of(&source, true).sound, sound, "{source}");
    }
}

#[test]
fn protection_that_is_missing_must_be_accepted_by_name() {
    for (rest, missing) in [
        ("guardrails: [{guardrail_name: g}]\n", vec!["guardrails"]),
        ("guardrails: []\n", vec![]),
        (
            "general_settings: {custom_auth: my.auth}\n",
            vec!["custom_auth"],
        ),
        (
            "general_settings: {ui_access_mode: admin_only}\n",
            vec!["ui_access_mode"],
        ),
        (
            "general_settings: {global_max_parallel_requests: 9}\n",
            vec!["global_max_parallel_requests"],
        ),
        (
            "litellm_settings: {blocked_user_list: [x]}\n",
            vec!["blocked_user_list"],
        ),
        ("litellm_settings: {callbacks: [langfuse]}\n", vec![]),
        (
            "litellm_settings: {callbacks: [langfuse, my.audit]}\n",
            vec!["callbacks"],
        ),
        ("general_settings: {enforce_user_param: false}\n", vec![]),
        (
            "general_settings: {enforce_user_param: os.environ/ENFORCE}\n",
            vec!["enforce_user_param"],
        ),
        (
            "general_settings: {custom_auth: my.auth, accept_missing: [custom_auth]}\n",
            vec![],
        ),
        (
            "general_settings: {custom_auth: my.auth, accept_missing: [guardrails]}\nguardrails: [{guardrail_name: g}]\n",
            vec!["custom_auth"],
        ),
        ("general_settings: {allowed_ips: [10.0.0.0/8]}\n", vec![]),
        ("router_settings: {enable_tag_filtering: true}\n", vec![]),
    ] {
        let (config, warnings) = Config::parse("c.yml", &with(rest), &|_| None).unwrap();
        let problems = config.require_protections();
        let keys = problems
            .as_ref()
            .err()
            .map_or(Vec::new(), MissingProtections::keys);
        assert_eq!(keys, missing, "{rest}");
        let report = report_of(&with(rest), false);
        assert_eq!(report.sound, missing.is_empty(), "{rest}");
        if rest.contains("accept_missing: [custom_auth]") {
            assert_eq!(warnings[0].stake, Stake::Protection);
            let text = report.to_string();
            let accepted = "What does not:    protection by custom_auth, as accept_missing says\n";
            assert!(text.contains(accepted), "{text}");
        }
        if let Err(problems) = problems {
            let line = format!("write {}", problems.acceptance());
            assert!(problems.to_string().ends_with(&line), "{problems}");
            assert!(
                problems.to_string().contains("not done here: "),
                "{problems}"
            );
        }
    }
}

#[test]
fn missing_protection_is_told_beside_errors() {
    let source = with("guardrails: [{guardrail_name: g}]\nrouter_settings: {timeout: soon}\n");
    let problems = Config::parse("c.yml", &source, &|_| None).unwrap_err();
    let places: Vec<_> = problems
        .errors
        .iter()
        .map(|error| error.field.as_str())
        .collect();
    assert_eq!(places, ["guardrails", "router_settings.timeout"]);
}

#[test]
fn an_acceptance_of_something_else_is_told() {
    let source = with(
        "guardrails: [{guardrail_name: g}]\ngeneral_settings: {accept_missing: [guardrail, custom_auth]}\n",
    );
    let (config, warnings) = Config::parse("c.yml", &source, &|_| None).unwrap();
    assert!(config.require_protections().is_err());
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "c.yml:5:37: general_settings.accept_missing[0]: the file asks for no protection by \"guardrail\" that is \
             missing: did you mean guardrails?",
            "c.yml:5:48: general_settings.accept_missing[1]: the file asks for no protection by \"custom_auth\" that is \
             missing",
        ]
    );
}

#[test]
fn limits_beside_litellm_params_hold() {
    let rows = [
        (
            "    rpm: 7\n    tpm: 70\n    max_parallel_requests: 3\n",
            (Some(7), Some(70), Some(3)),
        ),
        (
            "    model_info: {rpm: 7, tpm: 70, max_parallel_requests: 3}\n",
            (Some(7), Some(70), Some(3)),
        ),
        (
            "    rpm: \"7\"\n    model_info: {rpm: 8, tpm: 80}\n",
            (Some(7), Some(80), None),
        ),
        ("", (None, None, None)),
    ];
    for (rest, (rpm, tpm, parallel)) in rows {
        let (config, warnings) = Config::parse("c.yml", &with(rest), &|_| None).unwrap();
        assert_eq!(warnings, [], "{rest}");
        let limits = config.deployments().next().unwrap().limits;
        assert_eq!((limits.rpm, limits.tpm), (rpm, tpm), "{rest}");
        assert_eq!(limits.max_parallel_requests, parallel, "{rest}");
    }
    let inner = with("    rpm: 7\n").replace("v1:0}", "v1:0, rpm: 9, tpm: 90}");
    let (config, _) = Config::parse("c.yml", &inner, &|_| None).unwrap();
    let limits = config.deployments().next().unwrap().limits;
    assert_eq!((limits.rpm, limits.tpm), (Some(7), Some(90)));
}

#[test]
fn a_variable_as_shells_write_it_is_refused_where_it_is_read() {
    let say = |name: &str| {
        format!(
            "found the variable {name} as shells write it, which is not replaced here: write os.environ/{name} as the whole \
             value, or run the file through envsubst first"
        )
    };
    for (rest, expected) in [
        (
            "general_settings: {master_key: \"${KEY}\"}\n",
            format!("c.yml:4:32: general_settings.master_key: {}", say("KEY")),
        ),
        (
            "litellm_settings: {aws_region_name: $AWS_REGION}\n",
            format!(
                "c.yml:4:37: litellm_settings.aws_region_name: {}",
                say("AWS_REGION")
            ),
        ),
        (
            "router_settings: {timeout: \"${T:-30}\"}\n",
            format!("c.yml:4:28: router_settings.timeout: {}", say("T")),
        ),
        (
            "  - {model_name: b, litellm_params: {model: \"bedrock/${MODEL}\"}}\n  - {model_name: c, litellm_params: {model: \"bedrock/${MODEL}\"}}\n",
            format!(
                "c.yml:4:45: model_list[1].litellm_params.model: {} (also at 5:45)",
                say("MODEL")
            ),
        ),
    ] {
        let problems = Config::parse("c.yml", &with(rest), &|_| None).unwrap_err();
        assert_eq!(problems.to_string(), expected, "{rest}");
    }
    // Where nothing is read, it is worth a warning alone.
    let source = with(
        "litellm_settings: {cache_params: {host: \"${REDIS}\"}}\nrouter_settings: {fallbacks: [{a: [\"$5\"]}]}\n",
    );
    let (_, warnings) = Config::parse("c.yml", &source, &|_| None).unwrap();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("found the variable REDIS")),
        "{warnings:?}"
    );
    assert!(
        !warnings.iter().any(|line| line.contains("variable 5")),
        "{warnings:?}"
    );
}
