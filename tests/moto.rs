//! A second opinion on the table: what the books promise, once more against moto's DynamoDB, which shares no code with
//! the embedded one. Only what moto can do right: it is not atomic under concurrency and knows no client tokens.
//!
//! `MOTO_SERVER` names the program; without it, `.venv/moto` has it where `.ci/moto` has installed it, or the test only
//! says that it did not run.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Simulated, Step};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::process::{Gateway, replay};
use crate::support::{KEY, PRIMARY, hello, simulated, tokens};

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

/// A gateway whose table is moto's.
struct Stage {
    _moto: Child,
    bedrock: Simulated,
    variables: Vec<(&'static str, String)>,
    gateway: Gateway,
    http: reqwest::Client,
}

impl Stage {
    /// `None`: there is no moto.
    async fn new() -> Option<Self> {
        let Some(program) = program() else {
            println!("not run: no moto_server (see .ci/moto)");
            return None;
        };
        let (moto, table) = moto(program).await;
        let bedrock = simulated().await;
        let variables = vec![
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
            ("AWS_ENDPOINT_URL_DYNAMODB", table),
            ("TABLE_NAME", "books".to_owned()),
            ("CREATE_TABLE", "true".to_owned()),
        ];
        Some(Self {
            _moto: moto,
            gateway: Gateway::start(YAML, &variables).await,
            bedrock,
            variables,
            http: reqwest::Client::new(),
        })
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.gateway.url));
        let response = request.bearer_auth(KEY).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    async fn post(&self, key: &str, path: &str, body: &Value) -> reqwest::Response {
        let request = self.http.post(format!("{}{path}", self.gateway.url));
        let request = request.bearer_auth(key).json(body);
        request.send().await.unwrap()
    }

    /// The record of a reply; it is written after the answer.
    async fn record(&self, reply: &reqwest::Response) -> Value {
        let id = reply.headers()["x-sidecar-request-id"].to_str().unwrap();
        loop {
            let rows = self.get(&format!("/spend/logs?request_id={id}")).await;
            if rows != json!([]) {
                assert_eq!(rows[0]["request_id"], id);
                return rows[0].clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn keys_and_budgets_are_right_in_motos_dynamodb_too() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let answer = Step::reply(ScriptedReply::text("Hello.").with_usage(tokens(1000, 100)));
    stage.bedrock.script(PRIMARY, [answer.clone(), answer]);
    let settings = json!({"key_alias": "maria", "max_budget": 0.03});
    let made = stage.post(KEY, "/key/generate", &settings).await;
    let made: Value = made.json().await.unwrap();
    let key = made["key"].as_str().unwrap();

    let mut body = hello("primary");
    body["max_tokens"] = json!(1000);
    for _ in 0..2 {
        let response = stage.post(key, "/v1/chat/completions", &body).await;
        assert_eq!(response.status(), 200);
        stage.record(&response).await;
    }
    let info = stage.get(&format!("/key/info?key={key}")).await;
    // Two of (1000 × 3.3 + 100 × 16.5) / 1,000,000
    assert_eq!(info["info"]["spend"].to_string(), "0.0099", "{info}");

    // 1,500 tokens of answer might cost 0.02475, and 0.0201 are left.
    body["max_tokens"] = json!(1500);
    let over = stage.post(key, "/v1/chat/completions", &body).await;
    assert_eq!(over.status(), 422, "over the budget");
    assert_eq!(stage.bedrock.requests().len(), 2);

    let listed = stage.get("/key/list").await;
    assert_eq!(listed["total_count"], 1, "{listed}");
    stage
        .post(KEY, "/key/delete", &json!({"keys": [key]}))
        .await;
    let gone = stage.post(key, "/v1/chat/completions", &body).await;
    assert_eq!(gone.status(), 401);
}

#[tokio::test]
async fn the_books_are_right_in_motos_dynamodb_too() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let answer = Step::reply(ScriptedReply::text("Hello.").with_usage(tokens(1000, 100)));
    stage
        .bedrock
        .script(PRIMARY, [answer.clone(), answer, Step::unavailable()]);
    for status in [200, 200, 503] {
        let mut body = hello("primary");
        body["metadata"] = json!({"tags": ["team-a"]});
        body["litellm_session_id"] = json!("s-1");
        let response = stage.post(KEY, "/v1/chat/completions", &body).await;
        assert_eq!(response.status(), status);
        stage.record(&response).await;
    }
    for (filter, records) in [
        ("", 3),
        ("status_filter=failure", 1),
        ("request_tag=team-a&status_filter=success", 2),
        ("request_tag=team", 0),
        ("user_id=nobody", 0),
        ("session_id=s-1&status_filter=failure", 1),
    ] {
        let found = stage.get(&format!("/spend/logs/v2?{filter}")).await;
        let found = found["data"].as_array().unwrap();
        assert_eq!(found.len(), records, "{filter}: {found:?}");
    }
    let tags = stage.get("/spend/tags").await;
    // Two of (1000 × 3.3 + 100 × 16.5) / 1,000,000
    assert_eq!(tags[0]["total_spend"].to_string(), "0.0099", "{tags}");
    assert_eq!(tags[0]["log_count"], 3, "{tags}");

    let lost = bedrock_sidecar::spend::RequestId::new(Timestamp::now());
    let open = json!({"request_id": lost, "call_type": "acompletion", "api_key": "ab", "model": "primary", "estimated_input": 1000});
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let line = json!({"event": "spend_open", "open": open.to_string(), "target": "spend"});
    std::fs::write(&log, format!("{line}\n")).unwrap();
    let logs = [log, stage.gateway.log_file()];
    for said in [
        "\nwritten: 0 records, 1 lost",
        "\nwritten: 0 records, 0 lost",
    ] {
        let options = ["--grace", "0s", "--accept-unsigned"];
        let replayed = replay(YAML, &stage.variables, &options, &logs).await;
        assert!(replayed.ok && replayed.text.contains(said), "{replayed:?}");
    }
    let found = stage.get("/spend/logs/v2").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 4, "{found}");
}
