use serde_json::{Value, json};

use super::{UnsupportedFeatures, claude, newer_claude, nova, plan, request, sent};
use bedrock_sidecar::catalog::{Model, ThinkingSupport};
use bedrock_sidecar::config::Defaults;

fn body(model: &Model, defaults: &Defaults, fields: Value) -> Value {
    let mut asked = json!({"messages": [{"role": "user", "content": "q"}]});
    for (key, value) in fields.as_object().unwrap() {
        asked[key] = value.clone();
    }
    sent(&plan(
        &request(&asked),
        model,
        defaults,
        UnsupportedFeatures::default(),
    ))
}

fn defaults() -> Defaults {
    Defaults {
        guardrail: Some(
            json!({"guardrailIdentifier": "d", "guardrailVersion": "1", "streamProcessingMode": "async"}),
        ),
        latency: Some("optimized".into()),
        service_tier: Some("flex".into()),
        request_metadata: [("team".into(), "a".into()), ("app".into(), "b".into())].into(),
        model_fields: json!({"anthropic_beta": ["x"], "k": 1})
            .as_object()
            .unwrap()
            .clone(),
        ..Defaults::default()
    }
}

#[test]
fn the_request_s_word_goes_before_the_deployment_s_but_for_the_guardrail() {
    let sent = body(&claude(), &defaults(), json!({}));
    assert_eq!(sent["guardrailConfig"]["guardrailIdentifier"], "d");
    assert_eq!(
        sent["messages"][0]["content"],
        json!([{"guardContent": {"text": {"text": "q"}}}])
    );
    assert_eq!(sent["performanceConfig"], json!({"latency": "optimized"}));
    assert_eq!(sent["serviceTier"], json!({"type": "flex"}));
    assert_eq!(sent["requestMetadata"], json!({"team": "a", "app": "b"}));
    assert_eq!(
        sent["additionalModelRequestFields"],
        json!({"anthropic_beta": ["x"], "k": 1})
    );
    let sent = body(
        &claude(),
        &defaults(),
        json!({
            "guardrailConfig": {"guardrailIdentifier": "r", "guardrailVersion": "2"},
            "performanceConfig": {"latency": "standard"},
            "service_tier": "default",
            "requestMetadata": {"team": "c"},
            "anthropic_beta": "y, x",
            "additional_model_request_fields": {"k": 2, "amazon-bedrock-guardrailConfig": {"tagSuffix": "x"}},
        }),
    );
    assert_eq!(sent["guardrailConfig"]["guardrailIdentifier"], "d");
    assert_eq!(sent["performanceConfig"], json!({"latency": "standard"}));
    assert_eq!(
        sent.get("serviceTier"),
        None,
        "the default tier needs no word"
    );
    assert_eq!(sent["requestMetadata"], json!({"team": "c", "app": "b"}));
    assert_eq!(
        sent["additionalModelRequestFields"],
        json!({"anthropic_beta": ["y", "x"], "k": 2})
    );
}

#[test]
fn a_request_may_have_a_guardrail_where_there_is_none_or_the_file_says_so() {
    let own = || {
        json!({
            "guardrailConfig": {"guardrailIdentifier": "r", "guardrailVersion": "2"},
            "additional_model_request_fields": {"amazon-bedrock-guardrailConfig": {"tagSuffix": "x"}},
        })
    };
    let allowed = Defaults {
        client_guardrails: true,
        ..defaults()
    };
    for defaults in [Defaults::default(), allowed] {
        let sent = body(&claude(), &defaults, own());
        assert_eq!(sent["guardrailConfig"]["guardrailIdentifier"], "r");
        let fields = &sent["additionalModelRequestFields"];
        assert_eq!(fields["amazon-bedrock-guardrailConfig"]["tagSuffix"], "x");
    }
}

#[test]
fn only_claude_hears_of_betas() {
    let fields = json!({"anthropic_beta": ["x"]});
    let sent = body(&nova(ThinkingSupport::None), &Defaults::default(), fields);
    assert_eq!(sent.get("additionalModelRequestFields"), None);
}

#[test]
fn an_effort_alone_goes_to_models_that_take_one_and_starts_no_thinking() {
    let wish = || json!({"output_config": {"effort": "high"}});
    let field = |model: &Model| {
        body(model, &Defaults::default(), wish())
            .get("additionalModelRequestFields")
            .cloned()
    };
    assert_eq!(field(&claude()), None);
    assert_eq!(
        field(&newer_claude(ThinkingSupport::BudgetOrAdaptive)),
        Some(json!({"output_config": {"effort": "high"}}))
    );
    let mut first_with_effort = claude();
    first_with_effort.abilities.effort = true;
    assert_eq!(
        field(&first_with_effort),
        Some(json!({"output_config": {"effort": "high"}, "anthropic_beta": ["effort-2025-11-24"]}))
    );
}
