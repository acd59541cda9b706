//! Tools and cache marks.

use super::*;

#[tokio::test]
async fn tools_and_cache_marks_are_looked_at() {
    let mark = json!({"type": "ephemeral"});
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    let marked =
        |text: &str, mark: &Value| json!({"type": "text", "text": text, "cache_control": mark});
    let five: Vec<Value> = (0..5).map(|_| marked("a", &mark)).collect();
    let four: Vec<Value> = (0..4).map(|_| marked("a", &mark)).collect();
    let thought = json!({"type": "thinking", "thinking": "t", "cache_control": mark,
        "signature": crate::simulator::signature::sign("t", Default::default())});
    let forced = |choice: Value| plain(json!({"tools": [tool(json!({}))], "tool_choice": choice}));
    let nested = with(
        said(looked(json!([marked(
            "x",
            &json!({"type": "ephemeral", "scope": "global"})
        )]))),
        json!({"tools": [tool(json!({}))]}),
    );
    let computer = json!({"type": "computer_20251124", "name": "computer", "display_width_px": 1, "display_height_px": 1});
    check(vec![
        (said(json!([user(json!(five))])), vec![(SONNET_4_5, "A maximum of 4 blocks with cache_control may be provided. Found 5."), (OPUS_4_8, "Found 5.")]),
        (with(said(json!([user(json!(four))])), json!({"cache_control": mark})), vec![(OPUS_4_8, "Found 5.")]),
        (said(json!([user(json!([marked("a", &mark), marked("b", &hour)]))])), vec![(SONNET_4_5, "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m'")]),
        (said(json!([user(json!([marked("a", &hour), marked("b", &mark)]))])), vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE), (SONNET_4, "messages.0.content.0.text.cache_control.ephemeral.ttl: Extra")]),
        (said(json!([user(json!([marked("", &mark), {"type": "text", "text": "a"}]))])), vec![(SONNET_4_5, "messages.0.content.0.text: cache_control cannot be set for empty text blocks")]),
        (said(json!([user(json!("hi")), assistant(json!([thought, {"type": "text", "text": "a"}])), user(json!("so"))])), vec![(SONNET_4_5, "messages.1.content.0.thinking.cache_control: Extra"), (OPUS_4_8, "thinking.cache_control: Extra")]),
        (nested, vec![(SONNET_4_5, "messages.2.content.0.tool_result.content.0.text.cache_control.ephemeral.scope: Extra")]),
        (tools(json!([tool(json!({"cache_control": {"type": "ephemeral", "scope": "global"}}))])), vec![(SONNET_4_5, "tools.0.custom.cache_control.ephemeral.scope: Extra")]),
        (betas(json!([SEARCH_BETA]), json!({"tools": [tool(json!({})), tool(json!({"name": "b", "defer_loading": true, "cache_control": mark}))]})), vec![(SONNET_4_5, "Tool 'b' cannot have both defer_loading=true and cache_control set."), (OPUS_4_8, "cannot have both")]),
        (tools(json!([tool(json!({})), tool(json!({}))])), vec![(SONNET_4_5, "tools: Tool names must be unique.")]),
        (tools(json!([tool(json!({"custom": {"defer_loading": true}}))])), vec![(SONNET_4_5, "tools.0.custom.custom: Extra"), (OPUS_4_8, "tools.0.custom.custom: Extra")]),
        (tools(json!([tool(json!({"input_examples": [{}]}))])), vec![(SONNET_4_5, "tools.0.custom.input_examples: Extra"), (OPUS_4_8, FINE)]),
        (betas(json!(["tool-examples-2025-10-29"]), json!({"tools": [tool(json!({"input_examples": [{}]}))]})), vec![(SONNET_4_5, FINE)]),
        (tools(json!([tool(json!({"strict": true, "input_schema": {"type": "object", "properties": {}, "additionalProperties": false}}))])), vec![(SONNET_4, "tools.0.custom.strict: Extra"), (SONNET_4_5, FINE), (OPUS_4_8, "tools.0.custom.strict: Extra")]),
        (tools(json!([tool(json!({"allowed_callers": ["code_execution_20250825"]}))])), vec![(OPUS_4_8, "tools.0.custom.allowed_callers: Extra")]),
        (tools(json!([tool(json!({})), search()])), vec![(SONNET_4_5, "tools.1: Input tag 'tool_search_tool_regex_20251119'"), (OPUS_4_8, FINE)]),
        (betas(json!([SEARCH_BETA]), json!({"tools": [tool(json!({})), search()]})), vec![(SONNET_4, "Input tag 'tool_search_tool_regex_20251119'"), (SONNET_4_5, FINE)]),
        (tools(json!([{"type": "computer_toolset_20260801"}])), vec![(SONNET_4_5, "Input tag 'computer_toolset_20260801'"), (OPUS_4_8, "tool type 'computer_toolset_20260801' is not supported for this model")]),
        (tools(json!([{"type": "memory_20250818", "name": "memory"}])), vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE)]),
        (tools(json!([{"type": "bash_20250124", "name": "shell"}])), vec![(SONNET_4_5, "tools.0.bash_20250124.name: Input should be 'bash'")]),
        (tools(json!([computer.clone()])), vec![(SONNET_4_5, "Input tag 'computer_20251124'")]),
        (betas(json!(["computer-use-2025-11-24"]), json!({"tools": [computer]})), vec![(SONNET_4_5, FINE)]),
        (forced(json!({"type": "any"})), vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE), (SONNET_5_5, "tool_choice type 'any' is not supported for this model")]),
        (with(forced(json!({"type": "tool", "name": "look"})), json!({"thinking": {"type": "enabled", "budget_tokens": 1024}})), vec![(SONNET_4_5, "Thinking may not be enabled when tool_choice forces tool use.")]),
        (forced(json!({"type": "tool", "name": "other"})), vec![(SONNET_4_5, "Tool 'other' not found in provided tools")]),
        (forced(json!({"type": "auto", "disable_parallel_tool_use": true})), vec![(SONNET_4, "tool_choice.auto.disable_parallel_tool_use: Extra"), (SONNET_4_5, FINE)]),
    ])
    .await;
}
