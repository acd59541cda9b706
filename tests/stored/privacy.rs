//! What is stored is its own key's alone, and nothing is where somebody said no.

use serde_json::{Value, json};

use crate::support::keys::{key, post_with, send};
use crate::support::{TestApp, header};

use super::{WHOLE, after, ask, reference, response_as, stored, user};

#[tokio::test]
async fn another_key_s_response_is_not_found() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    let [own, other] = [key(&app, json!({})).await, key(&app, json!({})).await];
    let first = response_as(&app, &own, &ask("my secret")).await;
    assert_eq!(first["store"], true);
    response_as(&app, &own, &after(&first, "more")).await;
    let id = first["id"].as_str().unwrap();
    let item = json!({"model": "primary", "input": [reference(&first["output"][0]), user("more")]});
    for thief in [&*other, crate::support::KEY] {
        let (status, error) =
            send(post_with(&app, thief, "/v1/responses", &after(&first, "x"))).await;
        assert_eq!(status, 400);
        assert_eq!(error["error"]["code"], "previous_response_not_found");
        let (status, error) = send(post_with(&app, thief, "/v1/responses", &item)).await;
        assert_eq!(
            (status.as_u16(), &error["error"]["param"]),
            (400, &json!("input[0].id"))
        );
        for path in [
            format!("/v1/responses/{id}"),
            format!("/v1/responses/{id}/input_items"),
        ] {
            let get = app
                .http
                .get(format!("{}{path}", app.url))
                .bearer_auth(thief);
            assert_eq!(send(get).await.0, 404);
        }
        let delete = app.http.delete(format!("{}/v1/responses/{id}", app.url));
        assert_eq!(send(delete.bearer_auth(thief)).await.0, 404);
    }
    let get = app.http.get(format!("{}/v1/responses/{id}", app.url));
    assert_eq!(send(get.bearer_auth(&own)).await.0, 200);
    let get = app.http.get(format!("{}/v1/responses/{id}", app.url));
    assert_eq!(send(get).await.0, 401, "without a key");
}

#[tokio::test]
async fn a_client_s_no_is_above_everything() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    for (store, redacted) in [
        (json!(false), "false"),
        (Value::Null, "true"),
        (json!(true), "true"),
    ] {
        let mut body = ask("hello");
        body["store"] = store;
        let request = app.post("/v1/responses", &body);
        let request = request.header("x-litellm-enable-message-redaction", redacted);
        let response: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(response["store"], false);
        assert_eq!(stored(&app, &response).await, None);
    }
}

#[tokio::test]
async fn a_key_s_word_goes_before_the_configuration_s() {
    let items = "";
    let off = "general_settings: {store_responses: off}\n";
    for (settings, of_key, store, is_whole) in [
        (items, json!({}), true, false),
        (items, json!({"store_responses": "off"}), false, false),
        (items, json!({"store_responses": "30d"}), true, true),
        (
            items,
            json!({"store_prompts_in_spend_logs": false}),
            false,
            false,
        ),
        (
            items,
            json!({"store_prompts_in_spend_logs": true}),
            true,
            false,
        ),
        (
            WHOLE,
            json!({"store_prompts_in_spend_logs": false}),
            false,
            false,
        ),
        (WHOLE, json!({"store_responses": "items"}), true, false),
        (off, json!({"store_responses": "2w"}), true, true),
        (off, json!({"store_responses": "items"}), true, false),
        (off, json!({}), false, false),
    ] {
        let app = TestApp::builder().settings(settings).start().await;
        let key = key(&app, of_key.clone()).await;
        let first = response_as(&app, &key, &ask("hello")).await;
        assert_eq!(first["store"], store, "{settings} {of_key}");
        let (status, _) = send(post_with(
            &app,
            &key,
            "/v1/responses",
            &after(&first, "more"),
        ))
        .await;
        assert_eq!(status == 200, is_whole, "{settings} {of_key}");
        let item =
            json!({"model": "primary", "input": [reference(&first["output"][0]), user("more")]});
        let (status, _) = send(post_with(&app, &key, "/v1/responses", &item)).await;
        assert_eq!(status == 200, store, "{settings} {of_key}");
    }
}

#[tokio::test]
async fn a_key_s_setting_is_shown_changed_and_checked() {
    let app = TestApp::new().await;
    let made = key(&app, json!({"store_responses": "4w"})).await;
    let info = app.get_json(&format!("/key/info?key={made}")).await;
    assert_eq!(info["info"]["store_responses"], "28d");
    let change = json!({"key": made, "store_responses": null});
    assert_eq!(send(app.post("/key/update", &change)).await.0, 200);
    let info = app.get_json(&format!("/key/info?key={made}")).await;
    assert_eq!(info["info"]["store_responses"], Value::Null);
    let wrong = json!({"store_responses": "for ever"});
    let (status, error) = send(app.post("/key/generate", &wrong)).await;
    assert_eq!(status, 400, "{error}");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("off, items, or a time such as 30d"),
        "{message}"
    );
}

/// Reading what is stored is asking too.
#[tokio::test]
async fn a_key_s_limits_hold_for_what_is_stored() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    let key = key(&app, json!({"rpm_limit": 3})).await;
    let first = response_as(&app, &key, &ask("hello")).await;
    let path = format!("/v1/responses/{}", first["id"].as_str().unwrap());
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let get = app.http.get(format!("{}{path}", app.url)).bearer_auth(&key);
        let response = get.send().await.unwrap();
        if response.status() == 429 {
            assert_eq!(header(&response, "x-should-retry"), "true");
        }
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}
