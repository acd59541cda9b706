//! Keys that the gateway makes: what they may do, and how they end.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::keys::{chat_with, key, made, send};
use crate::support::{KEY, TestApp, hello};

fn get_with(app: &TestApp, key: &str, path: &str) -> RequestBuilder {
    app.http.get(format!("{}{path}", app.url)).bearer_auth(key)
}

async fn refusal(app: &TestApp, key: &str) -> (StatusCode, Value) {
    let (status, body) = send(chat_with(app, key, &hello("primary"))).await;
    (status, body["error"].clone())
}

#[tokio::test]
async fn a_new_key_is_shown_once_and_chats_under_its_alias() {
    let app = TestApp::new().await;
    send(app.post("/team/new", &json!({"team_id": "tools"}))).await;
    let settings = json!({"key_alias": "ci", "user_id": "maria", "team_id": "tools", "tags": ["nightly"],
        "metadata": {"why": "tests", "n": 1.50}, "max_budget": null, "allowed_routes": []});
    let made = made(&app, settings).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk-") && key.len() > 40, "{key}");
    assert_eq!(made["token"], made["token_id"]);
    assert_eq!(made["token"].as_str().unwrap().len(), 64);
    let end = &key[key.len() - 4..];
    assert_eq!(made["key_name"], format!("sk-...{end}"));
    assert!(made["expires"].is_null() && made["litellm_budget_table"].is_null());
    assert_eq!(made["created_by"], "litellm_proxy_master_key");

    let (status, reply) = send(chat_with(&app, key, &hello("primary"))).await;
    assert_eq!(status, 200, "{reply}");
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert_eq!(record["api_key"], made["token"]);
    assert_eq!(record["metadata"]["user_api_key_alias"], "ci");
    assert_eq!(record["user"], "maria");
    assert_eq!(record["team_id"], "tools");
    assert_eq!(record["metadata"]["user_api_key_team_id"], "tools");
    assert_eq!(record["request_tags"], json!(["nightly"]));

    let (_, info) = send(app.get(&format!("/key/info?key={key}"))).await;
    assert_eq!(info["key"], made["token"]);
    assert_eq!(info["info"]["team_id"], "tools");
    assert_eq!(info["info"]["metadata"], json!({"why": "tests", "n": 1.50}));
    assert!(!info.to_string().contains(key), "{info}");
}

#[tokio::test]
async fn a_key_works_on_every_instance() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let key = key(&app, json!({})).await;
    let (status, _) = send(chat_with(&other, &key, &hello("primary"))).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn keys_are_managed_by_the_master_key_alone_and_a_key_reads_itself() {
    let app = TestApp::new().await;
    let one = made(&app, json!({"key_alias": "one"})).await;
    let two = made(&app, json!({"key_alias": "two"})).await;
    let one = one["key"].as_str().unwrap();
    for path in ["/key/list", "/health", "/health/latest", "/spend/logs"] {
        let (status, body) = send(get_with(&app, one, path)).await;
        assert_eq!(status, 403, "{path}");
        assert_eq!(body["error"]["type"], "auth_error");
    }
    for path in [
        "generate",
        "update",
        "delete",
        "regenerate",
        "block",
        "unblock",
    ] {
        let url = format!("{}/key/{path}", app.url);
        let (status, _) = send(
            app.http
                .post(url)
                .bearer_auth(one)
                .json(&json!({"key": one})),
        )
        .await;
        assert_eq!(status, 403, "{path}");
    }
    let (_, own) = send(get_with(&app, one, "/key/info")).await;
    assert_eq!(own["info"]["key_alias"], "one");
    let other = format!("/key/info?key={}", two["token"].as_str().unwrap());
    assert_eq!(send(get_with(&app, one, &other)).await.0, 403);
}

