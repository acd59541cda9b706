//! What a client learns of the models.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::keys::key;

#[tokio::test]
async fn the_list_holds_every_group_and_alias_with_and_without_v1() {
    let app = TestApp::new().await;
    for path in ["/models", "/v1/models"] {
        let list = app.get_json(path).await;
        assert_eq!(list["object"], "list");
        let ids: Vec<&str> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["primary", "backup", "last", "favourite"]);
        assert_eq!(list["data"][0]["object"], "model");
        assert_eq!(list["data"][0]["max_output_tokens"], 64_000);
    }
}

#[tokio::test]
async fn a_model_is_found_by_its_group_its_alias_and_its_bedrock_id() {
    let app = TestApp::new().await;
    for name in [
        "primary",
        "favourite",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ] {
        assert_eq!(
            app.get_json(&format!("/v1/models/{name}")).await["id"],
            name
        );
    }
    let response = app.get("/v1/models/nope").send().await.unwrap();
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body["error"]["message"],
        "The model `nope` does not exist or is not accessible"
    );
}

/// The files that come with the gateway said `bedrock/converse/<id>`, and clients keep the names that they have chosen.
#[tokio::test]
async fn every_model_of_the_bundled_files_is_found_by_the_names_that_it_had() {
    for file in [
        include_str!("../config/default_config.yml"),
        include_str!("../config/iam_role_config.yml"),
        include_str!("../config/prompt_caching.yml"),
    ] {
        let app = TestApp::builder().config(file).start().await;
        let lines = file.lines().map(str::trim_start);
        let ids: Vec<&str> = lines
            .filter_map(|line| line.strip_prefix("model: bedrock/"))
            .collect();
        assert!(ids.len() >= 5);
        for id in ids {
            for prefix in ["", "bedrock/", "converse/", "bedrock/converse/"] {
                let name = format!("{prefix}{id}");
                let found = app.get_json(&format!("/v1/models/{name}")).await;
                assert_eq!(found["id"], name, "{found}");
            }
        }
        assert!(!file.contains("bedrock/converse/"));
    }
}

#[tokio::test]
async fn model_info_tells_limits_prices_and_abilities() {
    let app = TestApp::new().await;
    for path in ["/model/info", "/v1/model/info"] {
        let list = app.get_json(path).await;
        let entry = &list["data"][0];
        assert_eq!(entry["model_name"], "primary");
        assert_eq!(
            entry["litellm_params"]["model"],
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
        );
        let info = &entry["model_info"];
        assert_eq!(info["max_input_tokens"], 200_000);
        assert_eq!(info["max_output_tokens"], 64_000);
        assert_eq!(info["input_cost_per_token"], 0.0000033);
        assert_eq!(info["cache_read_input_token_cost"], 0.00000033);
        for ability in [
            "supports_vision",
            "supports_prompt_caching",
            "supports_reasoning",
            "supports_function_calling",
        ] {
            assert_eq!(info[ability], true, "{ability}");
        }
        let alias = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["model_name"] == "favourite")
            .unwrap();
        assert_eq!(alias["model_info"], *info);
    }
}

#[tokio::test]
async fn model_info_never_shows_credentials_and_a_price_that_is_unknown_is_null() {
    let app = TestApp::builder()
        .config(
            r#"
model_list:
  - model_name: m
    litellm_params:
      model: bedrock/nobody.knows-this-v1:0
      aws_access_key_id: AKIACANARY
      aws_secret_access_key: secretcanary
      aws_session_token: tokencanary
"#,
        )
        .start()
        .await;
    let list = app.get_json("/model/info").await;
    assert!(
        !list.to_string().to_lowercase().contains("canary"),
        "{list}"
    );
    assert!(list["data"][0]["model_info"]["input_cost_per_token"].is_null());
}

/// What may be seen of where a model is called: by the master key no password, by a virtual key nothing.
#[tokio::test]
async fn model_info_shows_no_password_in_an_address_and_to_virtual_keys_no_address_at_all() {
    let yaml = r#"
model_list:
  - model_name: m
    litellm_params:
      model: bedrock/us.amazon.nova-pro-v1:0
      aws_bedrock_runtime_endpoint: https://maria:pass@canary@vpce-1.internal:8443/path
      rpm: 5
    model_info: {team: blue, docs: "at http://u:canary@wiki.internal/x", links: [{base_url: u:canary@b.internal}]}
  - model_name: n
    litellm_params:
      model: bedrock/us.amazon.nova-lite-v1:0
      api_base: https://maria:canary@vpce-2.internal
      extra_headers: {Authorization: Bearer canary, x-api-key: canary}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let key = key(&app, json!({})).await;
    for path in ["/model/info", "/v1/model/info"] {
        let list = app.get_json(path).await;
        assert!(!list.to_string().contains("canary"), "{list}");
        assert!(!list.to_string().contains("maria"), "{list}");
        assert_eq!(
            list["data"][0]["litellm_params"]["aws_bedrock_runtime_endpoint"],
            "https://vpce-1.internal:8443/path"
        );
        assert_eq!(
            list["data"][1]["litellm_params"]["api_base"],
            "https://vpce-2.internal"
        );
        let asked = app.http.get(format!("{}{path}", app.url));
        let asked = asked.bearer_auth(&key);
        let list: Value = asked.send().await.unwrap().json().await.unwrap();
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
        let text = list.to_string();
        for word in [
            "canary", "maria", "internal", "endpoint", "api_base", "base_url",
        ] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        let entry = &list["data"][0];
        assert_eq!(entry["litellm_params"]["rpm"], 5);
        assert_eq!(entry["model_info"]["team"], "blue");
    }
}
