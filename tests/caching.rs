//! Prompts are cached where the model can, whether or not the client asks for it.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp};

/// The chain of the workshop that this project grew from, with a living model at its end.
const WORKSHOP: [&str; 4] = [
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
    "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
    PRIMARY,
];

fn workshop() -> String {
    let entry = |(n, model): (usize, &&str)| {
        format!(
            "  - {{model_name: m{n}, litellm_params: {{model: \"bedrock/converse/{model}\"}}}}\n"
        )
    };
    let entries: String = WORKSHOP.iter().enumerate().map(entry).collect();
    format!(
        "model_list:\n{entries}litellm_settings:\n  fallbacks: [{{m0: [m1, m2, m3]}}]\n  num_retries: 0\n"
    )
}

fn points(body: &Value) -> usize {
    body.to_string().matches("cachePoint").count()
}

/// A conversation long enough to be cached, of a client that marks nothing.
fn unmarked(model: &str) -> Value {
    json!({"model": model, "messages": [
        {"role": "system", "content": "You are an agent. ".repeat(500)},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "do it"}]})
}

#[tokio::test]
async fn falling_back_between_models_that_cache_and_models_that_do_not_never_fails() {
    let app = TestApp::builder().config(&workshop()).start().await;
    for model in &WORKSHOP[..3] {
        app.bedrock.script(model, [Step::throttle()]);
    }
    let mut marked = unmarked("m0");
    marked["messages"][3]["cache_control"] = json!({"type": "ephemeral"});
    app.chat_json(&marked).await;
    let seen = app.bedrock.requests();
    let found: Vec<_> = seen.iter().map(|seen| points(&seen.body)).collect();
    assert_eq!(found, [3, 0, 0, 3]);
}

#[tokio::test]
async fn the_next_turn_reads_what_the_last_one_wrote_and_the_client_sees_it() {
    let app = TestApp::new().await;
    let mut request = unmarked("primary");
    let first = app.chat_json(&request).await;
    let written = first["usage"]["cache_creation_input_tokens"]
        .as_u64()
        .unwrap();
    assert!(written > 1_024, "{first}");
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": "done"}));
    messages.push(json!({"role": "user", "content": "thanks"}));
    let second = app.chat_json(&request).await;
    assert_eq!(second["usage"]["cache_read_input_tokens"], written);
    assert_eq!(
        second["usage"]["prompt_tokens_details"]["cached_tokens"],
        written
    );
}

#[tokio::test]
async fn planning_can_be_turned_off() {
    let app = TestApp::builder()
        .config(&workshop())
        .settings("  prompt_caching: false\n")
        .start()
        .await;
    app.chat_json(&unmarked("m3")).await;
    assert_eq!(points(&app.bedrock.requests()[0].body), 0);
}
