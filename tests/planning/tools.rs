use serde_json::{Value, json};

use super::{ask, body, claude, newer_claude, nova, plain_claude, planned, text_only, tool};
use crate::support::with_fields;
use bedrock_sidecar::catalog::ThinkingSupport;

fn with(fields: Value) -> Value {
    with_fields(ask(&json!({"tools": [tool("f")]})), &fields)
}

#[test]
fn names_and_ids_that_bedrock_refuses_are_mapped_and_come_back() {
    let long = "x".repeat(80);
    for name in ["mcp.server/read file", "ünï", long.as_str()] {
        let request = json!({"messages": [{"role": "user", "content": "q"},
            {"role": "assistant", "tool_calls": [{"id": "call:1/ü", "type": "function", "function": {"name": name, "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call:1/ü", "content": "r"}],
            "tools": [tool(name)], "tool_choice": {"type": "function", "function": {"name": name}}});
        let sent = body(&claude(), &request);
        let mapped = &sent["toolConfig"]["tools"][0]["toolSpec"]["name"];
        assert_eq!(&sent["toolConfig"]["toolChoice"]["tool"]["name"], mapped);
        assert_eq!(
            &sent["messages"][1]["content"][0]["toolUse"]["name"],
            mapped
        );
        let back = planned(&claude(), &request)
            .names
            .to_client(mapped.as_str().unwrap().to_owned());
        assert_eq!(back, name);
    }
}

#[test]
fn schemas_keep_every_key_in_the_client_s_order() {
    let schema = r#"{"$schema":"x","type":"object","properties":{"z":{"maximum":9007199254740991},"a":{"anyOf":[{"const":1.5}]}},"$defs":{"b":{},"a":{}},"description":"d"}"#;
    let request = with(
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": serde_json::from_str::<Value>(schema).unwrap()}}]}),
    );
    let sent = body(&claude(), &request);
    let spec = &sent["toolConfig"]["tools"][0]["toolSpec"];
    assert_eq!(spec["inputSchema"]["json"].to_string(), schema);
    assert_eq!(spec["description"], "f", "an empty description is refused");
}

#[test]
fn the_root_of_a_schema_is_always_an_object() {
    let cases = [
        (json!(null), r#"{"type":"object","properties":{}}"#),
        (json!({}), r#"{"type":"object"}"#),
        (
            json!({"anyOf": [], "x": 1}),
            r#"{"type":"object","x":1,"properties":{}}"#,
        ),
        (
            json!({"type": "custom", "x": 1}),
            r#"{"type":"object","x":1}"#,
        ),
        (json!({"type": ["object", "null"]}), r#"{"type":"object"}"#),
        (json!("nonsense"), r#"{"type":"object","properties":{}}"#),
    ];
    for (schema, expected) in cases {
        let request = with(
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}),
        );
        let sent = body(&claude(), &request);
        let json = &sent["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"];
        assert_eq!(json.to_string(), expected, "{schema}");
    }
}

#[test]
fn a_tool_that_is_offered_twice_is_offered_once() {
    let sent = body(
        &claude(),
        &with(json!({"tools": [tool("f"), tool("g"), tool("f")]})),
    );
    assert_eq!(sent["toolConfig"]["tools"].as_array().unwrap().len(), 2);
}

#[test]
fn a_call_is_forced_where_the_model_can_be_forced() {
    let named = json!({"type": "function", "function": {"name": "f"}});
    let mut unforced = claude();
    unforced.abilities.forced_tool_choice = false;
    let mut no_choice = claude();
    no_choice.abilities.tool_choice = false;
    let thinking = json!({"type": "enabled", "budget_tokens": 2000});
    let adaptive = newer_claude(ThinkingSupport::Adaptive { always_on: false });
    let cases = [
        (claude(), json!({"tool_choice": "auto"}), json!(null)),
        (
            claude(),
            json!({"tool_choice": "required"}),
            json!({"any": {}}),
        ),
        (
            claude(),
            json!({"tool_choice": named}),
            json!({"tool": {"name": "f"}}),
        ),
        (unforced, json!({"tool_choice": "required"}), json!(null)),
        (no_choice, json!({"tool_choice": named}), json!(null)),
        (
            claude(),
            json!({"tool_choice": "required", "thinking": thinking}),
            json!(null),
        ),
        (
            adaptive,
            json!({"tool_choice": "required", "thinking": {"type": "adaptive"}}),
            json!(null),
        ),
        (
            plain_claude(),
            json!({"tool_choice": "required", "thinking": thinking}),
            json!({"any": {}}),
        ),
    ];
    for (model, fields, choice) in cases {
        let sent = body(&model, &with(fields.clone()));
        assert_eq!(sent["toolConfig"]["toolChoice"], choice, "{fields}");
    }
}

#[test]
fn one_call_at_a_time_is_asked_for_in_the_model_s_own_field() {
    let cases = [
        (
            claude(),
            json!({"parallel_tool_calls": false}),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (
            claude(),
            json!({"parallel_tool_calls": false, "tool_choice": "required"}),
            json!({"disable_parallel_tool_use": true}),
        ),
        (
            claude(),
            json!({"parallel_tool_calls": false, "tool_choice": "none"}),
            json!(null),
        ),
        (claude(), json!({}), json!(null)),
        (
            plain_claude(),
            json!({"parallel_tool_calls": false}),
            json!(null),
        ),
    ];
    for (model, fields, expected) in cases {
        let sent = body(&model, &with(fields.clone()));
        assert_eq!(
            sent["additionalModelRequestFields"]["tool_choice"], expected,
            "{fields}"
        );
    }
}

#[test]
fn a_model_that_cannot_stream_tools_is_asked_for_a_whole_reply() {
    let mut model = claude();
    model.abilities.tools_while_streaming = false;
    assert!(!planned(&model, &with(json!({}))).streaming);
    assert!(planned(&model, &with(json!({"tool_choice": "none"}))).streaming);
    assert!(planned(&claude(), &with(json!({}))).streaming);
    assert!(
        planned(&text_only(), &with(json!({}))).streaming,
        "it gets no tools at all"
    );
}

#[test]
fn each_family_gets_the_root_of_a_schema_that_it_takes() {
    let schema = json!({
        "type": "object", "description": "d", "properties": {"p": {"$ref": "#/$defs/x"}}, "required": ["p"],
        "anyOf": [{"properties": {"q": {"type": "integer"}}}, {"required": ["p"]}],
        "$defs": {"x": {"type": "string"}},
    });
    let request = with(
        json!({"tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}]}),
    );
    let spec = |model| body(&model, &request)["toolConfig"]["tools"][0]["toolSpec"].clone();
    let claude = spec(claude());
    let root = &claude["inputSchema"]["json"];
    // The second alternative admits any `q`.
    let q = json!({"anyOf": [{"type": "integer"}, {}]});
    assert_eq!(root["properties"]["q"], q);
    assert_eq!(root["$defs"], schema["$defs"]);
    assert_eq!(root.get("anyOf"), None);
    let described = claude["description"].as_str().unwrap();
    assert!(
        described.contains(&schema["anyOf"].to_string()),
        "{described}"
    );
    let nova = spec(nova(ThinkingSupport::None));
    assert_eq!(
        nova["inputSchema"]["json"],
        json!({"type": "object", "properties": {"p": {"type": "string"}, "q": q}, "required": ["p"]})
    );
    let mut other = super::text_only();
    other.abilities.tools = true;
    assert_eq!(spec(other)["inputSchema"]["json"], schema);
}

#[test]
fn a_strict_tool_is_strict_where_the_model_can_be_held_to_its_schema() {
    let strict = |parameters: Value, able: bool| {
        let mut model = claude();
        model.abilities.strict_tools = able;
        let function = json!({"name": "f", "strict": true, "parameters": parameters});
        let request = with(json!({"tools": [{"type": "function", "function": function}]}));
        body(&model, &request)["toolConfig"]["tools"][0]["toolSpec"].clone()
    };
    let schema =
        json!({"type": "object", "properties": {"p": {"type": "object", "properties": {}}}});
    let spec = strict(schema.clone(), true);
    assert_eq!(spec["strict"], true);
    let json = &spec["inputSchema"]["json"];
    assert_eq!(json["additionalProperties"], false);
    assert_eq!(json["properties"]["p"]["additionalProperties"], false);
    assert_eq!(strict(schema, false).get("strict"), None);
    let ranged = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}});
    let spec = strict(ranged.clone(), true);
    assert_eq!(spec.get("strict"), None, "a range cannot be enforced");
    assert_eq!(spec["inputSchema"]["json"], ranged);
}

#[test]
fn an_id_keeps_its_dots_and_colons_where_the_model_takes_them() {
    let id = "functions.f:0";
    let request = with(json!({"messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [super::call(id)]},
        {"role": "tool", "tool_call_id": id, "content": "r"},
    ]}));
    let used =
        |model| body(&model, &request)["messages"][1]["content"][0]["toolUse"]["toolUseId"].clone();
    assert_eq!(used(nova(ThinkingSupport::None)), id);
    assert_ne!(used(claude()), id);
}

#[test]
fn objects_run_together_become_calls_of_their_own_each_with_a_result() {
    let messages = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"n\":1}{\"n\":2}{\"n\":1}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "done"}]);
    let sent = super::messages(&plain_claude(), &messages);
    let call =
        |id: &str, n: u8| json!({"toolUse": {"toolUseId": id, "name": "f", "input": {"n": n}}});
    let missing = json!([{"text": "(no result: the call was not carried out)"}]);
    assert_eq!(sent[1]["content"], json!([call("a", 1), call("a_2", 2)]));
    assert_eq!(
        sent[2]["content"],
        json!([{"toolResult": {"toolUseId": "a", "content": [{"text": "done"}]}},
               {"toolResult": {"toolUseId": "a_2", "content": missing, "status": "error"}}])
    );
}

#[test]
fn a_schema_that_refers_to_itself_everywhere_stays_small() {
    let fields: serde_json::Map<_, _> = (0..20)
        .map(|n| (format!("f{n}"), json!({"$ref": "#/$defs/node"})))
        .collect();
    let mut tree = tool("f");
    tree["function"]["parameters"] = json!({"type": "object", "properties": {"root": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "description": "a node", "properties": fields}}});
    let request = json!({"messages": [{"role": "user", "content": "q"}], "tools": [tree]});
    let sent = body(&nova(ThinkingSupport::None), &request).to_string();
    assert!(!sent.contains("$ref"));
    assert!((10_000..2_000_000).contains(&sent.len()), "{}", sent.len());
}
