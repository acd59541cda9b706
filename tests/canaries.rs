//! What must never be seen where it does not belong: a canary in every field, and then a look at everything that came
//! out.

use bedrock_sidecar::simulator::{ANY_MODEL, FaultKind, Simulated, Step};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::process::Gateway;
use crate::support::{KEY, all_models};

/// Said by a client; no log line may hold one.
const SAID: [&str; 9] = [
    "canary-system",
    "canary-user",
    "canary-assistant",
    "canary-argument",
    "canary-result",
    "canary-description",
    PICTURE,
    "canary-stop",
    "canary-thinking",
];
/// A point, with a comment.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAAFnRFWHRDb21tZW50AGNhbmFyeS1waWN0dXJlG0KaVQAAAApJREFUeJxjYAAAAAIAAUivpHEAAAAASUVORK5CYII=";
/// Held by the process or brought by a client; neither a log line nor an answer may hold one.
const SECRET: [&str; 4] = [
    KEY,
    "canary-secret-key",
    "canary-session-token",
    "sk-canary-wrong-key",
];
/// Names of the account, which clients have no business with.
const OURS: [&str; 2] = ["123456789012", "canary-role"];

fn request(stream: bool) -> Value {
    json!({
        "model": "sonnet",
        "stream": stream,
        "stop": ["canary-stop"],
        "messages": [
            {"role": "system", "content": "canary-system"},
            {"role": "user", "content": [
                {"type": "text", "text": "canary-user"},
                {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PICTURE}")}},
            ]},
            {"role": "assistant", "content": "canary-assistant", "reasoning_content": "canary-thinking", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"canary-argument\"}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "canary-result"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "look", "description": "canary-description",
            "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
        }}],
    })
}

/// Whatever a client sees of an answer.
async fn ask(gateway: &Gateway, key: &str, body: String) -> String {
    let response = reqwest::Client::new()
        .post(format!("{}/v1/chat/completions", gateway.url))
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    let headers: &HeaderMap = response.headers();
    let head = format!("{} {headers:?}", response.status());
    format!("{head}\n{}", response.text().await.unwrap())
}

#[tokio::test]
async fn no_secret_comes_out_and_nothing_that_was_said_is_logged() {
    let bedrock = Simulated::start(all_models()).await.unwrap();
    let refusal = "User: arn:aws:sts::123456789012:assumed-role/canary-role/s is not authorized to perform: \
                   bedrock:InvokeModelWithResponseStream";
    let answers = vec![
        Step::text("canary-assistant"),
        Step::text("canary-assistant canary-thinking").fault(1, FaultKind::Cut),
        Step::internal_error(),
        Step::throttle(),
        Step::fail(403, "AccessDeniedException", refusal),
        Step::text("fine").exception_after(1, "modelStreamErrorException", "The model broke."),
    ];
    let rounds = answers.len();
    bedrock.script(ANY_MODEL, answers);
    let yaml = "model_list: [{model_name: sonnet, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-5-5}}]
litellm_settings: {num_retries: 0}
router_settings: {disable_cooldowns: true}";
    let url = bedrock.url();
    let variables = [
        ("LOG_LEVEL", "trace"),
        ("CLOUDWATCH_METRICS", "model"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret-key"),
        ("AWS_SESSION_TOKEN", "canary-session-token"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.as_str()),
    ];
    let gateway = Gateway::start(yaml, &variables).await;

    let mut answers = Vec::new();
    for round in 0..rounds {
        answers.push(ask(&gateway, KEY, request(round % 2 == 1).to_string()).await);
    }
    for broken in [
        json!({"model": "sonnet", "messages": [{"role": "canary-user", "content": "canary-user"}]})
            .to_string(),
        json!({"model": "sonnet", "messages": "canary-user"}).to_string(),
        json!({"model": "nobody", "messages": [{"role": "user", "content": "canary-user"}]})
            .to_string(),
        "{\"model\": \"sonnet\", \"messages\": [canary-user".to_owned(),
    ] {
        answers.push(ask(&gateway, KEY, broken).await);
    }
    answers.push(ask(&gateway, "sk-canary-wrong-key", request(false).to_string()).await);

    let log = gateway.log();
    assert!(log.contains("spend_open"), "{log}");
    let taken = bedrock.requests();
    assert_eq!(taken.len(), rounds);
    assert!(taken.iter().all(|seen| seen.status != 400), "{taken:?}");
    for canary in SAID {
        assert!(!log.contains(canary), "{canary} is in the log: {log}");
    }
    for canary in SECRET {
        assert!(!log.contains(canary), "{canary} is in the log: {log}");
    }
    for answer in &answers {
        for canary in SECRET.iter().chain(&OURS) {
            assert!(!answer.contains(canary), "{canary} is in {answer}");
        }
    }
}
