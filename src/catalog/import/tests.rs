use super::*;
use crate::catalog::{Catalog, ThinkingSupport};

const OLD: &str = "# kept\ncorrections:\n  - {id: a.model, field: output, value: 7, source: a page}\n# ---- generated: everything below is written by `bedrock-sidecar models import` ----\nmodels: {gone: 1}\n";

const LIST: &str = r#"{
  "sample_spec": {"mode": "chat"},
  "anthropic.claude-x-1": {
    "litellm_provider": "bedrock_converse", "mode": "chat", "max_input_tokens": 200000, "max_output_tokens": 64000,
    "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
    "cache_creation_input_token_cost": 3.75e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
    "output_cost_per_token_above_200k_tokens": 2.25e-05, "supports_prompt_caching": true, "supports_vision": true,
    "supports_function_calling": true, "supports_tool_choice": true, "supports_reasoning": true,
    "prompt_cache_min_tokens": 2048, "deprecation_date": "2027-04-08"},
  "global.anthropic.claude-x-1": {
    "litellm_provider": "bedrock_converse", "mode": "chat", "max_input_tokens": 200000, "max_output_tokens": 64000,
    "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
    "cache_creation_input_token_cost": 3.75e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
    "output_cost_per_token_above_200k_tokens": 2.25e-05, "supports_prompt_caching": true, "supports_vision": true,
    "supports_function_calling": true, "supports_tool_choice": true, "supports_reasoning": true,
    "prompt_cache_min_tokens": 2048, "deprecation_date": "2027-04-08"},
  "bedrock/eu-west-1/anthropic.claude-x-1": {
    "litellm_provider": "bedrock", "mode": "chat", "max_input_tokens": 200000, "max_output_tokens": 8192,
    "input_cost_per_token": 3.3000000000000004e-06, "output_cost_per_token": 1.65e-05, "supports_vision": true,
    "supports_function_calling": true, "supports_tool_choice": true},
  "us.a.model": {"litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 0},
  "1-month-commitment/anthropic.claude-x-1": {"litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": 1},
  "bedrock/us-east-1/1-month-commitment/anthropic.claude-x-1": {"litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": 1},
  "claude-x-1": {"litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 1},
  "amazon.embed": {"litellm_provider": "bedrock", "mode": "embedding", "input_cost_per_token": 1}
}"#;

#[test]
fn a_list_becomes_a_catalog_and_the_corrections_stay() {
    let yaml = import(LIST, OLD).unwrap();
    assert!(yaml.starts_with("# kept\ncorrections:\n"));
    assert!(!yaml.contains("gone"));
    let generated = yaml.split_once(MARKER).unwrap().1;
    insta::assert_snapshot!(generated.trim_start(), @r#"
    models:
      a.model:
        base:
          price: {input: "1", output: "0"}
        profiles: [us]
        profile_only: true
      anthropic.claude-x-1:
        base:
          context: 200000
          output: 64000
          end_of_life: "2027-04-08"
          thinking: budget
          cache_min: 2048
          can: [caching, caching_tools, vision, tools, tool_choice, tool_result_images]
          price: {input: "3", output: "15", read: "0.3", write: "3.75"}
          above:
            - {over: 200000, price: {input: "6", output: "22.5"}}
        profiles: [global]
        variants:
          - for: [eu-west-1]
            has:
              output: 8192
              thinking: none
              cannot: [caching, caching_tools]
              price: {input: "3.3", output: "16.5"}
    "#);

    let json: serde_json::Value = serde_yaml::from_str(&yaml).unwrap();
    let json = json.to_string();
    let catalog = Catalog::from_json(&json).unwrap();
    let model = catalog.resolve("global.anthropic.claude-x-1", None, None);
    assert_eq!(model.abilities.thinking, ThinkingSupport::Budget);
    assert_eq!(
        model.price.unwrap().rates(200_001).output.to_string(),
        "22.5"
    );
    let regional = catalog.resolve("anthropic.claude-x-1", Some("eu-west-1"), None);
    assert_eq!(regional.price.unwrap().standard.input.to_string(), "3.3");
    assert_eq!(regional.limits.output, Some(8_192));
    assert_eq!(
        catalog.resolve("us.a.model", None, None).limits.output,
        Some(7)
    );
    assert_eq!(import(LIST, &yaml).unwrap(), yaml);
}

#[test]
fn what_cannot_be_imported_is_said() {
    let rows = [
        (
            "[]",
            OLD,
            "the price list cannot be read: invalid type: sequence, expected a map at line 1 column 0",
        ),
        ("{}", OLD, "the price list names no chat model of Bedrock"),
        (
            r#"{"a.b": {"litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": "x"}}"#,
            OLD,
            "a.b: input_cost_per_token is not a price: \"x\"",
        ),
    ];
    for (list, old, expected) in rows {
        assert_eq!(import(list, old).unwrap_err().to_string(), expected);
    }
    assert!(matches!(
        import(LIST, "models: {}"),
        Err(ImportError::NoMarker)
    ));
}

/// The bundled file is what an import of its own source would write, as far as that can be told without the source.
#[test]
fn the_bundled_file_has_the_marker() {
    assert!(include_str!("../../../config/models.yml").contains(MARKER));
}
