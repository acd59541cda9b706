//! Tools on the chat route in every form in which clients write them, and what a model may call of them.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{DROPPED, PRIMARY, TestApp, header, hello};

const PATCH: &str = "*** Begin\n\"\u{e9}\" \\ end";

fn with_tools(tools: Value) -> Value {
    let mut body = hello("primary");
    body["tools"] = tools;
    body
}

/// The tools that Bedrock was last offered.
fn offered(app: &TestApp) -> Vec<Value> {
    let sent = app.bedrock.requests().pop().unwrap().body;
    let tools = sent["toolConfig"]["tools"].as_array().cloned();
    let tools = tools.unwrap_or_default().into_iter();
    let specs = tools.filter_map(|tool| tool.get("toolSpec").cloned());
    specs.collect()
}

fn names(app: &TestApp) -> Vec<String> {
    let tools = offered(app).into_iter();
    tools
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The calls of a streamed reply as a client puts them together.
fn together(chunks: &[Value]) -> Vec<Value> {
    let mut calls: Vec<Value> = Vec::new();
    for delta in chunks
        .iter()
        .filter_map(|chunk| chunk.pointer("/choices/0/delta"))
    {
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = piece["index"].as_u64().unwrap() as usize;
            if piece.get("id").is_some() {
                assert_eq!(calls.len(), index);
                calls.push(piece.clone());
                continue;
            }
            assert!(piece.get("type").is_none(), "{piece}");
            let field = calls[index]["type"].as_str().unwrap().to_owned();
            let text = if field == "custom" {
                "input"
            } else {
                "arguments"
            };
            let more = piece[&field][text].as_str().unwrap();
            let so_far = calls[index][&field][text].as_str().unwrap();
            calls[index][&field][text] = json!(format!("{so_far}{more}"));
        }
    }
    for call in &mut calls {
        call.as_object_mut().unwrap().remove("index");
    }
    calls
}

fn two_calls() -> Step {
    Step::reply(
        ScriptedReply::tool("patch", &json!({"input": PATCH}))
            .with_tool("look", &json!({"at": "it"})),
    )
}

