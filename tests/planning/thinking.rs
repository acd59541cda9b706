use serde_json::{Value, json};

use super::{ask, body, call, claude, newer_claude, nova, plain_claude};
use bedrock_sidecar::catalog::{Family, Model, ThinkingSupport};

fn of_family(family: Family, thinking: ThinkingSupport) -> Model {
    Model {
        family,
        ..newer_claude(thinking)
    }
}

#[test]
fn each_wish_is_put_as_each_kind_of_model_takes_it() {
    let budget = || json!({"thinking": {"type": "enabled", "budget_tokens": 5000}});
    let low = || json!({"reasoning_effort": "low"});
    let max = || json!({"reasoning_effort": "max"});
    let free = || json!({"thinking": {"type": "adaptive"}});
    let off = || json!({"reasoning_effort": "none"});
    let none = || json!(null);
    let enabled = |tokens: u32| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    let adaptive = |effort: Option<&str>| {
        let mut fields = json!({"thinking": {"type": "adaptive", "display": "summarized"}});
        if let Some(effort) = effort {
            fields["output_config"] = json!({"effort": effort});
        }
        fields
    };
    let reasoning =
        |level: &str| json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}});
    let with_max = |mut model: Model| {
        model.abilities.effort_max = true;
        model
    };
    let four_six = || newer_claude(ThinkingSupport::BudgetOrAdaptive);
    let four_seven = || newer_claude(ThinkingSupport::Adaptive { always_on: false });
    let always = || newer_claude(ThinkingSupport::Adaptive { always_on: true });
    let nova_2 = || nova(ThinkingSupport::ReasoningConfig);
    let gpt_oss = || of_family(Family::GptOss, ThinkingSupport::ReasoningEffort);
    let qwen = || of_family(Family::Qwen, ThinkingSupport::ReasoningEffort);
    let gpt = || of_family(Family::Other, ThinkingSupport::ReasoningObject);
    let mut gpt_with_none = gpt();
    gpt_with_none.abilities.effort_none = true;
    let mut unstoppable = four_seven();
    unstoppable.abilities.thinking_off = false;
    let cases = [
        (claude(), budget(), enabled(5000)),
        (claude(), low(), enabled(1024)),
        (claude(), max(), enabled(16_384)),
        (claude(), free(), enabled(2048)),
        (claude(), off(), none()),
        (plain_claude(), budget(), none()),
        (plain_claude(), max(), none()),
        (plain_claude(), off(), none()),
        (four_six(), budget(), enabled(5000)),
        (four_six(), low(), adaptive(Some("low"))),
        (four_six(), max(), adaptive(Some("high"))),
        (with_max(four_six()), max(), adaptive(Some("max"))),
        (four_six(), free(), adaptive(None)),
        (four_six(), off(), none()),
        (four_seven(), budget(), adaptive(Some("high"))),
        (four_seven(), low(), adaptive(Some("low"))),
        (four_seven(), free(), adaptive(None)),
        (
            four_seven(),
            off(),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (always(), budget(), adaptive(Some("high"))),
        (always(), off(), none()),
        (nova_2(), budget(), reasoning("high")),
        (nova_2(), low(), reasoning("low")),
        (nova_2(), free(), reasoning("medium")),
        (nova_2(), off(), none()),
        (gpt_oss(), budget(), json!({"reasoning_effort": "high"})),
        (gpt_oss(), low(), json!({"reasoning_effort": "low"})),
        (gpt_oss(), off(), none()),
        (qwen(), max(), json!({"reasoning_config": "high"})),
        (gpt(), low(), json!({"reasoning": {"effort": "low"}})),
        (gpt(), free(), json!({"reasoning": {"effort": "medium"}})),
        (gpt(), max(), json!({"reasoning": {"effort": "high"}})),
        (
            with_max(gpt()),
            max(),
            json!({"reasoning": {"effort": "max"}}),
        ),
        (gpt(), off(), none()),
        (
            gpt_with_none,
            off(),
            json!({"reasoning": {"effort": "none"}}),
        ),
        (unstoppable, off(), none()),
    ];
    for (model, wish, fields) in cases {
        let sent = body(&model, &ask(&wish));
        let thinking = model.abilities.thinking;
        assert_eq!(
            sent["additionalModelRequestFields"], fields,
            "{thinking:?} × {wish}"
        );
    }
}

