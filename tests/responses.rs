//! What Codex and OpenAI's SDKs are promised on the Responses API.

use std::time::Duration;

use bedrock_sidecar::simulator::{FaultKind, ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::responses::{last_response, remember};
use crate::support::{
    BACKUP, PRIMARY, TestApp, header, is_plain, none_refused, thoughtful_and_redacted,
};

fn ask(text: &str) -> Value {
    json!({"model": "primary", "input": text})
}

/// As Codex asks: thinking, every item replayed, nothing stored.
fn agent() -> Value {
    json!({"model": "primary", "store": false, "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"}, "prompt_cache_key": "s1",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are an agent."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what is there?"}]}],
        "tools": [
            {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": false},
            {"type": "namespace", "name": "agents", "description": "Agents.", "tools": [
                {"type": "function", "name": "close", "parameters": {"type": "object"}}]},
            {"type": "custom", "name": "patch", "description": "Patches."},
            {"type": "web_search", "external_web_access": true}]})
}

#[tokio::test]
async fn a_stream_has_the_events_in_the_order_that_clients_rely_on() {
    let app = TestApp::new().await;
    let reply = ScriptedReply::text("I look.")
        .with_thinking("Hm.")
        .with_tool("look", &json!({"at": 1}));
    app.bedrock.script(PRIMARY, [Step::reply(reply)]);
    let events = app.response_events(&agent()).await;
    let mut names: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    names.dedup();
    let order = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names, order);
    let response = last_response(&events);
    assert!(response["id"].as_str().unwrap().starts_with("resp_"));
    assert_eq!(response["output"][1]["content"][0]["text"], "I look.");
    assert_eq!(response["output"][2]["arguments"], r#"{"at":1}"#);
    let usage = &response["usage"];
    assert!(usage["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(usage["input_tokens_details"]["cached_tokens"], 0);
}

#[tokio::test]
async fn a_response_that_is_not_streamed_says_the_same() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [
            Step::reply(thoughtful_and_redacted()),
            Step::reply(thoughtful_and_redacted()),
        ],
    );
    let mut streamed = last_response(&app.response_events(&agent()).await);
    let mut whole = app.response(&agent()).await;
    for response in [&mut streamed, &mut whole] {
        assert_eq!(response["status"], "completed");
        for field in ["id", "created_at", "usage"] {
            response[field] = Value::Null;
        }
        for item in response["output"].as_array_mut().unwrap() {
            for field in ["id", "call_id"] {
                item[field] = Value::Null;
            }
        }
    }
    assert_eq!(streamed, whole);
    let text = app.response(&ask("Reply with exactly ALL-IS-WELL")).await;
    assert_eq!(text["output"][0]["content"][0]["text"], "ALL-IS-WELL");
}

#[tokio::test]
async fn thinking_goes_out_sealed_and_comes_back_as_it_was_over_a_fallback_too() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    let mut body = agent();
    for turn in 0..6 {
        let answers = if turn % 2 == 1 { BACKUP } else { PRIMARY };
        if answers == BACKUP {
            app.bedrock.script(PRIMARY, [Step::throttle()]);
        }
        app.bedrock
            .script(answers, [Step::reply(thoughtful_and_redacted())]);
        let response = last_response(&app.response_events(&body).await);
        remember(&mut body, &response);
    }
    none_refused(&app);
    let last = app.bedrock.requests_for(BACKUP).pop().unwrap().body;
    for turn in [1, 3, 5, 7, 9] {
        let content = &last["messages"][turn]["content"];
        let text = &content[0]["reasoningContent"]["reasoningText"];
        assert_eq!(text["text"], "I should \"look\".\n");
        assert!(!text["signature"].as_str().unwrap().is_empty());
        assert_eq!(
            content[1]["reasoningContent"]["redactedContent"],
            "AP8KcmVkYWN0ZWQ="
        );
        assert!(content[2].get("toolUse").is_some());
    }
    assert_eq!(last["system"][0]["text"], "You are an agent.");
    let record = app.response(&body).await;
    let record = app.record(record["id"].as_str().unwrap()).await;
    assert_eq!(record["call_type"], "aresponses");
    assert_eq!(record["session_id"], "s1");
}

#[tokio::test]
async fn thinking_that_a_client_only_refers_to_is_put_back_from_what_is_kept() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::reply(thoughtful_and_redacted())]);
    let mut body = agent();
    body["include"] = json!([]);
    let mut response = app.response(&body).await;
    let reasoning = &mut response["output"][0];
    assert!(reasoning.get("encrypted_content").is_none());
    *reasoning = json!({"type": "item_reference", "id": reasoning["id"]});
    remember(&mut body, &response);
    app.response(&body).await;
    none_refused(&app);
    let last = app.bedrock.requests().pop().unwrap().body;
    let block = &last["messages"][1]["content"][0]["reasoningContent"]["reasoningText"];
    assert_eq!(block["text"], "I should \"look\".\n");
}

