//! What is refused, in which words, and before anything is called.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::keys::{key, post_with};
use crate::support::{header, hello};

use super::{ask, gateway};

#[tokio::test]
async fn a_bad_request_is_told_what_is_wrong_and_where() {
    let app = gateway().await;
    let long = "a".repeat(2_470);
    let rows = [
        (
            json!({"model": "titan"}),
            "input",
            "Missing required parameter: 'input'.",
        ),
        (
            json!({"input": "a"}),
            "model",
            "Missing required parameter: 'model'.",
        ),
        (
            json!({"model": "titan", "input": []}),
            "input",
            "'input' must not be an empty list.",
        ),
        (
            json!({"model": "titan", "input": ["a", ""]}),
            "input[1]",
            "'input[1]' must not be empty.",
        ),
        (
            json!({"model": "titan", "input": [[100_256]]}),
            "input[0]",
            "'input[0]' has 100256, which is no token of cl100k_base.",
        ),
        (
            json!({"model": "titan", "input": "a", "encoding_format": "md5"}),
            "encoding_format",
            "Invalid value for 'encoding_format' = md5. Supported values: ['float', 'base64'].",
        ),
        (
            json!({"model": "titan-v1", "input": "a", "dimensions": 256}),
            "dimensions",
            "The model 'titan-v1' does not support dimensions=256: its vectors have 1536.",
        ),
        (
            json!({"model": "cohere-v3", "input": ["a", long]}),
            "input[1]",
            "'input[1]' has 2470 characters, and the model 'cohere-v3' takes 2048 at most.",
        ),
        (
            json!({"model": "chat", "input": "a"}),
            "model",
            "The model 'chat' is no embedding model: its mode is chat. Ask it with POST /v1/chat/completions.",
        ),
        (
            json!({"model": "order", "input": "a"}),
            "model",
            "The model 'order' is no embedding model: its mode is rerank. Ask it with POST /v1/rerank.",
        ),
    ];
    for (body, param, message) in rows {
        let response = ask(&app, &body).await;
        assert_eq!(response.status(), 400, "{message}");
        let id = header(&response, "x-litellm-call-id").to_owned();
        let error: Value = response.json().await.unwrap();
        let error = &error["error"];
        assert_eq!(
            (&error["param"], &error["type"]),
            (&json!(param), &json!("invalid_request_error"))
        );
        assert!(
            error["message"].as_str().unwrap().starts_with(message),
            "{error}"
        );
        let record = app.record(&id).await;
        assert_eq!(
            (&record["call_type"], &record["status"]),
            (&json!("aembedding"), &json!("failure"))
        );
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn an_unknown_model_and_a_key_that_may_not_are_refused() {
    let app = gateway().await;
    let response = ask(&app, &json!({"model": "titn", "input": "a"})).await;
    assert_eq!(response.status(), 404);
    let error: Value = response.json().await.unwrap();
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("'titan'"),
        "{error}"
    );
    let key = key(&app, json!({"models": ["chat"]})).await;
    let body = json!({"model": "titan", "input": "a"});
    let response = post_with(&app, &key, "/v1/embeddings", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    let response = app
        .http
        .post(format!("{}/v1/embeddings", app.url))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn a_conversation_with_a_model_for_vectors_is_refused_on_every_wire() {
    let app = gateway().await;
    let message = json!([{"role": "user", "content": "hello"}]);
    for (path, body) in [
        ("/v1/chat/completions", hello("titan")),
        (
            "/v1/messages",
            json!({"model": "titan", "max_tokens": 9, "messages": message}),
        ),
        (
            "/v1/messages/count_tokens",
            json!({"model": "titan", "messages": message}),
        ),
        ("/v1/responses", json!({"model": "titan", "input": "hello"})),
    ] {
        let response = app.post(path, &body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{path}");
        let text = response.text().await.unwrap();
        let expected = "The model 'titan' is no chat model: its mode is embedding. Ask it with POST /v1/embeddings.";
        assert!(text.contains(expected), "{path}: {text}");
    }
    let response = app.chat(&hello("order")).await;
    let text = response.text().await.unwrap();
    assert!(
        text.contains("its mode is rerank. Ask it with POST /v1/rerank."),
        "{text}"
    );
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn text_completions_name_the_chat_route() {
    let app = gateway().await;
    for path in [
        "/v1/completions",
        "/completions",
        "/engines/chat/completions",
        "/openai/deployments/chat/completions",
    ] {
        let body = json!({"model": "chat", "prompt": "def f(", "suffix": ")"});
        let response = app.post(path, &body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let error: Value = response.json().await.unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains("POST /v1/chat/completions"), "{message}");
    }
}
