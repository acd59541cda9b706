//! Bedrock's refusals may quote the prompt. The client, whose prompt it is, reads them whole; the log and the records
//! keep what names the fault.

use bedrock_sidecar::simulator::{FaultKind, Step};
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::process::Gateway;
use crate::support::{KEY, PRIMARY, simulated, validation_error};

const YAML: &str = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
router_settings: {num_retries: 0, disable_cooldowns: true}
";

const PROMPT: &str = "Maria Zamora asks whether xylophone lessons help against gout";

/// What no log may hold of it.
const WORDS: [&str; 5] = ["Maria", "Zamora", "xylophone", "lessons", "gout"];

/// Refusals that quote the prompt, and what names the fault in them.
fn refusals() -> Vec<(String, &'static str)> {
    vec![
        (
            format!("messages.0.content.0.text: Invalid value '{PROMPT}'"),
            "Invalid value",
        ),
        (
            format!("Malformed input request: extraneous key [{PROMPT}] is not permitted"),
            "is not permitted",
        ),
        (
            format!("{PROMPT}: Extra inputs are not permitted"),
            "Extra inputs are not permitted",
        ),
        (
            format!("Input should be a valid string. Received: {PROMPT}"),
            "Input should be a valid string.",
        ),
        (
            format!("The text field is not valid\n{PROMPT}\n{PROMPT}"),
            "The text field is not valid",
        ),
        (
            format!("Could not process {{\"text\":\"{PROMPT}\"}}"),
            "Could not process",
        ),
    ]
}

#[tokio::test]
async fn a_prompt_that_a_refusal_quotes_reaches_its_client_and_neither_log_nor_record() {
    let (bedrock, books) = (simulated().await, Books::new().await);
    let mut variables = books.variables(&bedrock);
    variables.push(("LOG_LEVEL", "debug".to_owned()));
    let gateway = Gateway::start(YAML, &variables).await;
    let http = reqwest::Client::new();
    let ask = async |path: &str, stream: bool| {
        let body = json!({"model": "primary", "stream": stream, "max_tokens": 9,
            "messages": [{"role": "user", "content": PROMPT}]});
        let request = http
            .post(format!("{}{path}", gateway.url))
            .bearer_auth(KEY)
            .json(&body);
        request.send().await.unwrap().text().await.unwrap()
    };
    for (refusal, fault) in refusals() {
        let exception = FaultKind::Exception {
            name: "validationException".to_owned(),
            message: refusal.clone(),
        };
        let error = FaultKind::Error {
            code: "x".to_owned(),
            message: refusal.clone(),
        };
        for (step, stream) in [
            (validation_error(&refusal), false),
            (Step::bare_status(502, &refusal), false),
            (Step::text("one two three").fault(2, exception), true),
            (Step::text("one two three").fault(2, error), true),
        ] {
            for path in ["/v1/chat/completions", "/v1/messages"] {
                bedrock.script(PRIMARY, [step.clone()]);
                let told = ask(path, stream).await;
                assert!(told.contains("xylophone"), "the client reads it: {told}");
            }
        }
        bedrock.script(PRIMARY, [validation_error(&refusal)]);
        ask("/v1/messages/count_tokens", false).await;
        let log = gateway.log();
        assert!(log.contains(fault), "{fault}: {log}");
    }
    let mut gateway = gateway;
    gateway.terminate();
    gateway.ended().await;
    let log = gateway.log();
    let contents = books.contents().await;
    assert_eq!(contents.records.len(), refusals().len() * 8);
    let records: Vec<Value> = contents
        .records
        .iter()
        .map(|record| serde_json::to_value(record).unwrap())
        .collect();
    for word in WORDS {
        assert!(!log.contains(word), "{word}: {log}");
        let record = records
            .iter()
            .find(|record| record.to_string().contains(word));
        assert!(record.is_none(), "{word}: {record:?}");
    }
    for (_, fault) in refusals() {
        let names = |record: &&Value| {
            record["error"]["message"]
                .as_str()
                .is_some_and(|message| message.contains(fault))
        };
        assert!(records.iter().any(|record| names(&record)), "{fault}");
    }
}