#[tokio::test]
async fn tools_of_every_type_are_called_by_what_the_client_knows_them_by() {
    let app = TestApp::new().await;
    let mut body = agent();
    app.response(&body).await;
    let sent = app.bedrock.requests().pop().unwrap().body;
    let tools = sent["toolConfig"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools
        .iter()
        .filter_map(|tool| tool["toolSpec"]["name"].as_str())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let reply = ScriptedReply::tool(names[1], &json!({}))
        .with_tool("patch", &json!({"input": "*** Begin"}));
    app.bedrock.script(PRIMARY, [Step::reply(reply)]);
    let response = app.response(&body).await;
    let output = response["output"].as_array().unwrap();
    assert_eq!(
        (&output[0]["namespace"], &output[0]["name"]),
        (&json!("agents"), &json!("close"))
    );
    assert_eq!(output[1]["type"], "custom_tool_call");
    assert_eq!(output[1]["input"], "*** Begin");
    remember(&mut body, &response);
    app.response(&body).await;
    none_refused(&app);
    let sent = app.bedrock.requests().pop().unwrap().body;
    let calls = &sent["messages"][1]["content"];
    assert_eq!(calls[0]["toolUse"]["name"], names[1]);
    assert_eq!(calls[1]["toolUse"]["input"], json!({"input": "*** Begin"}));
}

#[tokio::test]
async fn an_answer_that_was_stopped_is_incomplete() {
    let app = TestApp::new().await;
    for (bedrock, reason) in [
        ("max_tokens", "max_output_tokens"),
        ("content_filtered", "content_filter"),
    ] {
        let reply = || ScriptedReply::text("So.").with_stop(bedrock);
        app.bedrock
            .script(PRIMARY, [Step::reply(reply()), Step::reply(reply())]);
        let streamed = last_response(&app.response_events(&ask("hello")).await);
        for response in [streamed, app.response(&ask("hello")).await] {
            assert_eq!(response["status"], "incomplete");
            assert_eq!(response["incomplete_details"]["reason"], reason);
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_a_failed_response_and_nothing_else() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n  idle_timeout: 0.2\n")
        .start()
        .await;
    let text = || Step::text("One two three four five six.");
    let cases = [
        (text().cut_after(4), "server_is_overloaded"),
        (text().fault(4, FaultKind::End), "server_is_overloaded"),
        (
            text().fault(4, FaultKind::TruncatedFrame),
            "server_is_overloaded",
        ),
        (
            text().exception_after(4, "modelStreamErrorException", "The model failed."),
            "server_is_overloaded",
        ),
        (
            text().fault(4, FaultKind::BrokenFrame),
            "server_is_overloaded",
        ),
        (text().fault(4, FaultKind::Silence), "server_error"),
        (
            text().exception_after(4, "throttlingException", "Too many tokens."),
            "rate_limit_exceeded",
        ),
    ];
    for (step, code) in cases {
        let name = format!("{step:?}");
        app.bedrock.script(PRIMARY, [step]);
        let mut body = ask("hello");
        body["disable_fallbacks"] = json!(true);
        let events = app.response_events(&body).await;
        let response = last_response(&events);
        assert_eq!(response["status"], "failed", "{name}");
        assert_eq!(response["error"]["code"], code, "{name}");
        let message = response["error"]["message"].as_str().unwrap();
        assert!(is_plain(message), "{name}: {message}");
        assert_eq!(response["output"], json!([]));
        let told = |event: &Value| event["type"] == "response.output_text.delta";
        assert!(events.iter().any(told), "{name}");
    }
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.05\n")
        .start()
        .await;
    let late = Step::throttle().slow_head(Duration::from_millis(200));
    app.bedrock.script(PRIMARY, [late]);
    let mut body = ask("hello");
    body["disable_fallbacks"] = json!(true);
    let events = app.response_events(&body).await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        last_response(&events)["error"]["code"],
        "rate_limit_exceeded"
    );
}

#[tokio::test]
async fn a_cut_inside_a_tool_call_ends_in_a_failed_response() {
    let app = TestApp::new().await;
    let call = ScriptedReply::tool("look", &json!({"at": "a place with a long name"}));
    app.bedrock
        .script(PRIMARY, [Step::reply(call).cut_after(4)]);
    let response = last_response(&app.response_events(&agent()).await);
    assert_eq!(response["status"], "failed");
    assert_eq!(response["output"], json!([]), "no call that could be run");
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}

#[tokio::test]
async fn thinking_that_broke_off_begins_anew_on_the_next_model() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::reply(thoughtful_and_redacted()).cut_after(2)],
    );
    app.bedrock
        .script(BACKUP, [Step::reply(thoughtful_and_redacted())]);
    let mut body = agent();
    let events = app.response_events(&body).await;
    let response = last_response(&events);
    assert_eq!(response["status"], "completed");
    let output = response["output"].as_array().unwrap();
    let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["reasoning", "reasoning", "function_call"]);
    assert!(
        output[0].get("encrypted_content").is_none(),
        "nobody signed it"
    );
    remember(&mut body, &response);
    app.response(&body).await;
    none_refused(&app);
}

