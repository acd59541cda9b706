//! What one request may take: the largest body is served or refused, and never takes the process down.

use serde_json::{Value, json};

use crate::support::{LAST, PRIMARY, TestApp, header, hello, trail_of};
use bedrock_sidecar::simulator::Step;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";

/// The error of a body that is refused as it stands.
async fn refusal(app: &TestApp, path: &str, body: &Value) -> Value {
    let response = app.post(path, body).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 400, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["error"].clone()
}

#[tokio::test]
async fn a_fallback_s_own_request_is_read_only_when_the_fallback_is_asked() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    let unreadable = json!([{"role": "nobody", "content": "x"}]);
    body["fallbacks"] = json!([
        {"model": "backup", "messages": unreadable},
        {"model": "last", "max_tokens": 7}
    ]);
    assert_eq!(app.chat(&body).await.status(), 200);
    assert!(app.bedrock.requests_for(LAST).is_empty());

    // Asked, it is no request that a model could answer: the next one is.
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        trail_of(&response),
        "primary:unavailable(503), backup:rejected(400), last:ok"
    );
    let asked = &app.bedrock.requests_for(LAST)[0].body;
    assert_eq!(asked["inferenceConfig"]["maxTokens"], 7);

    // Without another one, the caller is told what the first one said.
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    body["fallbacks"].as_array_mut().unwrap().pop();
    assert_eq!(app.chat(&body).await.status(), 503);
}

#[tokio::test]
async fn a_fallback_s_fields_of_the_wrong_form_are_refused_at_once_with_their_place() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    let cases = [
        (
            json!({"model": "last", "max_tokens": "x"}),
            "fallbacks[1].max_tokens",
        ),
        (
            json!({"model": "last", "messages": [7]}),
            "fallbacks[1].messages[0]",
        ),
        (json!({"model": 7}), "fallbacks[1]"),
    ];
    for (fallback, param) in cases {
        body["fallbacks"] = json!(["backup", fallback]);
        let error = refusal(&app, CHAT, &body).await;
        assert_eq!(error["param"], param, "{error}");
    }
    assert!(app.bedrock.requests().is_empty());
}

/// Requests with so many of something, one for each wire that has it, by their paths.
fn with_parts(count: usize) -> [(&'static str, Value); 3] {
    let parts = |kind: &str| json!(vec![json!({"type": kind, "text": "a"}); count]);
    let user = |kind: &str| json!([{"role": "user", "content": parts(kind)}]);
    [
        (CHAT, json!({"model": "primary", "messages": user("text")})),
        (
            MESSAGES,
            json!({"model": "primary", "max_tokens": 9, "messages": user("text")}),
        ),
        (
            RESPONSES,
            json!({"model": "primary", "input": user("input_text")}),
        ),
    ]
}

fn with_tools(count: usize) -> [(&'static str, Value); 3] {
    let named = |at: usize| format!("tool_{at}");
    let mut bodies = with_parts(1);
    let tools = |tool: fn(String) -> Value| (0..count).map(|at| tool(named(at))).collect();
    let of_wires: [Value; 3] = [
        tools(|name| json!({"type": "function", "function": {"name": name}})),
        tools(|name| json!({"name": name, "input_schema": {"type": "object"}})),
        tools(|name| json!({"type": "function", "name": name})),
    ];
    for ((_, body), tools) in bodies.iter_mut().zip(of_wires) {
        body["tools"] = tools;
    }
    bodies
}

/// Each is refused in words that hold these, and nothing is called.
async fn are_refused(bodies: impl IntoIterator<Item = (&'static str, Value)>, words: &[&str]) {
    let app = TestApp::new().await;
    for (path, body) in bodies {
        let error = refusal(&app, path, &body).await;
        let message = error["message"].as_str().unwrap();
        for word in words {
            assert!(message.contains(word), "{path}: {message}");
        }
    }
    assert!(app.bedrock.requests().is_empty());
}

async fn are_answered(bodies: impl IntoIterator<Item = (&'static str, Value)>) {
    let app = TestApp::new().await;
    for (path, body) in bodies {
        let response = app.post(path, &body).send().await.unwrap();
        let status = response.status();
        assert_eq!(status, 200, "{path}: {}", response.text().await.unwrap());
    }
}

#[tokio::test]
async fn more_parts_than_any_conversation_has_are_refused_with_their_number() {
    are_refused(with_parts(100_001), &["100001", "100000"]).await;
    // In two messages.
    let half = |path, body: Value, field: &str| {
        let mut body = body;
        let message = body[field][0].clone();
        body[field] = json!([message, message]);
        (path, body)
    };
    let [(chat, a), (messages, b), (responses, c)] = with_parts(50_001);
    let halves = [
        half(chat, a, "messages"),
        half(messages, b, "messages"),
        half(responses, c, "input"),
    ];
    are_refused(halves, &["100002 parts", "100000"]).await;
    are_answered(with_parts(500)).await;
}

#[tokio::test]
async fn more_messages_than_any_conversation_has_are_refused_with_their_number() {
    let messages = json!(vec![json!({"role": "user", "content": "a"}); 100_001]);
    let bodies = [
        (CHAT, json!({"model": "primary", "messages": messages})),
        (
            MESSAGES,
            json!({"model": "primary", "max_tokens": 9, "messages": messages}),
        ),
        (RESPONSES, json!({"model": "primary", "input": messages})),
    ];
    are_refused(bodies, &["100001", "100000"]).await;
}

#[tokio::test]
async fn more_tools_than_2048_are_refused_with_their_number() {
    are_refused(with_tools(2_049), &["'tools'", "2049", "2048"]).await;
    are_answered(with_tools(2_048)).await;
    let [.., (path, mut body)] = with_tools(1_025);
    let tools = body["tools"].take();
    body["tools"] =
        json!(["a", "b"].map(|name| json!({"type": "namespace", "name": name, "tools": tools})));
    are_refused([(path, body.clone())], &["2050 tools", "2048"]).await;
    // In two items, the second of which has a name of its own for each.
    let namespaces = body["tools"].take();
    let item = |at: usize| json!({"type": "additional_tools", "tools": [namespaces[at]]});
    body["input"] = json!([item(0), item(1), {"role": "user", "content": "a"}]);
    are_refused([(path, body)], &["input[1].tools", "2050 tools", "2048"]).await;
}

#[tokio::test]
async fn more_tool_calls_than_any_conversation_has_are_refused_with_their_number() {
    let calls = (0..10_001).map(|at| json!({"id": format!("c{at}"), "function": {"name": "f"}}));
    let calls: Vec<Value> = calls.collect();
    let messages = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": calls}
    ]);
    let body = json!({"model": "primary", "messages": messages});
    are_refused([(CHAT, body)], &["10001 tool calls", "10000"]).await;
}

#[tokio::test]
async fn json_of_free_form_is_limited_wherever_it_stands() {
    let numbers = json!(vec![0; 50_001]);
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let [(_, chat), (_, messages), (_, responses)] = with_parts(1);
    let schema = json!({"type": "object", "enum": numbers});
    let function = json!([{"type": "function", "function": {"name": "f", "parameters": schema}}]);
    let input = json!([{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"n": numbers}}]}]);
    let call = json!({"id": "a", "function": {"name": "f", "arguments": json!({"n": numbers}).to_string()}});
    let called =
        json!([{"role": "user", "content": "go"}, {"role": "assistant", "tool_calls": [call]}]);
    let item = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": json!({"n": numbers}).to_string()});
    let changed = json!([{"model": "last", "metadata": {"n": numbers}}]);
    let bodies = [
        (CHAT, with(chat.clone(), "tools", function)),
        (CHAT, with(chat.clone(), "messages", called)),
        (CHAT, with(chat.clone(), "metadata", json!({"n": numbers}))),
        (CHAT, with(chat.clone(), "stop", numbers.clone())),
        (CHAT, with(chat.clone(), "seed", numbers.clone())),
        (CHAT, with(chat, "fallbacks", changed)),
        (MESSAGES, with(messages, "messages", input)),
        (RESPONSES, with(responses.clone(), "input", json!([item]))),
        (
            RESPONSES,
            with(
                responses,
                "tools",
                json!([{"type": "function", "name": "f", "parameters": schema}]),
            ),
        ),
    ];
    are_refused(bodies, &["JSON values", "50000"]).await;
}

