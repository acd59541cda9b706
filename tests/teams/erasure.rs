//! A user or a customer who is deleted is named by no record any more, and totals keep their numbers.

use bedrock_sidecar::store::time;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::done;
use crate::support::keys::{chat_as, key, post_with, send, sha256};
use crate::support::{TestApp, hello_with};

#[tokio::test]
async fn records_name_the_deleted_no_more_and_their_stored_content_is_gone() {
    let app = TestApp::builder()
        .settings("general_settings: {store_prompts_in_spend_logs: true}\n")
        .start()
        .await;
    let email = "maria@example.com";
    done(
        &app,
        "/user/new",
        json!({"user_id": "maria", "user_email": email, "auto_create_key": false}),
    )
    .await;
    let of_maria = key(
        &app,
        json!({"user_id": "maria", "key_alias": "maria-laptop"}),
    )
    .await;
    let of_jo = key(&app, json!({"user_id": "jo", "key_alias": "jo-laptop"})).await;
    let mut ids = Vec::new();
    for (key, customer) in [(&of_maria, "acme"), (&of_jo, "acme"), (&of_jo, "bolt")] {
        let body = hello_with("primary", "user", json!(customer));
        let reply: Value = chat_as(&app, key, &body).await.json().await.unwrap();
        ids.push(reply["id"].as_str().unwrap().to_owned());
        app.settle().await;
    }
    let response = |n: usize| json!({"model": "primary", "input": format!("question {n}")});
    let mut responses = Vec::new();
    for (n, key) in [&of_maria, &of_jo].into_iter().enumerate() {
        let mut body = response(n);
        body["safety_identifier"] = json!("acme");
        let (status, stored) = send(post_with(&app, key, "/v1/responses", &body)).await;
        assert_eq!(status, 200, "{stored}");
        responses.push(stored);
        app.settle().await;
    }
    let before = totals(&app).await;

    let deleted = done(&app, "/user/delete", json!({"user_ids": ["maria"]})).await;
    let of_user = &deleted["deleted_users"][0];
    assert_eq!(of_user["erased_records"], 2, "{deleted}");
    assert_eq!(of_user["erased_contents"], 2, "{deleted}");
    assert_eq!(of_user["erased_responses"], 1, "{deleted}");
    let is_stored = async |key: &str, response: &Value| {
        let id = response["id"].as_str().unwrap().strip_prefix("resp_");
        let found = app.state.responses.get(&sha256(key), id.unwrap()).await;
        found.unwrap().is_some()
    };
    assert!(!is_stored(&of_maria, &responses[0]).await);
    assert!(is_stored(&of_jo, &responses[1]).await);
    assert_eq!(of_user["complete"], true, "{deleted}");
    assert!(
        deleted["note"]
            .as_str()
            .unwrap()
            .contains("point-in-time recovery")
    );
    let record = app.record(&ids[0]).await;
    assert_eq!(record["user"], "");
    assert_eq!(record["metadata"]["user_api_key_alias"], Value::Null);
    assert_eq!(record["end_user"], "acme");
    assert!(!record.to_string().contains("maria"), "{record}");
    for path in [
        "/user/list",
        "/key/list?return_full_object=true",
        "/spend/logs/v2",
    ] {
        let listed = app.get_json(path).await.to_string();
        assert!(!listed.contains("maria"), "{path}: {listed}");
    }

    let deleted = done(&app, "/customer/delete", json!({"user_ids": ["acme"]})).await;
    let of_customer = &deleted["deleted_customers"][0];
    assert_eq!(of_customer["erased_records"], 4, "{deleted}");
    // The first ones' content and response went with their user.
    assert_eq!(of_customer["erased_contents"], 2, "{deleted}");
    assert_eq!(of_customer["erased_responses"], 1, "{deleted}");
    assert!(!is_stored(&of_jo, &responses[1]).await);
    for (id, end_user) in ids.iter().zip(["", "", "bolt"]) {
        assert_eq!(app.record(id).await["end_user"], end_user);
    }
    assert_eq!(totals(&app).await, before);
}

/// What the day's totals have, without who it was.
async fn totals(app: &TestApp) -> (u64, Decimal) {
    let today = time::day(jiff::Timestamp::now());
    let totals = app
        .state
        .ledger
        .totals(today.yesterday().unwrap(), today)
        .await
        .unwrap();
    let counters = totals.iter().map(|total| total.counters);
    counters.fold((0, Decimal::ZERO), |(requests, spend), counters| {
        (requests + counters.requests, spend + counters.spend)
    })
}
