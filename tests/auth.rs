//! Who may call.

use bedrock_sidecar::keys::MasterKey;
use serde_json::Value;

use crate::support::keys::sha256;
use crate::support::{KEY, TestApp, hello};

#[tokio::test]
async fn each_of_the_four_headers_carries_the_key() {
    let app = TestApp::new().await;
    let url = format!("{}/v1/models", app.url);
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("x-litellm-api-key", KEY.to_owned()),
        ("api-key", KEY.to_owned()),
        ("x-api-key", KEY.to_owned()),
    ] {
        let response = app.http.get(&url).header(name, value).send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn without_the_right_key_every_closed_route_answers_401_in_openai_s_shape() {
    let app = TestApp::new().await;
    for path in [
        "/v1/models",
        "/models/primary",
        "/model/info",
        "/health",
        "/spend/logs?request_id=x",
    ] {
        for key in [None, Some("sk-wrong"), Some("")] {
            let mut request = app.http.get(format!("{}{path}", app.url));
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{path} {key:?}");
            let body: Value = response.json().await.unwrap();
            let expected = match key {
                Some("sk-wrong") => "token_not_found_in_db",
                _ => "auth_error",
            };
            assert_eq!(body["error"]["type"], expected);
            assert_eq!(body["error"]["code"], "401");
            assert!(
                body["error"]["message"]
                    .as_str()
                    .unwrap()
                    .starts_with("Authentication Error")
            );
        }
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn the_key_is_checked_before_the_body_is_read() {
    let app = TestApp::new().await;
    let url = format!("{}/v1/chat/completions", app.url);
    let response = app
        .http
        .post(&url)
        .bearer_auth("sk-wrong")
        .body("not json")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    let response = app
        .http
        .post(&url)
        .bearer_auth(KEY)
        .body("not json")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn a_process_that_knows_only_the_key_s_hash_lets_the_key_in() {
    let hash = "ea2d3ff9b7a3ff0a0e03ceebf8dd4b6a0f9ee5e9e8b0e7c0c4f0e1f9a1c6b0a5";
    assert!(
        MasterKey::new(None, Some(hash), false)
            .unwrap()
            .authenticate(KEY)
            .is_none()
    );
    let yaml = "model_list:\n  - {model_name: m, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}\n";
    let sha256 = sha256(KEY);
    let app = TestApp::builder()
        .config(yaml)
        .master_key(MasterKey::new(None, Some(&sha256), false).unwrap())
        .start()
        .await;
    assert_eq!(app.chat(&hello("m")).await.status(), 200);
}

#[tokio::test]
async fn the_open_routes_need_no_key() {
    let app = TestApp::new().await;
    for path in [
        "/",
        "/health/liveliness",
        "/health/liveness",
        "/health/readiness",
    ] {
        let response = app
            .http
            .get(format!("{}{path}", app.url))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}
