//! Files of LiteLLM's users: what starts, what is refused, and what a request for something that is left out is told.

use std::process::{Command, Stdio};

use axum::body::Body;
use bedrock_sidecar::{ClientAddress, app as router};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::admin::Visitor;
use crate::support::keys::{chat_as, key};
use crate::support::process::{Gateway, refusal};
use crate::support::{CONFIG, KEY, TestApp, hello};

/// The usual chain, and entries of other providers.
fn mixed() -> String {
    let others = "  - {model_name: gpt, litellm_params: {model: azure/gpt-5.2, api_key: os.environ/AZURE_KEY}}\n  \
                  - {model_name: gemini/*, litellm_params: {model: gemini/*}}\n";
    let config = CONFIG.replace("litellm_settings:", &format!("{others}litellm_settings:"));
    config.replace("[backup, last]", "[gpt, backup, last]")
}

async fn error_of(app: &TestApp, model: &str) -> (u16, Value) {
    let response = app.chat(&hello(model)).await;
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn a_model_of_another_provider_is_a_404_that_says_why() {
    let app = TestApp::builder().config(&mixed()).start().await;
    for (name, model) in [("gpt", "azure/gpt-5.2"), ("gemini/pro", "gemini/*")] {
        let (status, error) = error_of(&app, name).await;
        assert_eq!(status, 404, "{error}");
        let message = error["error"]["message"].as_str().unwrap();
        let why = format!(
            "The configuration has '{name}' as {model}, which is not served here: this gateway calls Amazon Bedrock."
        );
        assert!(message.ends_with(&why), "{message}");
    }
    let models = app.get_json("/v1/models").await;
    let names: Vec<&str> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["id"].as_str())
        .collect();
    assert_eq!(names, ["primary", "backup", "last", "favourite"]);
    assert_eq!(app.chat(&hello("primary")).await.status(), 200);
}

#[tokio::test]
async fn a_key_is_told_why_only_of_models_that_it_may_use() {
    let app = TestApp::builder().config(&mixed()).start().await;
    for (models, told) in [
        (json!(["primary"]), false),
        (json!(["primary", "gpt"]), true),
        (json!([]), true),
    ] {
        let key = key(&app, json!({"models": models})).await;
        let response = chat_as(&app, &key, &hello("gpt")).await;
        let text = response.text().await.unwrap();
        assert_eq!(text.contains("azure/gpt-5.2"), told, "{models}: {text}");
    }
}

#[tokio::test]
async fn the_models_page_says_what_is_not_protected() {
    let config = format!("{CONFIG}guardrails: [{{guardrail_name: pii}}]\n");
    let app = TestApp::builder().config(&config).start().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/models").await;
    assert!(page.contains("guardrails: not done here: "), "{page}");
    let quiet = TestApp::new().await;
    let page = Visitor::signed_in(&quiet).await.page("/ui/models").await;
    assert!(!page.contains("protection that is not there"), "{page}");
}

#[tokio::test]
async fn a_server_starts_with_entries_of_other_providers_and_says_so() {
    let gateway = Gateway::start(&mixed(), &[("SIMULATED_BEDROCK", "true")]).await;
    gateway
        .says(
            "left out, for this gateway calls Amazon Bedrock alone: gpt (azure/gpt-5.2), gemini/*",
        )
        .await;
    gateway
        .says("this chain loses \\\"gpt\\\" (left out)")
        .await;
}

#[tokio::test]
async fn a_server_does_not_start_without_a_protection_that_its_file_asks_for() {
    let guarded = format!("{CONFIG}guardrails: [{{guardrail_name: pii}}]\n");
    let said = refusal::<&str>(&guarded, &[]).await;
    assert!(said.contains("guardrails: not done here: "), "{said}");
    assert!(
        said.contains("write general_settings.accept_missing: [guardrails]"),
        "{said}"
    );
    let accepted = format!("{guarded}general_settings: {{accept_missing: [guardrails]}}\n");
    let gateway = Gateway::start(&accepted, &[("SIMULATED_BEDROCK", "true")]).await;
    gateway.says("guardrails: not done here: ").await;
}

