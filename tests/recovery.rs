//! Streams that break off after a part of the answer has gone out.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{BACKUP, Chunks, LAST, PRIMARY, TestApp, hello, validation_error};

const CONTINUE: &str = "  stream_recovery: continue\n";

/// Two thirds of an answer, then the end of the connection.
fn broken() -> Step {
    Step::text("one two three four five six").cut_after(5)
}

/// What is left of it.
fn rest() -> Step {
    Step::text(" five six")
}

fn is_whole(chunks: &Chunks, text: &str) -> bool {
    chunks.text() == text
        && chunks.finish_reasons() == ["stop"]
        && chunks.done
        && chunks.error().is_none()
}

fn roles(chunks: &Chunks) -> usize {
    let deltas = chunks.data.iter().map(|c| &c["choices"][0]["delta"]);
    deltas.filter(|delta| delta.get("role").is_some()).count()
}

fn prefill_of(body: &Value) -> &str {
    let last = body["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["role"], "assistant", "{body}");
    last["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn a_broken_answer_is_continued_where_the_configuration_says_so() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    app.bedrock.script(PRIMARY, [broken()]);
    app.bedrock.script(BACKUP, [rest()]);
    let mut body = hello("primary");
    body["stream_options"] = json!({"include_usage": true});
    body["max_tokens"] = json!(100);
    let chunks = app.chat_stream(&body).await;
    assert!(
        is_whole(&chunks, "one two three four five six"),
        "{chunks:?}"
    );
    assert_eq!(roles(&chunks), 1);
    let ids: std::collections::HashSet<_> =
        chunks.data.iter().map(|c| c["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    let asked = &app.bedrock.requests_for(BACKUP)[0].body;
    assert_eq!(prefill_of(asked), "one two three four");
    assert!(asked["inferenceConfig"]["maxTokens"].as_u64().unwrap() < 100);
    let told = chunks.usage().unwrap()["completion_tokens"]
        .as_u64()
        .unwrap();
    assert!(told > 4, "both parts are counted: {told}");
    let id = chunks.data[0]["id"].as_str().unwrap();
    let record = app.record(id).await;
    assert_eq!(record["status"], "success");
}

#[tokio::test]
async fn without_that_the_client_is_told_and_nobody_else_is_asked() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [broken()]);
    let chunks = app.chat_stream(&hello("primary")).await;
    assert!(chunks.error().is_some() && !chunks.done);
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}

#[tokio::test]
async fn one_deployment_can_say_so_for_itself() {
    let yaml = r#"
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, stream_recovery: continue}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    app.bedrock.script(PRIMARY, [broken(), rest()]);
    let chunks = app.chat_stream(&hello("primary")).await;
    assert!(is_whole(&chunks, "one two three four five six"));
}

#[tokio::test]
async fn an_answer_beside_tools_is_never_continued() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    app.bedrock.script(PRIMARY, [broken()]);
    let mut body = hello("primary");
    body["tools"] = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    let chunks = app.chat_stream(&body).await;
    assert!(chunks.error().is_some() && !chunks.done && chunks.finish_reasons().is_empty());
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}

#[tokio::test]
async fn white_space_at_the_break_is_said_once() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    let text = |text: &str| json!({"contentBlockIndex": 0, "delta": {"text": text}});
    let events = vec![
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", text("one")),
        ("contentBlockDelta", text(" two \n")),
        ("contentBlockDelta", text("three")),
    ];
    let events = events
        .into_iter()
        .map(|(kind, payload)| bedrock_sidecar::simulator::RawEvent::new(kind, payload))
        .collect();
    app.bedrock
        .script(PRIMARY, [Step::events(events).cut_after(3)]);
    app.bedrock.script(BACKUP, [Step::text(" \nthree")]);
    let chunks = app.chat_stream(&hello("primary")).await;
    assert!(is_whole(&chunks, "one two \nthree"), "{:?}", chunks.text());
    assert_eq!(
        prefill_of(&app.bedrock.requests_for(BACKUP)[0].body),
        "one two"
    );
}