#[tokio::test]
async fn custom_tools_are_called_with_their_text_and_answered() {
    let app = TestApp::new().await;
    let grammar = json!({"syntax": "lark", "definition": "start: x"});
    let nested = json!({"type": "custom", "custom": {"name": "patch", "description": "Patches.",
        "format": {"type": "grammar", "grammar": grammar}}});
    let flat = json!({"type": "custom", "name": "patch", "description": "Patches.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}});
    let look = json!({"type": "function", "function": {"name": "look"}});
    for custom in [nested, flat] {
        let mut body = with_tools(json!([custom, look]));
        app.bedrock.script(PRIMARY, [two_calls(), two_calls()]);
        let whole = app.chat_json(&body).await;
        let tools = offered(&app);
        let described = tools[0]["description"].as_str().unwrap();
        assert!(described.starts_with("Patches.") && described.contains("start: x"));
        assert_eq!(
            tools[0]["inputSchema"]["json"]["required"],
            json!(["input"])
        );
        let message = &whole["choices"][0]["message"];
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");

        let streamed = app.chat_stream(&body).await;
        let mut calls = vec![
            message["tool_calls"].as_array().unwrap().clone(),
            together(&streamed.data),
        ];
        for calls in &mut calls {
            for call in calls.iter_mut() {
                assert!(call["id"].as_str().is_some_and(|id| !id.is_empty()));
                call["id"] = json!("c");
            }
            let expected = json!([
                {"id": "c", "type": "custom", "custom": {"name": "patch", "input": PATCH}},
                {"id": "c", "type": "function", "function": {"name": "look", "arguments": r#"{"at":"it"}"#}},
            ]);
            assert_eq!(json!(calls), expected);
        }

        // The history as OpenAI's SDKs write it.
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(message.clone());
        for call in message["tool_calls"].as_array().unwrap() {
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "done"}));
        }
        app.chat_json(&body).await;
        let seen = app.bedrock.requests().pop().unwrap();
        assert_eq!(seen.status, 200, "{}", seen.refusal);
        let turn = &seen.body["messages"][1]["content"];
        assert_eq!(turn[0]["toolUse"]["name"], "patch");
        assert_eq!(turn[0]["toolUse"]["input"], json!({"input": PATCH}));
        assert_eq!(turn[1]["toolUse"]["input"], json!({"at": "it"}));
    }
}

#[tokio::test]
async fn a_custom_call_that_is_cut_by_its_limit_is_a_call_with_what_there_is() {
    let app = TestApp::new().await;
    let body = with_tools(json!([{"type": "custom", "custom": {"name": "patch"}}]));
    let empty = || Step::reply(ScriptedReply::tool("patch", &json!({"input": ""})));
    app.bedrock.script(PRIMARY, [empty(), empty()]);
    let whole = app.chat_json(&body).await;
    let call = &whole["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["custom"], json!({"name": "patch", "input": ""}));
    let streamed = together(&app.chat_stream(&body).await.data);
    assert_eq!(streamed[0]["custom"], json!({"name": "patch", "input": ""}));
}

#[tokio::test]
async fn tools_are_read_in_the_forms_that_clients_mix() {
    let app = TestApp::new().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let body = with_tools(json!([
        {"type": "function", "function": {"name": "nested", "parameters": schema}},
        {"type": "function", "name": "flat", "description": "Flat.", "parameters": schema, "strict": false},
        {"type": "function", "name": "cursor", "input_schema": schema},
        {"name": "anthropic", "input_schema": schema},
        {"type": "custom", "name": "typed", "input_schema": schema},
        {"type": "function", "name": "bare"},
        {"type": "web_search_preview", "name": {"of": "tomorrow"}, "tools": [7], "format": 1},
        {"type": "custom", "name": "ApplyPatch", "description": "p",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}},
    ]));
    for stream in [false, true] {
        let mut body = body.clone();
        body["stream"] = json!(stream);
        let reply = app.chat(&body).await;
        assert_eq!(reply.status(), 200);
        assert_eq!(header(&reply, DROPPED), "web_search_preview");
        let tools = offered(&app);
        let read: Vec<(&str, bool)> = tools
            .iter()
            .map(|tool| {
                let properties = &tool["inputSchema"]["json"]["properties"];
                (
                    tool["name"].as_str().unwrap(),
                    properties.get("a").is_some(),
                )
            })
            .collect();
        let expected = [
            ("nested", true),
            ("flat", true),
            ("cursor", true),
            ("anthropic", true),
            ("typed", true),
            ("bare", false),
            ("ApplyPatch", false),
        ];
        assert_eq!(read, expected);
    }
    // A tool that only its service runs, and nothing else, is not what its client wants.
    for (tools, param) in [
        (json!([{"type": "web_search_preview"}]), "tools[0]"),
        (json!([{"type": "function", "name": ""}]), "tools[0].name"),
        (
            json!([{"type": "custom", "custom": {}}]),
            "tools[0].custom.name",
        ),
        (json!([{"description": "nothing"}]), "tools[0].type"),
    ] {
        let reply = app.chat(&with_tools(tools)).await;
        assert_eq!(reply.status(), 400, "{param}");
        let error: Value = reply.json().await.unwrap();
        assert_eq!(error["error"]["param"], param);
    }
}

#[tokio::test]
async fn a_call_of_a_type_that_nobody_here_knows_is_a_note() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    let call = json!({"id": "c1", "type": "teleport", "teleport": {"to": [1]}});
    body["messages"] = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "So.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "there"},
        {"role": "user", "content": "and now?"},
    ]);
    for stream in [false, true] {
        body["stream"] = json!(stream);
        let reply = app.chat(&body).await;
        assert_eq!(reply.status(), 200);
        assert_eq!(header(&reply, DROPPED), "teleport");
        let seen = app.bedrock.requests().pop().unwrap();
        assert_eq!(seen.status, 200, "{}", seen.refusal);
        let said = seen.body["messages"].to_string();
        assert!(said.contains("[a teleport stood here]"), "{said}");
        assert!(said.contains("there"), "{said}");
    }
}

