use super::*;

/// What is wrong, and where: the text that stops the start.
#[test]
fn an_error_tells_where_it_is_and_what_was_expected() {
    let rows: &[(&str, &str)] = &[
        (
            "model_list: [",
            "c.yml:2:1: not valid YAML: did not find expected node content, while parsing a flow node",
        ),
        (
            "",
            "c.yml:1:1: model_list: found no models, expected at least one. LiteLLM may keep its models in its \
             database: save what GET /model/info of the old proxy answers as models.json, and write them out with \
             `bedrock-sidecar models from-litellm models.json > config.yml`",
        ),
        (
            "model_list: 3",
            "c.yml:1:13: model_list: found 3, expected a list",
        ),
        (
            "model_list:\n  - litellm_params: {}\n",
            "c.yml:2:5: model_list[0]: the field `model_name` is missing\n\
             c.yml:2:21: model_list[0].litellm_params: the field `model` is missing",
        ),
        (
            "model_list:\n  - model_name: a\n",
            "c.yml:2:5: model_list[0]: the field `litellm_params` is missing",
        ),
        (
            "model_list:\n  - model_name: a\n    litellm_params:\n      rpm: 3\n",
            "c.yml:4:7: model_list[0].litellm_params: the field `model` is missing",
        ),
        (
            &one("      rpm: many\n"),
            "c.yml:5:12: model_list[0].litellm_params.rpm: found \"many\", expected a whole number, 0 or more",
        ),
        (
            &one("      rpm: -1\n"),
            "c.yml:5:12: model_list[0].litellm_params.rpm: found -1, expected a whole number, 0 or more",
        ),
        (
            &one("      timeout: {}\n"),
            "c.yml:5:16: model_list[0].litellm_params.timeout: found a mapping, expected a number of seconds above 0",
        ),
        (
            &one("      thinking: {type: sometimes}\n"),
            "c.yml:5:24: model_list[0].litellm_params.thinking.type: unknown variant `sometimes`, expected one of \
             `enabled`, `disabled`, `adaptive`",
        ),
        (
            &one("      thinking: [enabled]\n"),
            "c.yml:5:17: model_list[0].litellm_params.thinking: found a list, expected a mapping of keys",
        ),
        (
            &one("      input_cost_per_token: -0.1\n"),
            "c.yml:5:29: model_list[0].litellm_params.input_cost_per_token: found -0.1, expected an amount of \
             dollars, 0 or more",
        ),
        (
            &one("      aws_region_name: useast1\n"),
            "c.yml:5:24: model_list[0].litellm_params.aws_region_name: found \"useast1\", expected an AWS region, \
             such as us-east-1",
        ),
        (
            &one("      aws_access_key_id: AKIAEXAMPLE\n"),
            "c.yml:4:7: model_list[0].litellm_params: half of a key: aws_secret_access_key is missing",
        ),
        (
            &one("      aws_secret_access_key: [hunter2]\n"),
            "c.yml:5:30: model_list[0].litellm_params.aws_secret_access_key: found a list, expected a text",
        ),
        (
            "model_list:\n  - model_name: a\n    litellm_params: {model: openai/gpt-4o}\n",
            "c.yml:2:3: model_list: found no model of Amazon Bedrock, which is all that this gateway calls, but models of \
             other providers: a (openai/gpt-4o)",
        ),
        (
            "model_list:\n  - model_name: a\n    litellm_params: {model: bedrock/*}\n",
            "c.yml:3:29: model_list[0].litellm_params.model: found \"bedrock/*\", which has more stars than the model_name \
             \"a\" can fill",
        ),
        (
            "model_list:\n  - model_name: \"*\"\n    litellm_params: {model: bedrock/*, model_id: x}\n",
            "c.yml:3:50: model_list[0].litellm_params.model_id: found an id beside a model with a star, expected one model",
        ),
        (
            "model_list:\n  - {model_name: a, litellm_params: {model: x.y}}\n  - {model_name: \"b-*\", litellm_params: {model: b.*}}\nlitellm_settings: {fallbacks: [{a: [\"b-*\"]}]}\n",
            "c.yml:4:37: litellm_settings.fallbacks[0].a[0]: found \"b-*\", expected one model of those it stands for",
        ),
        (
            "model_list:\n  - model_name: a\n    litellm_params: {model: x.y, output_cost_per_token: 1}\n",
            "c.yml:3:21: model_list[0].litellm_params: half of a price: input_cost_per_token is missing",
        ),
        (
            &one("litellm_settings:\n  fallbacks: [a]\n"),
            "c.yml:6:15: litellm_settings.fallbacks[0]: expected a list of {model_name: [fallback, …]}",
        ),
        (
            &one("router_settings:\n  model_group_alias: {a: a}\n"),
            "c.yml:6:26: router_settings.model_group_alias.a: the alias \"a\" is a model_name of model_list already",
        ),
        (
            &one("router_settings:\n  default_model: gone\n"),
            "c.yml:6:18: router_settings.default_model: found \"gone\", expected a model_name of model_list",
        ),
        (
            &one("general_settings:\n  maximum_spend_logs_retention_period: soon\n"),
            "c.yml:6:40: general_settings.maximum_spend_logs_retention_period: found \"soon\", expected a time such \
             as 90d, 12w or 48h",
        ),
        (
            &one("general_settings:\n  maximum_spend_logs_content_retention_period: soon\n"),
            "c.yml:6:48: general_settings.maximum_spend_logs_content_retention_period: found \"soon\", expected a time such \
             as 90d, 12w or 48h",
        ),
        (
            &one("general_settings:\n  store_responses: 30\n"),
            "c.yml:6:20: general_settings.store_responses: found 30, expected off, items, or a time such as 30d, 4w or \
             48h",
        ),
        (
            &one("general_settings:\n  budget_alert_percents: [50, 120]\n"),
            "c.yml:6:31: general_settings.budget_alert_percents[1]: found 120, expected a whole number from 1 to 100",
        ),
        (
            &one("general_settings:\n  spend_shards: 3\n"),
            "c.yml:6:17: general_settings.spend_shards: found 3, expected a number from 4 to 64",
        ),
        (
            &one("general_settings:\n  trusted_proxies: [10.0.0.0/8, 10.0.0.0/33]\n"),
            "c.yml:6:33: general_settings.trusted_proxies[1]: found \"10.0.0.0/33\", expected an IP address or a network \
             such as 10.0.0.0/8",
        ),
        (
            &one("general_settings:\n  trusted_proxies:\n    - 192.0.2.1\n    - 7\n"),
            "c.yml:8:7: general_settings.trusted_proxies[1]: found 7, expected an IP address or a network such as 10.0.0.0/8",
        ),
        (
            &one("general_settings:\n  trusted_proxies: my-proxy\n"),
            "c.yml:6:20: general_settings.trusted_proxies: found \"my-proxy\", expected a list of IP addresses and of \
             networks such as 10.0.0.0/8",
        ),
        (
            &one("general_settings:\n  trusted_proxies: {a: b}\n"),
            "c.yml:6:20: general_settings.trusted_proxies: found a mapping, expected a list of IP addresses and of networks \
             such as 10.0.0.0/8",
        ),
        (
            &one("general_settings: yes please\n"),
            "c.yml:5:19: general_settings: expected a mapping of keys",
        ),
    ];
    let mut wrong = Vec::new();
    for (source, expected) in rows {
        let found = parse_in(source, &[]).err().unwrap_or_default();
        if found != *expected {
            wrong.push(format!(
                "{source}\n  found:    {found}\n  expected: {expected}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_errors_of_a_file_are_found_in_one_reading() {
    let error = parse_in(
        "\
litellm_settings:
  num_retries: often
  fallbacks: [{a: [gone, b, a]}, {nobody: [sound]}, 7]
  spend_shards: 3
router_settings:
  default_model: lost
  timeout: 0
  model_group_alias: {other: away, sound: a}
general_settings: yes please
model_list:
  - model_name: sound
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}
  - model_name: a
    litellm_params:
      model: bedrock/us.amazon.nova-micro-v1:0
      rpm: many
      tpm: few
      temperature: warm
      aws_access_key_id: AKIAEXAMPLE
  - model_name: b
    litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0, aws_region_name: useast1, input_cost_per_token: 1}
  - litellm_params: {}
    model_name: c
  - model_name: d
",
        &[],
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @r#"
    c.yml:2:16: litellm_settings.num_retries: found "often", expected a whole number, 0 or more
    c.yml:3:53: litellm_settings.fallbacks[2]: expected a list of {model_name: [fallback, …]}
    c.yml:4:17: litellm_settings.spend_shards: found 3, expected a number from 4 to 64
    c.yml:6:18: router_settings.default_model: found "lost", expected a model_name of model_list
    c.yml:7:12: router_settings.timeout: found 0, expected a number of seconds above 0
    c.yml:8:43: router_settings.model_group_alias.sound: the alias "sound" is a model_name of model_list already
    c.yml:9:19: general_settings: expected a mapping of keys
    c.yml:15:7: model_list[1].litellm_params: half of a key: aws_secret_access_key is missing
    c.yml:16:12: model_list[1].litellm_params.rpm: found "many", expected a whole number, 0 or more
    c.yml:17:12: model_list[1].litellm_params.tpm: found "few", expected a whole number, 0 or more
    c.yml:18:20: model_list[1].litellm_params.temperature: found "warm", expected a number, 0 or more
    c.yml:21:80: model_list[2].litellm_params.aws_region_name: found "useast1", expected an AWS region, such as us-east-1
    c.yml:22:21: model_list[3].litellm_params: the field `model` is missing
    c.yml:24:5: model_list[4]: the field `litellm_params` is missing
    "#);
}

#[test]
fn what_an_error_leaves_open_is_no_error_of_its_own() {
    let rows: &[(&str, &str)] = &[
        // A name of an entry that has an error, whatever it is called by.
        (
            &format!(
                "{}litellm_settings: {{fallbacks: [{{a: [b, bedrock/x.z, c-1]}}, {{c-*: [a]}}]}}\n",
                one(
                    "      rpm: many\n  - {model_name: b, litellm_params: {model: x.z, tpm: x}}\n  - {model_name: c-*, litellm_params: {model: x.*, tpm: x}}\n"
                )
            ),
            "c.yml:5:12: model_list[0].litellm_params.rpm: found \"many\", expected a whole number, 0 or more\n\
             c.yml:6:55: model_list[1].litellm_params.tpm: found \"x\", expected a whole number, 0 or more (also at 7:57)",
        ),
        // Any name may be that of an entry without one.
        (
            "model_list: [{litellm_params: {model: x.y}}]\nrouter_settings: {default_model: a}\n",
            "c.yml:1:14: model_list[0]: the field `model_name` is missing",
        ),
        (
            "model_list: []\nrouter_settings: {default_model: a}\n",
            "c.yml:1:13: model_list: found no models, expected at least one. LiteLLM may keep its models in its \
             database: save what GET /model/info of the old proxy answers as models.json, and write them out with \
             `bedrock-sidecar models from-litellm models.json > config.yml`",
        ),
        // Half of a key, and of a price, whose other half has an error.
        (
            &one(
                "      aws_access_key_id: AKIAEXAMPLE\n      aws_secret_access_key: [x]\n      input_cost_per_token: 1\n      output_cost_per_token: x\n",
            ),
            "c.yml:6:30: model_list[0].litellm_params.aws_secret_access_key: found a list, expected a text\n\
             c.yml:8:30: model_list[0].litellm_params.output_cost_per_token: found \"x\", expected an amount of \
             dollars, 0 or more",
        ),
        (
            &one("      model: 3\n").replace(
                "      model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0\n      model: 3",
                "      model: {}",
            ),
            "c.yml:4:14: model_list[0].litellm_params.model: found a mapping, expected a text",
        ),
        ("- model_list\n", "c.yml:1:1: expected a mapping of keys"),
    ];
    let mut wrong = Vec::new();
    for (source, expected) in rows {
        let found = parse_in(source, &[]).err().unwrap_or_default();
        if found != *expected {
            wrong.push(format!(
                "{source}\n  found:    {found}\n  expected: {expected}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn warnings_are_found_beside_errors() {
    let source = one("      rpm: many\n      colour: blue\n");
    let problems = Config::parse("c.yml", &source, &|_| None).unwrap_err();
    assert_eq!(problems.errors.len(), 1);
    assert_eq!(
        problems
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["c.yml:6:7: model_list[0].litellm_params.colour: unknown key, ignored"]
    );
}

#[test]
fn a_key_written_twice_is_an_error() {
    let error = parse_in(&one("      rpm: 1\n      rpm: 2\n"), &[]).unwrap_err();
    assert!(
        error.starts_with("c.yml:") && error.contains("duplicate entry with key \"rpm\""),
        "{error}"
    );
}

#[test]
fn what_comes_from_the_environment_is_named_and_not_repeated() {
    let error = parse_in(&one("      rpm: os.environ/RPM\n"), &[("RPM", "hunter2")]).unwrap_err();
    assert_eq!(
        error,
        "c.yml:5:12: model_list[0].litellm_params.rpm: found the value of os.environ/RPM, expected a whole number, 0 or more"
    );
    // The region of every deployment that has none of its own.
    let pairs = [("AWS_REGION_NAME", "hunter2")];
    for (source, place) in [
        (
            one("      aws_region_name: os.environ/AWS_REGION_NAME\n"),
            "5:24: model_list[0].litellm_params",
        ),
        (
            one("litellm_settings: {aws_region_name: os.environ/AWS_REGION_NAME}\n"),
            "5:37: litellm_settings",
        ),
        (one(""), "4:7: model_list[0].litellm_params"),
    ] {
        let error = parse_in(&source, &pairs).unwrap_err();
        assert_eq!(
            error,
            format!(
                "c.yml:{place}.aws_region_name: found the value of os.environ/AWS_REGION_NAME, expected an AWS region, \
                 such as us-east-1"
            )
        );
    }
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    let rows: &[(&str, &[&str])] = &[
        (
            &one("      aws_regionname: us-east-1\n"),
            &[
                "c.yml:5:7: model_list[0].litellm_params.aws_regionname: unknown key, ignored: did you mean aws_region_name?",
            ],
        ),
        (
            &one("litelm_settings: {}\n"),
            &["c.yml:5:1: litelm_settings: unknown key, ignored: did you mean litellm_settings?"],
        ),
        (
            &one("router_settings:\n  colour: blue\n  num_retrys: 2\n"),
            &[
                "c.yml:6:3: router_settings.colour: unknown key, ignored",
                "c.yml:7:3: router_settings.num_retrys: unknown key, ignored: did you mean num_retries?",
            ],
        ),
        (
            &one(
                "      cache_control_injection_points:\n        - {location: message, rle: user}\n",
            ),
            &[
                "c.yml:6:31: model_list[0].litellm_params.cache_control_injection_points[0].rle: unknown key, ignored",
            ],
        ),
        (
            &one(
                "general_settings:\n  openai_api_base: /v1\n  disable_user_auth: true\nopenapi: {}\n",
            ),
            &[
                "c.yml:8:1: without effect here: openapi (the API describes itself), openai_api_base (every route \
                 answers with and without /v1), disable_user_auth (authentication stays on)",
            ],
        ),
        (
            "model_list:\n  - model_name: a\n    litellm_params:\n      model: eu.anthropic.anthropic.claude-opus-4-20250514-v1:0\n",
            &[
                "c.yml:4:7: not in the catalog: its cost is unknown, and it is taken to have tools and pictures, but neither \
                 caching nor thinking (model_info.base_model can name the model behind an id): \
                 eu.anthropic.anthropic.claude-opus-4-20250514-v1:0 (the nearest known model is \
                 eu.anthropic.claude-opus-4-20250514-v1:0)",
            ],
        ),
        (
            &one("      rpm: os.environ/RPM\n"),
            &[
                "c.yml:5:7: model_list[0].litellm_params.rpm: os.environ/RPM is not set, so the default applies",
            ],
        ),
        (
            &one(
                "      aws_region_name: os.environ/AWS_REGION_NAME\n      aws_access_key_id: os.environ/AWS_ACCESS_KEY_ID\n",
            ),
            &[],
        ),
    ];
    for (source, expected) in rows {
        let (_, warnings) = parse_in(source, &[]).unwrap();
        assert_eq!(warnings, *expected, "\n{source}");
    }
}
