use serde_json::{Value, json};

use super::{ask, body, claude, newer_claude, nova, plain_claude, planned};
use bedrock_sidecar::bedrock::plan::{UnsupportedFeatures, plan};
use bedrock_sidecar::catalog::ThinkingSupport;
use bedrock_sidecar::config::Defaults;
use bedrock_sidecar::conversation::Thinking;

#[test]
fn sampling_is_sent_as_the_model_takes_it() {
    let newer = || newer_claude(ThinkingSupport::Adaptive { always_on: false });
    let nova = || nova(ThinkingSupport::None);
    let mut at_least_16 = nova();
    at_least_16.limits.least_output = Some(16);
    let cases = [
        (
            at_least_16.clone(),
            json!({"max_tokens": 5}),
            json!({"maxTokens": 16}),
        ),
        (
            at_least_16,
            json!({"max_tokens": 17}),
            json!({"maxTokens": 17}),
        ),
        (claude(), json!({}), json!({"maxTokens": 16_384})),
        (
            claude(),
            json!({"max_tokens": 100_000}),
            json!({"maxTokens": 64_000}),
        ),
        (claude(), json!({"max_tokens": 5}), json!({"maxTokens": 5})),
        (
            claude(),
            json!({"temperature": 1.7}),
            json!({"maxTokens": 16_384, "temperature": 1.0}),
        ),
        (
            claude(),
            json!({"temperature": 0.7, "top_p": 0.9}),
            json!({"maxTokens": 16_384, "temperature": 0.7}),
        ),
        (
            nova(),
            json!({"temperature": 0.7, "top_p": 0.9}),
            json!({"maxTokens": 16_384, "temperature": 0.7, "topP": 0.9}),
        ),
        (
            newer(),
            json!({"temperature": 0.7, "top_p": 0.9, "top_k": 5}),
            json!({"maxTokens": 16_384}),
        ),
        (
            claude(),
            json!({"stop": ["a", "", "\n"]}),
            json!({"maxTokens": 16_384, "stopSequences": ["a"]}),
        ),
        (
            nova(),
            json!({"stop": ["a", "", "\n"]}),
            json!({"maxTokens": 16_384, "stopSequences": ["a", "\n"]}),
        ),
        (claude(), json!({"stop": ""}), json!({"maxTokens": 16_384})),
    ];
    for (model, fields, config) in cases {
        let sent = planned(&model, &ask(&fields));
        let sent = super::sent(&sent);
        // As text: a temperature of 0.7 must not become 0.699999988.
        assert_eq!(
            sent["inferenceConfig"].to_string(),
            config.to_string(),
            "{fields}"
        );
    }
}

#[test]
fn top_k_is_a_field_of_the_model_s_own() {
    let request = ask(&json!({"top_k": 5}));
    let fields = |sent: Value| sent["additionalModelRequestFields"].clone();
    assert_eq!(fields(body(&plain_claude(), &request)), json!({"top_k": 5}));
    assert_eq!(
        fields(body(&nova(ThinkingSupport::None), &request)),
        json!({"inferenceConfig": {"topK": 5}})
    );
}

#[test]
fn the_answer_is_clamped_to_what_is_left_of_the_window() {
    let mut model = claude();
    model.limits.input = Some(10_000);
    let prompt =
        |bytes: usize| json!({"messages": [{"role": "user", "content": "x".repeat(bytes)}]});
    let max = |bytes| body(&model, &prompt(bytes))["inferenceConfig"]["maxTokens"].clone();
    assert_eq!(max(20_000), 5_000);
    // Full: Bedrock says so better than an answer of a few words.
    assert_eq!(max(39_000), 16_384);
}