#[tokio::test]
async fn a_responses_body_on_the_chat_route_is_answered_with_a_chat_completion() {
    let app = TestApp::new().await;
    let tools = json!([
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "function", "function": {"name": "nested"}},
        {"type": "custom", "name": "patch"},
        {"type": "web_search"},
    ]);
    let items = json!([
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "nothing"},
    ]);
    for (input, turns) in [(json!("hello"), 1), (items, 3)] {
        let mut body = json!({"model": "primary", "input": input, "instructions": "You are an agent.",
            "max_output_tokens": 700, "tools": tools, "stream_options": {"include_usage": true},
            "reasoning": {"effort": "low"}, "text": {"verbosity": "low"}, "store": false});
        app.bedrock.script(PRIMARY, [two_calls(), two_calls()]);
        let reply = app.chat(&body).await;
        assert_eq!(reply.status(), 200);
        assert_eq!(header(&reply, DROPPED), "web_search");
        let whole: Value = reply.json().await.unwrap();
        assert_eq!(whole["object"], "chat.completion");
        let calls = &whole["choices"][0]["message"]["tool_calls"];
        assert_eq!(calls[0]["custom"]["input"], PATCH);
        assert_eq!(calls[1]["function"]["name"], "look");
        let sent = app.bedrock.requests().pop().unwrap().body;
        assert_eq!(names(&app), ["look", "nested", "patch"]);
        assert_eq!(sent["messages"].as_array().unwrap().len(), turns);
        assert_eq!(sent["system"][0]["text"], "You are an agent.");

        body["stream"] = json!(true);
        let streamed = app.chat_stream(&body).await;
        assert!(streamed.done);
        assert_eq!(streamed.data[0]["object"], "chat.completion.chunk");
        assert_eq!(together(&streamed.data)[0]["custom"]["input"], PATCH);
        let usage = &streamed.data.last().unwrap()["usage"];
        assert!(usage["prompt_tokens"].as_u64().unwrap() > 0);
        let id = whole["id"].as_str().unwrap();
        assert!(id.starts_with("chatcmpl-"));
        assert_eq!(app.record(id).await["call_type"], "acompletion");
    }
    // Messages of the chat API under the other name.
    let old = json!([
        {"role": "system", "content": "You are an agent."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": r#"{"at":1}"#}},
            {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": PATCH}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "done"}]},
    ]);
    app.chat_json(&json!({"model": "primary", "messages": [], "input": old, "tools": tools}))
        .await;
    let sent = app.bedrock.requests().pop().unwrap().body;
    let calls = &sent["messages"][1]["content"];
    assert_eq!(calls[0]["toolUse"]["input"], json!({"at": 1}));
    assert_eq!(calls[1]["toolUse"]["input"], json!({"input": PATCH}));
    let results = &sent["messages"][2]["content"];
    assert_eq!(results[1]["toolResult"]["content"][0]["text"], "done");

    for body in [
        json!({"model": "primary"}),
        json!({"model": "primary", "messages": []}),
    ] {
        let error: Value = app.chat(&body).await.json().await.unwrap();
        assert_eq!(error["error"]["param"], "messages");
    }
    let wrong = json!({"model": "primary", "input": [{"role": "robot", "content": "x"}]});
    let error: Value = app.chat(&wrong).await.json().await.unwrap();
    assert_eq!(error["error"]["param"], "input[0].role");
}

#[tokio::test]
async fn a_choice_of_allowed_tools_restricts_what_is_offered() {
    let app = TestApp::new().await;
    let tools = json!([
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "function", "name": "close", "parameters": {"type": "object"}},
        {"type": "custom", "name": "patch"},
        {"type": "web_search"},
    ]);
    let flat =
        |mode: &str, tools: Value| json!({"type": "allowed_tools", "mode": mode, "tools": tools});
    let nested = |mode: &str, tools: Value| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}});
    let in_chat = json!([{"type": "function", "function": {"name": "close"}}, {"type": "custom", "custom": {"name": "patch"}}]);
    let in_responses = json!([{"type": "function", "name": "close"}, {"type": "custom", "name": "patch"}, {"type": "web_search"}]);
    for (path, conversation, choice) in [
        (
            "/v1/chat/completions",
            "messages",
            nested as fn(&str, Value) -> Value,
        ),
        ("/v1/responses", "input", flat),
        ("/v1/chat/completions", "messages", flat),
        ("/v1/responses", "input", nested),
    ] {
        let ask = async |choice: Value, stream: bool| {
            let mut body = json!({"model": "primary", "tools": tools, "tool_choice": choice, "stream": stream});
            body[conversation] = json!([{"role": "user", "content": "hi"}]);
            app.post(path, &body).send().await.unwrap()
        };
        for allowed in [&in_chat, &in_responses] {
            for stream in [false, true] {
                let reply = ask(choice("auto", allowed.clone()), stream).await;
                assert_eq!(reply.status(), 200, "{path}");
                assert_eq!(header(&reply, DROPPED), "web_search");
                reply.text().await.unwrap();
                assert_eq!(names(&app), ["close", "patch"], "{path}");
            }
            ask(choice("required", allowed.clone()), false).await;
            let sent = app.bedrock.requests().pop().unwrap().body;
            assert_eq!(sent["toolConfig"]["toolChoice"], json!({"any": {}}));
            assert_eq!(names(&app), ["close", "patch"]);
        }
        let hosted = json!([{"type": "web_search"}]);
        assert_eq!(
            ask(choice("auto", hosted.clone()), false).await.status(),
            200
        );
        assert!(names(&app).is_empty());
        for (wrong, said) in [
            (
                choice("auto", json!([{"type": "function", "name": "none"}])),
                "'none', which is not among 'tools'",
            ),
            (
                choice("loud", in_chat.clone()),
                "must be 'auto' or 'required'",
            ),
            (
                choice("required", hosted),
                "names no tool that could be called",
            ),
            (
                choice("auto", json!([{"type": "function"}])),
                "tools[0].name",
            ),
            (choice("auto", json!("close")), "must be a list of tools"),
        ] {
            let reply = ask(wrong, false).await;
            assert_eq!(reply.status(), 400, "{path} {said}");
            let error: Value = reply.json().await.unwrap();
            let message = error["error"]["message"].as_str().unwrap();
            assert!(message.contains(said), "{message}");
        }
    }
}