#[tokio::test]
async fn a_refused_prefill_is_never_what_the_caller_reads() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    let refusal = "This model does not support assistant message prefill. The conversation must end with a user message.";
    let refused = || validation_error(refusal);
    app.bedrock.script(PRIMARY, [broken(), refused()]);
    app.bedrock.script(BACKUP, [refused()]);
    let chunks = app.chat_stream(&hello("primary")).await;
    let error = chunks.error().unwrap()["message"].as_str().unwrap();
    assert!(!error.contains("prefill"), "{error}");
    assert!(!chunks.done && chunks.finish_reasons().is_empty());
    let asked = app.bedrock.requests_for(BACKUP);
    assert_eq!(asked.len(), 1, "no other question is made of it");
    assert!(
        app.bedrock.requests_for(LAST).is_empty(),
        "a model that takes no prefill is not asked"
    );
}

#[tokio::test]
async fn the_target_that_broke_off_may_go_on_itself_when_nobody_else_can() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    app.bedrock.script(PRIMARY, [broken(), rest()]);
    app.bedrock.always(BACKUP, Step::unavailable());
    let chunks = app.chat_stream(&hello("primary")).await;
    assert!(
        is_whole(&chunks, "one two three four five six"),
        "{chunks:?}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_twice_is_continued_twice() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    app.bedrock.script(
        PRIMARY,
        [
            Step::text("one two three").cut_after(2),
            Step::text(" three"),
        ],
    );
    app.bedrock
        .script(BACKUP, [Step::text(" two three").cut_after(2)]);
    let chunks = app.chat_stream(&hello("primary")).await;
    assert!(is_whole(&chunks, "one two three"), "{chunks:?}");
    let asked = app.bedrock.requests_for(PRIMARY);
    assert_eq!(prefill_of(&asked[1].body), "one two");
}

#[tokio::test]
async fn an_answer_of_which_only_reasoning_has_gone_out_starts_afresh_on_the_next_target() {
    let app = TestApp::new().await;
    let thinking = ScriptedReply::text("Never said.").with_thinking("Let me see what there is.");
    app.bedrock
        .script(PRIMARY, [Step::reply(thinking).cut_after(3)]);
    app.bedrock.script(BACKUP, [Step::text("The answer.")]);
    let mut body = hello("primary");
    body["reasoning_effort"] = json!("low");
    body["tools"] = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    let chunks = app.chat_stream(&body).await;
    assert!(!chunks.reasoning().is_empty());
    assert!(is_whole(&chunks, "The answer."), "{chunks:?}");
    assert_eq!(roles(&chunks), 1);
    assert_eq!(chunks.data[0]["model"], "primary");
    assert_eq!(chunks.data.last().unwrap()["model"], "backup");
}

#[tokio::test]
async fn a_second_chain_of_thought_is_another_entry_of_the_thinking_blocks() {
    let app = TestApp::new().await;
    let thinking = |thought: &str| ScriptedReply::text("The answer.").with_thinking(thought);
    app.bedrock
        .script("*", [Step::reply(thinking("First I think.")).cut_after(3)]);
    app.bedrock
        .script("*", [Step::reply(thinking("Then again."))]);
    let mut body = hello("primary");
    body["reasoning_effort"] = json!("low");
    let chunks = app.chat_stream(&body).await;
    assert!(is_whole(&chunks, "The answer."), "{chunks:?}");
    let indices: Vec<u64> = chunks
        .data
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["thinking_blocks"].as_array())
        .flatten()
        .map(|block| block["index"].as_u64().unwrap())
        .collect();
    assert!(indices.is_sorted() && indices.contains(&0) && indices.contains(&1));
}

#[tokio::test]
async fn a_filter_that_stops_a_stream_is_not_worked_around() {
    let app = TestApp::builder().settings(CONTINUE).start().await;
    let filtered = Step::text("one two three four").exception_after(
        3,
        "validationException",
        "Output blocked by content filtering policy",
    );
    app.bedrock.script(PRIMARY, [filtered]);
    let chunks = app.chat_stream(&hello("primary")).await;
    assert_eq!(chunks.error().unwrap()["code"], "content_policy_violation");
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}
