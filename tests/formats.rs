//! An answer has the form that was asked for, whatever the model.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{BACKUP, LAST, PRIMARY, TestApp, hello};

fn asking(model: &str) -> Value {
    let mut body = hello(model);
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "out", "schema": {
        "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
    }}});
    body
}

#[tokio::test]
async fn a_model_that_keeps_to_schemas_is_given_the_schema() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::text("{\"a\": 1}")]);
    let reply = app.chat_json(&asking("primary")).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "{\"a\": 1}");
    let sent = &app.bedrock.requests()[0].body;
    assert_eq!(sent["outputConfig"]["textFormat"]["type"], "json_schema");
    assert_eq!(sent.get("toolConfig"), None);
}

#[tokio::test]
async fn elsewhere_the_json_streams_as_text_while_the_model_writes_it() {
    let app = TestApp::new().await;
    let reply = || {
        Step::reply(ScriptedReply::tool(
            "give_answer",
            &json!({"a": 12345, "note": "a longer text"}),
        ))
    };
    app.bedrock.script(LAST, [reply(), reply()]);
    let chunks = app.chat_stream(&asking("last")).await;
    assert_eq!(
        serde_json::from_str::<Value>(&chunks.text()).unwrap(),
        json!({"a": 12345, "note": "a longer text"})
    );
    assert!(chunks.tool_calls().is_empty());
    assert_eq!(chunks.finish_reasons(), ["stop"]);
    assert!(chunks.done);
    let choice = app.chat_json(&asking("last")).await["choices"][0].clone();
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(choice["message"].get("tool_calls"), None);
    let sent = &app.bedrock.requests()[0].body;
    assert_eq!(
        sent["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "give_answer"}})
    );
}

#[tokio::test]
async fn an_answer_in_another_form_is_given_to_the_next_target_and_in_the_end_refused() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    body["response_format"] = json!({"type": "json_object"});
    app.bedrock
        .script(PRIMARY, [Step::text("I would rather not.")]);
    app.bedrock
        .script(BACKUP, [Step::text("```json\n{\"a\": 1}\n```")]);
    let reply = app.chat_json(&body).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "{\"a\": 1}");
    assert_eq!(reply["model"], "backup");

    body["disable_fallbacks"] = json!(true);
    app.bedrock
        .script(PRIMARY, [Step::text("No."), Step::text("No.")]);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("'response_format'"), "{message}");
    let chunks = app.chat_stream(&body).await;
    assert!(chunks.error().is_some() && !chunks.done);
    assert!(chunks.finish_reasons().is_empty());
}

#[tokio::test]
async fn a_format_that_is_none_is_refused_by_name() {
    let app = TestApp::new().await;
    for (format, param) in [
        (json!({"type": "xml"}), "response_format.type"),
        (
            json!({"type": "json_schema"}),
            "response_format.json_schema.schema",
        ),
        (
            json!({"type": "json_schema", "json_schema": {"schema": 7}}),
            "response_format.json_schema.schema",
        ),
    ] {
        let mut body = hello("primary");
        body["response_format"] = format;
        let response = app.chat(&body).await;
        assert_eq!(response.status(), 400);
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["error"]["param"], param);
    }
}
