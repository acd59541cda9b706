//! What a client is told when something is wrong with its request.

use serde_json::{Value, json};

use crate::support::keys::{key, post_with};
use crate::support::{KEY, TestApp, hello};

#[tokio::test]
async fn an_unknown_route_is_404_in_openai_s_shape() {
    let app = TestApp::new().await;
    let response = app.get("/v1/nothing/here").send().await.unwrap();
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "404");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("GET /v1/nothing/here")
    );
}

#[tokio::test]
async fn a_wrong_method_is_405_in_openai_s_shape() {
    let app = TestApp::new().await;
    let response = app.get("/v1/chat/completions").send().await.unwrap();
    assert_eq!(response.status(), 405);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn an_unknown_model_is_404_and_names_the_nearest_that_the_key_may_use() {
    let app = TestApp::new().await;
    let list = "Call `/v1/models` to view available models for your key.";
    let of_last = key(
        &app,
        json!({"models": ["last"], "aliases": {"nightly": "last"}}),
    )
    .await;
    for (key, name, hint) in [
        (KEY, "nope", ""),
        (KEY, "primery", " The nearest of them is 'primary'."),
        (
            KEY,
            "openai/Favorite",
            " The nearest of them is 'favourite'.",
        ),
        (
            KEY,
            "backup-20260101-v2:0",
            " The nearest of them is 'backup'.",
        ),
        // What a key may not use it does not hear of.
        (&of_last, "primery", ""),
        (&of_last, "lasst", " The nearest of them is 'last'."),
        (&of_last, "nightli", " The nearest of them is 'nightly'."),
    ] {
        for stream in [false, true] {
            let mut chat = hello(name);
            chat["max_tokens"] = json!(9);
            chat["stream"] = json!(stream);
            let response = json!({"model": name, "input": "hello", "stream": stream});
            for (path, body) in [
                ("/v1/chat/completions", &chat),
                ("/v1/messages", &chat),
                ("/v1/responses", &response),
            ] {
                let reply = post_with(&app, key, path, body).send().await.unwrap();
                assert_eq!(reply.status(), 404, "{path} {name}");
                let body: Value = reply.json().await.unwrap();
                let said = format!("Invalid model name passed in model={name}. {list}{hint}");
                assert_eq!(body["error"]["message"], said, "{path}");
                if path == "/v1/messages" {
                    assert_eq!(body["error"]["type"], "not_found_error");
                } else {
                    assert_eq!(body["error"]["type"], "invalid_request_error");
                    assert_eq!(body["error"]["code"], "model_not_found");
                    assert_eq!(body["error"]["param"], "model");
                }
            }
        }
    }
    assert!(app.bedrock.requests().is_empty());

    let get = async |key: &str, name: &str| {
        let url = format!("{}/v1/models/{name}", app.url);
        let reply = app.http.get(url).bearer_auth(key).send().await.unwrap();
        assert_eq!(reply.status(), 404);
        let error: Value = reply.json().await.unwrap();
        error["error"]["message"].as_str().unwrap().to_owned()
    };
    assert!(get(KEY, "primery").await.ends_with(": 'primary'"));
    assert!(get(&of_last, "lasst").await.ends_with(": 'last'"));
    assert!(get(&of_last, "primary").await.ends_with("not accessible"));
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = TestApp::new().await;
    let cases = [
        (json!({"model": "primary"}), "messages"),
        (json!({"model": "primary", "messages": "hi"}), "messages"),
        (
            json!({"model": "primary", "messages": [{"role": "user", "content": 7}]}),
            "messages[0].content",
        ),
        (
            json!({"model": "primary", "messages": [{"role": "robot", "content": "x"}]}),
            "messages[0].role",
        ),
        (
            json!({"model": "primary", "messages": [{"role": "user", "content": [
                {"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}
            ]}]}),
            "messages[0].content[1].image_url",
        ),
        (
            json!({"model": "primary", "messages": [{"role": "user", "content": "x"}], "n": 2}),
            "n",
        ),
        (
            json!({"model": "primary", "messages": [{"role": "user", "content": "x"}], "max_tokens": "many"}),
            "max_tokens",
        ),
    ];
    for (body, param) in cases {
        let response = app.chat(&body).await;
        assert_eq!(response.status(), 400, "{body}");
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["error"]["param"], param, "{error}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn broken_json_is_400_and_says_where() {
    let app = TestApp::new().await;
    let url = format!("{}/v1/chat/completions", app.url);
    let response = app
        .http
        .post(url)
        .bearer_auth(KEY)
        .body("{\"model\": \"pri")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("line 1 column"),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_above_lambda_s_limit_is_413_and_one_below_it_is_answered() {
    let app = TestApp::new().await;
    let of_size = |bytes: usize| json!({"model": "last", "messages": [{"role": "user", "content": "x".repeat(bytes)}], "max_tokens": 5});
    assert_eq!(app.chat(&of_size(6_400_000)).await.status(), 413);
    let answered = app.chat(&of_size(1_000_000)).await;
    assert_eq!(answered.status(), 200);
}

#[tokio::test]
async fn pages_of_other_sites_may_not_call_unless_the_configuration_names_them() {
    let app = TestApp::new().await;
    let asked = |app: &TestApp| {
        app.get("/v1/models")
            .header("origin", "https://site.example")
            .send()
    };
    let response = asked(&app).await.unwrap();
    assert!(
        response
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );

    let app = TestApp::builder()
        .settings("general_settings: {cors_allow_origins: ['https://site.example']}\n")
        .start()
        .await;
    let response = asked(&app).await.unwrap();
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://site.example"
    );
}
