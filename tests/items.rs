//! Items of a response's `input` that carry more, or less, than a message.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::responses::{last_response, read_response_events};
use crate::support::{DROPPED, PRIMARY, TestApp, header};

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn ask(input: Value) -> Value {
    json!({"model": "primary", "input": input})
}

fn additional(tools: Value) -> Value {
    json!({"type": "additional_tools", "role": "developer", "tools": tools})
}

/// As Codex sends its tools for models that it knows.
fn of_codex() -> Value {
    additional(json!([{"type": "namespace", "name": "functions", "tools": [
        {"type": "custom", "name": "exec", "description": "Run JS"},
        {"type": "function", "name": "wait", "parameters": {"type": "object"}},
    ]}]))
}

#[tokio::test]
async fn tools_that_stand_in_an_item_are_offered_and_called_by_their_names() {
    let app = TestApp::new().await;
    let more = additional(json!([
        {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "close"}]},
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "image_generation"},
    ]));
    let mut body = ask(json!([of_codex(), user("hi"), more]));
    body["tools"] = json!([{"type": "function", "name": "top", "parameters": {"type": "object"}}]);
    app.response(&body).await;
    let offered = app.tool_names_sent();
    let agents = offered[3].clone();
    assert_eq!(offered, ["top", "exec", "wait", agents.as_str(), "look"]);

    let reply = || {
        let calls = ScriptedReply::tool("exec", &json!({"input": "1 + 1"}));
        let calls = calls.with_tool("wait", &json!({"s": 1}));
        Step::reply(calls.with_tool(&agents, &json!({})))
    };
    app.bedrock.script(PRIMARY, [reply(), reply()]);
    let whole = app.response(&body).await;
    body["stream"] = json!(true);
    let streamed = app.post("/v1/responses", &body).send().await.unwrap();
    assert_eq!(header(&streamed, DROPPED), "image_generation");
    let streamed = last_response(&read_response_events(streamed).await);
    for response in [whole, streamed] {
        let output = response["output"].as_array().unwrap();
        let of = |at: usize, field: &str| output[at].get(field).cloned().unwrap_or_default();
        assert_eq!(of(0, "type"), "custom_tool_call");
        assert_eq!(
            (of(0, "name"), of(0, "input")),
            (json!("exec"), json!("1 + 1"))
        );
        assert_eq!(of(1, "type"), "function_call");
        assert_eq!(
            (of(1, "name"), of(1, "arguments")),
            (json!("wait"), json!(r#"{"s":1}"#))
        );
        assert_eq!(
            (of(2, "namespace"), of(2, "name")),
            (json!("agents"), json!("close"))
        );
        for plain in [&output[0], &output[1]] {
            assert!(plain.get("namespace").is_none(), "{plain}");
        }
        // Every call is answered, with the namespace that is meant in any case and without it.
        let mut next = body.clone();
        next["stream"] = json!(false);
        let input = next["input"].as_array_mut().unwrap();
        for (at, call) in output.iter().enumerate() {
            let mut call = call.clone();
            if at == 1 {
                call["namespace"] = json!("functions");
            }
            let kind = format!("{}_output", call["type"].as_str().unwrap());
            let result = json!({"type": kind, "call_id": call["call_id"], "output": "seen"});
            input.extend([call, result]);
        }
        app.response(&next).await;
        let turn = &app.last_sent()["messages"][1]["content"];
        assert_eq!(turn[0]["toolUse"]["name"], "exec");
    }
}

#[tokio::test]
async fn a_tool_that_comes_again_is_offered_once_as_it_came_last_and_may_be_chosen() {
    let app = TestApp::new().await;
    let wait =
        |description: &str| json!({"type": "function", "name": "wait", "description": description});
    let mut body = ask(json!([
        additional(json!([wait("Second."), {"type": "function", "name": "exec"}])),
        user("hi"),
        additional(json!([{"type": "custom", "name": "exec"}])),
        additional(json!([])),
    ]));
    body["tools"] = json!([wait("First.")]);
    body["tool_choice"] = json!({"type": "custom", "name": "exec"});
    app.response(&body).await;
    let sent = app.last_sent();
    assert_eq!(app.tool_names_sent(), ["wait", "exec"]);
    let tools = &sent["toolConfig"]["tools"];
    assert_eq!(tools[0]["toolSpec"]["description"], "Second.");
    assert_eq!(
        sent["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "exec"}})
    );
    app.bedrock.script(
        PRIMARY,
        [Step::reply(ScriptedReply::tool(
            "exec",
            &json!({"input": "x"}),
        ))],
    );
    let response = app.response(&body).await;
    assert_eq!(response["output"][0]["type"], "custom_tool_call");

    for choice in [
        json!({"type": "function", "name": "none"}),
        json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "none"}]}),
    ] {
        body["tool_choice"] = choice;
        let reply = app.post("/v1/responses", &body).send().await.unwrap();
        assert_eq!(reply.status(), 400);
        let error: Value = reply.json().await.unwrap();
        assert_eq!(error["error"]["param"], "tool_choice");
    }
    let wrong = ask(json!([
        additional(json!([{"type": "function"}])),
        user("hi")
    ]));
    let reply = app.post("/v1/responses", &wrong).send().await.unwrap();
    let error: Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["param"], "input[0].tools[0].name");
}