#[tokio::test]
async fn a_response_that_takes_too_long_fails_in_time() {
    let app = TestApp::builder()
        .settings("  total_timeout: 0.4\n")
        .start()
        .await;
    let slow = Step::text("One two three four five six.").pace(Duration::from_millis(150));
    app.bedrock.script(PRIMARY, [slow]);
    let response = last_response(&app.response_events(&ask("hello")).await);
    assert_eq!(response["status"], "failed");
    let message = response["error"]["message"].as_str().unwrap();
    assert!(message.contains("time limit"), "{message}");
}

#[tokio::test]
async fn a_model_that_says_nothing_in_time_is_not_waited_for() {
    let app = TestApp::builder()
        .settings("  stream_timeout: 0.2\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    app.bedrock.script(BACKUP, [Step::text("Here.")]);
    let response = last_response(&app.response_events(&ask("hello")).await);
    assert_eq!(response["output"][0]["content"][0]["text"], "Here.");
}

#[tokio::test]
async fn what_needs_a_store_is_a_clear_refusal_and_errors_have_openai_s_shape() {
    let app = TestApp::new().await;
    let cases = [
        (
            "previous_response_id",
            json!("resp_1"),
            "previous_response_id",
        ),
        ("background", json!(true), "background"),
        (
            "input",
            json!([{"type": "item_reference", "id": "x"}]),
            "input[0].id",
        ),
        ("input", json!([]), "input"),
        ("reasoning", json!({"effort": "loud"}), "reasoning.effort"),
        ("text", json!({"format": {"type": "xml"}}), "text.format"),
    ];
    for (field, value, named) in cases {
        let mut body = ask("hello");
        body[field] = value;
        let response = app.post("/responses", &body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{field}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["param"], named, "{body}");
    }
    let response = app
        .post("/v1/responses", &ask("hello"))
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "x-litellm-model-group"), "primary");
}

/// Clients that keep no history of their own (VS Code, for one) send all of it when they read this code.
#[tokio::test]
async fn a_response_that_is_not_stored_is_named_by_the_code_that_clients_act_on() {
    let app = TestApp::new().await;
    for (path, stream) in [
        ("/v1/responses", false),
        ("/v1/responses", true),
        ("/v1/chat/completions", true),
    ] {
        let mut body = ask("and then?");
        body["previous_response_id"] = json!("resp_abc");
        body["stream"] = json!(stream);
        let response = app.post(path, &body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{path}");
        let error = response.json::<Value>().await.unwrap()["error"].take();
        assert_eq!(error["code"], "previous_response_not_found", "{path}");
        assert_eq!(error["param"], "previous_response_id");
        assert_eq!(error["type"], "invalid_request_error");
        let message = error["message"].as_str().unwrap();
        let sentence = "Previous response with id 'resp_abc' not found.";
        assert!(message.starts_with(sentence), "{message}");
    }
    assert!(app.bedrock.requests().is_empty());
    // The turn once more, with its history, is a request like any other.
    app.response(&ask("hello, and then?")).await;
}

#[tokio::test]
async fn an_item_that_is_not_stored_is_named_in_openai_s_words() {
    let app = TestApp::new().await;
    for id in ["msg_1", "fc_1"] {
        let mut body = ask("");
        let question = json!({"role": "user", "content": "and then?"});
        body["input"] = json!([question, {"type": "item_reference", "id": id}]);
        let response = app.post("/v1/responses", &body).send().await.unwrap();
        assert_eq!(response.status(), 400);
        let error = response.json::<Value>().await.unwrap()["error"].take();
        assert_eq!(error["param"], "input[1].id");
        let message = error["message"].as_str().unwrap();
        let sentences = format!(
            "Item with id '{id}' not found. Items are not persisted when `store` is set to false."
        );
        assert!(message.starts_with(&sentences), "{message}");
    }
}

/// Codex tries a WebSocket six times, with pauses, unless it is told by this status that there is none.
#[tokio::test]
async fn a_websocket_is_refused_with_the_status_at_which_codex_goes_on_without() {
    let app = TestApp::new().await;
    for path in ["/v1/responses", "/responses"] {
        let upgrade = app.get(path).header("upgrade", "websocket");
        let upgrade = upgrade.header("connection", "upgrade");
        assert_eq!(upgrade.send().await.unwrap().status(), 426);
        let plain = app.get(path).send().await.unwrap();
        assert_eq!(plain.status(), 405);
    }
}

#[tokio::test]
async fn an_answer_by_schema_is_json_in_text() {
    let app = TestApp::new().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
        "additionalProperties": false});
    let mut body = ask("how many?");
    body["text"] = json!({"format": {"type": "json_schema", "name": "count", "strict": true, "schema": schema}});
    let response = app.response(&body).await;
    let text = response["output"][0]["content"][0]["text"]
        .as_str()
        .unwrap();
    let answer: Value = serde_json::from_str(text).unwrap();
    assert!(answer["n"].is_i64(), "{text}");
}