#[tokio::test]
async fn a_key_sees_and_asks_for_its_own_models_only() {
    let app = TestApp::new().await;
    let key = key(
        &app,
        json!({"models": ["backup", "favourite"], "aliases": {"gpt-4": "backup"}}),
    )
    .await;
    let (_, models) = send(get_with(&app, &key, "/v1/models")).await;
    let ids: Vec<&str> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["id"].as_str().unwrap())
        .collect();
    // `favourite` is an alias of `primary`.
    assert_eq!(ids, ["primary", "backup", "favourite", "gpt-4"]);
    let (_, info) = send(get_with(&app, &key, "/model/info")).await;
    let names: Vec<&str> = info["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["model_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["primary", "backup", "favourite"]);
    assert_eq!(send(get_with(&app, &key, "/v1/models/last")).await.0, 404);

    let (status, reply) = send(chat_with(&app, &key, &hello("gpt-4"))).await;
    assert_eq!(
        (status, &reply["model"]),
        (StatusCode::OK, &json!("backup"))
    );
    let (status, body) = send(chat_with(&app, &key, &hello("last"))).await;
    assert_eq!(status, 403, "{body}");
    assert_eq!(body["error"]["type"], "key_model_access_denied");
    assert_eq!(body["error"]["param"], "model");

    let mut fallbacks = hello("backup");
    fallbacks["fallbacks"] = json!(["last"]);
    let (status, body) = send(chat_with(&app, &key, &fallbacks)).await;
    assert_eq!(
        (status, &body["error"]["param"]),
        (StatusCode::FORBIDDEN, &json!("fallbacks"))
    );
    // What the configuration lets follow an allowed model is allowed with it.
    let mut mocked = hello("primary");
    mocked["mock_testing_fallbacks"] = json!(true);
    mocked["model"] = json!("favourite");
    let (status, reply) = send(chat_with(&app, &key, &mocked)).await;
    assert_eq!(
        (status, &reply["model"]),
        (StatusCode::OK, &json!("backup"))
    );
}

#[tokio::test]
async fn patterns_and_stars_name_many_models() {
    let app = TestApp::new().await;
    for (models, last) in [
        (json!(["*"]), 200),
        (json!(["bedrock/*"]), 200),
        (json!(["bedrock/converse/us.amazon.*"]), 200),
        (json!(["bedrock/converse/us.anthropic.*"]), 403),
        (json!(["la*"]), 200),
        (json!(["bedrock/global.*"]), 403),
        (json!(["us.amazon.nova-pro-v1:0"]), 200),
        (json!([]), 200),
    ] {
        let key = key(&app, json!({ "models": models })).await;
        let (status, _) = send(chat_with(&app, &key, &hello("last"))).await;
        assert_eq!(status, last, "{models}");
    }
}

#[tokio::test]
async fn a_blocked_key_is_refused_here_at_once_and_elsewhere_within_ten_seconds() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let key = key(&app, json!({})).await;
    assert_eq!(refusal(&other, &key).await.0, 200);
    let (_, answer) = send(app.post("/key/block", &json!({ "key": key }))).await;
    assert_eq!(answer["blocked"], true);
    assert!(answer["note"].as_str().unwrap().contains("within 10 s"));

    let (status, error) = refusal(&app, &key).await;
    assert_eq!(status, 401);
    assert!(error["message"].as_str().unwrap().contains("blocked"));
    assert_eq!(refusal(&other, &key).await.0, 200);
    other.clock.advance(Duration::from_secs(11));
    assert_eq!(refusal(&other, &key).await.0, 401);

    send(app.post("/key/unblock", &json!({ "key": key }))).await;
    assert_eq!(refusal(&app, &key).await.0, 200);
    other.clock.advance(Duration::from_secs(11));
    assert_eq!(refusal(&other, &key).await.0, 200);
}

