//! Summaries, edits of the context, and refusals.

use super::*;
use crate::simulator::{ScriptedReply, Step};

#[tokio::test]
async fn a_long_conversation_is_summed_up_where_an_edit_asks_for_it() {
    let simulated = start().await;
    let edit = |pause: bool| {
        json!({"anthropic_beta": ["compact-2026-01-12"], "context_management": {"edits": [{
            "type": "compact_20260112", "pause_after_compaction": pause,
            "trigger": {"type": "input_tokens", "value": 50_000}}]}})
    };
    let long = "word ".repeat(50_000);
    let short = whole(&simulated, OPUS_4_8, &with(ask("hi"), edit(false))).await;
    assert_eq!(short["content"][0]["type"], "text");
    assert_eq!(short["context_management"], json!({"applied_edits": []}));

    let body = with(ask(&long), edit(false));
    let message = stream(&simulated, OPUS_4_8, &body).await.folded();
    assert_eq!(message["content"][0]["type"], "compaction");
    assert!(
        message["content"][0]["content"]
            .as_str()
            .unwrap()
            .contains("summary")
    );
    assert_eq!(message["content"][1]["type"], "text");
    let iterations = message["usage"]["iterations"].as_array().unwrap();
    assert_eq!(iterations[0]["type"], "compaction");
    assert_eq!(iterations[0]["input_tokens"], 62_500);
    assert_eq!(iterations[1]["type"], "message");

    let message_2 = whole(&simulated, OPUS_4_8, &with(ask(&long), edit(true))).await;
    assert_eq!(message_2["stop_reason"], "compaction");
    assert_eq!(message_2["content"].as_array().unwrap().len(), 1);

    // What stands before the summary is not read any more.
    let next = go_on(&body, &message, json!("and now?"));
    let message = whole(&simulated, OPUS_4_8, &next).await;
    assert_eq!(message["content"][0]["type"], "text");
    assert!(message["usage"]["input_tokens"].as_u64().unwrap() < 1000);
}

#[tokio::test]
async fn a_summary_can_be_all_that_is_asked_for() {
    let simulated = start().await;
    let sum =
        json!({"anthropic_beta": ["compact-2026-09-04"], "compaction": {"type": "summarize"}});
    let message = stream(&simulated, OPUS_4_8, &with(ask("hi"), sum))
        .await
        .folded();
    assert_eq!(message["stop_reason"], "compaction");
    assert_ne!(message["content"][0]["signature"], Value::Null);
    let usage = &message["usage"];
    assert_eq!(usage["input_tokens"], 0);
    assert_eq!(usage["output_tokens"], 0);
    assert!(usage["iterations"][0]["output_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn old_results_are_cleared_where_an_edit_asks_for_it() {
    let simulated = start().await;
    let mut messages = vec![user(json!("hi"))];
    for n in 0..6 {
        let id = format!("toolu_{n}");
        let call = json!({"type": "tool_use", "id": id, "name": "read", "input": {}});
        let result =
            json!({"type": "tool_result", "tool_use_id": id, "content": "word ".repeat(400)});
        messages.push(json!({"role": "assistant", "content": [call]}));
        messages.push(user(json!([result])));
    }
    let edit = json!({"type": "clear_tool_uses_20250919", "keep": {"type": "tool_uses", "value": 2},
        "trigger": {"type": "input_tokens", "value": 1000}});
    let mut body = with(
        ask("hi"),
        json!({"messages": messages, "tools": [named("read", "reads", false)]}),
    );
    let before = whole(&simulated, SONNET_4_5, &body).await;
    body["context_management"] = json!({ "edits": [edit] });
    body["anthropic_beta"] = json!(["context-management-2025-06-27"]);
    let after = stream(&simulated, SONNET_4_5, &body).await.folded();
    let applied = &after["context_management"]["applied_edits"][0];
    assert_eq!(applied["cleared_tool_uses"], 4);
    let cleared = applied["cleared_input_tokens"].as_u64().unwrap();
    let input = |message: &Value| message["usage"]["input_tokens"].as_u64().unwrap();
    assert_eq!(input(&after) + cleared, input(&before));
}

#[tokio::test]
async fn a_refusal_can_be_asked_for_with_anthropic_s_own_words() {
    let simulated = start().await;
    let message = stream(
        &simulated,
        OPUS_4_8,
        &ask("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAE"),
    )
    .await;
    let message = message.folded();
    assert_eq!(message["stop_reason"], "refusal");
    assert_eq!(message["stop_details"]["type"], "refusal");
    assert_eq!(message["content"], json!([]));
    let reply = ScriptedReply::text("I ca").with_stop("refusal");
    let details = json!({"type": "refusal", "category": "cyber", "explanation": "No."});
    let reply = reply.with_field("stop_details", details.clone());
    simulated.script(OPUS_4_8, [Step::reply(reply)]);
    let message = stream(&simulated, OPUS_4_8, &ask("hi")).await.folded();
    assert_eq!(message["stop_details"], details);
}