/// Values of every form for every field that a kind known here has.
fn odd(kind: &str) -> Vec<Value> {
    let values = [
        json!({"query": {"x": [1, null]}}),
        json!([{"type": "of_tomorrow", "text": 7}, 7, null, [[]]]),
        json!(7.5),
        json!(true),
        json!("text"),
        Value::Null,
    ];
    let fields = [
        "id",
        "role",
        "content",
        "call_id",
        "name",
        "namespace",
        "arguments",
        "input",
        "output",
        "encrypted_content",
        "tools",
        "status",
        "execution",
        "summary",
    ];
    let items = values.iter().map(|value| {
        let mut item = json!({"type": kind});
        for field in fields {
            item[field] = value.clone();
        }
        item
    });
    items.collect()
}

#[tokio::test]
async fn items_that_say_nothing_to_a_model_are_left_out_whatever_they_hold() {
    let app = TestApp::new().await;
    for kind in [
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "compaction_trigger",
    ] {
        for (at, item) in odd(kind).into_iter().enumerate() {
            let mut body = ask(json!([user("a"), item, item, user("b")]));
            body["stream"] = json!(at % 2 == 0);
            let reply = app.post("/v1/responses", &body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{item}");
            let dropped = header(&reply, DROPPED).to_owned();
            reply.text().await.unwrap();
            assert_eq!(app.last_sent()["messages"].as_array().unwrap().len(), 1);
            assert!(
                !app.last_sent()["messages"]
                    .to_string()
                    .contains("stood here")
            );
            if kind != "tool_search_output" {
                assert_eq!(dropped, kind);
            }
        }
    }
}

#[tokio::test]
async fn items_of_kinds_that_nobody_here_knows_are_notes_in_their_places() {
    let app = TestApp::new().await;
    for kind in [
        "computer_call_output",
        "local_shell_call",
        "agent_message",
        "of_tomorrow",
    ] {
        for (at, item) in odd(kind).into_iter().enumerate() {
            let mut body = ask(json!([user("a"), item, user("b")]));
            body["stream"] = json!(at % 2 == 0);
            let reply = app.post("/v1/responses", &body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{item}");
            assert_eq!(header(&reply, DROPPED), kind);
            reply.text().await.unwrap();
            let content = app.last_sent()["messages"][0]["content"].clone();
            let note = format!("[a {kind} stood here]");
            assert_eq!(content[1]["text"], note, "{content}");
        }
    }
}

#[tokio::test]
async fn a_note_parts_neither_a_call_from_its_result_nor_ends_in_the_assistant_s_words() {
    let app = TestApp::new().await;
    let unknown = json!({"type": "of_tomorrow"});
    let call = json!({"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"});
    let result = json!({"type": "function_call_output", "call_id": "c", "output": "seen"});
    let says = json!({"role": "assistant", "content": "I look."});
    let system = json!({"role": "developer", "content": "Be short."});
    for input in [
        json!([
            unknown,
            system,
            user("a"),
            says,
            unknown,
            call,
            unknown,
            result,
            unknown
        ]),
        json!([user("a"), call, result, says, unknown]),
        json!([unknown, user("a"), unknown, call, unknown, unknown, result]),
    ] {
        let mut body = ask(input);
        body["tools"] = json!([{"type": "function", "name": "look"}]);
        app.response(&body).await;
        let sent = app.last_sent();
        let last = sent["messages"].as_array().unwrap().last().unwrap();
        assert_eq!(last["role"], "user", "{sent}");
    }
}

#[tokio::test]
async fn what_a_search_of_the_client_s_found_may_be_called() {
    let app = TestApp::new().await;
    let found = json!({"type": "tool_search_output", "call_id": "c", "execution": "client", "status": "completed",
    "tools": [
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
        {"type": "function"},
        7,
        {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "close"}]},
    ]});
    let search = json!({"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"query": "x"}});
    let body = ask(json!([user("a"), search, found, user("b")]));
    app.response(&body).await;
    assert_eq!(
        app.tool_names_sent().len(),
        2,
        "{:?}",
        app.tool_names_sent()
    );
    assert_eq!(app.tool_names_sent()[0], "look");
}

#[tokio::test]
async fn kinds_that_are_known_keep_their_exact_errors() {
    let app = TestApp::new().await;
    for (item, param) in [
        (
            json!({"type": "function_call", "name": "f"}),
            "input[1].call_id",
        ),
        (
            json!({"type": "custom_tool_call", "call_id": "c"}),
            "input[1].name",
        ),
        (
            json!({"type": "function_call_output", "call_id": "c", "output": 7}),
            "input[1].output",
        ),
        (json!({"type": "message", "role": 7}), "input[1].role"),
        (json!({"role": "user", "content": 7}), "input[1].content"),
        (json!({"type": "item_reference", "id": "x"}), "input[1].id"),
        (json!({"type": "item_reference"}), "input[1].id"),
        (json!({"type": ["x"]}), "input[1].type"),
    ] {
        let body = ask(json!([user("a"), item]));
        let reply = app.post("/v1/responses", &body).send().await.unwrap();
        assert_eq!(reply.status(), 400, "{item}");
        let error: Value = reply.json().await.unwrap();
        assert_eq!(error["error"]["param"], param, "{error}");
    }
}
