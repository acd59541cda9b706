//! The copy of a file in which everything has an effect.

use super::*;

fn migrated(source: &str) -> String {
    migrate("c.yml", source, &|_| None).text
}

/// What is found in a text beside what works differently and what needs a decision.
fn leftovers(source: &str) -> Vec<String> {
    let (_, warnings) = match Config::parse("c.yml", source, &|_| None) {
        Ok(read) => read,
        Err(problems) => return vec![format!("ERRORS {problems}\n{source}")],
    };
    let lines = warnings.iter().map(ToString::to_string);
    lines
        .filter(|line| {
            [
                "without effect",
                "not done here",
                "unknown key",
                "left out",
                "loses",
                "means nothing",
            ]
            .iter()
            .any(|text| line.contains(text))
        })
        .collect()
}

#[test]
fn a_copy_of_a_real_file_means_the_same_and_has_nothing_without_effect() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm_configs");
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let copy = migrated(&source);
        let name = path.display();
        let Ok((before, _)) = Config::parse("c.yml", &source, &|_| None) else {
            continue;
        };
        assert_eq!(leftovers(&copy), Vec::<String>::new(), "{name}\n{copy}");
        let (after, _) = Config::parse("c.yml", &copy, &|_| None).unwrap();
        let models = |config: &Config| -> Vec<(String, String, String)> {
            let deployments = config.deployments();
            deployments
                .map(|d| (d.group.clone(), d.model_id.clone(), d.region.clone()))
                .collect()
        };
        assert_eq!(models(&before), models(&after), "{name}");
        assert_eq!(before.routing, after.routing, "{name}");
        assert_eq!(before.settings, after.settings, "{name}");
        assert_eq!(before.general, after.general, "{name}");
        let twice = migrated(&copy);
        assert_eq!(twice, copy, "{name}");
    }
}

#[test]
fn what_goes_becomes_a_comment_and_everything_else_stays_as_it_was() {
    insta::assert_snapshot!(migrated(
        "\
# Our gateway.
model_list:
  # The good one.
  - model_name: a
    litellm_params:
      model: bedrock/us.amazon.nova-pro-v1:0   # in Virginia
      tags: [x]
      rpm: 7

  # Not on Bedrock.
  - model_name: gpt
    litellm_params:
      model: azure/gpt-5.2
      api_key: os.environ/AZURE_KEY
  - {model_name: b, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0, tags: [x]}}

litellm_settings:
  fallbacks:
  - a: [gpt, b]
  - gpt: [a]
  - b:
      - gpt
      # then
      - a
  cache: true
  cache_params:
    type: redis

    host: os.environ/REDIS_HOST
  num_retries: 2 # enough
router_settings: {routing_strategy_args: {ttl: 1}, enable_tag_filtering: true, colour: blue, timeout: 30}
general_settings:
  custom_auth: my.auth
  background_health_checks: true
# The end.
"
    ), @r#"
    # Our gateway.
    model_list:
      # The good one.
      - model_name: a
        litellm_params:
          model: bedrock/us.amazon.nova-pro-v1:0   # in Virginia
          # bedrock-sidecar: not done here: deployments are chosen by order and weight, not by tags
          # tags: [x]
          rpm: 7

      # Not on Bedrock.
      # bedrock-sidecar: left out, for this gateway calls Amazon Bedrock alone
      # - model_name: gpt
      #   litellm_params:
      #     model: azure/gpt-5.2
      #     api_key: os.environ/AZURE_KEY
      # bedrock-sidecar: model_list[2].litellm_params.tags is gone: not done here: deployments are chosen by order and weight, not by tags
      - model_name: b
        litellm_params:
          model: bedrock/us.amazon.nova-lite-v1:0

    litellm_settings:
      fallbacks:
      # bedrock-sidecar: litellm_settings.fallbacks[0].a[0] is gone: the chain loses "gpt" (left out)
      - a:
        - b
      # bedrock-sidecar: left out with its model
      # - gpt: [a]
      - b:
          # bedrock-sidecar: the chain loses "gpt" (left out)
          # - gpt
          # then
          - a
      # bedrock-sidecar: not done here: answers are not cached
      # cache: true
      # bedrock-sidecar: without effect here: answers are not cached
      # cache_params:
      #   type: redis
      #
      #   host: os.environ/REDIS_HOST
      num_retries: 2 # enough
    # bedrock-sidecar: router_settings.enable_tag_filtering is gone: not done here: deployments are chosen by order and weight, not by tags
    # bedrock-sidecar: router_settings.colour is gone: unknown key, ignored
    router_settings:
      routing_strategy_args:
        ttl: 1
      timeout: 30
    general_settings:
      custom_auth: my.auth
      # bedrock-sidecar: not done here: deployments are not probed in the background; one that fails requests rests, and GET /health asks each
      # background_health_checks: true
    # The end.
    "#);
}

#[test]
fn a_variable_of_a_shell_gets_the_form_that_is_read() {
    let copy = migrated(
        "model_list:\n  - model_name: a\n    litellm_params:\n      model: bedrock/us.amazon.nova-pro-v1:0\n      aws_region_name: $AWS_REGION\n",
    );
    assert!(copy.contains("      # bedrock-sidecar: model_list[0].litellm_params.aws_region_name is now os.environ/AWS_REGION\n      aws_region_name: os.environ/AWS_REGION\n"), "{copy}");
}

#[test]
fn a_change_inside_of_what_goes_is_none() {
    let copy = migrated(
        "# Ours.\nmodel_list: [{model_name: a, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}]\nlitellm_settings:\n  cache_params:\n    host: $REDIS_HOST\n  # stays\n  num_retries: 1\n",
    );
    assert!(
        copy.starts_with("# Ours.\n") && copy.contains("  # stays\n  num_retries: 1\n"),
        "{copy}"
    );
    assert!(
        copy.contains("  # cache_params:\n  #   host: $REDIS_HOST\n"),
        "{copy}"
    );
}

#[test]
fn a_key_of_several_lines_stays_in_its_comment() {
    let copy = migrated(
        "model_list: [{model_name: a, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, \"x\\nmodel_list: []\": 1}}]\n",
    );
    let (config, _) = Config::parse("c.yml", &copy, &|_| None).unwrap();
    assert_eq!(config.deployments().count(), 1, "{copy}");
}

#[test]
fn a_file_that_is_all_useful_or_no_yaml_stays_as_it_is() {
    for source in [
        "model_list: [{model_name: a, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}]\n",
        "model_list: [\n",
        "",
    ] {
        let copy = migrate("c.yml", source, &|_| None);
        assert_eq!((copy.text.as_str(), copy.changes), (source, 0));
    }
}
