//! Retries and fallbacks are counted once, in LiteLLM's way: headers, records and log lines agree.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{BACKUP, PRIMARY, TestApp, header, hello};

/// Two deployments of one group, and what follows them.
const SIBLINGS: &str = r#"
model_list:
  - {model_name: pair, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, order: 1}}
  - {model_name: pair, litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0, order: 2}}
  - {model_name: last, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
litellm_settings:
  fallbacks: [{pair: [last]}]
  num_retries: 0
"#;

/// Retries and fallbacks as the reply's headers and its record say them, which must agree.
async fn counts(app: &TestApp, body: &Value) -> (u64, u64) {
    let response = app.chat(body).await;
    assert_eq!(response.status(), 200);
    let of_header = |name: &str| header(&response, name).parse::<u64>().unwrap();
    let of_headers = (
        of_header("x-litellm-attempted-retries"),
        of_header("x-litellm-attempted-fallbacks"),
    );
    let record = app.record(header(&response, "x-sidecar-request-id")).await;
    let of_record = |name: &str| record["metadata"][name].as_u64().unwrap();
    let of_record = (
        of_record("attempted_retries"),
        of_record("attempted_fallbacks"),
    );
    assert_eq!(of_headers, of_record, "header and record");
    of_record
}

#[tokio::test]
async fn a_sibling_that_takes_over_is_a_retry_and_a_group_that_takes_over_a_fallback() {
    for stream in [false, true] {
        let app = TestApp::builder().config(SIBLINGS).start().await;
        let mut body = hello("pair");
        body["stream"] = json!(stream);
        assert_eq!(counts(&app, &body).await, (0, 0));

        app.bedrock.script(PRIMARY, [Step::throttle()]);
        assert_eq!(counts(&app, &body).await, (1, 0), "a sibling");

        let app = TestApp::builder().config(SIBLINGS).start().await;
        app.bedrock.script(PRIMARY, [Step::throttle()]);
        app.bedrock.script(BACKUP, [Step::unavailable()]);
        assert_eq!(
            counts(&app, &body).await,
            (1, 1),
            "both, then the next group"
        );
    }
}

#[tokio::test]
async fn a_sibling_that_is_passed_over_is_no_fallback_and_a_group_that_is_is_one() {
    let app = TestApp::builder().config(SIBLINGS).start().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    counts(&app, &hello("pair")).await;
    assert_eq!(counts(&app, &hello("pair")).await, (0, 0), "one rests");
    app.bedrock.script(BACKUP, [Step::throttle()]);
    assert_eq!(counts(&app, &hello("pair")).await, (0, 1));
    assert_eq!(counts(&app, &hello("pair")).await, (0, 1), "both rest");
}

#[tokio::test]
async fn the_same_group_asked_something_else_is_a_fallback() {
    let app = TestApp::builder().config(SIBLINGS).start().await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    app.bedrock.script(BACKUP, [Step::unavailable()]);
    let mut body = hello("pair");
    body["fallbacks"] =
        json!([{"model": "pair", "messages": [{"role": "user", "content": "Shorter"}]}]);
    assert_eq!(counts(&app, &body).await, (1, 1));
}
