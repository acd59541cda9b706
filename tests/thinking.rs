//! Thinking survives clients that lose it: signed blocks come back with the tool call that they led to.

use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::{Block, ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{
    BACKUP, Chunks, LAST, PRIMARY, THOUGHT, TestApp, none_refused, remember, silent_port,
    thoughtful,
};

/// The result of every call.
const SEEN: &str = r#"{"seen": true}"#;

async fn ask(app: &TestApp, messages: &[Value]) -> Chunks {
    let body = json!({"model": "primary", "reasoning_effort": "low", "messages": messages,
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]});
    app.chat_stream(&body).await
}

fn question() -> Vec<Value> {
    vec![json!({"role": "user", "content": "what is there?"})]
}

/// The bodies that this model was sent.
fn bodies(app: &TestApp, model: &str) -> Vec<Value> {
    let requests = app.bedrock.requests_for(model).into_iter();
    requests.map(|seen| seen.body).collect()
}

fn thinks(body: &Value) -> bool {
    !body["additionalModelRequestFields"]["thinking"].is_null()
}

#[tokio::test]
async fn a_client_that_loses_thinking_keeps_its_model_thinking() {
    let app = TestApp::new().await;
    let mut messages = question();
    for _ in 0..3 {
        app.bedrock.script(PRIMARY, [Step::reply(thoughtful())]);
        let answer = ask(&app, &messages).await;
        remember(&mut messages, &answer, SEEN);
    }
    none_refused(&app);
    let last = bodies(&app, PRIMARY).pop().unwrap();
    assert!(thinks(&last));
    for turn in [1, 3] {
        let block = &last["messages"][turn]["content"][0]["reasoningContent"]["reasoningText"];
        assert_eq!(block["text"], THOUGHT);
        assert!(block["signature"].as_str().is_some_and(|it| !it.is_empty()));
    }
}

#[tokio::test]
async fn another_instance_finds_what_the_first_one_kept() {
    let app = TestApp::new().await;
    let second = app.another_instance().await;
    let redacted = ScriptedReply {
        blocks: vec![
            Block::Thinking("one".into()),
            Block::Redacted("AP8KcmVkYWN0ZWQ=".into()),
            Block::Thinking("two\n\"é\"".into()),
        ],
        ..ScriptedReply::default()
    };
    let reply = redacted
        .with_tool("look", &json!({}))
        .with_tool("look", &json!({"at": "b"}));
    app.bedrock.script(PRIMARY, [Step::reply(reply)]);
    let mut messages = question();
    let answer = ask(&app, &messages).await;
    remember(&mut messages, &answer, SEEN);
    ask(&second, &messages).await;
    none_refused(&app);
    let last = bodies(&app, PRIMARY).pop().unwrap();
    assert!(thinks(&last));
    let turn = &last["messages"][1]["content"];
    assert_eq!(turn[0]["reasoningContent"]["reasoningText"]["text"], "one");
    assert_eq!(
        turn[1]["reasoningContent"]["redactedContent"],
        "AP8KcmVkYWN0ZWQ="
    );
    assert_eq!(
        turn[2]["reasoningContent"]["reasoningText"]["text"],
        "two\n\"é\""
    );
    assert!(turn[3].get("toolUse").is_some() && turn[4].get("toolUse").is_some());
}

#[tokio::test]
async fn where_thinking_is_lost_the_loop_runs_without_until_the_user_speaks() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    let mut messages = question();
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.bedrock.script(BACKUP, [Step::throttle()]);
    let call = ScriptedReply::tool("look", &json!({}));
    app.bedrock.script(LAST, [Step::reply(call.clone())]);
    let answer = ask(&app, &messages).await;
    remember(&mut messages, &answer, SEEN);
    for _ in 0..2 {
        app.bedrock.script(PRIMARY, [Step::reply(call.clone())]);
        let answer = ask(&app, &messages).await;
        remember(&mut messages, &answer, SEEN);
        assert!(!thinks(&bodies(&app, PRIMARY).pop().unwrap()));
    }
    messages.push(json!({"role": "assistant", "content": "There is a thing."}));
    messages.push(json!({"role": "user", "content": "And beside it?"}));
    ask(&app, &messages).await;
    assert!(thinks(&bodies(&app, PRIMARY).pop().unwrap()));
    none_refused(&app);
}

/// A conversation whose tool call carries a block that Bedrock did not sign.
fn forged() -> Vec<Value> {
    let block = json!({"type": "thinking", "thinking": "mine", "signature": "c2lnbmF0dXJl"});
    let call =
        json!({"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    vec![
        json!({"role": "user", "content": "q"}),
        json!({"role": "assistant", "content": null, "thinking_blocks": [block], "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": "a", "content": "r"}),
    ]
}

#[tokio::test]
async fn a_refused_signature_costs_one_try_and_no_answer() {
    let app = TestApp::new().await;
    ask(&app, &forged()).await;
    let seen = app.bedrock.requests();
    assert_eq!(
        seen.iter().map(|seen| seen.status).collect::<Vec<_>>(),
        [400, 200]
    );
    assert!(seen[0].refusal.contains("Invalid `signature`"));
    assert!(!thinks(&seen[1].body), "the loop runs without thinking");

    let mut messages = forged();
    messages.push(json!({"role": "assistant", "content": "done"}));
    messages.push(json!({"role": "user", "content": "q"}));
    ask(&app, &messages).await;
    let seen = app.bedrock.requests();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[3].status, 200);
    assert!(thinks(&seen[3].body), "a new question is thought about");
    assert_eq!(
        seen[3].body["messages"]
            .to_string()
            .find("reasoningContent"),
        None
    );
}

#[tokio::test]
async fn blocks_that_a_client_returns_are_used_as_they_are() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::reply(thoughtful())]);
    let mut messages = question();
    let answer = ask(&app, &messages).await;
    remember(&mut messages, &answer, SEEN);
    let mut blocks = None;
    for chunk in &answer.data {
        if let Some(found) = chunk["choices"][0]["delta"]["thinking_blocks"].as_array()
            && let Some(signed) = found.iter().find(|block| !block["signature"].is_null())
        {
            blocks = Some(signed.clone());
        }
    }
    let mut block = blocks.expect("the answer shows its signature");
    block["thinking"] = THOUGHT.into();
    messages[1]["thinking_blocks"] = json!([block]);
    ask(&app, &messages).await;
    none_refused(&app);
    let last = bodies(&app, PRIMARY).pop().unwrap();
    let turn = last["messages"][1]["content"].as_array().unwrap();
    let thinking = turn
        .iter()
        .filter(|it| it.get("reasoningContent").is_some());
    assert_eq!(thinking.count(), 1);
}

#[tokio::test]
async fn a_frozen_table_never_breaks_an_answer() {
    let app = TestApp::new().await;
    let (_listener, url) = silent_port().await;
    let frozen = app.another().table_at(&url).start().await;
    let elsewhere = app.another().table_at(&url).start().await;
    app.bedrock.script(PRIMARY, [Step::reply(thoughtful())]);
    let mut messages = question();
    let began = Instant::now();
    let answer = ask(&frozen, &messages).await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(answer.finish_reasons(), ["tool_calls"]);
    remember(&mut messages, &answer, SEEN);

    ask(&frozen, &messages).await;
    assert!(thinks(&bodies(&app, PRIMARY).pop().unwrap()), "remembered");
    let began = Instant::now();
    ask(&elsewhere, &messages).await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(!thinks(&bodies(&app, PRIMARY).pop().unwrap()), "not found");
    none_refused(&app);
}
