//! A guardrail that the file sets holds for every request, unless the file lets clients choose their own.

use serde_json::{Value, json};

use crate::support::{BACKUP, LAST, PRIMARY, TestApp, hello, hello_with};

const GUARDED: &str = r#"
model_list:
  - model_name: primary
    litellm_params:
      model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0
      guardrailConfig: {guardrailIdentifier: of-the-file, guardrailVersion: "3", trace: enabled}
      additional_model_request_fields: {anthropic_beta: [context-1m-2025-08-07]}
  - {model_name: backup, litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0}}
  - model_name: last
    litellm_params:
      model: bedrock/us.amazon.nova-pro-v1:0
      guardrailConfig: {guardrailIdentifier: of-the-file, guardrailVersion: "3"}
  - model_name: any/*
    litellm_params:
      model: bedrock/*
      guardrailConfig: {guardrailIdentifier: of-the-file, guardrailVersion: "3"}
"#;

fn own() -> Value {
    json!({"guardrailIdentifier": "of-the-client", "guardrailVersion": "DRAFT"})
}

fn assert_is_the_file_s(body: &Value, how: &Value) {
    assert_eq!(
        body["guardrailConfig"]["guardrailIdentifier"], "of-the-file",
        "{how}"
    );
    assert_eq!(body["guardrailConfig"]["guardrailVersion"], "3", "{how}");
    let fields = body["additionalModelRequestFields"].to_string();
    assert!(
        !fields.to_lowercase().contains("guardrail"),
        "{how}: {fields}"
    );
    assert!(!body.to_string().contains("of-the-client"), "{how}: {body}");
}

/// Every way in which a body of the chat wire can name a guardrail.
fn ways() -> Vec<(&'static str, Value)> {
    let fields = |name: &str| json!({name: own()});
    vec![
        ("guardrailConfig", own()),
        ("guardrail_config", own()),
        (
            "additional_model_request_fields",
            fields("amazon-bedrock-guardrailConfig"),
        ),
        (
            "additional_model_request_fields",
            fields("Amazon-Bedrock-GuardrailConfig"),
        ),
        ("additional_model_request_fields", fields("guardrailConfig")),
        (
            "additional_model_request_fields",
            fields("guardrail_config"),
        ),
        (
            "additionalModelRequestFields",
            fields("amazon-bedrock-guardrailConfig"),
        ),
        (
            "additionalModelRequestFields",
            json!({"amazon-bedrock-guardrailAction": "NONE"}),
        ),
        (
            "additionalModelRequestFields",
            json!({"amazon-bedrock-trace": "DISABLED"}),
        ),
        ("guardrails", json!([own()])),
        (
            "extra_headers",
            json!({"X-Amzn-Bedrock-GuardrailIdentifier": "of-the-client"}),
        ),
    ]
}

#[tokio::test]
async fn the_file_s_guardrail_wins_over_the_client_s_on_every_way() {
    let app = TestApp::builder().config(GUARDED).start().await;
    for (field, value) in ways() {
        for stream in [false, true] {
            let mut body = hello_with("primary", field, value.clone());
            body["stream"] = json!(stream);
            assert_eq!(app.chat(&body).await.status(), 200, "{body}");
            let got = app.last_sent_to(PRIMARY);
            assert_is_the_file_s(&got, &body);
            assert_eq!(
                got["additionalModelRequestFields"]["anthropic_beta"],
                json!(["context-1m-2025-08-07"]),
                "what the file adds stays: {body}"
            );
        }
        let body = hello_with("any/us.amazon.nova-lite-v1:0", field, value.clone());
        assert_eq!(app.chat(&body).await.status(), 200, "{body}");
        assert_is_the_file_s(&app.last_sent_to("us.amazon.nova-lite-v1:0"), &body);
    }
}

#[tokio::test]
async fn headers_of_a_request_choose_no_guardrail() {
    let app = TestApp::builder().config(GUARDED).start().await;
    let request = app.post("/v1/chat/completions", &hello("primary"));
    let request = request
        .header("x-amzn-bedrock-guardrailidentifier", "of-the-client")
        .header("x-amzn-bedrock-guardrailversion", "DRAFT")
        .header("x-litellm-guardrails", "of-the-client");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_is_the_file_s(&app.last_sent_to(PRIMARY), &json!("headers"));
}

#[tokio::test]
async fn a_changed_fallback_brings_no_guardrail_to_a_target_that_has_one() {
    let app = TestApp::builder().config(GUARDED).start().await;
    for (field, value) in ways() {
        let mut fallback = json!({"model": "last"});
        fallback[field] = value;
        let mut body = hello_with("backup", "fallbacks", json!([fallback]));
        body["mock_testing_fallbacks"] = json!(true);
        assert_eq!(app.chat(&body).await.status(), 200, "{body}");
        assert_is_the_file_s(&app.last_sent_to(LAST), &body);
    }
}

#[tokio::test]
async fn the_other_wires_have_no_word_for_a_guardrail() {
    let app = TestApp::builder().config(GUARDED).start().await;
    for (field, value) in ways() {
        let mut body = json!({"model": "primary", "max_tokens": 10, "drop_params": true,
            "messages": [{"role": "user", "content": "hello"}]});
        body[field] = value.clone();
        let response = app.post("/v1/messages", &body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{body}");
        assert_is_the_file_s(&app.last_sent_to(PRIMARY), &body);

        let mut body = json!({"model": "primary", "input": "hello", "drop_params": true});
        body[field] = value;
        let response = app.post("/v1/responses", &body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{body}");
        assert_is_the_file_s(&app.last_sent_to(PRIMARY), &body);
    }
}

#[tokio::test]
async fn where_the_file_sets_none_a_client_may_have_its_own() {
    let app = TestApp::builder().config(GUARDED).start().await;
    app.chat_json(&hello_with("backup", "guardrailConfig", own()))
        .await;
    assert_eq!(app.last_sent_to(BACKUP)["guardrailConfig"], own());
}

#[tokio::test]
async fn the_file_may_let_clients_choose() {
    let yaml = format!("{GUARDED}general_settings: {{allow_client_guardrails: true}}\n");
    let app = TestApp::builder().config(&yaml).start().await;
    app.chat_json(&hello_with("primary", "guardrailConfig", own()))
        .await;
    assert_eq!(app.last_sent_to(PRIMARY)["guardrailConfig"], own());
    app.chat_json(&hello("primary")).await;
    assert_is_the_file_s(&app.last_sent_to(PRIMARY), &json!("no word"));
}
