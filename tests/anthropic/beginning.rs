//! A streamed message begins with an estimate of its prompt, and ends with what Bedrock counted.

use bedrock_sidecar::simulator::{ScriptedReply, Step, Tokens};
use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::{LAST, PRIMARY, TestApp};

/// The usage at the beginning and at the end.
async fn usages(app: &TestApp, body: &Value) -> (Value, Value) {
    let events = app.message_events(body).await;
    let start = events.of("message_start")[0]["message"]["usage"].clone();
    let end = events.of("message_delta")[0]["usage"].clone();
    (start, end)
}

#[tokio::test]
async fn the_estimate_grows_with_the_prompt_that_is_sent() {
    let app = TestApp::on_converse().await;
    let counted = Tokens {
        input: 70,
        output: 5,
        cache_read: 900,
        cache_write_5m: 30,
        ..Tokens::default()
    };
    let mut with_tools = ask("hi");
    with_tools["tools"] = json!([{"name": "look", "description": "look ".repeat(400), "input_schema": {"type": "object"}}]);
    let mut cached = ask("hi");
    cached["system"] = json!([{"type": "text", "text": "rule ".repeat(4_000), "cache_control": {"type": "ephemeral"}}]);
    // Four bytes to a token, and some for what is around the text.
    for (body, at_least) in [
        (ask("hi"), 1),
        (ask(&"hello ".repeat(1_000)), 1_500),
        (with_tools, 500),
        (cached, 5_000),
    ] {
        let answer = ScriptedReply::text("Yes.").with_usage(counted);
        app.bedrock.script(PRIMARY, [Step::reply(answer)]);
        let (start, end) = usages(&app, &body).await;
        let estimate = start["input_tokens"].as_u64().unwrap();
        assert!((at_least..at_least + 200).contains(&estimate), "{start}");
        assert_eq!(start["cache_read_input_tokens"], 0);
        assert_eq!(start["cache_creation_input_tokens"], 0);
        assert_eq!(start["output_tokens"], 0);
        assert_eq!(
            (
                &end["input_tokens"],
                &end["cache_read_input_tokens"],
                &end["output_tokens"]
            ),
            (&json!(70), &json!(900), &json!(5))
        );
    }
}

#[tokio::test]
async fn it_is_that_of_the_target_that_answers() {
    let app = TestApp::on_converse().await;
    for model in [PRIMARY, crate::support::BACKUP] {
        app.bedrock.script(model, [Step::unavailable()]);
    }
    let mut body = ask(&"hello ".repeat(1_000));
    // A tool that Claude knows by its name; another model is not sent it.
    body["tools"] = json!([{"type": "bash_20250124", "name": "bash"}]);
    let (start, _) = usages(&app, &body).await;
    assert!(app.bedrock.requests_for(LAST).len() == 1);
    assert!(start["input_tokens"].as_u64().unwrap() >= 1_500, "{start}");
}
