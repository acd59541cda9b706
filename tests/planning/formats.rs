use serde_json::{Value, json};

use super::{body, claude, nova, planned, text_only, tool};
use bedrock_sidecar::bedrock::plan::Shape;
use bedrock_sidecar::catalog::ThinkingSupport;

fn asking(schema: &Value, more: &[(&str, Value)]) -> Value {
    let mut request = json!({
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": schema}},
    });
    for (key, value) in more {
        request[key] = value.clone();
    }
    request
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
}

#[test]
fn a_schema_is_kept_natively_where_the_model_can() {
    let mut model = claude();
    model.abilities.json_schema = true;
    let sent = body(&model, &asking(&schema(), &[("tools", json!([tool("f")]))]));
    let format = &sent["outputConfig"]["textFormat"];
    assert_eq!(format["type"], "json_schema");
    let spec = &format["structure"]["jsonSchema"];
    assert_eq!(spec["name"], "out");
    let text: Value = serde_json::from_str(spec["schema"].as_str().unwrap()).unwrap();
    assert_eq!(text["additionalProperties"], false);
    assert_eq!(sent["system"], json!([{"text": "s"}]));
    assert_eq!(sent["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    // What cannot be enforced goes the other way.
    let ranged = json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}});
    let sent = body(&model, &asking(&ranged, &[]));
    assert_eq!(sent.get("outputConfig"), None);
    assert_eq!(
        sent["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "give_answer"}})
    );
    // Closed, an object of any keys would have none.
    let of_any_keys = json!({"type": "object", "properties": {"a": {"type": "object"}}});
    let sent = body(&model, &asking(&of_any_keys, &[]));
    assert_eq!(sent.get("outputConfig"), None);
}

#[test]
fn elsewhere_a_tool_is_forced_or_asked_for() {
    let forced = body(&nova(ThinkingSupport::None), &asking(&schema(), &[]));
    assert_eq!(
        forced["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "give_answer"}})
    );
    assert_eq!(forced["system"], json!([{"text": "s"}]));
    let thinking = ("reasoning_effort", json!("low"));
    let tools = ("tools", json!([tool("f"), tool("give_answer")]));
    for (more, name) in [(thinking, "give_answer"), (tools, "give_answer_")] {
        let sent = body(&claude(), &asking(&schema(), &[more]));
        assert_eq!(sent["toolConfig"].get("toolChoice"), None);
        let last = sent["toolConfig"]["tools"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        assert_eq!(last["toolSpec"]["name"], name);
        let told = sent["system"][1]["text"].as_str().unwrap();
        assert!(
            told.contains(&format!("calling the tool {name} exactly once")),
            "{told}"
        );
    }
}

#[test]
fn where_there_are_no_tools_the_model_is_told() {
    for (model, format) in [
        (
            text_only(),
            json!({"type": "json_schema", "json_schema": {"schema": schema()}}),
        ),
        (claude(), json!({"type": "json_object"})),
        (
            claude(),
            json!({"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}),
        ),
    ] {
        let request = asking(&schema(), &[("response_format", format)]);
        assert!(matches!(
            planned(&model, &request).shape,
            Shape::Text { .. }
        ));
        let sent = body(&model, &request);
        assert_eq!(sent.get("toolConfig"), None);
        assert!(sent.to_string().contains("Answer the user with"), "{sent}");
    }
}
