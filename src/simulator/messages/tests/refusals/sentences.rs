//! The sentences that are known of the real service.

use super::*;

/// One row for each of the sentences that are known of the real service.
#[tokio::test]
async fn every_known_sentence_is_said_by_the_generation_that_says_it() {
    let extra = "Extra inputs are not permitted";
    let edits = json!({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}});
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let format = json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let mark = |more: Value| {
        let mark = with(json!({"type": "ephemeral"}), more);
        said(json!([user(
            json!([{"type": "text", "text": "hi", "cache_control": mark}])
        )]))
    };
    let reference = json!([{"type": "tool_reference", "tool_name": "nowhere"}]);
    let long = said(json!([user(json!("word ".repeat(170_000)))]));
    let longer = said(json!([user(json!("word ".repeat(810_000)))]));
    let optional: serde_json::Map<String, Value> = (0..30)
        .map(|n| (format!("p{n}"), json!({"type": "string"})))
        .collect();
    let big = json!({"type": "object", "properties": optional, "additionalProperties": false});
    let big = json!({"output_config": {"format": {"type": "json_schema", "schema": big}}});
    let recursive = json!({"type": "object", "additionalProperties": false,
        "properties": {"next": {"$ref": "#"}}, "required": ["next"]});
    let recursive =
        json!({"output_config": {"format": {"type": "json_schema", "schema": recursive}}});
    let thinking = |thinking: Value| plain(json!({ "thinking": thinking }));
    let signed = |signature: &str| {
        let block = json!({"type": "thinking", "thinking": "t", "signature": signature});
        said(json!([
            user(json!("hi")),
            assistant(json!([block, {"type": "text", "text": "a"}])),
            user(json!("and"))
        ]))
    };
    let own = crate::simulator::signature::sign("another", Default::default());
    check(vec![
        // <path>: Extra inputs are not permitted
        (plain(edits.clone()), vec![(SONNET_4_5, "context_management: Extra"), (OPUS_4_8, "context_management: Extra")]),
        (betas(json!(["context-management-2025-06-27"]), edits), vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE)]),
        (plain(format.clone()), vec![(SONNET_4, "output_config.format: Extra"), (SONNET_4_5, FINE), (OPUS_4_8, "output_config.format: Extra")]),
        (tools(json!([tool(json!({})), tool(json!({"name": "b", "defer_loading": true}))])), vec![(SONNET_4_5, "tools.1.custom.defer_loading: Extra"), (OPUS_4_8, FINE)]),
        (tools(json!([tool(json!({"eager_input_streaming": true}))])), vec![(SONNET_4_5, "tools.0.custom.eager_input_streaming: Extra"), (OPUS_4_8, FINE)]),
        (betas(json!(["fine-grained-tool-streaming-2025-05-14"]), json!({"tools": [tool(json!({"eager_input_streaming": true}))]})), vec![(SONNET_4_5, extra), (SONNET_4_6, FINE), (OPUS_4_8, FINE)]),
        (mark(json!({"scope": "global"})), vec![(SONNET_4_5, "messages.0.content.0.text.cache_control.ephemeral.scope: Extra"), (OPUS_4_8, "scope: Extra")]),
        (plain(json!({"cache_control": {"type": "ephemeral"}})), vec![(SONNET_4_6, "cache_control: Extra"), (OPUS_4_8, FINE)]),
        // #: extraneous key [x] is not permitted
        (plain(json!({"model": "claude"})), vec![(SONNET_4_5, "Malformed input request: #: extraneous key [model] is not permitted"), (OPUS_4_8, "model: Extra")]),
        // invalid beta flag
        (betas(json!(["skills-2025-10-02"]), json!({})), vec![(SONNET_4_5, "invalid beta flag"), (OPUS_4_8, "Unexpected value(s) `skills-2025-10-02` for the `anthropic-beta` header")]),
        // tool type 'x' is not supported for this model
        (tools(json!([{"type": "web_fetch_20250910", "name": "web_fetch"}])), vec![(SONNET_4_5, "tools.0: Input tag 'web_fetch_20250910' found using 'type'"), (OPUS_4_8, "tool type 'web_fetch_20250910' is not supported for this model")]),
        // Input tag 'x' found using 'type'
        (said(json!([user(json!("hi")), assistant(json!([{"type": "text", "text": "a"}, {"type": "fallback"}])), user(json!("so"))])), vec![(SONNET_4_5, "messages.1.content.1: Input tag 'fallback' found using 'type' does not match any of the expected tags: 'document', "), (OPUS_4_8, "messages.1.content.1: Input tag 'fallback' found")]),
        // The provided request is not valid
        (tools(json!([{"type": "web_search_20250305", "name": "web_search"}])), vec![(SONNET_4_5, "The provided request is not valid"), (OPUS_4_8, "tool type 'web_search_20250305'")]),
        // Tool references and deferred tools
        (betas(json!([SEARCH_BETA]), json!({"tools": [tool(json!({}))], "messages": looked(reference.clone())})), vec![(SONNET_4_5, "Tool reference 'nowhere' not found in available tools"), (OPUS_4_8, "Tool reference 'nowhere' not found in available tools")]),
        (betas(json!([SEARCH_BETA]), json!({"tools": [tool(json!({"defer_loading": true}))]})), vec![(SONNET_4_5, "At least one tool must have defer_loading=false."), (OPUS_4_8, "At least one tool must have defer_loading=false.")]),
        // Thinking by generation
        (thinking(json!({"type": "adaptive"})), vec![(SONNET_4_5, "adaptive thinking is not supported on this model"), (SONNET_4_6, FINE), (OPUS_4_8, FINE)]),
        (thinking(json!({"type": "enabled", "budget_tokens": 1024})), vec![(SONNET_4_5, FINE), (SONNET_4_6, FINE), (OPUS_4_8, "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\"")]),
        (thinking(json!({"type": "disabled"})), vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE), (SONNET_5_5, "\"thinking.type.disabled\" is not supported")]),
        (with(thinking(json!({"type": "disabled"})), json!({"output_config": {"effort": "max"}})), vec![(OPUS_5, "\"thinking.type.disabled\" is not supported with effort 'max'")]),
        // Signatures
        (signed(&own), vec![(SONNET_4_5, "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified"), (OPUS_4_8, "cannot be modified")]),
        (signed("bWFkZS11cA=="), vec![(SONNET_4_5, "messages.1.content.0: Invalid `signature` in `thinking` block"), (OPUS_4_8, "Invalid `signature` in `thinking` block")]),
        // Prefill
        (said(json!([user(json!("hi")), assistant(json!("so"))])), vec![(SONNET_4_5, FINE), (SONNET_4_6, "This model does not support assistant message prefill"), (OPUS_4_8, "This model does not support assistant message prefill")]),
        // Tools of the client's own
        (tools(json!([{"name": "look", "input_schema": {"type": "string"}}])), vec![(SONNET_4_5, "tools.0.custom.input_schema.type: Input should be 'object'"), (OPUS_4_8, "tools.0.custom.input_schema.type: Input should be 'object'")]),
        (tools(json!([{"input_schema": {"type": "object"}}])), vec![(SONNET_4_5, "tools.0.custom.name: Field required"), (OPUS_4_8, "tools.0.custom.name: Field required")]),
        // What is compiled
        (plain(big), vec![(SONNET_4_5, "Schemas contains too many optional parameters (30)"), (OPUS_4_8, "output_config.format: Extra")]),
        (plain(recursive), vec![(SONNET_4_5, "output_config.format.schema: Recursive schemas are not supported")]),
        // Too long
        (long, vec![(SONNET_4_5, "Input is too long for requested model."), (SONNET_4, "Input is too long for requested model."), (OPUS_4_8, FINE)]),
        (longer, vec![(SONNET_4_6, "Input is too long for requested model."), (OPUS_4_8, "prompt is too long: 1012500 tokens > 1000000 maximum")]),
        (said(json!([user(json!("word ".repeat(159_000)))])), vec![(SONNET_4, "input length and `max_tokens` exceed context limit: 198750 + 2000 > 200000"), (SONNET_4_5, FINE)]),
        (plain(json!({"max_tokens": 900_000})), vec![(SONNET_4_5, "The maximum tokens you requested exceeds the model limit of 64000. Try again with a maximum tokens value that is lower than 64000."), (OPUS_4_8, "max_tokens: 900000 > 128000, which is the maximum allowed number of output tokens for claude-opus-4-8")]),
        // Empty text
        (said(json!([user(json!([{"type": "text", "text": ""}]))])), vec![(SONNET_4_5, "messages: text content blocks must be non-empty"), (OPUS_4_8, "messages: text content blocks must be non-empty")]),
    ])
    .await;
}
