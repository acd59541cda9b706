//! Captured requests of real clients, where `CLIENT_SAMPLES` names a folder of them (`*.jsonl`: `method`, `path`,
//! `headers`, `body`).

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

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

#[tokio::test]
async fn every_captured_chat_request_is_answered_right() {
    let Some(folder) = std::env::var_os("CLIENT_SAMPLES") else {
        println!("0 captured requests replayed: CLIENT_SAMPLES names no folder");
        return;
    };
    let app = TestApp::new().await;
    let mut replayed = 0;
    for (name, captured) in requests(Path::new(&folder)) {
        let path = captured["path"].as_str().unwrap();
        if !path.ends_with("/chat/completions") {
            continue;
        }
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
            if key.starts_with("x-") || key == "user-agent" {
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
            .filter(|seen| seen.status != 200)
            .collect();
        assert!(refused.is_empty(), "{name}: Bedrock refused {refused:?}");
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
        replayed += 1;
    }
    println!("{replayed} captured requests replayed");
    assert!(
        replayed > 0,
        "CLIENT_SAMPLES holds no captured chat request"
    );
}