#[test]
fn budget_and_answer_both_fit_into_max_tokens() {
    let small = |output: u32| {
        let mut model = claude();
        model.limits.output = Some(output);
        model
    };
    let mut nearly_full = claude();
    nearly_full.limits.input = Some(2_000);
    // model, budget, max_tokens → budget, maxTokens
    let cases = [
        (claude(), 500, None, Some(1_024), 17_408),
        (claude(), 5_000, None, Some(5_000), 21_384),
        (claude(), 5_000, Some(8_000), Some(5_000), 8_000),
        (claude(), 5_000, Some(5_000), Some(5_000), 10_000),
        (claude(), 5_000, Some(100), Some(5_000), 5_100),
        (claude(), 31_999, Some(32_000), Some(31_999), 32_000),
        (claude(), 63_999, Some(64_000), Some(63_999), 64_000),
        (claude(), 100_000, Some(1_000), Some(63_000), 64_000),
        (claude(), 100_000, None, Some(47_616), 64_000),
        (small(4_096), 10_000, None, Some(2_048), 4_096),
        (small(1_000), 10_000, None, None, 1_000),
        (nearly_full, 5_000, Some(8_000), Some(1_024), 2_000),
    ];
    for (model, budget, max, planned, max_tokens) in cases {
        let wish =
            json!({"thinking": {"type": "enabled", "budget_tokens": budget}, "max_tokens": max});
        let sent = body(&model, &ask(&wish));
        let fields = &sent["additionalModelRequestFields"]["thinking"]["budget_tokens"];
        assert_eq!(fields.as_u64(), planned, "{wish}");
        assert_eq!(sent["inferenceConfig"]["maxTokens"], max_tokens, "{wish}");
    }
}

#[test]
fn sampling_is_left_out_beside_thinking() {
    let wish = json!({"reasoning_effort": "low", "temperature": 0.2, "top_p": 0.9, "top_k": 5});
    let sent = body(&claude(), &ask(&wish));
    assert_eq!(sent["inferenceConfig"], json!({"maxTokens": 17_408}));
    assert!(sent["additionalModelRequestFields"].get("top_k").is_none());
}

#[test]
fn a_tool_loop_that_lost_its_thinking_runs_without_until_the_user_speaks() {
    let thought = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let asks = |blocks: Value| json!({"role": "assistant", "content": "", "reasoning_content": "t", "thinking_blocks": blocks, "tool_calls": [call("a")]});
    let answer = json!({"role": "tool", "tool_call_id": "a", "content": "r"});
    let q = json!({"role": "user", "content": "q"});
    let reply = json!({"role": "assistant", "content": "done"});
    let cases = [
        (
            "with its thinking",
            json!([q, asks(json!([thought])), answer]),
            true,
        ),
        ("without", json!([q, asks(json!(null)), answer]), false),
        (
            "unsigned",
            json!([
                q,
                asks(json!([{"type": "thinking", "thinking": "t"}])),
                answer
            ]),
            false,
        ),
        (
            "thought about at its beginning",
            json!([q, asks(json!([thought])), answer, asks(json!(null)), answer]),
            true,
        ),
        (
            "thought about too late",
            json!([q, asks(json!(null)), answer, asks(json!([thought])), answer]),
            false,
        ),
        (
            "a new one after another",
            json!([
                q,
                asks(json!(null)),
                answer,
                reply,
                q,
                asks(json!([thought])),
                answer
            ]),
            true,
        ),
        (
            "the user spoke",
            json!([q, asks(json!(null)), answer, reply, q]),
            true,
        ),
        (
            "the model goes on with its own words",
            json!([q, reply]),
            false,
        ),
    ];
    for (loop_is, messages, thinks) in cases {
        let request = json!({"messages": messages, "tools": [super::tool("f")], "reasoning_effort": "medium"});
        let sent = body(&claude(), &request);
        let on = !sent["additionalModelRequestFields"]["thinking"].is_null();
        assert_eq!(on, thinks, "{loop_is}: {sent}");
        let newer = newer_claude(ThinkingSupport::BudgetOrAdaptive);
        let sent = body(&newer, &request);
        assert_eq!(
            sent["additionalModelRequestFields"]["thinking"]["type"], "adaptive",
            "{loop_is}"
        );
    }
}