#[tokio::test]
async fn a_function_that_is_upgraded_starts_all_the_same_and_says_what_is_not_protected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yml");
    std::fs::write(
        &file,
        format!("{CONFIG}guardrails: [{{guardrail_name: pii}}]\n"),
    )
    .unwrap();
    // It gets as far as the master key, which is missing.
    let output = Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("TABLE_NAME", "table"),
        ])
        .env("CONFIG_FILE", &file)
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("not protected: "), "{said}");
    assert!(said.contains("guardrails: not done here: "), "{said}");
    assert!(
        said.contains("no master key") && !said.contains("accept_missing"),
        "{said}"
    );
}

/// `bedrock-sidecar check` of a file, with these arguments: whether the exit code is 0, and what it prints.
fn check(yaml: &str, arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.yml"), yaml).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .args(["check", "c.yml"])
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text)
}

#[test]
fn check_ends_with_what_works_what_does_not_and_what_to_do() {
    let (sound, text) = check(&mixed(), &[]);
    assert!(sound, "{text}");
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    assert_eq!(
        lines,
        [
            "What to do next:  start it as it is, or write a copy without what is left out: bedrock-sidecar migrate c.yml",
            "What does not:    models of other providers: gemini/*, gpt",
            "What works:       3 models: primary, backup, last",
        ]
    );
    let (sound, text) = check(&mixed(), &["--strict"]);
    assert!(!sound, "{text}");
    let errors = text.split("ERRORS").nth(1).unwrap();
    assert!(
        errors.contains("alone: gpt (azure/gpt-5.2), gemini/*"),
        "{text}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.yml"), mixed()).unwrap();
    for arguments in [["check", "c.yml"], ["migrate", "c.yml"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(command.stdout.take());
        let output = command.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

#[test]
fn check_answers_machines_in_json() {
    let (sound, text) = check(&mixed(), &["--json"]);
    assert!(sound);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["sound"], true);
    assert_eq!(report["models"][0]["model"], "primary");
    assert_eq!(report["chains"][0]["fallbacks"], json!(["backup", "last"]));
    assert_eq!(report["warnings"][0]["stake"], "left_out");
    assert_eq!(
        report["warnings"][0]["subjects"],
        json!(["gpt (azure/gpt-5.2)", "gemini/*"])
    );
    assert_eq!(report["warnings"][0]["place"]["line"], 9);
    assert_eq!(report["works"], "3 models: primary, backup, last");
    let (sound, text) = check("model_list: 7\n", &["--json"]);
    assert!(!sound);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["errors"][0]["field"], "model_list");
    assert_eq!(report["does_not_work"], "the file, for it has 1 error");
}

#[tokio::test]
async fn only_clients_at_allowed_addresses_are_served() {
    let config = format!("{CONFIG}general_settings: {{allowed_ips: [192.0.2.1, 10.0.0.0/8]}}\n");
    let app = TestApp::builder().config(&config).start().await;
    let gateway = router(app.state.clone());
    let answer = async |path: &str, address: Option<&str>, key: &str| {
        let mut request = Request::get(path).header("authorization", format!("Bearer {key}"));
        if let Some(address) = address {
            request = request.extension(ClientAddress(address.parse().unwrap()));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = gateway.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    for address in ["192.0.2.1", "10.9.8.7", "::ffff:10.0.0.1"] {
        let (status, text) = answer("/v1/models", Some(address), KEY).await;
        assert_eq!(status, StatusCode::OK, "{text}");
    }
    for (path, address) in [
        ("/v1/models", Some("192.0.2.2")),
        ("/v1/models", Some("2001:db8::1")),
        ("/v1/models", None),
        ("/ui/login", Some("192.0.2.2")),
        ("/", Some("192.0.2.2")),
    ] {
        let (status, text) = answer(path, address, KEY).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {text}");
        assert!(text.contains("Access forbidden: "), "{text}");
        // A wrong key is told no more than a right one.
        assert_eq!(answer(path, address, "sk-wrong").await.1, text);
    }
    let (status, _) = answer("/health/liveliness", Some("192.0.2.2"), KEY).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn limits_beside_litellm_params_are_kept() {
    let config = CONFIG.replacen(
        "aws_region_name: us-east-1}\n",
        "aws_region_name: us-east-1}\n    rpm: 1\n",
        1,
    );
    let app = TestApp::builder().config(&config).start().await;
    for expected in ["primary:ok", "backup:ok"] {
        let response = app.chat(&hello("primary")).await;
        let trail = crate::support::trail_of(&response);
        assert!(trail.ends_with(expected), "{trail}");
    }
}
