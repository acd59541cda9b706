//! The models of a LiteLLM proxy's database become a configuration.

use std::path::Path;

use bedrock_sidecar::config::Config;
use serde_json::{Value, json};

use crate::support::process::{Ended, command};
use crate::support::{CONFIG, TestApp, hello};

/// What a LiteLLM proxy answered, but for the fields of its price list that say nothing.
const MODELS: &str = "tests/from_litellm/model_info.json";

async fn models(arguments: &[&str]) -> Ended {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_file = |argument: &&str| argument.starts_with("tests/");
    let arguments = arguments.iter().map(|argument| match is_file(argument) {
        true => folder.join(argument).to_str().unwrap().to_owned(),
        false => (*argument).to_owned(),
    });
    let words = ["models", "from-litellm"].map(str::to_owned).into_iter();
    let arguments: Vec<String> = words.chain(arguments).collect();
    command::<&str, _>(CONFIG, &[], &arguments).await
}

#[tokio::test]
async fn the_models_of_a_database_become_a_configuration_that_serves_them() {
    let settings = "tests/from_litellm/router_settings.json";
    let made = models(&[MODELS, "--settings", settings]).await;
    assert!(made.ok, "{}", made.text);
    insta::assert_snapshot!(made.text);
    let app = TestApp::builder().config(&made.text).start().await;
    let listed = app.get_json("/v1/models").await;
    let listed: Vec<&Value> = listed["data"].as_array().unwrap().iter().collect();
    for name in ["nova", "own", "fast"] {
        assert!(
            listed.iter().any(|model| model["id"] == name),
            "{name}: {listed:?}"
        );
        let answer = app
            .post("/v1/chat/completions", &hello(name))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{name}");
    }
    let check = command::<&str, _>(&made.text, &[], &["check"]).await;
    assert!(check.ok, "{}", check.text);
}

#[tokio::test]
async fn fallbacks_and_aliases_come_from_either_answer_of_the_settings() {
    let other = "tests/from_litellm/callbacks.json";
    let made = models(&[MODELS, "--settings", other]).await;
    assert!(made.ok, "{}", made.text);
    let somewhere = |name: &str| (name == "AWS_REGION").then(|| "us-east-1".to_owned());
    let (config, _) = Config::parse("config.yml", &made.text, &somewhere).unwrap();
    assert_eq!(config.resolve_name("hidden-fast"), Some("nova"));
    // This answer does not tell a default of LiteLLM's from a setting.
    assert!(made.text.contains("\n# num_retries: 4\n"), "{}", made.text);
    let alone = models(&[MODELS]).await;
    assert!(alone.text.contains("fast: nova"), "{}", alone.text);
    assert!(!alone.text.contains("num_retries: 4"), "{}", alone.text);
}

#[tokio::test]
async fn what_is_no_answer_of_litellm_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("models.json");
    let path = file.to_str().unwrap();
    for (text, what) in [
        ("model_list: []".to_owned(), "not JSON"),
        (
            json!({"detail": "no"}).to_string(),
            "the field `data` is missing",
        ),
        (
            json!({"data": [{}]}).to_string(),
            "data[0]: the field `model_name` is missing",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let made = models(&[path]).await;
        assert!(!made.ok, "{}", made.text);
        assert!(
            made.text.contains(&format!("{path}: {what}")),
            "{}",
            made.text
        );
        let made = models(&[MODELS, "--settings", path]).await;
        assert!(!made.ok && made.text.contains(path), "{}", made.text);
    }
}
