//! `null` where a schema has to say something is left out, in tools' schemas and in those of answers.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::json;

use super::{answered, asking, tools_sent, wanting};
use crate::support::{LAST, PRIMARY, TestApp};

#[tokio::test]
async fn a_tool_whose_schema_says_null_is_offered() {
    let app = TestApp::on_converse().await;
    let schemas = [
        json!({"type": "object", "properties": null, "required": null}),
        json!({"type": "object", "description": null, "$defs": null, "additionalProperties": null, "properties": {
            "a": {"type": "array", "items": null, "description": null},
            "b": {"type": "object", "properties": null, "required": null},
            "c": {"enum": null, "default": null},
        }}),
    ];
    let expected = [
        json!({"type": "object"}),
        json!({"type": "object", "properties": {"a": {"type": "array"}, "b": {"type": "object"}, "c": {"default": null}}}),
    ];
    for (path, body) in asking("primary", &schemas, false) {
        app.bedrock.script(
            PRIMARY,
            [Step::reply(ScriptedReply::tool("f0", &json!({})))],
        );
        answered(&app, path, &body).await;
        for (tool, expected) in tools_sent(&app, PRIMARY).iter().zip(&expected) {
            assert_eq!(&tool["inputSchema"]["json"], expected, "{path}");
        }
    }
}

#[tokio::test]
async fn an_answer_whose_schema_says_null_is_given() {
    let app = TestApp::on_converse().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer", "enum": null}}, "required": null});
    for (path, body) in wanting("primary", &schema) {
        app.bedrock.script(PRIMARY, [Step::text("{\"a\": 1}")]);
        assert_eq!(answered(&app, path, &body).await.answer(), json!({"a": 1}));
        let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
        let sent = sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"].clone();
        assert!(!sent.as_str().unwrap().contains("null"), "{sent}");
    }
    for (path, body) in wanting("last", &schema) {
        app.bedrock.script(
            LAST,
            [Step::reply(ScriptedReply::tool(
                "give_answer",
                &json!({"a": 1}),
            ))],
        );
        assert_eq!(answered(&app, path, &body).await.answer(), json!({"a": 1}));
        let sent = tools_sent(&app, LAST).remove(0)["inputSchema"]["json"].to_string();
        assert!(!sent.contains("null"), "{sent}");
    }
}
