//! `replay` believes what the gateways of its table have signed, word for word. Other lines of a log are told of, and
//! taken only where that is asked for: as lines of their own, with what they cost and move found anew.

mod unsigned;

use std::path::PathBuf;

use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::spend::Status;
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::process::{Ended, Gateway, replay};
use crate::support::table_proxy::Fault;
use crate::support::{KEY, hello, simulated};

const YAML: &str = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
router_settings: {record_timeout: 1}
general_settings: {json_logs: true}
";

/// A table, and a folder for logs that are replayed into it.
struct Stage {
    bedrock: Simulated,
    books: Books,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self {
            bedrock: simulated().await,
            books: Books::new().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn gateway(&self) -> Gateway {
        Gateway::start(YAML, &self.books.variables(&self.bedrock)).await
    }

    /// The two lines of a request whose record the table did not take: its opening and its record. It has a budget.
    async fn lines(&self) -> [Value; 2] {
        let gateway = self.gateway().await;
        let http = reqwest::Client::new();
        let post = |path: &str| http.post(format!("{}{path}", gateway.url));
        let made = post("/key/generate")
            .bearer_auth(KEY)
            .json(&json!({"max_budget": 10}));
        let made: Value = made.send().await.unwrap().json().await.unwrap();
        self.books.proxy.always(Some(Fault::InternalError));
        let chat = post("/v1/chat/completions").bearer_auth(made["key"].as_str().unwrap());
        let response = chat.json(&hello("primary")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        gateway.says("spend_unrecorded").await;
        self.books.proxy.always(None);
        let log = gateway.log();
        let line = |event: &str| {
            let found = log
                .lines()
                .find(|line| line.contains(&format!("\"event\":\"{event}\"")));
            serde_json::from_str(found.unwrap()).unwrap()
        };
        [line("spend_open"), line("spend_unrecorded")]
    }

    fn log(&self, lines: &[String]) -> PathBuf {
        let file = self.folder.path().join("log");
        std::fs::write(&file, format!("{}\n", lines.join("\n"))).unwrap();
        file
    }

    async fn replay(&self, options: &[&str], lines: &[String]) -> Ended {
        let variables = self.books.variables(&self.bedrock);
        let options = [&["--grace", "0s"], options].concat();
        replay(YAML, &variables, &options, &[self.log(lines)]).await
    }

    async fn records(&self) -> usize {
        self.books.contents().await.records.len()
    }
}

/// Changes what a line says, and leaves its signature.
fn changed(line: &Value, field: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut line = line.clone();
    let mut said: Value = serde_json::from_str(line[field].as_str().unwrap()).unwrap();
    change(&mut said);
    line[field] = json!(said.to_string());
    line.to_string()
}

#[tokio::test]
async fn a_signed_line_is_one_record_however_often_it_is_read() {
    let stage = Stage::new().await;
    let [open, unrecorded] = stage.lines().await;
    assert_eq!(open["signature"].as_str().unwrap().len(), 64);
    let lines = [
        unrecorded.to_string(),
        open.to_string(),
        unrecorded.to_string(),
    ];
    for written in [1, 0] {
        let replayed = stage.replay(&[], &lines).await;
        let expected = format!("\nwritten: {written} records, 0 lost");
        assert!(
            replayed.ok && replayed.text.contains(&expected),
            "{replayed:?}"
        );
        assert!(!replayed.text.contains("signature"), "{replayed:?}");
    }
    let contents = stage.books.contents().await;
    assert_eq!(contents.records[0].status, Status::Success);
    contents.assert_balanced();
}

#[tokio::test]
async fn a_word_changed_in_a_signed_line_makes_it_worth_nothing() {
    let stage = Stage::new().await;
    let [open, unrecorded] = stage.lines().await;
    let with = |line: &Value, name: &str, value: Value| {
        let mut line = line.clone();
        line[name] = value;
        line.to_string()
    };
    let lines = [
        changed(&unrecorded, "record", |record| {
            record["movement"]["rows"][0]["add"]["spend"] = json!(-5);
        }),
        changed(&unrecorded, "record", |record| record["movement"]["budgets"][0]["actual"] = json!(9)),
        changed(&unrecorded, "record", |record| record["api_key"] = json!("cd".repeat(32))),
        changed(&open, "open", |open| open["estimated_input"] = json!(9)),
        changed(&open, "open", |open| open["reservations"] = json!([])),
        with(&unrecorded, "signature", open["signature"].clone()),
        with(&unrecorded, "signature", json!("0".repeat(64))),
        with(&unrecorded, "signature", json!("")),
        // Another event of the same words.
        json!({"event": "spend_unrecorded", "record": open["open"], "signature": open["signature"], "target": "spend"})
            .to_string(),
    ];
    for options in [&[][..], &["--accept-unsigned"]] {
        let replayed = stage.replay(options, &lines).await;
        let told = format!(
            "(changed, or written by the gateway of another table): {}\n",
            lines.len()
        );
        assert!(replayed.ok && replayed.text.contains(&told), "{replayed:?}");
        assert!(
            replayed.text.contains("\nwritten: 0 records, 0 lost"),
            "{replayed:?}"
        );
    }
    assert_eq!(stage.records().await, 0);
    // Nor is it worth anything where another table's gateways signed it.
    let other = Stage::new().await;
    drop(other.gateway().await);
    let replayed = other
        .replay(&["--accept-unsigned"], &[unrecorded.to_string()])
        .await;
    assert!(
        replayed.text.contains("with a wrong signature"),
        "{replayed:?}"
    );
    assert_eq!(other.records().await, 0);
}

#[tokio::test]
async fn an_unsigned_record_of_a_request_that_began_with_a_signature_is_not_taken() {
    let stage = Stage::new().await;
    let [open, unrecorded] = stage.lines().await;
    let cheap = changed(&unrecorded, "record", |record| {
        record["attempts"] = json!([])
    });
    let mut cheap: Value = serde_json::from_str(&cheap).unwrap();
    cheap["signature"] = json!("unsigned");
    let replayed = stage
        .replay(
            &["--accept-unsigned"],
            &[cheap.to_string(), open.to_string()],
        )
        .await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 0 records, 1 lost"),
        "{replayed:?}"
    );
    assert!(!stage.books.contents().await.totals.spend.is_zero());
}

#[tokio::test]
async fn a_line_written_while_the_secret_is_out_of_reach_says_that_it_is_unsigned() {
    let stage = Stage::new().await;
    stage.books.proxy.down(true);
    let gateway = stage.gateway().await;
    let chat = reqwest::Client::new().post(format!("{}/v1/chat/completions", gateway.url));
    let response = chat
        .bearer_auth(KEY)
        .json(&hello("primary"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    gateway.says("spend_unrecorded").await;
    stage.books.proxy.down(false);
    let log = gateway.log();
    let books = log
        .lines()
        .filter(|line| line.contains("\"target\":\"spend\""));
    assert!(books.clone().count() >= 2);
    for line in books {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["signature"], "unsigned");
    }
    let lines: Vec<_> = log.lines().map(str::to_owned).collect();
    let replayed = stage.replay(&[], &lines).await;
    assert!(
        replayed.text.contains("without a signature") && stage.records().await == 0,
        "{replayed:?}"
    );
    let replayed = stage.replay(&["--accept-unsigned"], &lines).await;
    assert!(
        replayed.text.contains("\nwritten: 1 records, 0 lost"),
        "{replayed:?}"
    );
}
