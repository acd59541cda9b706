//! Tokens are counted by Bedrock where it can, and estimated with a mark where it cannot.

use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::keys::key;
use crate::support::{PRIMARY, TestApp, validation_error};

async fn count(app: &TestApp, body: &Value) -> Value {
    let request = app.as_anthropic("/v1/messages/count_tokens?beta=true", body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn bedrock_counts_a_prompt_by_the_base_model_s_id() {
    let app = TestApp::on_converse().await;
    let mut body = ask(&"word ".repeat(1000));
    body["system"] = json!("You are terse.");
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    let counted = count(&app, &body).await;
    assert!(counted["input_tokens"].as_u64().unwrap() > 1000);
    assert!(counted.get("estimated").is_none(), "{counted}");
    let seen = app.bedrock.requests().pop().unwrap();
    assert_eq!(seen.operation, "count-tokens");
    assert_eq!(format!("us.{}", seen.model), PRIMARY);
    let prompt = seen.body["input"]["converse"].as_object().unwrap();
    let fields: Vec<&String> = prompt.keys().collect();
    assert_eq!(fields, ["messages", "system", "toolConfig"]);
    assert_eq!(app.bedrock.billed(), 0);
}

#[tokio::test]
async fn where_nobody_counts_the_answer_is_an_estimate_and_says_so() {
    let app = TestApp::on_converse().await;
    let base = PRIMARY.strip_prefix("us.").unwrap();
    let refused = validation_error("The provided model doesn't support counting tokens.");
    app.bedrock.script(base, [refused]);
    let mut body = ask(&"word ".repeat(1000));
    assert_eq!(
        count(&app, &body).await,
        json!({"input_tokens": 1250, "estimated": true})
    );
    body["model"] = json!("last");
    assert_eq!(count(&app, &body).await["estimated"], true);
}

#[tokio::test]
async fn a_key_counts_for_its_own_models_only() {
    let app = TestApp::on_converse().await;
    let settings = json!({"models": ["backup"], "aliases": {"mine": "backup"}});
    let key = key(&app, settings).await;
    for (model, status) in [("backup", 200), ("mine", 200), ("primary", 403)] {
        let mut body = ask("hello");
        body["model"] = json!(model);
        let request = app
            .http
            .post(format!("{}/v1/messages/count_tokens", app.url));
        let response = request.header("x-api-key", &key).json(&body).send().await;
        let response = response.unwrap();
        assert_eq!(response.status(), status, "{model}");
        if status == 403 {
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"]["type"], "permission_error");
        }
    }
    assert!(
        app.bedrock
            .requests_for(PRIMARY.strip_prefix("us.").unwrap())
            .is_empty()
    );
}
