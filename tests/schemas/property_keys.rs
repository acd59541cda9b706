//! Keys of properties that Claude refuses have legal names on the way in and are the client's again on the way out.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use super::{answered, asking, seen, tools_sent, wanting};
use crate::support::{KEY, LAST, PRIMARY, TestApp};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "filter[name]": {"type": "string", "description": "Part of it."},
            "Account Number": {"type": "string"},
            "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
            "free": {"type": "object"},
        },
        "required": ["filter[name]"],
        "$defs": {"row": {"type": "object", "properties": {"Betrag in €": {"type": "number"}}, "required": ["Betrag in €"]}},
    })
}

/// What the client is to see.
fn arguments() -> Value {
    json!({
        "filter[name]": "a \"filter_name\": b",
        "Account Number": "1",
        "rows": [{"Betrag in €": 1.5}, {"Betrag in €": 2, "Account Number": 3}],
        "free": {"Account Number": 4, "filter_name": 5},
    })
}

/// What the model writes of it.
fn written() -> Value {
    json!({
        "filter_name": "a \"filter_name\": b",
        "Account_Number": "1",
        "rows": [{"Betrag_in": 1.5}, {"Betrag_in": 2, "Account Number": 3}],
        "free": {"Account Number": 4, "filter_name": 5},
    })
}

#[tokio::test]
async fn the_model_is_told_legal_names_and_the_client_gets_its_own_keys() {
    let app = TestApp::on_converse().await;
    for (path, body) in asking("primary", &[schema()], false) {
        app.bedrock.script(
            PRIMARY,
            [Step::reply(ScriptedReply::tool("f0", &written()))],
        );
        let seen = answered(&app, path, &body).await;
        assert_eq!(seen.arguments(), arguments(), "{path}");
        assert!(!seen.body.contains("Account_Number"), "{}", seen.body);
        let sent = tools_sent(&app, PRIMARY).remove(0)["inputSchema"]["json"].clone();
        let names: Vec<&String> = sent["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["filter_name", "Account_Number", "rows", "free"]);
        assert_eq!(sent["required"], json!(["filter_name"]));
        assert_eq!(sent["$defs"]["row"]["required"], json!(["Betrag_in"]));
        let told = sent["properties"]["filter_name"]["description"]
            .as_str()
            .unwrap();
        assert_eq!(told, "Part of it.\nIts full name is \"filter[name]\".");
    }
}

#[tokio::test]
async fn keys_are_the_client_s_again_behind_references_by_name() {
    let app = TestApp::on_converse().await;
    for (named, reference) in [
        (json!({"$anchor": "row"}), "#row"),
        (json!({"$id": "row.json"}), "row.json"),
        (
            json!({"$id": "https://example.com/row"}),
            "https://example.com/row#",
        ),
        (json!({"$dynamicAnchor": "row"}), "#row"),
    ] {
        let mut row = json!({"type": "object", "properties": {"Betrag in €": {"type": "number"}, "more": {"type": "array", "items": {"$ref": reference}}}});
        row.as_object_mut()
            .unwrap()
            .extend(named.as_object().unwrap().clone());
        let schema = json!({"type": "object", "$defs": {"row": row}, "oneOf": [
            {"properties": {"rows": {"type": "array", "items": {"$ref": reference}}}, "required": ["rows"]},
            {"properties": {"none": {"type": "boolean"}}, "required": ["none"]}]});
        let written = json!({"rows": [{"Betrag_in": 1, "more": [{"Betrag_in": 2}]}]});
        let arguments = json!({"rows": [{"Betrag in €": 1, "more": [{"Betrag in €": 2}]}]});
        for (path, body) in asking("primary", std::slice::from_ref(&schema), false) {
            let call = Step::reply(ScriptedReply::tool("f0", &written));
            app.bedrock.script(PRIMARY, [call]);
            let seen = answered(&app, path, &body).await;
            assert_eq!(seen.arguments(), arguments, "{path} {named}");
            let sent = tools_sent(&app, PRIMARY).remove(0)["inputSchema"]["json"].to_string();
            assert!(
                !sent.contains("Betrag in €\":") && !sent.contains("nchor"),
                "{sent}"
            );
            assert!(sent.contains("\"$ref\":\"#/$defs/row\""), "{sent}");
        }
    }
}

#[tokio::test]
async fn calls_of_the_history_are_in_the_model_s_words_and_the_same_in_every_turn() {
    let app = TestApp::on_converse().await;
    let text = arguments().to_string();
    let histories = [
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f0", "arguments": text}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
        ]),
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f0", "input": arguments()}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "done"}]},
        ]),
        json!([
            {"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "c1", "name": "f0", "arguments": text},
            {"type": "function_call_output", "call_id": "c1", "output": "done"},
        ]),
    ];
    let mut sent = Vec::new();
    for (n, (path, mut body)) in asking("primary", &[schema()], false)
        .into_iter()
        .enumerate()
    {
        let field = if path == "/v1/responses" {
            "input"
        } else {
            "messages"
        };
        body[field] = histories[n / 2].clone();
        app.bedrock.script(PRIMARY, [Step::text("well")]);
        answered(&app, path, &body).await;
        let body = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
        assert_eq!(
            body["messages"][1]["content"][0]["toolUse"]["input"],
            written(),
            "{path}"
        );
        sent.push(body["toolConfig"].clone());
    }
    assert!(sent.iter().all(|config| *config == sent[0]));
}

