//! Captured requests of real clients, where `CLIENT_SAMPLES` names a folder of them (`*.jsonl`: `method`, `path`,
//! `headers`, `body`).

use std::path::Path;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::support::anthropic::read_events;
use crate::support::responses::{last_response, read_response_events};
use crate::support::{KEY, TestApp, read_sse};

fn requests(folder: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    files.sort();
    let mut requests = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            requests.push((name.clone(), serde_json::from_str(line).unwrap()));
        }
    }
    requests
}

/// Sends what was captured, to the model `primary`.
async fn replay(app: &TestApp, name: &str, captured: &Value) -> Response {
    let path = captured["path"].as_str().unwrap();
    let mut body = captured["body"].clone();
    body["model"] = "primary".into();
    let mut request = app
        .http
        .request(Method::POST, format!("{}{path}", app.url))
        .json(&body);
    for header in captured["headers"].as_array().unwrap() {
        let (key, value) = (
            header[0].as_str().unwrap().to_lowercase(),
            header[1].as_str().unwrap(),
        );
        if key.starts_with("x-") || key.starts_with("anthropic-") || key == "user-agent" {
            request = request.header(key, value);
        }
    }
    let response = request
        .bearer_auth(KEY)
        .header("x-litellm-api-key", KEY)
        .send()
        .await
        .unwrap();
    let status = response.status();
    assert_eq!(status, 200, "{name}: {}", response.text().await.unwrap());
    let refused: Vec<_> = app
        .bedrock
        .requests()
        .into_iter()
        // Thinking in a capture was signed by nobody whom this Bedrock knows.
        .filter(|seen| seen.status != 200 && !seen.refusal.contains("signature"))
        .collect();
    assert!(refused.is_empty(), "{name}: Bedrock refused {refused:?}");
    response
}

/// Every captured request whose path ends so, with how many there are.
async fn replayed(end: &str, judge: impl AsyncFn(String, Value, Response)) {
    let Some(folder) = std::env::var_os("CLIENT_SAMPLES") else {
        println!("0 captured requests replayed: CLIENT_SAMPLES names no folder");
        return;
    };
    let app = TestApp::new().await;
    let mut count = 0;
    for (name, captured) in requests(Path::new(&folder)) {
        if captured["path"].as_str().unwrap().ends_with(end) {
            let response = replay(&app, &name, &captured).await;
            judge(name, captured["body"].clone(), response).await;
            count += 1;
        }
    }
    println!("{count} captured requests to …{end} replayed");
    assert!(
        count > 0,
        "CLIENT_SAMPLES holds no captured request to {end}"
    );
}

#[tokio::test]
async fn every_captured_chat_request_is_answered_right() {
    replayed("/chat/completions", async |name, body, response| {
        if body["stream"] == true {
            let chunks = read_sse(response).await;
            assert!(chunks.done, "{name}");
            assert_eq!(chunks.finish_reasons().len(), 1, "{name}");
            assert_eq!(
                chunks.usage().is_some(),
                body["stream_options"]["include_usage"] == true,
                "{name}"
            );
        } else {
            let reply: Value = response.json().await.unwrap();
            assert!(
                reply["choices"][0]["finish_reason"].is_string(),
                "{name}: {reply}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn every_captured_request_for_a_message_is_answered_right() {
    replayed("/messages", async |name, body, response| {
        let message = if body["stream"] == true {
            read_events(response).await.message()
        } else {
            response.json().await.unwrap()
        };
        assert!(message["stop_reason"].is_string(), "{name}: {message}");
        assert!(message["content"][0].is_object(), "{name}: {message}");
    })
    .await;
}

#[tokio::test]
async fn every_captured_prompt_is_counted() {
    replayed("/messages/count_tokens", async |name, _, response| {
        let counted: Value = response.json().await.unwrap();
        assert!(counted["input_tokens"].as_u64().unwrap() > 0, "{name}");
        assert!(counted.get("estimated").is_none(), "{name}: {counted}");
    })
    .await;
}

#[tokio::test]
async fn every_captured_request_for_a_response_is_answered_right() {
    replayed("/responses", async |name, body, response| {
        let response = if body["stream"] == true {
            last_response(&read_response_events(response).await)
        } else {
            response.json().await.unwrap()
        };
        assert_eq!(response["status"], "completed", "{name}: {response}");
        assert!(response["output"][0].is_object(), "{name}: {response}");
    })
    .await;
}
