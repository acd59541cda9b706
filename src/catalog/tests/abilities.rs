use super::*;

#[test]
fn thinking_is_asked_for_as_the_model_wants_it() {
    use ThinkingSupport as T;
    let rows = [
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", T::Budget),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", T::Budget),
        ("us.anthropic.claude-sonnet-4-6", T::BudgetOrAdaptive),
        (
            "us.anthropic.claude-opus-4-8",
            T::Adaptive { always_on: false },
        ),
        (
            "us.anthropic.claude-haiku-5-5",
            T::Adaptive { always_on: false },
        ),
        (
            "us.anthropic.claude-sonnet-5-5",
            T::Adaptive { always_on: true },
        ),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", T::None),
        ("us.amazon.nova-2-lite-v1:0", T::ReasoningConfig),
        ("us.amazon.nova-pro-v1:0", T::None),
        ("openai.gpt-oss-120b-1:0", T::ReasoningEffort),
        ("deepseek.v3-v1:0", T::ReasoningEffort),
        ("us.deepseek.r1-v1:0", T::None),
        ("global.openai.gpt-6-sol", T::ReasoningObject),
    ];
    for (id, expected) in rows {
        assert_eq!(resolve(id).abilities.thinking, expected, "{id}");
    }
}

#[test]
fn arguments_come_as_they_are_written_from_claude_4_on() {
    let known = |id: &str| resolve(id).abilities.eager_tool_input;
    for id in [
        "us.anthropic.claude-sonnet-4-20250514-v1:0",
        "us.anthropic.claude-opus-4-7",
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-sonnet-5-5",
        "us.anthropic.claude-tomorrow-9",
    ] {
        assert!(known(id), "{id}");
    }
    for id in [
        "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "us.amazon.nova-pro-v1:0",
        "openai.gpt-oss-120b-1:0",
        "us.nobody.tomorrow-9",
    ] {
        assert!(!known(id), "{id}");
    }
}

#[test]
fn abilities_are_the_models_own() {
    let sonnet = resolve("us.anthropic.claude-sonnet-4-5-20250929-v1:0").abilities;
    let caching = Caching {
        min_tokens: 1_024,
        one_hour: true,
        tools: true,
    };
    assert_eq!(sonnet.caching, Some(caching));
    assert!(sonnet.prefill && sonnet.json_schema && sonnet.forced_tool_choice && sonnet.sampling);
    let newest = resolve("us.anthropic.claude-sonnet-5-5").abilities;
    assert!(
        !newest.prefill && !newest.sampling && !newest.forced_tool_choice && newest.tool_choice
    );
    assert!(newest.effort && newest.effort_xhigh && !newest.effort_max);
    assert!(resolve("us.anthropic.claude-opus-5-5").abilities.effort_max);
    let nova = resolve("us.amazon.nova-pro-v1:0").abilities;
    assert_eq!(
        nova.caching
            .map(|caching| (caching.tools, caching.one_hour)),
        Some((false, false))
    );
    for llama in [
        "us.meta.llama4-scout-17b-instruct-v1:0",
        "us.meta.llama3-3-70b-instruct-v1:0",
    ] {
        let llama = resolve(llama).abilities;
        assert!(llama.tools && !llama.tools_while_streaming && !llama.tool_choice);
    }
    assert!(!resolve("amazon.titan-text-express-v1").abilities.system);
    assert!(
        !resolve("us-gov.anthropic.claude-sonnet-5-5")
            .abilities
            .json_schema
    );
    assert!(
        resolve("us.anthropic.claude-sonnet-5-5")
            .abilities
            .json_schema
    );
}

#[test]
fn gpt_models_take_their_thinking_back_and_an_answer_s_least_length() {
    for (id, has_none) in [
        ("us.openai.gpt-5.6-sol", true),
        ("us.openai.gpt-6-luna", true),
        ("us.openai.gpt-6-astra", false),
        ("global.openai.gpt-6.1-sol", false),
    ] {
        let model = resolve(id);
        assert!(model.takes_thinking_back() && model.abilities.cached_in_input);
        assert_eq!(model.limits.least_output, Some(16), "{id}");
        assert_eq!(model.abilities.effort_none, has_none, "{id}");
    }
    for id in ["openai.gpt-oss-120b-1:0", "us.amazon.nova-pro-v1:0"] {
        let model = resolve(id);
        assert!(!model.takes_thinking_back(), "{id}");
        assert_eq!(model.limits.least_output, None, "{id}");
    }
    assert!(resolve("us.anthropic.claude-sonnet-5-5").takes_thinking_back());
}

#[test]
fn what_recordings_showed_goes_before_the_list() {
    let maverick = resolve("us.meta.llama4-maverick-17b-instruct-v1:0").abilities;
    assert!(maverick.vision && maverick.documents && maverick.tool_result_images);
    assert!(!maverick.text_beside_results);
    let pixtral = resolve("us.mistral.pixtral-large-2502-v1:0").abilities;
    assert!(pixtral.vision && pixtral.documents && pixtral.tool_result_documents);
    assert!(!pixtral.tool_result_images && !pixtral.text_beside_results);
    let claude = resolve("eu.anthropic.claude-sonnet-4-6").abilities;
    assert!(claude.text_beside_results && !claude.documents_beside_results);
    let nova = resolve("us.amazon.nova-pro-v1:0").abilities;
    assert!(nova.text_beside_results && nova.documents_beside_results);
    for id in [
        "google.gemma-3-27b-it",
        "nvidia.nemotron-nano-12b-v2",
        "zai.glm-4.7-flash",
    ] {
        assert!(resolve(id).abilities.json_schema, "{id}");
    }
    assert!(
        !resolve("jp.anthropic.claude-opus-4-7")
            .abilities
            .thinking_off
    );
    assert!(
        resolve("us.anthropic.claude-opus-4-8")
            .abilities
            .thinking_off
    );
    for id in [
        "openai.gpt-oss-120b-1:0",
        "qwen.qwen3-235b-a22b-2507-v1:0",
        "us.openai.gpt-5.6-sol",
        "global.openai.gpt-6.1-sol",
        "us.xai.grok-4.7",
    ] {
        assert!(!resolve(id).abilities.stop_sequences, "{id}");
    }
    assert!(nova.stop_sequences);
    // Of a model that nobody knows, its family is what there is to go by.
    assert!(
        !resolve("mistral.mistral-next")
            .abilities
            .text_beside_results
    );
    assert!(resolve("vendor.model-next").abilities.text_beside_results);
}