#[tokio::test]
async fn a_request_that_a_fallback_changes_may_hold_half_as_much() {
    let [(path, mut body), ..] = with_parts(83_400);
    body["fallbacks"] = json!(["last", {"model": "last", "max_tokens": 7}]);
    are_refused([(path, body)], &["'fallbacks'", "250000"]).await;
}

#[tokio::test]
async fn many_small_fields_are_refused_before_they_are_kept() {
    let mut body = hello("primary");
    let fields = body.as_object_mut().unwrap();
    fields.extend((0..500_001).map(|at| (at.to_string(), json!(0))));
    are_refused([(CHAT, body)], &["JSON values", "500000"]).await;

    // Those that nobody knows are left out; the reply names as many as a header may hold.
    let app = TestApp::new().await;
    let mut body = hello("primary");
    let fields = body.as_object_mut().unwrap();
    fields.extend((0..1_000).map(|at| (format!("field_{at}"), Value::Null)));
    fields.insert("x".repeat(1_000_000), json!(1));
    let reply = app.chat(&body).await;
    assert_eq!(reply.status(), 200);
    let named = header(&reply, "x-sidecar-dropped");
    assert!(named.starts_with("field_0, field_1, ") && named.len() <= 1_000);
}

#[tokio::test]
async fn a_refusal_quotes_no_megabytes() {
    let app = TestApp::new().await;
    let long = "x".repeat(1_000_000);
    let bodies = [
        json!({"model": "primary", "messages": [{"role": long, "content": "a"}]}),
        json!({"model": "primary", "messages": [], "max_tokens": long}),
        json!({"model": "primary", "messages": [], "tools": {long.clone(): 1}}),
    ];
    for body in bodies {
        let error = refusal(&app, CHAT, &body).await;
        assert!(
            error.to_string().len() < 3_000,
            "{}",
            error.to_string().len()
        );
    }
}

#[tokio::test]
async fn one_text_of_arguments_becomes_few_calls() {
    let app = TestApp::new().await;
    let arguments: String = (0..10_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let call = json!({"id": "a", "function": {"name": "f", "arguments": arguments}});
    let body = json!({
        "model": "primary",
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "done"}
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}]
    });
    app.chat_json(&body).await;
    let sent = &app.bedrock.requests_for(PRIMARY)[0].body;
    assert_eq!(sent["messages"][1]["content"].as_array().unwrap().len(), 8);
}
