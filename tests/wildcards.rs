//! Patterns: one entry of the configuration for every model that a request may name.

use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::process::Gateway;
use crate::support::{BACKUP, KEY, PRIMARY, TestApp, header, hello, simulated};

const ANY: &str = r#"
model_list:
  - {model_name: "bedrock/*", litellm_params: {model: bedrock/*}}
  - {model_name: "claude-*", litellm_params: {model: bedrock/us.anthropic.claude-*, rpm: 2}}
  - {model_name: backup, litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0}}
litellm_settings:
  fallbacks: [{"bedrock/*": [backup]}, {backup: [bedrock/us.amazon.nova-lite-v1:0]}]
  num_retries: 0
"#;

const SONNET: &str = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const SHORT: &str = "claude-sonnet-4-5-20250929-v1:0";

#[tokio::test]
async fn any_model_that_fits_is_asked_and_named_as_it_was_asked_for() {
    let app = TestApp::builder().config(ANY).start().await;
    for name in [SONNET, SHORT] {
        let response = app.chat(&hello(name)).await;
        assert_eq!(header(&response, "x-litellm-model-group"), name);
        assert!(
            !header(&response, "x-litellm-response-cost").is_empty(),
            "the catalog's price"
        );
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["model"], name);
        let record = app.record(reply["id"].as_str().unwrap()).await;
        assert_eq!(record["model_group"], name);
        assert_eq!(record["metadata"]["attempts"][0]["model"], PRIMARY);
    }
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 2);
}

#[tokio::test]
async fn a_model_that_bedrock_does_not_have_gets_bedrock_s_own_refusal() {
    let app = TestApp::builder().config(ANY).start().await;
    let mut body = hello("bedrock/us.nobody.no-such-model-v1:0");
    body["disable_fallbacks"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("The provided model identifier is invalid."),
        "{message}"
    );

    // What is no name of a model at all is not asked.
    let response = app.chat(&hello("bedrock/us.nobody no-such-model")).await;
    assert_eq!(response.status(), 404);
    let error: Value = response.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Invalid model name"), "{message}");
    assert_eq!(app.bedrock.requests().len(), 1);
}

#[tokio::test]
async fn the_chain_of_a_pattern_follows_each_of_its_models_and_may_end_in_one() {
    let app = TestApp::builder().config(ANY).start().await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    assert_eq!(
        app.trail(SONNET).await,
        format!("{SONNET}:unavailable(503), backup:ok")
    );
    app.bedrock.script(BACKUP, [Step::unavailable()]);
    assert_eq!(
        app.trail("backup").await,
        "backup:unavailable(503), bedrock/us.amazon.nova-lite-v1:0:ok"
    );
    let mut body = hello("backup");
    body["fallbacks"] = json!([SHORT]);
    app.bedrock.script(BACKUP, [Step::unavailable()]);
    let response = app.chat(&body).await;
    assert_eq!(header(&response, "x-litellm-model-group"), SHORT);
}

#[tokio::test]
async fn a_model_that_fails_rests_alone_on_every_instance() {
    let app = TestApp::builder().config(ANY).start().await;
    let other = app.another_instance().await;
    app.bedrock
        .script(PRIMARY, [Step::throttle().retry_after("60")]);
    assert!(app.trail(SONNET).await.ends_with("backup:ok"));
    app.settle().await;
    other.clock.advance(Duration::from_secs(11));
    let resting = format!("{SONNET}:cooling_down, backup:ok");
    assert_eq!(app.trail(SONNET).await, resting);
    assert_eq!(other.trail(SONNET).await, resting);
    let lite = "bedrock/us.amazon.nova-lite-v1:0";
    assert_eq!(app.trail(lite).await, format!("{lite}:ok"));

    let latest = app.get_json("/health/latest").await;
    let states = latest["latest_health_checks"].as_object().unwrap();
    let status = |group: &str| {
        let mut of_group = states
            .values()
            .filter(|state| state["model_group"] == group);
        of_group.next().map(|state| state["status"].clone())
    };
    assert_eq!(status(SONNET), Some(json!("cooling_down")));
    assert_eq!(status(lite), Some(json!("healthy")));
    assert_eq!(status("bedrock/*"), None);
}

#[tokio::test]
async fn the_limits_of_a_pattern_hold_for_all_of_its_models_together() {
    let app = TestApp::builder().config(ANY).start().await;
    assert_eq!(app.trail(SHORT).await, format!("{SHORT}:ok"));
    assert_eq!(app.trail("claude-opus-5-5").await, "claude-opus-5-5:ok");
    let third = app.chat(&hello("claude-haiku-4-5-20251001-v1:0")).await;
    assert_eq!(third.status(), 429);
}

#[tokio::test]
async fn the_models_behind_a_pattern_are_listed_with_their_limits_and_can_be_asked_about() {
    let app = TestApp::builder().config(ANY).start().await;
    let list = app.get_json("/v1/models?include_metadata=true").await;
    let models = list["data"].as_array().unwrap();
    let find = |id: &str| models.iter().find(|model| model["id"] == id);
    let sonnet = find(SONNET).unwrap();
    assert_eq!(sonnet["max_output_tokens"], 64_000);
    assert_eq!(sonnet["metadata"]["fallbacks"], json!(["backup"]));
    assert!(find(SHORT).is_some() && find("bedrock/*").is_none());
    let list = app.get_json("/v1/models?return_wildcard_routes=true").await;
    let models = list["data"].as_array().unwrap();
    assert!(models.iter().any(|model| model["id"] == "bedrock/*"));

    let info = app.get_json("/v1/model/info").await;
    let entries = info["data"].as_array().unwrap();
    let entry = entries
        .iter()
        .find(|entry| entry["model_name"] == SONNET)
        .unwrap();
    assert_eq!(entry["litellm_params"]["model"], SONNET);
    assert_eq!(entry["model_info"]["max_input_tokens"], 200_000);
    assert_eq!(
        app.get_json(&format!("/v1/models/{SONNET}")).await["id"],
        SONNET
    );
    let one = app.get_json(&format!("/health?model={SONNET}")).await;
    assert_eq!(one["healthy_count"], 1);
    assert_eq!(
        app.get_json("/health").await["healthy_count"],
        1,
        "backup alone"
    );
}

/// Reads of one kind from a gateway's output: the lines of metrics.
fn dimensions(log: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .filter(|line| line.contains("CloudWatchMetrics"));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_name_that_a_client_makes_up_is_no_dimension_of_the_metrics_and_no_row_of_the_totals() {
    let (bedrock, books) = (simulated().await, Books::new().await);
    let mut variables = books.variables(&bedrock);
    variables.push(("CLOUDWATCH_METRICS", "model".to_owned()));
    let gateway = Gateway::start(ANY, &variables).await;
    let http = reqwest::Client::new();
    let ask = async |model: &str| {
        let mut body = hello(model);
        body["disable_fallbacks"] = json!(true);
        let url = format!("{}/v1/chat/completions", gateway.url);
        let request = http.post(url).bearer_auth(KEY).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    for n in 0..3 {
        assert_eq!(
            ask(&format!("bedrock/us.nobody.made-up-{n}-v1:0")).await,
            400
        );
    }
    assert_eq!(ask(SONNET).await, 200);
    assert_eq!(ask("backup").await, 200);
    let end = Instant::now() + Duration::from_secs(30);
    while dimensions(&gateway.log()).len() < 5 {
        assert!(Instant::now() < end, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut models: Vec<String> = dimensions(&gateway.log())
        .iter()
        .map(|line| line["Model"].as_str().unwrap().to_owned())
        .collect();
    models.sort_unstable();
    let any = "bedrock/*";
    assert_eq!(models, ["backup", any, any, any, any]);

    while books.contents().await.totals.requests < 5 {
        assert!(Instant::now() < end, "the records do not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(books.models().await, ["", BACKUP, PRIMARY]);
}
