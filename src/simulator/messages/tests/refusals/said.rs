//! Turns and blocks.

use super::*;

#[tokio::test]
async fn turns_and_blocks_are_looked_at() {
    let mid = json!([
        user(json!("hi")),
        json!({"role": "system", "content": "Be brief."})
    ]);
    let image = |source: Value| said(json!([user(json!([{"type": "image", "source": source}]))]));
    let two = said(json!([user(json!("hi")), user(json!("there"))]));
    let compaction = said(json!([
        user(json!("hi")),
        assistant(json!([{"type": "compaction", "content": "so"}])),
        user(json!("on"))
    ]));
    let reference = json!([{"type": "tool_reference", "tool_name": "look"}]);
    let loaded = with(said(looked(reference)), json!({"tools": [tool(json!({}))]}));
    check(vec![
        (said(mid), vec![(SONNET_4_5, "Unexpected role \"system\""), (OPUS_4_7, "role 'system' is not supported on this model"), (OPUS_4_8, FINE)]),
        (two, vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE)]),
        (said(json!([user(json!("")), ])), vec![(SONNET_4_5, "messages.0: all messages must have non-empty content")]),
        (said(json!([user(json!("hi")), assistant(json!("so "))])), vec![(SONNET_4_5, "final assistant content cannot end with trailing whitespace")]),
        (said(json!([user(json!([{"type": "text", "text": " \n"}]))])), vec![(SONNET_4_5, "messages: text content blocks must contain non-whitespace text")]),
        (said(json!([user(json!([{"type": "text", "text": "a", "id": 1}]))])), vec![(SONNET_4_5, "messages.0.content.0.text.id: Extra"), (OPUS_4_8, "messages.0.content.0.text.id: Extra")]),
        (image(json!({"type": "url", "url": "https://example.com/a.png"})), vec![(SONNET_4_5, "messages.0.content.0.image.source: Input tag 'url'"), (OPUS_4_8, "Input tag 'url'")]),
        (image(json!({"type": "base64", "media_type": "image/jpeg", "data": "iVBORw0KGgo="})), vec![(SONNET_4_5, "messages.0.content.0.image.source.base64.data: The image was specified using the image/jpeg media type, but the image appears to be a image/png image"), (OPUS_4_8, "specified using the image/jpeg")]),
        (image(json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="})), vec![(SONNET_4_5, FINE), (OPUS_4_8, FINE)]),
        (image(json!({"type": "file", "file_id": "f"})), vec![(OPUS_4_8, "Input tag 'file'")]),
        (with(said(json!([user(json!("hi")), assistant(json!([call("a")])), user(json!("no"))])), json!({"tools": [tool(json!({}))]})), vec![(SONNET_4_5, "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a."), (OPUS_4_8, "ids were found without")]),
        (said(json!([user(json!([result("b", json!("x"))]))])), vec![(SONNET_4_5, "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: b.")]),
        (said(json!([user(json!("hi")), assistant(json!([call("a.b")])), user(json!([result("a.b", json!("x"))]))])), vec![(SONNET_4_5, "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")]),
        (said(json!([user(json!("hi")), assistant(json!([call("a"), call("a")])), user(json!([result("a", json!("x"))]))])), vec![(SONNET_4_5, "`tool_use` ids must be unique")]),
        (loaded.clone(), vec![(SONNET_4_5, "messages.2.content.0.tool_result.content.0: Input tag 'tool_reference'"), (OPUS_4_8, FINE)]),
        (with(loaded, json!({"anthropic_beta": [SEARCH_BETA]})), vec![(SONNET_4, "Input tag 'tool_reference'"), (SONNET_4_5, FINE)]),
        (compaction.clone(), vec![(SONNET_4_6, "messages.1.content.0: Input tag 'compaction'"), (OPUS_4_8, "Input tag 'compaction'")]),
        (with(compaction, json!({"anthropic_beta": ["compact-2026-01-12"]})), vec![(SONNET_4_5, "Input tag 'compaction'"), (SONNET_4_6, FINE), (OPUS_4_8, FINE)]),
        (said(json!([user(json!([{"type": "thinking", "thinking": "t", "signature": "s"}]))])), vec![(SONNET_4_5, "`thinking` blocks can only be in `assistant` messages")]),
    ])
    .await;
}
