//! A record's cost is what AWS bills: by the place of the call, by the request's day, never the cheaper cache for the dearer.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step, Tokens};

use crate::admin::Visitor;
use crate::support::{TestApp, TestClock, hello};

const CONFIG: &str = "
model_list:
  - {model_name: bare, litellm_params: {model: bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: eu-west-2}}
  - {model_name: global, litellm_params: {model: bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: eu-west-2}}
  - {model_name: hour, litellm_params: {model: bedrock/apac.anthropic.claude-haiku-4-5-20251001-v1:0, aws_region_name: ap-northeast-1}}
  - {model_name: opus, litellm_params: {model: bedrock/us.anthropic.claude-opus-4-1-20250805-v1:0, aws_region_name: us-east-1}}
  - {model_name: dated, litellm_params: {model: bedrock/global.anthropic.claude-sonnet-5-5, aws_region_name: us-east-1}}
  - model_name: own
    litellm_params:
      model: bedrock/global.anthropic.claude-sonnet-5-5
      aws_region_name: us-east-1
      cache_read_input_token_cost: 0.00000015
  - {model_name: gpt, litellm_params: {model: bedrock/us.openai.gpt-5.4, aws_region_name: us-east-1}}
  - {model_name: old, litellm_params: {model: bedrock/amazon.titan-text-lite-v1, aws_region_name: us-east-1}}
  - {model_name: vectors, litellm_params: {model: bedrock/twelvelabs.marengo-embed-3-0-v1:0, aws_region_name: us-east-1}}
litellm_settings: {num_retries: 0}
";

/// The spend of a request for this model whose answer took these tokens.
async fn spend(app: &TestApp, name: &str, model: &str, tokens: Tokens) -> String {
    app.bedrock.script(
        model,
        [Step::reply(ScriptedReply::text("hi").with_usage(tokens))],
    );
    let reply = app.chat_json(&hello(name)).await;
    let record = app.record(reply["id"].as_str().unwrap()).await;
    record["spend"].to_string()
}

/// A thousand tokens of one kind.
fn thousand(kind: fn(&mut Tokens) -> &mut u64) -> Tokens {
    let mut tokens = Tokens::default();
    *kind(&mut tokens) = 1_000;
    tokens
}

#[tokio::test]
async fn a_call_in_a_region_costs_a_tenth_more_than_a_global_one() {
    let app = TestApp::builder().config(CONFIG).start().await;
    for (name, prefix, expected) in [("bare", "", "0.0165"), ("global", "global.", "0.015")] {
        let model = format!("{prefix}anthropic.claude-sonnet-4-5-20250929-v1:0");
        let tokens = thousand(|tokens| &mut tokens.output);
        assert_eq!(spend(&app, name, &model, tokens).await, expected, "{name}");
    }
}

#[tokio::test]
async fn an_hour_of_cache_never_costs_what_five_minutes_do() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let hour = thousand(|tokens| &mut tokens.cache_write_1h);
    let haiku = "apac.anthropic.claude-haiku-4-5-20251001-v1:0";
    assert_eq!(spend(&app, "hour", haiku, hour).await, "0.0022");
}

#[tokio::test]
async fn a_request_costs_what_its_day_says_however_long_the_process_runs() {
    let model = "global.anthropic.claude-sonnet-5-5";
    let before = "2026-10-07T23:59:00Z".parse().unwrap();
    let app = TestApp::builder()
        .config(CONFIG)
        .clock(TestClock::at(before));
    let app = app.start().await;
    let read = thousand(|tokens| &mut tokens.cache_read);
    let shown = async |price: &str| {
        let page = Visitor::signed_in(&app).await.page("/ui/models").await;
        page.contains(price)
    };
    assert_eq!(spend(&app, "dated", model, read).await, "0.0002");
    assert!(shown("cache read</span> $0.20").await);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(spend(&app, "dated", model, read).await, "0.0001");
    assert!(shown("unconfirmed").await && !shown("cache read</span> $0.20").await);
    // A price of the configuration is nobody else's.
    assert_eq!(spend(&app, "own", model, read).await, "0.00015");
}

#[tokio::test]
async fn the_models_page_marks_what_is_not_certain_and_what_will_not_answer() {
    let now = "2026-11-29T12:00:00Z".parse().unwrap();
    let app = TestApp::builder().config(CONFIG).clock(TestClock::at(now));
    let app = app.start().await;
    let page = Visitor::signed_in(&app).await.page("/ui/models").await;
    for text in [
        "unconfirmed: not in AWS&#39;s own price list",
        "computed: 1.6 times the five-minute write",
        "10 % over the global profile",
        "legacy since 2026-07-08 until 2027-01-08",
        "retired on a day that no source gives",
        "no chat model: embedding",
        "by AWS&#39;s model card Converse does not serve it",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[tokio::test]
async fn what_is_no_chat_model_is_not_shown_as_one() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let info = app.get_json("/model/info").await;
    let mut entries = info["data"].as_array().unwrap().iter();
    let vectors = entries.find(|entry| entry["model_name"] == "vectors");
    let info = &vectors.unwrap()["model_info"];
    assert_eq!(info["mode"], "embedding");
    for ability in ["supports_function_calling", "supports_vision"] {
        assert_eq!(info[ability], false, "{ability}");
    }
}

/// Runs `bedrock-sidecar models verify` in the folder of the fixtures.
async fn verify(files: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .args(["models", "verify"])
        .args(files)
        .current_dir(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/offers"
        ))
        .env_clear()
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn the_catalog_is_compared_with_aws_s_own_price_lists() {
    let (agrees, said) = verify(&["foundation_models.json", "bedrock.json"]).await;
    assert!(
        agrees && said.contains("18 prices compared, 0 differ"),
        "{said}"
    );
    let folder = tempfile::tempdir().unwrap();
    let changed = folder.path().join("changed.json");
    let list = include_str!("fixtures/offers/foundation_models.json");
    std::fs::write(&changed, list.replace("\"4.4000000000\"", "\"5\"")).unwrap();
    let (agrees, said) = verify(&["bedrock.json", changed.to_str().unwrap()]).await;
    let found = "anthropic.claude-sonnet-5-5 us-east-1 regional write_1h: catalog 4.4, list 5\n";
    assert!(!agrees && said.starts_with(found), "{said}");
    for wrong in ["nothing.json", "../v0_1"] {
        let (agrees, said) = verify(&[wrong]).await;
        assert!(!agrees && said.contains(wrong), "{said}");
    }
}
