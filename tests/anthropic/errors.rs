//! Errors have Anthropic's shape, types and statuses, whoever makes them.

use bedrock_sidecar::simulator::Step;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::{KEY, PRIMARY, TestApp, header, validation_error};

/// The status, the type and the message of an error.
pub(super) async fn error(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["type"], "error", "{body}");
    let text = |field: &str| body["error"][field].as_str().unwrap().to_owned();
    (status, text("type"), text("message"))
}

#[tokio::test]
async fn what_bedrock_refuses_has_anthropic_s_type_and_status() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .on_converse()
        .start()
        .await;
    let too_long = validation_error("Input is too long for requested model.");
    let denied = Step::fail(403, "AccessDeniedException", "You don't have access.");
    let cases = [
        (Step::throttle(), 429, "rate_limit_error"),
        (Step::unavailable(), 529, "overloaded_error"),
        (too_long, 400, "invalid_request_error"),
        (denied, 403, "permission_error"),
    ];
    for (step, status, kind) in cases {
        app.bedrock.script(PRIMARY, [step.clone()]);
        let mut body = ask("hello");
        body["disable_fallbacks"] = json!(true);
        let request = app.as_anthropic("/v1/messages", &body);
        let response = request.send().await.unwrap();
        assert!(!header(&response, "request-id").is_empty());
        let (found, found_kind, message) = error(response).await;
        assert_eq!((found, found_kind.as_str()), (status, kind), "{message}");
        assert!(!message.contains("BedrockException"), "{message}");
    }
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_refused_in_the_words_that_agents_act_on() {
    let app = TestApp::on_converse().await;
    app.bedrock.always(
        PRIMARY,
        validation_error("Input is too long for requested model."),
    );
    let mut body = ask("hello");
    body["disable_fallbacks"] = json!(true);
    let response = app
        .as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap();
    let (status, _, message) = error(response).await;
    assert_eq!(status, 400);
    assert!(message.starts_with("prompt is too long: "), "{message}");
}

#[tokio::test]
async fn what_the_gateway_refuses_has_the_same_shape() {
    let app = TestApp::on_converse().await;
    let send = |method: Method, path: &str, key: &str, body: String| {
        let request = app.http.request(method, format!("{}{path}", app.url));
        request.header("x-api-key", key).body(body).send()
    };
    let body = ask("hello").to_string();
    let unknown = body.replace("primary", "no-such-model");
    let cases = [
        (
            Method::POST,
            "/v1/messages",
            "sk-wrong",
            body,
            401,
            "authentication_error",
        ),
        (
            Method::POST,
            "/v1/messages",
            KEY,
            "{".into(),
            400,
            "invalid_request_error",
        ),
        (
            Method::POST,
            "/messages",
            KEY,
            unknown,
            404,
            "not_found_error",
        ),
        (
            Method::POST,
            "/v1/messages/batches",
            KEY,
            "{}".into(),
            404,
            "not_found_error",
        ),
        (
            Method::GET,
            "/v1/messages",
            KEY,
            String::new(),
            405,
            "invalid_request_error",
        ),
        (
            Method::POST,
            "/v1/messages",
            KEY,
            " ".repeat(7_000_000),
            413,
            "request_too_large",
        ),
    ];
    for (method, path, key, body, status, kind) in cases {
        let response = send(method, path, key, body).await.unwrap();
        let (found, found_kind, message) = error(response).await;
        assert_eq!(
            (found, found_kind.as_str()),
            (status, kind),
            "{path}: {message}"
        );
    }
    // Another wire's errors stay as they are.
    let response = app.chat(&json!({"model": "primary"})).await;
    let body: Value = response.json().await.unwrap();
    assert!(body.get("type").is_none() && body["error"]["param"] == "messages");
}

#[tokio::test]
async fn a_request_that_asks_for_what_bedrock_lacks_is_told_so_with_the_field() {
    let app = TestApp::on_converse().await;
    let code = json!({"type": "code_execution_20250825", "name": "code_execution"});
    let cases = [
        ("tools", json!([code]), "tools[0].type"),
        (
            "mcp_servers",
            json!([{"type": "url", "url": "https://example.com"}]),
            "mcp_servers",
        ),
        ("thinking", json!({"type": "loud"}), "thinking.type"),
        (
            "tool_choice",
            json!({"type": "tool", "name": "x"}),
            "tool_choice",
        ),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "https://a/b"}}]}]),
            "messages[0].content[0].source.type",
        ),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://a/b"}}]}]),
            "messages[0].content[0].source.url",
        ),
    ];
    for (field, value, named) in cases {
        let mut body = ask("hello");
        body[field] = value;
        let response = app
            .as_anthropic("/v1/messages", &body)
            .send()
            .await
            .unwrap();
        let (status, kind, message) = error(response).await;
        assert_eq!(
            (status, kind.as_str()),
            (400, "invalid_request_error"),
            "{field}"
        );
        assert!(message.contains(named), "{message}");
    }
    assert!(app.bedrock.requests().is_empty());
}