#[tokio::test]
async fn a_broken_stream_shows_nothing_of_arguments_under_other_keys() {
    let app = TestApp::on_converse().await;
    for (path, mut body) in asking("primary", &[schema()], false) {
        if body["stream"] == false {
            continue;
        }
        body["disable_fallbacks"] = json!(true);
        let mut request = app.http.post(format!("{}{path}", app.url)).json(&body);
        request = request.bearer_auth(KEY);
        // Head, the call's beginning, and a piece of its arguments.
        let step = Step::reply(ScriptedReply::tool("f0", &written())).cut_after(3);
        app.bedrock.script(PRIMARY, [step]);
        let seen = seen(request.send().await.unwrap()).await;
        assert_eq!(seen.arguments, "", "{path}: {}", seen.body);
        assert!(seen.body.contains("error"), "{path}: {}", seen.body);
    }
}

#[tokio::test]
async fn an_answer_has_the_client_s_keys_however_it_is_held_to_its_schema() {
    let app = TestApp::on_converse().await;
    let mut ranged = schema();
    ranged["properties"]["rows"]["minItems"] = json!(0);
    let mut strict = schema();
    strict["properties"].as_object_mut().unwrap().remove("free");
    let without_free = |mut value: Value| {
        value.as_object_mut().unwrap().remove("free");
        value
    };
    for (path, body) in wanting("primary", &strict) {
        app.bedrock
            .script(PRIMARY, [Step::text(without_free(written()).to_string())]);
        let seen = answered(&app, path, &body).await;
        assert_eq!(seen.answer(), without_free(arguments()), "native {path}");
        let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
        let sent = sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"].clone();
        let sent: Value = serde_json::from_str(sent.as_str().unwrap()).unwrap();
        assert!(sent["properties"].get("filter_name").is_some(), "{sent}");
    }
    for (path, body) in wanting("primary", &ranged) {
        app.bedrock.script(
            PRIMARY,
            [Step::reply(ScriptedReply::tool("give_answer", &written()))],
        );
        let seen = answered(&app, path, &body).await;
        assert_eq!(seen.answer(), arguments(), "by a tool {path}");
    }
}

#[tokio::test]
async fn a_model_that_takes_every_key_gets_the_client_s() {
    let app = TestApp::on_converse().await;
    for (path, body) in asking("last", &[schema()], false) {
        app.bedrock
            .script(LAST, [Step::reply(ScriptedReply::tool("f0", &arguments()))]);
        assert_eq!(answered(&app, path, &body).await.arguments(), arguments());
        let sent = tools_sent(&app, LAST).remove(0)["inputSchema"]["json"].clone();
        assert!(sent["properties"].get("filter[name]").is_some());
    }
}
