use serde_json::json;

use crate::conversation::{Effort, Thinking};

use super::request;

#[test]
fn the_most_explicit_wish_to_think_wins() {
    let effort = |effort| Some(Thinking::Effort(effort));
    let cases = [
        (json!({}), None),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            Some(Thinking::Budget(2000)),
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000.0}, "reasoning_effort": "low"}),
            Some(Thinking::Budget(2000)),
        ),
        (
            json!({"thinking": {"type": "enabled"}}),
            Some(Thinking::Adaptive(None)),
        ),
        (
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}, "reasoning_effort": "low"}),
            Some(Thinking::Adaptive(Some(Effort::XHigh))),
        ),
        (
            json!({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}),
            Some(Thinking::Adaptive(Some(Effort::Low))),
        ),
        (
            json!({"thinking": {"type": "disabled"}, "reasoning_effort": "high"}),
            Some(Thinking::Off),
        ),
        (
            json!({"reasoning_effort": "minimal"}),
            effort(Effort::Minimal),
        ),
        (json!({"reasoning_effort": "max"}), effort(Effort::Max)),
        (json!({"reasoning_effort": "none"}), Some(Thinking::Off)),
        (
            json!({"reasoning_effort": {"effort": "high", "summary": "auto"}}),
            effort(Effort::High),
        ),
        (json!({"reasoning_effort": {"summary": "auto"}}), None),
        (
            json!({"output_config": {"effort": "medium"}}),
            // How much work the answer is worth, not whether to think.
            None,
        ),
        (json!({"output_config": {"format": {}}}), None),
        (json!({"reasoning": {"effort": "low"}}), effort(Effort::Low)),
        (
            json!({"reasoning": {"enabled": true, "max_tokens": 4096}}),
            Some(Thinking::Budget(4096)),
        ),
        (
            json!({"reasoning": {"enabled": true}}),
            Some(Thinking::Adaptive(None)),
        ),
        (
            json!({"reasoning": {"enabled": false, "effort": "high"}}),
            Some(Thinking::Off),
        ),
        (json!({"reasoning": {}}), None),
        (
            json!({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}),
            effort(Effort::High),
        ),
    ];
    for (mut body, wish) in cases {
        body["messages"] = json!([{"role": "user", "content": "q"}]);
        assert_eq!(request(&body).thinking, wish, "{body}");
    }
}
