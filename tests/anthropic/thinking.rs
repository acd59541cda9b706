//! Signed thinking goes out and comes back as it is.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::anthropic::{ask, remember};
use crate::support::{BACKUP, LAST, PRIMARY, TestApp, none_refused, thoughtful_and_redacted};

fn loop_request() -> Value {
    let mut body = ask("what is there?");
    body["max_tokens"] = json!(4000);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    body
}

#[tokio::test]
async fn a_loop_of_tool_turns_keeps_every_block_also_over_a_fallback() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    let mut body = loop_request();
    for turn in 0..6 {
        let answers = if turn % 2 == 1 { BACKUP } else { PRIMARY };
        if answers == BACKUP {
            app.bedrock.script(PRIMARY, [Step::throttle()]);
        }
        app.bedrock
            .script(answers, [Step::reply(thoughtful_and_redacted())]);
        let message = app.message_events(&body).await.message();
        remember(&mut body, &message);
    }
    none_refused(&app);
    let last = app.bedrock.requests_for(BACKUP).pop().unwrap().body;
    for turn in [1, 3, 5, 7, 9] {
        let content = &last["messages"][turn]["content"];
        let sent = &body["messages"][turn]["content"];
        let text = &content[0]["reasoningContent"]["reasoningText"];
        assert_eq!(text["text"], sent[0]["thinking"]);
        assert_eq!(text["signature"], sent[0]["signature"]);
        assert_eq!(
            content[1]["reasoningContent"]["redactedContent"],
            sent[1]["data"]
        );
        assert!(content[2].get("toolUse").is_some());
    }
    assert!(!last["additionalModelRequestFields"]["thinking"].is_null());
}

#[tokio::test]
async fn thinking_that_began_twice_is_two_blocks_and_the_unsigned_one_is_never_sent_back() {
    let app = TestApp::builder()
        .settings("  num_retries: 0\n")
        .start()
        .await;
    let broken = Step::reply(thoughtful_and_redacted()).cut_after(2);
    app.bedrock.script(PRIMARY, [broken]);
    app.bedrock
        .script(BACKUP, [Step::reply(thoughtful_and_redacted())]);
    let mut body = loop_request();
    let message = app.message_events(&body).await.message();
    let blocks = message["content"].as_array().unwrap();
    assert_eq!(blocks[0]["signature"], "");
    assert_eq!(blocks[1]["thinking"], "I should \"look\".\n");
    assert_ne!(blocks[1]["signature"], "");
    remember(&mut body, &message);
    app.message(&body).await;
    none_refused(&app);
}

#[tokio::test]
async fn a_model_of_another_family_gets_the_conversation_without_the_blocks() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::reply(thoughtful_and_redacted())]);
    let mut body = loop_request();
    let message = app.message(&body).await;
    remember(&mut body, &message);
    body["context_management"] = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.bedrock.script(BACKUP, [Step::throttle()]);
    assert_eq!(app.message(&body).await["model"], "last");
    let sent = app.bedrock.requests_for(LAST).pop().unwrap().body;
    assert!(!sent.to_string().contains("reasoningContent"));
    assert!(!sent.to_string().contains("context_management"));
    none_refused(&app);
}

#[tokio::test]
async fn a_beta_that_a_model_refuses_is_left_out_and_remembered() {
    let yaml = "model_list: [{model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-opus-4-7}}]\n";
    let app = TestApp::builder().config(yaml).start().await;
    let mut body = ask("hello");
    body["betas"] = json!(["context-1m-2025-08-07", "interleaved-thinking-2025-05-14"]);
    app.message(&body).await;
    app.message(&body).await;
    let statuses: Vec<u16> = app
        .bedrock
        .requests()
        .iter()
        .map(|seen| seen.status)
        .collect();
    assert_eq!(statuses, [400, 200, 200]);
}
