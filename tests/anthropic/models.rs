//! The list of models as Anthropic's clients read it, and what Claude Code asks first.

use serde_json::{Value, json};

use crate::support::{KEY, TestApp};

#[tokio::test]
async fn anthropic_s_clients_get_a_list_in_their_shape() {
    let app = TestApp::new().await;
    let get = async |path: &str| -> Value {
        let request = app.get(path).header("anthropic-version", "2023-06-01");
        request.send().await.unwrap().json().await.unwrap()
    };
    let list = get("/v1/models?limit=1000").await;
    assert_eq!(list["has_more"], false);
    assert_eq!(list["first_id"], "primary");
    assert_eq!(list["data"][0]["type"], "model");
    assert_eq!(list["data"][0]["display_name"], "primary");
    let created = list["data"][0]["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z'), "{created}");
    let page = get("/v1/models?limit=1&after_id=primary").await;
    assert_eq!(page["data"][0]["id"], "backup");
    assert_eq!(page["has_more"], true);
    assert_eq!(get("/v1/models/last").await["id"], "last");
    assert_eq!(
        get("/v1/models/none").await["error"]["type"],
        "not_found_error"
    );

    let openai: Value = app
        .get("/v1/models")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(openai["object"], "list");
}

#[tokio::test]
async fn the_address_itself_answers_without_a_key() {
    let app = TestApp::new().await;
    let response = app.http.head(&app.url).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn the_key_may_come_either_way() {
    let app = TestApp::new().await;
    let body = json!({"model": "primary", "messages": [{"role": "user", "content": "hello"}]});
    let post = || {
        app.http
            .post(format!("{}/v1/messages", app.url))
            .json(&body)
    };
    for request in [post().bearer_auth(KEY), post().header("x-api-key", KEY)] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}
