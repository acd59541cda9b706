//! Tools of types that the gateway does not know: those that only their service runs are left out beside others and
//! refused where they are needed; those that their client runs are offered.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::responses::{last_response, read_response_events};
use crate::support::{DROPPED, PRIMARY, TestApp, header};

/// The routes on which tools have OpenAI's form, each with the conversation in its own.
fn routes() -> [(&'static str, Value); 3] {
    let messages = json!({"model": "primary", "messages": [{"role": "user", "content": "hi"}]});
    let input = json!({"model": "primary", "input": "hi"});
    [
        ("/v1/chat/completions", messages),
        ("/v1/chat/completions", input.clone()),
        ("/v1/responses", input),
    ]
}

#[tokio::test]
async fn what_needs_a_tool_that_only_its_service_runs_is_refused_unless_it_is_to_be_ignored() {
    let app = TestApp::on_converse().await;
    let look = json!({"type": "function", "name": "look", "parameters": {"type": "object"}});
    let search = json!({"type": "web_search"});
    let mcp = json!({"type": "mcp", "server_label": "m", "server_url": "https://example.com"});
    let both = json!([look, search, mcp]);
    let forced = |kind: &str| json!({"type": kind});
    let allowed = json!({"type": "allowed_tools", "mode": "required", "tools": [search]});
    for (path, plain) in routes() {
        for (tools, choice, param, dropped) in [
            (json!([search]), json!(null), "tools[0]", "web_search"),
            (
                json!([search, mcp]),
                json!("auto"),
                "tools[0]",
                "web_search, mcp",
            ),
            (json!([mcp]), json!("required"), "tools[0]", "mcp"),
            (
                both.clone(),
                forced("web_search"),
                "tool_choice",
                "web_search, mcp, tool_choice",
            ),
            (
                both.clone(),
                forced("mcp"),
                "tool_choice",
                "web_search, mcp, tool_choice",
            ),
            (
                both.clone(),
                allowed.clone(),
                "tool_choice.tools",
                "web_search, mcp, tool_choice",
            ),
        ] {
            for stream in [false, true] {
                let mut body = plain.clone();
                body["tools"] = tools.clone();
                body["tool_choice"] = choice.clone();
                body["stream"] = json!(stream);
                let reply = app.post(path, &body).send().await.unwrap();
                assert_eq!(reply.status(), 400, "{path} {body}");
                let error: Value = reply.json().await.unwrap();
                assert_eq!(error["error"]["param"], param, "{error}");
                body["drop_params"] = json!(true);
                let reply = app.post(path, &body).send().await.unwrap();
                assert_eq!(reply.status(), 200, "{path} {body}");
                assert_eq!(header(&reply, DROPPED), dropped, "{path} {body}");
                reply.text().await.unwrap();
                assert!(app.last_sent()["toolConfig"].get("toolChoice").is_none());
            }
        }
        for (tools, choice) in [
            (both.clone(), json!("auto")),
            (both.clone(), json!("required")),
            (both.clone(), json!({"type": "function", "name": "look"})),
            (json!([mcp, search]), json!("none")),
        ] {
            let mut body = plain.clone();
            body["tools"] = tools;
            body["tool_choice"] = choice;
            let reply = app.post(path, &body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path} {body}");
            assert!(header(&reply, DROPPED).contains("web_search"));
        }
    }
}

#[tokio::test]
async fn on_the_messages_wire_too() {
    let app = TestApp::on_converse().await;
    let hosted = json!({"type": "code_execution_20250825", "name": "code_execution"});
    let look = json!({"name": "look", "input_schema": {"type": "object"}});
    let named = |name: &str| json!({"type": "tool", "name": name});
    for (tools, choice, param) in [
        (json!([hosted]), json!({"type": "auto"}), "tools[0].type"),
        (json!([hosted]), json!({"type": "any"}), "tools[0].type"),
        (
            json!([look, hosted]),
            named("code_execution"),
            "tools[1].type",
        ),
    ] {
        for stream in [false, true] {
            let mut body = json!({"model": "primary", "max_tokens": 100, "stream": stream, "tools": tools,
                "tool_choice": choice, "messages": [{"role": "user", "content": "hi"}]});
            let reply = app
                .as_anthropic("/v1/messages", &body)
                .send()
                .await
                .unwrap();
            assert_eq!(reply.status(), 400, "{body}");
            let error: Value = reply.json().await.unwrap();
            let message = error["error"]["message"].as_str().unwrap();
            assert!(message.contains(param), "{message}");
            let named = tools.as_array().unwrap().iter();
            let named = named.filter_map(|tool| tool["type"].as_str());
            let named: Vec<&str> = named.collect();
            for way in ["drop_params", "none"] {
                match way {
                    "none" => body["tool_choice"] = json!({"type": "none"}),
                    _ => body["drop_params"] = json!(true),
                }
                let reply = app
                    .as_anthropic("/v1/messages", &body)
                    .send()
                    .await
                    .unwrap();
                assert_eq!(reply.status(), 200, "{body}");
                for kind in &named {
                    assert!(header(&reply, DROPPED).contains(kind), "{body}");
                }
                reply.text().await.unwrap();
                assert!(app.last_sent()["toolConfig"].get("toolChoice").is_none());
                body.as_object_mut().unwrap().remove("drop_params");
            }
        }
    }
}

#[tokio::test]
async fn a_tool_of_an_unknown_type_that_has_a_name_and_a_schema_is_a_function_of_its_client_s() {
    let app = TestApp::on_converse().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let own = |name: &str| json!({"name": name, "description": "Does.", "parameters": schema});
    let tools = json!([
        {"type": "local_function", "name": "flat", "parameters": schema},
        {"type": "client_tool", "name": "other", "input_schema": schema, "runs": {"on": ["client"]}},
        {"type": "local_function", "function": own("nested")},
        {"local_function": own("under_its_type"), "type": "local_function"},
        {"type": "client_tool", "extra": own("extra"), "client_tool": own("by_type")},
        {"type": "teleport", "name": "no_schema"},
        {"type": "levitate", "parameters": schema},
        {"type": "evaporate", "another": own("another")},
        {"type": "condense", "name": "words", "parameters": "none"},
    ]);
    let expected = ["flat", "other", "nested", "under_its_type", "by_type"];
    for (path, mut body) in routes() {
        body["tools"] = tools.clone();
        for stream in [false, true] {
            body["stream"] = json!(stream);
            let reply = app.post(path, &body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path}");
            assert_eq!(
                header(&reply, DROPPED),
                "teleport, levitate, evaporate, condense"
            );
            reply.text().await.unwrap();
            assert_eq!(app.tool_names_sent(), expected, "{path}");
            for tool in app.last_sent()["toolConfig"]["tools"].as_array().unwrap() {
                let properties = &tool["toolSpec"]["inputSchema"]["json"]["properties"];
                assert!(properties.get("a").is_some(), "{tool}");
            }
        }
        body["stream"] = json!(false);
        for choice in [
            json!({"type": "local_function", "name": "flat"}),
            json!({"type": "function", "name": "flat"}),
            json!({"local_function": {"name": "flat"}, "type": "local_function"}),
        ] {
            body["tool_choice"] = choice;
            app.post(path, &body).send().await.unwrap();
            let choice = &app.last_sent()["toolConfig"]["toolChoice"];
            assert_eq!(*choice, json!({"tool": {"name": "flat"}}), "{path}");
        }
        body["tool_choice"] = json!({"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "client_tool", "name": "other"}]});
        app.post(path, &body).send().await.unwrap();
        assert_eq!(app.tool_names_sent(), ["other"], "{path}");
    }
}

#[tokio::test]
async fn a_free_form_call_without_a_text_has_none_whole_and_streamed_and_when_it_comes_back() {
    let app = TestApp::on_converse().await;
    let tools = json!([{"type": "custom", "name": "patch"}]);
    let none = json!({});
    let empty = json!({"input": ""});
    for arguments in [&none, &empty] {
        let step = || Step::reply(ScriptedReply::tool("patch", arguments));
        let steps = [step(), step(), step(), step()];
        app.bedrock.script(PRIMARY, steps);
        let messages = json!([{"role": "user", "content": "hi"}]);
        let mut body = json!({"model": "primary", "messages": messages, "tools": tools});
        let message = app.chat_json(&body).await["choices"][0]["message"].clone();
        let custom = json!({"name": "patch", "input": ""});
        assert_eq!(message["tool_calls"][0]["custom"], custom);
        let streamed = app.chat_stream(&body).await;
        let deltas = streamed.data.iter();
        let pieces = deltas.filter_map(|chunk| {
            chunk
                .pointer("/choices/0/delta/tool_calls/0/custom/input")?
                .as_str()
        });
        assert_eq!(pieces.collect::<String>(), "");
        let id = &message["tool_calls"][0]["id"];
        let result = json!({"role": "tool", "tool_call_id": id, "content": "done"});
        let history = body["messages"].as_array_mut().unwrap();
        history.extend([message.clone(), result]);

        let mut ask = json!({"model": "primary", "input": messages, "tools": tools});
        let whole = app.response(&ask).await;
        ask["stream"] = json!(true);
        let events = app.post("/v1/responses", &ask).send().await.unwrap();
        let streamed = last_response(&read_response_events(events).await);
        for response in [&whole, &streamed] {
            let call = &response["output"][0];
            assert_eq!(
                (&call["input"], &call["status"]),
                (&json!(""), &json!("completed"))
            );
        }
        let call = &whole["output"][0];
        let result = json!({"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "done"});
        ask["stream"] = json!(false);
        ask["input"]
            .as_array_mut()
            .unwrap()
            .extend([call.clone(), result]);
        for (path, body) in [("/v1/chat/completions", &body), ("/v1/responses", &ask)] {
            let reply = app.post(path, body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path}");
            let turn = &app.last_sent()["messages"][1]["content"][0]["toolUse"];
            assert_eq!(turn["input"], json!({"input": ""}), "{path}");
        }
    }
}
