//! Regions: a key, a team, a user or the configuration is bound to some, and nothing else answers.

use serde_json::{Value, json};

use super::{asked, team};
use crate::support::keys::{chat_as, key};
use crate::support::{CONFIG, TestApp, hello, trail_of, validation_error};

/// Three targets: one of Frankfurt, one that goes anywhere, one of Europe's profile.
const EUROPE: &str = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/anthropic.claude-3-haiku-20240307-v1:0, aws_region_name: us-east-1}
  - model_name: anywhere
    litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0, aws_region_name: eu-west-1}
  - model_name: europe
    litellm_params: {model: bedrock/eu.amazon.nova-pro-v1:0, aws_region_name: eu-central-1}
litellm_settings:
  fallbacks: [{primary: [anywhere, europe]}]
  num_retries: 0
";

#[tokio::test]
async fn targets_and_global_profiles_outside_are_left_out_of_the_chain() {
    let app = TestApp::builder().config(EUROPE).start().await;
    let id = team(&app, json!({"allowed_regions": ["eu-*"]})).await;
    for settings in [json!({"allowed_regions": ["eu-*"]}), json!({"team_id": id})] {
        let key = key(&app, settings).await;
        let response = chat_as(&app, &key, &hello("primary")).await;
        assert_eq!(trail_of(&response), "europe:ok");
        let (status, kind, message) = asked(&app, &key, "anywhere").await;
        assert_eq!((status, kind.as_str()), (403, "region_access_denied"));
        assert_eq!(
            message,
            "No model may answer this request: it is bound to regions (eu-*), and these are outside: anywhere \
             (global.anthropic.claude-haiku-4-5-20251001-v1:0 in eu-west-1)."
        );
    }
    // Both lists have to allow it.
    let narrow = key(&app, json!({"team_id": id, "allowed_regions": ["us-*"]})).await;
    assert_eq!(asked(&app, &narrow, "primary").await.0, 403);
}

#[tokio::test]
async fn the_configuration_binds_every_key_also_in_what_a_request_falls_back_to() {
    let yaml = format!("{CONFIG}general_settings:\n  allowed_regions: [us-*]\n");
    let app = TestApp::builder().config(&yaml).start().await;
    // `backup` is a global profile.
    let mut body = hello("backup");
    let refused = app.chat(&body).await;
    assert_eq!(refused.status(), 403);
    body["fallbacks"] = json!(["last"]);
    let response = app.chat(&body).await;
    assert_eq!(trail_of(&response), "last:ok");
    let reply: Value = response.json().await.unwrap();
    assert!(reply["id"].is_string());
}

#[tokio::test]
async fn the_entries_of_a_model_bind_what_it_falls_back_to() {
    let bound = "litellm_params: {allowed_regions: [\"us-*\"], ";
    let yaml = EUROPE.replacen("litellm_params: {", bound, 1);
    let app = TestApp::builder().config(&yaml).start().await;
    app.bedrock.always(
        "anthropic.claude-3-haiku-20240307-v1:0",
        validation_error("The provided model identifier is invalid."),
    );
    let refused = app.chat(&hello("primary")).await;
    assert_eq!(refused.status(), 400);
    let trail = trail_of(&refused);
    assert!(
        !trail.contains("anywhere") && !trail.contains("europe"),
        "{trail}"
    );
    // What is asked for by itself is not bound.
    assert_eq!(app.chat(&hello("anywhere")).await.status(), 200);
}