#[test]
fn the_request_goes_before_the_deployment_s_defaults() {
    let defaults = Defaults {
        max_tokens: Some(7),
        temperature: Some(0.5),
        stop: vec!["d".into()],
        model_fields: json!({"a": 1}).as_object().unwrap().clone(),
        ..Defaults::default()
    };
    let with = |fields: Value, defaults: &Defaults| {
        let request = super::request(&ask(&fields));
        super::sent(&plan(
            &request,
            &claude(),
            defaults,
            UnsupportedFeatures::default(),
        ))
    };
    let sent = with(json!({}), &defaults);
    assert_eq!(
        sent["inferenceConfig"],
        json!({"maxTokens": 7, "temperature": 0.5, "stopSequences": ["d"]})
    );
    assert_eq!(sent["additionalModelRequestFields"], json!({"a": 1}));
    let sent = with(
        json!({"max_tokens": 8, "temperature": 0.25, "stop": "r"}),
        &defaults,
    );
    assert_eq!(
        sent["inferenceConfig"],
        json!({"maxTokens": 8, "temperature": 0.25, "stopSequences": ["r"]})
    );

    let thinks = Defaults {
        thinking: Some(Thinking::Budget(2_000)),
        ..Defaults::default()
    };
    let thinking = |fields| {
        with(fields, &thinks)["additionalModelRequestFields"]["thinking"]["budget_tokens"].clone()
    };
    assert_eq!(thinking(json!({})), 2_000);
    assert_eq!(thinking(json!({"reasoning_effort": "low"})), 1_024);
    assert_eq!(thinking(json!({"reasoning_effort": "none"})), Value::Null);
}

#[test]
fn what_the_target_turned_out_to_lack_is_left_out() {
    let request = json!({"messages": [{"role": "user", "content": "q", "cache_control": {}},
            {"role": "assistant", "content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}],
        "tools": [super::tool("f")], "reasoning_effort": "low", "anthropic_beta": "context-1m-2025-08-07"});
    let request = super::request(&request);
    let lacking = UnsupportedFeatures {
        thinking_blocks: true,
        thinking: true,
        caching: true,
        tools_while_streaming: true,
        prefill: true,
        betas: true,
        ..UnsupportedFeatures::default()
    };
    let plan = plan(&request, &claude(), &Defaults::default(), lacking);
    assert!(!plan.streaming);
    let sent = super::sent(&plan);
    assert_eq!(
        sent["messages"],
        json!([{"role": "user", "content": [{"text": "q"}]}, {"role": "assistant", "content": [{"text": "a"}]},
               {"role": "user", "content": [{"text": "Please continue."}]}])
    );
    assert!(sent.get("additionalModelRequestFields").is_none());
}

#[test]
fn a_field_that_the_target_refused_is_left_out_and_no_other() {
    let mut model = claude();
    model.abilities.json_schema = true;
    let request = json!({"messages": [{"role": "user", "content": "q"}], "temperature": 0.5, "top_k": 5, "stop": "x",
        "tools": [super::tool("f")], "tool_choice": "required",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}});
    let request = super::request(&request);
    let fields = [
        "/inferenceConfig/temperature",
        "/additionalModelRequestFields/top_k",
        "/inferenceConfig/stopSequences",
        "/toolConfig/toolChoice",
        "/outputConfig",
    ];
    let none = UnsupportedFeatures::default();
    let temperature = UnsupportedFeatures {
        temperature: true,
        ..none
    };
    let top_k = UnsupportedFeatures {
        top_k: true,
        ..none
    };
    let stop_sequences = UnsupportedFeatures {
        stop_sequences: true,
        ..none
    };
    let required_tool_choice = UnsupportedFeatures {
        required_tool_choice: true,
        ..none
    };
    let json_schema = UnsupportedFeatures {
        json_schema: true,
        ..none
    };
    let cases: [(UnsupportedFeatures, &[&str]); 6] = [
        (none, &[]),
        (temperature, &fields[..1]),
        (top_k, &fields[1..2]),
        (stop_sequences, &fields[2..3]),
        (required_tool_choice, &fields[3..4]),
        (json_schema, &fields[4..]),
    ];
    for (without, gone) in cases {
        let sent = super::sent(&plan(&request, &model, &Defaults::default(), without));
        for field in fields {
            let is_there = sent.pointer(field).is_some();
            assert_eq!(is_there, !gone.contains(&field), "{field}: {without:?}");
        }
    }
}
