//! A model that takes no alternatives at the root of a tool's schema gets one object that admits the same and more, with
//! a note of what the schema said.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::json;

use super::{answered, asking, tools_sent};
use crate::support::{LAST, PRIMARY, TestApp};

#[tokio::test]
async fn alternatives_of_every_kind_are_one_object_that_is_never_strict() {
    let app = TestApp::on_converse().await;
    let closed = |properties: serde_json::Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let cases = [
        (
            json!({"type": "object", "oneOf": [
                closed(json!({"action": {"const": "create"}, "title": {"type": "string"}}), &["action", "title"]),
                closed(json!({"action": {"const": "delete"}, "id": {"type": "string"}}), &["action", "id"]),
            ]}),
            json!({
                "action": {"type": "string", "enum": ["create", "delete"]},
                "title": {"type": "string"},
                "id": {"type": "string"},
            }),
            json!(["action"]),
        ),
        (
            json!({"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/definitions/b"}],
                "properties": {"at": {"type": "integer"}}, "required": ["at"],
                "$defs": {"a": closed(json!({"at": {}, "v": {"type": "string"}}), &["v"])},
                "definitions": {"b": closed(json!({"at": {}, "v": {"type": "array"}}), &["v"])}}),
            json!({"at": {"type": "integer"}, "v": {"anyOf": [{"type": "string"}, {"type": "array"}]}}),
            json!(["at", "v"]),
        ),
        (
            json!({"allOf": [
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"oneOf": [closed(json!({"a": {"enum": ["x"]}, "b": {"type": "null"}}), &["b"]), {"type": "string"}]},
            ]}),
            json!({"a": {"type": "string", "enum": ["x"]}, "b": {"type": "null"}}),
            json!(["a", "b"]),
        ),
    ];
    for (schema, properties, required) in cases {
        for (model, id) in [("primary", PRIMARY), ("last", LAST)] {
            for (path, body) in asking(model, std::slice::from_ref(&schema), true) {
                app.bedrock.script(
                    id,
                    [Step::reply(ScriptedReply::tool("f0", &json!({"a": "x"})))],
                );
                let seen = answered(&app, path, &body).await;
                assert_eq!(seen.arguments(), json!({"a": "x"}));
                let tool = tools_sent(&app, id).remove(0);
                assert_eq!(tool.get("strict"), None);
                let root = &tool["inputSchema"]["json"];
                assert_eq!(root["properties"], properties, "{path} {model}");
                assert_eq!(root["required"], required);
                for key in ["oneOf", "anyOf", "allOf"] {
                    assert_eq!(root.get(key), None);
                }
                let told = tool["description"].as_str().unwrap();
                assert!(told.contains("The arguments must also match {\""), "{told}");
            }
        }
    }
}
