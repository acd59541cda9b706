use std::sync::Arc;

use super::*;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

const PATTERNS: &str = r#"
model_list:
  - {model_name: exact, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
  - {model_name: "*", litellm_params: {model: bedrock/us.amazon.nova-micro-v1:0}}
  - {model_name: "bedrock/*", litellm_params: {model: bedrock/*, rpm: 7, max_tokens: 99}, model_info: {id: any}}
  - {model_name: "bedrock/*", litellm_params: {model: bedrock/*, aws_region_name: eu-west-1}}
  - {model_name: "claude-*", litellm_params: {model: bedrock/us.anthropic.claude-*}, model_info: {max_input_tokens: 5}}
litellm_settings:
  fallbacks:
    - "bedrock/*": [exact]
    - "claude-opus-5-5": [bedrock/us.amazon.nova-lite-v1:0]
router_settings:
  model_group_alias: {best: claude-opus-5-5}
  model_group_retry_policy: {"bedrock/*": {RateLimitErrorRetries: 4}}
"#;

/// A name, the group that it means, and the model and region of each deployment.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// What a name leads to: group, model and region of each deployment.
fn behind(config: &Config, name: &str) -> Vec<(String, String, String)> {
    let group = config
        .resolve_name(name)
        .and_then(|name| config.group(name));
    let deployments = group.iter().flat_map(|group| &group.deployments);
    let one = |d: &Arc<Deployment>| (d.group.clone(), d.model_id.clone(), d.region.clone());
    deployments.map(one).collect()
}

#[test]
fn a_name_goes_to_its_group_else_to_the_most_specific_pattern_that_it_fits() {
    let config = sound(PATTERNS);
    let sonnet = format!("bedrock/{SONNET}");
    let converse = format!("bedrock/converse/{SONNET}");
    let opus = "us.anthropic.claude-opus-5-5";
    let micro = "us.amazon.nova-micro-v1:0";
    let rows: [Row<'_>; 8] = [
        (
            "exact",
            "exact",
            &[("us.amazon.nova-pro-v1:0", "us-east-1")],
        ),
        (
            "us.amazon.nova-pro-v1:0",
            "exact",
            &[("us.amazon.nova-pro-v1:0", "us-east-1")],
        ),
        (
            &sonnet,
            &sonnet,
            &[(SONNET, "us-east-1"), (SONNET, "eu-west-1")],
        ),
        (
            &converse,
            &converse,
            &[(SONNET, "us-east-1"), (SONNET, "eu-west-1")],
        ),
        ("claude-opus-5-5", "claude-opus-5-5", &[(opus, "us-east-1")]),
        ("best", "claude-opus-5-5", &[(opus, "us-east-1")]),
        ("gpt-4o", "gpt-4o", &[(micro, "us-east-1")]),
        // Nobody's, but well written: Bedrock itself will say so.
        (
            "bedrock/no.such-model",
            "bedrock/no.such-model",
            &[
                ("no.such-model", "us-east-1"),
                ("no.such-model", "eu-west-1"),
            ],
        ),
    ];
    for (name, group, expected) in rows {
        let found = behind(&config, name);
        let found: Vec<_> = found
            .iter()
            .map(|(group, model, region)| (&**group, &**model, &**region))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(model, region)| (group, *model, *region))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_caller_chooses_the_model_and_nothing_else() {
    let config = sound(PATTERNS);
    let arn = |region: &str| {
        format!("bedrock/arn:aws:bedrock:{region}:1:application-inference-profile/x")
    };
    // The file's regions, each by its own entry.
    assert_eq!(behind(&config, &arn("eu-west-1")).len(), 1);
    for name in [
        "bedrock/*",
        "bedrock/",
        "bedrock/openai/gpt-4o",
        "bedrock/a b",
        "bedrock/a\nb",
        "bedrock/a?b",
        "claude-*",
        "bedrock/ap-south-1/amazon.nova-pro-v1:0",
        &arn("ap-south-1"),
        "",
    ] {
        assert_eq!(behind(&config, name), [], "{name:?}");
        assert_eq!(config.resolve_name(name), None, "{name:?}");
    }
}

#[test]
fn a_known_model_without_its_prefix_is_found_behind_a_pattern_with_it() {
    let config =
        sound("model_list: [{model_name: \"bedrock/*\", litellm_params: {model: bedrock/*}}]\n");
    assert_eq!(behind(&config, SONNET).len(), 1);
    assert_eq!(behind(&config, "no.such-model"), []);
}

#[test]
fn what_is_made_has_the_catalog_s_word_under_the_entry_s() {
    let config = sound(PATTERNS);
    let group = config.group("claude-sonnet-4-5-20250929-v1:0").unwrap();
    let made = &group.deployments[0];
    assert!(made.model.known && made.model.price.is_some());
    assert_eq!(made.model.limits.input, Some(5));
    assert_eq!(made.configured_model, format!("bedrock/{SONNET}"));
    assert_eq!(made.params["model"], format!("bedrock/{SONNET}"));

    let any = config.group(&format!("bedrock/{SONNET}")).unwrap();
    let [here, there] = any.deployments.as_slice() else {
        panic!("two entries");
    };
    assert_eq!(
        (here.limits.rpm, here.defaults.max_tokens),
        (Some(7), Some(99))
    );
    assert_eq!(here.entry_id(), "any");
    let again = sound(PATTERNS).group(&format!("bedrock/{SONNET}")).unwrap();
    assert_eq!(
        again.deployments[0].id, here.id,
        "the same in every process"
    );
    let other = config.group("bedrock/us.amazon.nova-lite-v1:0").unwrap();
    let ids = [&here.id, &there.id, &made.id, &other.deployments[0].id];
    let different: std::collections::BTreeSet<_> = ids.into_iter().collect();
    assert_eq!(different.len(), 4);
}

#[test]
fn what_is_made_is_followed_by_its_own_fallbacks_else_by_its_pattern_s() {
    let config = sound(PATTERNS);
    let next = |group: &str| config.fallbacks_of(group, FallbackKind::General).join(" ");
    assert_eq!(next(&format!("bedrock/{SONNET}")), "exact");
    assert_eq!(next("bedrock/*"), "exact");
    assert_eq!(next("claude-opus-5-5"), "bedrock/us.amazon.nova-lite-v1:0");
    assert_eq!(next("claude-haiku-4-5"), "");

    let saved = |target: &str| Changes {
        fallbacks: Some(Fallbacks {
            general: [("bedrock/*".to_owned(), vec![target.to_owned()])].into(),
            ..Fallbacks::default()
        }),
        ..Changes::default()
    };
    let changed = config.changed(&saved("claude-opus-5-5")).unwrap();
    let sonnet = format!("bedrock/{SONNET}");
    assert_eq!(
        changed.fallbacks_of(&sonnet, FallbackKind::General),
        ["claude-opus-5-5"]
    );
    assert!(config.changed(&saved("claude-*")).is_err());
}

#[test]
fn listed_are_the_living_models_behind_a_pattern_that_its_region_has() {
    let config = sound(PATTERNS);
    let names = config.listed_names(TODAY);
    let has = |name: &str| names.iter().any(|listed| listed == name);
    assert!(has("exact") && has("best") && has("claude-sonnet-4-5-20250929-v1:0"));
    assert!(has(&format!("bedrock/{SONNET}")));
    assert!(
        has("bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        "in eu-west-1"
    );
    assert!(!has("bedrock/jp.anthropic.claude-sonnet-4-5-20250929-v1:0"));
    assert!(
        !has("bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
        "retired"
    );
    assert!(!names.iter().any(|name| name.contains('*')));
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    for name in &names {
        assert!(!behind(&config, name).is_empty(), "{name} can be asked");
    }
}
