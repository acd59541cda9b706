//! What clients keep in a history comes again with every request, so one odd entry must not end the session: it is read
//! as what it means, or left out and named.

use serde_json::{Value, json};

use crate::support::{TestApp, hello, post_both_ways};

/// A chat in which a tool was called: with these calls, and this result of the call `c1`.
fn chat(calls: Value, result: Value) -> Value {
    let mut body = hello("primary");
    body["tools"] =
        json!([{"type": "function", "name": "look"}, {"type": "custom", "name": "patch"}]);
    body["messages"] = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "So.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": result},
        {"role": "user", "content": "And?"},
    ]);
    body
}

/// A response's input with these items behind a question.
fn response(items: Value) -> Value {
    let mut input = vec![json!({"role": "user", "content": "q"})];
    input.extend(items.as_array().unwrap().clone());
    let tools = json!([{"type": "function", "name": "look"}, {"type": "custom", "name": "patch"}]);
    json!({"model": "primary", "input": input, "tools": tools})
}

#[tokio::test]
async fn arguments_and_texts_of_calls_may_be_objects() {
    let app = TestApp::new().await;
    for (arguments, expected) in [
        (
            json!({"at": [1, {"b": null}]}),
            json!({"at": [1, {"b": null}]}),
        ),
        (json!("{\"at\": 2}"), json!({"at": 2})),
        (json!({}), json!({})),
        (json!(null), json!({})),
        (json!([7]), json!({})),
    ] {
        let call = json!({"type": "function_call", "call_id": "c1", "name": "look", "arguments": arguments});
        let result = json!({"type": "function_call_output", "call_id": "c1", "output": "seen"});
        let (sent, _) =
            post_both_ways(&app, "/v1/responses", response(json!([call, result]))).await;
        assert_eq!(
            sent["messages"][1]["content"][0]["toolUse"]["input"],
            expected
        );
        let call = json!({"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}});
        let (sent, _) = post_both_ways(
            &app,
            "/v1/chat/completions",
            chat(json!([call]), json!("seen")),
        )
        .await;
        assert_eq!(
            sent["messages"][1]["content"][1]["toolUse"]["input"],
            expected
        );
    }
    for (input, expected) in [
        (json!({"file": "a", "n": 1}), "{\"file\":\"a\",\"n\":1}"),
        (json!(["a"]), "[\"a\"]"),
        (json!(7), "7"),
        (json!(null), ""),
        (json!("as it is"), "as it is"),
    ] {
        let expected = json!({"input": expected});
        let call =
            json!({"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": input});
        let result = json!({"type": "custom_tool_call_output", "call_id": "c1", "output": "done"});
        let (sent, _) =
            post_both_ways(&app, "/v1/responses", response(json!([call, result]))).await;
        assert_eq!(
            sent["messages"][1]["content"][0]["toolUse"]["input"],
            expected
        );
        let call =
            json!({"id": "c1", "type": "custom", "custom": {"name": "patch", "input": input}});
        let (sent, _) = post_both_ways(
            &app,
            "/v1/chat/completions",
            chat(json!([call]), json!("done")),
        )
        .await;
        assert_eq!(
            sent["messages"][1]["content"][1]["toolUse"]["input"],
            expected
        );
    }
}

#[tokio::test]
async fn what_a_tool_answered_may_be_an_object_or_one_part() {
    let app = TestApp::new().await;
    let look = json!({"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"});
    let call =
        json!([{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]);
    for (output, expected) in [
        (
            json!({"ok": true, "rows": [1, 2]}),
            "{\"ok\":true,\"rows\":[1,2]}",
        ),
        (json!({"type": "text", "text": "seen"}), "seen"),
        (json!({"text": "seen", "type": "input_text"}), "seen"),
        (json!(["seen"]), "seen"),
        (
            json!([null, {"type": "text", "text": "seen"}, 7, true, [1]]),
            "seen",
        ),
    ] {
        let result = json!({"type": "function_call_output", "call_id": "c1", "output": output});
        let (of_response, first) =
            post_both_ways(&app, "/v1/responses", response(json!([look, result]))).await;
        let (of_chat, second) = post_both_ways(
            &app,
            "/v1/chat/completions",
            chat(call.clone(), output.clone()),
        )
        .await;
        for (sent, dropped) in [(of_response, first), (of_chat, second)] {
            let content = &sent["messages"][2]["content"][0]["toolResult"]["content"];
            assert_eq!(*content, json!([{"text": expected}]), "{sent}");
            let is_odd = output.as_array().is_some_and(|parts| parts.len() > 1);
            assert_eq!(dropped, if is_odd { "content" } else { "" });
        }
    }
}

#[tokio::test]
async fn entries_of_a_list_that_are_no_objects_are_left_out_by_the_list_s_name() {
    let app = TestApp::new().await;
    let call =
        json!({"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    for odd in [json!(null), json!(7), json!("x"), json!([[]]), json!(true)] {
        let body = chat(json!([odd, call, odd]), json!("seen"));
        let (sent, dropped) = post_both_ways(&app, "/v1/chat/completions", body).await;
        assert_eq!(dropped, "tool_calls");
        let content = sent["messages"][1]["content"].as_array().unwrap();
        assert_eq!(content.len(), 2, "{sent}");

        // The result of a call that was left out stays.
        for calls in [json!([odd]), json!({"0": call})] {
            let (sent, dropped) =
                post_both_ways(&app, "/v1/chat/completions", chat(calls, json!("seen"))).await;
            assert_eq!(dropped, "tool_calls");
            assert!(sent["messages"].to_string().contains("seen"), "{sent}");
        }

        let mut body = hello("primary");
        body["messages"] = json!([odd, {"role": "user", "content": "q"}, odd]);
        let (sent, dropped) = post_both_ways(&app, "/v1/chat/completions", body).await;
        assert_eq!(dropped, "messages");
        assert_eq!(sent["messages"].as_array().unwrap().len(), 1);

        let answered = json!({"role": "assistant", "content": "A.", "tool_calls": [odd, call]});
        let result = json!({"role": "tool", "tool_call_id": "c1", "content": "seen"});
        let body = response(json!([odd, answered, result, odd]));
        for path in ["/v1/responses", "/v1/chat/completions"] {
            let (sent, dropped) = post_both_ways(&app, path, body.clone()).await;
            assert_eq!(dropped, "input, tool_calls");
            assert_eq!(sent["messages"].as_array().unwrap().len(), 3, "{sent}");
        }

        if odd.is_string() {
            continue;
        }
        let content = json!([odd, {"type": "text", "text": "q"}, odd]);
        let mut body = hello("primary");
        body["messages"] = json!([
            {"role": "system", "content": [odd]},
            {"role": "user", "content": content},
            {"role": "assistant", "content": [odd]},
            {"role": "user", "content": [odd]},
        ]);
        let of_chat = post_both_ways(&app, "/v1/chat/completions", body.clone()).await;
        let input = json!({"model": "primary", "input": body["messages"]});
        let of_response = post_both_ways(&app, "/v1/responses", input).await;
        for (sent, dropped) in [of_chat, of_response] {
            assert_eq!(dropped, "content");
            assert_eq!(sent["messages"][0]["content"][0]["text"], "q", "{sent}");
        }
    }
}

#[tokio::test]
async fn what_is_no_tool_among_more_tools_is_left_out() {
    let app = TestApp::new().await;
    let names = |sent: &Value| {
        let tools = sent["toolConfig"]["tools"].as_array().unwrap().iter();
        let names = tools.map(|tool| tool["toolSpec"]["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    let close = json!({"type": "function", "name": "close", "parameters": {"type": "object"}});
    for (tools, offered, named) in [
        (json!([null, close, 7]), 3, "additional_tools.tools"),
        (json!(["x", [close], true]), 2, "additional_tools.tools"),
        (json!({"close": close}), 2, "additional_tools.tools"),
        (json!("close"), 2, "additional_tools.tools"),
        (json!(null), 2, ""),
        (
            json!([{"type": "namespace", "name": "functions", "tools": [null, close, "x"]}]),
            3,
            "tools",
        ),
        (
            json!([{"type": "namespace", "name": "functions", "tools": {"a": close}}]),
            2,
            "tools",
        ),
    ] {
        let item = json!({"type": "additional_tools", "role": "developer", "tools": tools});
        let (sent, dropped) = post_both_ways(&app, "/v1/responses", response(json!([item]))).await;
        assert_eq!(names(&sent).len(), offered, "{tools}");
        assert_eq!(dropped, named, "{tools}");
    }
}

#[tokio::test]
async fn a_body_or_a_conversation_of_another_form_is_still_refused() {
    let app = TestApp::new().await;
    for (path, body, param) in [
        (
            "/v1/chat/completions",
            json!({"model": "primary", "messages": {"role": "user"}}),
            "messages",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "primary", "messages": [7]}),
            "messages[0]",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "primary", "messages": [null]}),
            "messages",
        ),
        (
            "/v1/responses",
            json!({"model": "primary", "input": {"role": "user"}}),
            "input",
        ),
        (
            "/v1/responses",
            json!({"model": "primary", "input": [null]}),
            "input",
        ),
        ("/v1/responses", json!(["primary"]), "request_body"),
    ] {
        let reply = app.post(path, &body).send().await.unwrap();
        assert_eq!(reply.status(), 400, "{body}");
        let error: Value = reply.json().await.unwrap();
        assert_eq!(error["error"]["param"], param, "{error}");
    }
}
