use rust_decimal::Decimal;

use super::*;
use crate::catalog::ThinkingSupport;

fn dollars(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn custom_prices_are_exact_and_replace_what_they_contradict() {
    let config = sound(&one(
        "      input_cost_per_token: 3e-06\n      output_cost_per_token: \"0.0000155\"\n",
    ));
    let price = first(&config).model.price.clone().unwrap();
    assert_eq!(price.standard.input, dollars("3"));
    assert_eq!(price.standard.output, dollars("15.5"));
    assert_eq!(price.standard.cache_read, None);
    assert!(price.above.is_empty());

    let config = sound(&one("      cache_read_input_token_cost: 0.0000001\n"));
    let price = first(&config).model.price.clone().unwrap();
    assert_eq!(price.standard.input, dollars("3.3"));
    assert_eq!(price.standard.cache_read, Some(dollars("0.1")));
    assert_eq!(price.above.len(), 1);
}

#[test]
fn model_info_overrides_the_catalog() {
    let config = sound(&one(
        "    model_info: {max_input_tokens: 1000000, max_output_tokens: 5, supports_prompt_caching: false, supports_reasoning: \"false\", supports_vision: false}\n",
    ));
    let model = &first(&config).model;
    assert_eq!(
        (model.limits.input, model.limits.output),
        (Some(1_000_000), Some(5))
    );
    assert_eq!(model.abilities.caching, None);
    assert_eq!(model.abilities.thinking, ThinkingSupport::None);
    assert!(!model.abilities.vision && model.abilities.tools);
}

#[test]
fn a_profile_of_ones_own_is_known_by_its_base_model() {
    let arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x";
    let base = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let rows = [
        format!("{{model: bedrock/{arn}}}, model_info: {{base_model: bedrock/{base}}}"),
        format!("{{model: bedrock/{arn}, base_model: {base}}}"),
        format!("{{model: bedrock/{base}, model_id: \"{arn}\"}}"),
    ];
    for row in rows {
        let config = sound(&format!(
            "model_list: [{{model_name: a, litellm_params: {row}}}]\n"
        ));
        let deployment = first(&config);
        assert!(deployment.model.known, "{row}");
        assert_eq!(deployment.model_id, arn);
        assert_eq!(
            deployment.model.price.as_ref().unwrap().standard.input,
            dollars("3.3")
        );
    }
}
