//! Every block of `bash` does what the page says, as it stands.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::page::{ENGLISH, pages, read, sections};
use crate::support::{KEY, TestApp};

/// Where the documents say that the gateway is.
const WRITTEN_URL: &str = "http://localhost:4000";
/// The documents' master key, and what stands in them for a virtual one.
const WRITTEN_KEY: &str = "sk-litellm-test-key";
const ANY_VIRTUAL_KEY: &str = "sk-…";

/// A refusal is a failure. A record may be written a moment after its answer.
const BEFORE_THE_BLOCKS: &str = r#"set -euo pipefail
curl() { command curl --fail-with-body --silent --show-error --max-time 30 --retry 2 --retry-all-errors "$@"; }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_as_it_stands() {
    let mut ran = 0;
    for page in pages() {
        let all = sections(&page);
        let blocks: Vec<&str> = all.iter().flat_map(|s| s.blocks_of("bash")).collect();
        if !blocks.is_empty() {
            run(&page, &blocks).await;
            ran += blocks.len();
        }
    }
    assert!(ran > 10, "only {ran} blocks were found");
    assert!(
        sections(ENGLISH)
            .iter()
            .any(|s| s.blocks_of("bash").count() > 0)
    );
}

/// The LiteLLM proxy that a reader comes from: what it answers about its models and keys. It ends with the set.
async fn litellm(tasks: &mut JoinSet<()>) -> String {
    let models: Value =
        serde_json::from_str(include_str!("../from_litellm/model_info.json")).unwrap();
    let mut key: Value = serde_json::from_str(include_str!("../from_litellm/key.json")).unwrap();
    key["token"] = json!("ab".repeat(32));
    let keys = json!({"keys": [key], "total_count": 1, "current_page": 1, "total_pages": 1});
    let router = Router::new()
        .route("/model/info", get(|| async { Json(models) }))
        .route("/key/list", get(|| async { Json(keys) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn(async { axum::serve(listener, router).await.unwrap() });
    url
}

/// Runs the blocks of a page one after another, in an empty folder with what readers have there by then.
async fn run(page: &str, blocks: &[&str]) {
    let app = TestApp::builder()
        .config(&read("config/default_config.yml"))
        .start()
        .await;
    let made = app.post("/key/generate", &json!({})).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let script = blocks
        .join("\n")
        .replace(WRITTEN_URL, &app.url)
        .replace(WRITTEN_KEY, KEY)
        .replace(ANY_VIRTUAL_KEY, made["key"].as_str().unwrap());

    let mut old_proxy = JoinSet::new();
    let old_url = litellm(&mut old_proxy).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    file("config.yaml", &read("config/default_config.yml"));
    file("gateway.log", "");
    let binary = Path::new(env!("CARGO_BIN_EXE_bedrock-sidecar"));
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("{BEFORE_THE_BLOCKS}{script}")])
        .current_dir(folder.path())
        .env_clear()
        .env(
            "PATH",
            format!("{}:{path}", binary.parent().unwrap().display()),
        )
        .env("HOME", folder.path())
        .env("LITELLM_MASTER_KEY", KEY)
        .envs([("OLD_PROXY", old_url.as_str()), ("OLD_MASTER_KEY", KEY)])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("bash, curl and openssl are there");
    assert!(
        output.status.success(),
        "{page}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn make_try_calls_the_simulated_bedrock_whatever_credentials_there_are() {
    // `make test` runs this too: a make below another one would end with "Leaving directory".
    let output = Command::new("make")
        .args(["--no-print-directory", "--dry-run", "try"])
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .expect("make is there");
    let steps = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{steps}");
    let last = steps.lines().last().unwrap();
    assert!(
        last.ends_with("bedrock-sidecar serve --simulated"),
        "{steps}"
    );
}
