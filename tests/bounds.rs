//! What one request may take: the largest body is served or refused, and never takes the process down.

use serde_json::{Value, json};

use crate::support::{LAST, PRIMARY, TestApp, trail_of};
use bedrock_sidecar::shell::simulated::Step;

fn hello() -> Value {
    json!({"model": "primary", "messages": [{"role": "user", "content": "hello"}]})
}

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
    let mut body = hello();
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
    let mut body = hello();
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
        let error = refusal(&app, "/v1/chat/completions", &body).await;
        assert_eq!(error["param"], param, "{error}");
    }
    assert!(app.bedrock.requests().is_empty());
}
