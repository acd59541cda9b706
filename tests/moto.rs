//! A second opinion on the table: what the books promise, once more against moto's DynamoDB, which shares no code with
//! the embedded one. Only what moto can do right: it is not atomic under concurrency and knows no client tokens.
//!
//! `MOTO_SERVER` names the program; without it, `.venv/moto` has it where `.ci/moto` has installed it, or the test only
//! says that it did not run.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bedrock_sidecar::shell::simulated::{Reply, Step, Tokens};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::process::{Gateway, replay};
use crate::support::{KEY, PRIMARY, hello, simulated};

const YAML: &str = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
litellm_settings: {num_retries: 0}
";

fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MOTO_SERVER") {
        let named = PathBuf::from(named);
        assert!(
            named.exists(),
            "MOTO_SERVER is {}, which is not there",
            named.display()
        );
        return Some(named);
    }
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/moto/bin/moto_server");
    installed.exists().then_some(installed)
}

/// A running moto; it ends with the process value.
async fn moto(program: PathBuf) -> (Child, String) {
    let mut child = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, url)) = line.split_once("Running on ") {
                return url.trim().to_owned();
            }
        }
        panic!("moto ended without a word");
    };
    let url = timeout(Duration::from_secs(60), told).await.unwrap();
    // It goes on writing: nobody reads it, but somebody must take it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, url)
}

#[tokio::test]
async fn the_books_are_right_in_motos_dynamodb_too() {
    let Some(program) = program() else {
        println!("not run: no moto_server (see .ci/moto)");
        return;
    };
    let (_moto, table) = moto(program).await;
    let bedrock = simulated().await;
    let variables = [
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", table),
        ("TABLE_NAME", "books".to_owned()),
        ("CREATE_TABLE", "true".to_owned()),
    ];
    let gateway = Gateway::start(YAML, &variables).await;
    let http = reqwest::Client::new();
    let get = async |path: &str| -> Value {
        let request = http.get(format!("{}{path}", gateway.url)).bearer_auth(KEY);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };

    let tokens = Tokens {
        input: 1000,
        output: 100,
        ..Tokens::default()
    };
    let answer = Step::reply(Reply::text("Hello.").with_usage(tokens));
    bedrock.script(PRIMARY, [answer.clone(), answer, Step::unavailable()]);
    let mut ids = Vec::new();
    for status in [200, 200, 503] {
        let mut body = hello("primary");
        body["metadata"] = json!({"tags": ["team-a"]});
        body["litellm_session_id"] = json!("s-1");
        let url = format!("{}/v1/chat/completions", gateway.url);
        let response = http
            .post(url)
            .bearer_auth(KEY)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        let id = response.headers()["x-sidecar-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let mut rows = json!([]);
        // Its record is written after the answer.
        for _ in 0..100 {
            rows = get(&format!("/spend/logs?request_id={id}")).await;
            if rows != json!([]) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(rows[0]["request_id"], id);
        ids.push(id);
    }
    let found = get("/spend/logs/v2").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 3, "{found}");
    let tags = get("/spend/tags").await;
    // Two of (1000 × 3.3 + 100 × 16.5) / 1,000,000
    assert_eq!(tags[0]["total_spend"].to_string(), "0.0099", "{tags}");
    assert_eq!(tags[0]["log_count"], 3, "{tags}");

    let lost = bedrock_sidecar::spend::RequestId::new(Timestamp::now());
    let open = json!({"request_id": lost, "call_type": "acompletion", "api_key": "ab", "model": "primary", "estimated_input": 1000});
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let line = json!({"event": "spend_open", "open": open.to_string()});
    std::fs::write(&log, format!("{line}\n")).unwrap();
    let logs = [log, gateway.log_file()];
    for said in [
        "\nwritten: 0 records, 1 lost",
        "\nwritten: 0 records, 0 lost",
    ] {
        let replayed = replay(YAML, &variables, &["--grace", "0s"], &logs).await;
        assert!(replayed.ok && replayed.text.contains(said), "{replayed:?}");
    }
    let found = get("/spend/logs/v2").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 4, "{found}");
}