#[tokio::test]
async fn deleted_expired_and_unknown_keys_are_refused_in_litellm_s_words() {
    let app = TestApp::new().await;
    let dead = key(&app, json!({"key_alias": "dead"})).await;
    let (_, answer) = send(app.post("/key/delete", &json!({"key_aliases": ["dead"]}))).await;
    assert_eq!(answer["deleted_keys"], json!(["dead"]));
    let (status, error) = refusal(&app, &dead).await;
    assert_eq!(
        (status, &error["type"]),
        (StatusCode::UNAUTHORIZED, &json!("token_not_found_in_db"))
    );
    assert_eq!(send(app.get(&format!("/key/info?key={dead}"))).await.0, 404);

    let old = key(&app, json!({"duration": "30m"})).await;
    assert_eq!(refusal(&app, &old).await.0, 200);
    app.clock.advance(Duration::from_secs(30 * 60));
    let (status, error) = refusal(&app, &old).await;
    assert_eq!(
        (status, &error["type"]),
        (StatusCode::UNAUTHORIZED, &json!("expired_key"))
    );

    let (status, error) = refusal(&app, "sk-nobody-has-made-this").await;
    assert_eq!(
        (status, &error["type"]),
        (StatusCode::UNAUTHORIZED, &json!("token_not_found_in_db"))
    );
    let (status, error) = refusal(&app, "not-a-key").await;
    assert_eq!(
        (status, &error["type"]),
        (StatusCode::UNAUTHORIZED, &json!("auth_error"))
    );
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_unsets() {
    let app = TestApp::new().await;
    let made = made(
        &app,
        json!({"key_alias": "a", "rpm_limit": 10, "max_budget": 0.1, "models": ["primary"]}),
    )
    .await;
    let token = &made["token"];
    // As text: a JSON value in between would round the digits.
    let change = format!(
        r#"{{"key": {token}, "rpm_limit": null, "max_budget": 12.34567890123456789, "duration": "1d"}}"#
    );
    let response = app
        .http
        .post(format!("{}/key/update", app.url))
        .bearer_auth(KEY)
        .body(change)
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    assert!(
        text.contains(r#""max_budget":12.34567890123456789,"#),
        "{text}"
    );
    let changed: Value = serde_json::from_str(&text).unwrap();
    assert!(changed["rpm_limit"].is_null() && changed["expires"].is_string());
    assert_eq!(changed["models"], json!(["primary"]));
}

#[tokio::test]
async fn a_regenerated_key_keeps_its_settings_and_the_old_one_ends() {
    let app = TestApp::new().await;
    let old = made(&app, json!({"key_alias": "a", "models": ["backup"]})).await;
    let (status, new) = send(app.post(
        "/key/regenerate",
        &json!({"key": old["key"], "rpm_limit": 5}),
    ))
    .await;
    assert_eq!(status, 200, "{new}");
    assert_eq!(
        (&new["models"], &new["rpm_limit"]),
        (&json!(["backup"]), &json!(5))
    );
    assert_eq!(refusal(&app, old["key"].as_str().unwrap()).await.0, 401);
    let (status, _) = send(chat_with(
        &app,
        new["key"].as_str().unwrap(),
        &hello("backup"),
    ))
    .await;
    assert_eq!(status, 200);

    let path = format!("/key/{}/regenerate", new["token"].as_str().unwrap());
    let (status, third) = send(app.post(&path, &json!({"new_key": "sk-chosen-by-hand-1"}))).await;
    assert_eq!(
        (status, &third["key"]),
        (StatusCode::OK, &json!("sk-chosen-by-hand-1"))
    );
}

#[tokio::test]
async fn keys_are_listed_newest_first_in_pages() {
    let app = TestApp::new().await;
    for n in 0..5 {
        app.clock.advance(Duration::from_secs(1));
        key(
            &app,
            json!({"key_alias": format!("k{n}"), "user_id": if n < 2 { "maria" } else { "jo" }}),
        )
        .await;
    }
    let (_, list) = send(app.get("/key/list?size=2&page=2&return_full_object=true")).await;
    let aliases: Vec<&Value> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["key_alias"])
        .collect();
    assert_eq!(aliases, ["k2", "k1"]);
    assert_eq!(
        (
            &list["total_count"],
            &list["current_page"],
            &list["total_pages"]
        ),
        (&json!(5), &json!(2), &json!(3))
    );
    let (_, list) = send(app.get("/key/list?user_id=maria&status=active")).await;
    assert_eq!(list["total_count"], 2);
    assert!(list["keys"][0].is_string());
    assert_eq!(send(app.get("/key/list?size=many")).await.0, 400);
}

#[tokio::test]
async fn what_makes_no_sense_is_told_with_its_field() {
    let app = TestApp::new().await;
    key(
        &app,
        json!({"key_alias": "taken", "key": "sk-chosen-by-hand"}),
    )
    .await;
    for (settings, param) in [
        (json!({"duration": "soon"}), "duration"),
        (json!({"budget_duration": "1y"}), "budget_duration"),
        (json!({"max_budget": -1}), "max_budget"),
        (json!({"max_budget": "much"}), "max_budget"),
        (json!({"rpm_limit": -1}), "rpm_limit"),
        (json!({"key_alias": "taken"}), "key_alias"),
        (json!({"key_alias": ""}), "key_alias"),
        (json!({"key": "short"}), "key"),
        (json!({"key": "sk-chosen-by-hand"}), "key"),
        (json!({"allowed_routes": ["/chat"]}), "allowed_routes"),
        (json!({"models": "primary"}), "models"),
    ] {
        let (status, body) = send(app.post("/key/generate", &settings)).await;
        assert_eq!(status, 400, "{settings} {body}");
        assert_eq!(body["error"]["param"], param, "{body}");
    }
    for body in [
        json!({}),
        json!({"key": "sk-nobody-has-made-this"}),
        json!({"key": "x"}),
    ] {
        let (status, answer) = send(app.post("/key/block", &body)).await;
        assert!(status == 400 || status == 404, "{body} {answer}");
    }
}

#[tokio::test]
async fn with_the_table_down_the_master_key_is_answered_and_other_keys_are_told() {
    // Nobody listens on this port.
    let app = TestApp::builder()
        .table_at("http://127.0.0.1:9")
        .start()
        .await;
    assert_eq!(app.chat(&hello("primary")).await.status(), 200);
    let (status, error) = refusal(&app, "sk-made-before-the-fall").await;
    assert_eq!(status, 503);
    assert!(error["message"].as_str().unwrap().contains("table of keys"));
}
