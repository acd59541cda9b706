//! Signed thinking goes out and comes back as it is.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::anthropic::{ask, remember};
use crate::support::{
    BACKUP, LAST, PRIMARY, TestApp, none_refused, thoughtful_and_redacted, validation_error,
};

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
        .on_converse()
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
    let app = TestApp::on_converse().await;
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
    let app = TestApp::builder().config(yaml).on_converse().start().await;
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

/// A model that takes thinking back only behind the very beginning that it wrote it behind.
const BOUND: &str = "us.anthropic.claude-opus-5-5";

async fn bound(dialect: &str) -> TestApp {
    let yaml = format!(
        "model_list: [{{model_name: primary, litellm_params: {{model: bedrock/{BOUND}, dialect: {dialect}}}}}]\n"
    );
    TestApp::builder().config(&yaml).start().await
}

/// A conversation whose beginning has changed since the model thought.
async fn changed_conversation(app: &TestApp) -> Value {
    let mut body = loop_request();
    body["system"] = json!("Be kind.");
    body["thinking"] = json!({"type": "adaptive"});
    app.bedrock
        .script(BOUND, [Step::reply(thoughtful_and_redacted())]);
    let message = app.message(&body).await;
    remember(&mut body, &message);
    body["system"] = json!("Be brief.");
    body
}

fn statuses(app: &TestApp) -> Vec<u16> {
    let requests = app.bedrock.requests();
    requests.iter().map(|seen| seen.status).collect()
}

#[tokio::test]
async fn thinking_of_a_beginning_that_has_changed_is_left_out_by_the_model_and_it_thinks_on() {
    for (dialect, fields) in [
        ("messages", ""),
        ("converse", "/additionalModelRequestFields"),
    ] {
        let app = bound(dialect).await;
        let mut body = changed_conversation(&app).await;
        // What is refused takes a step too.
        app.bedrock.script(BOUND, [Step::echo()]);
        for _ in 0..3 {
            app.bedrock
                .script(BOUND, [Step::reply(thoughtful_and_redacted())]);
            let message = app.message(&body).await;
            assert_eq!(message["content"][0]["type"], "thinking", "{dialect}");
            remember(&mut body, &message);
        }
        // Refused once; from then on the conversation is known.
        assert_eq!(statuses(&app), [200, 400, 200, 200, 200], "{dialect}");
        let sent = app.bedrock.requests().pop().unwrap().body;
        let thinking = sent.pointer(&format!("{fields}/thinking")).unwrap();
        assert_eq!(thinking["type"], "adaptive", "{dialect}");
        let binding = json!({"prefix_mismatch_behavior": "drop_block"});
        assert_eq!(thinking["block_binding"], binding, "{dialect}");
        let betas = sent.pointer(&format!("{fields}/anthropic_beta"));
        assert_eq!(
            *betas.unwrap(),
            json!(["thinking-binding-controls-2026-08-01"])
        );
        // Other conversations with the same model are not told anything.
        app.message(&ask("hello")).await;
        let sent = app.bedrock.requests().pop().unwrap().body;
        assert!(!sent.to_string().contains("block_binding"), "{dialect}");
    }
}

#[tokio::test]
async fn where_the_way_out_is_refused_too_the_thinking_goes() {
    for refusal in [
        "thinking.adaptive.block_binding: Extra inputs are not permitted",
        "invalid beta flag",
    ] {
        let app = bound("messages").await;
        let body = changed_conversation(&app).await;
        // The mismatch is the simulator's own refusal; the way out meets this one.
        app.bedrock
            .script(BOUND, [Step::echo(), validation_error(refusal)]);
        let message = app.message(&body).await;
        assert_eq!(message["stop_reason"], "end_turn", "{refusal}");
        assert_eq!(statuses(&app), [200, 400, 400, 200], "{refusal}");
        let sent = app.bedrock.requests().pop().unwrap().body;
        assert!(!sent.to_string().contains("block_binding"), "{refusal}");
        assert!(!sent.to_string().contains("signature"), "{refusal}");
        // Nothing of it was learned of the model.
        let mut body = ask("hello");
        body["betas"] = json!(["context-1m-2025-08-07"]);
        app.message(&body).await;
        let sent = app.bedrock.requests().pop().unwrap().body;
        assert_eq!(sent["anthropic_beta"], json!(["context-1m-2025-08-07"]));
    }
}
