//! An answer costs what was sent to the target that gave it, on the terms on which Bedrock says it served it.

use bedrock_sidecar::simulator::{ScriptedReply, Served, Step};
use serde_json::{Value, json};

use crate::support::{LAST, PRIMARY, TestApp, hello, hello_with, tokens};

/// What is asked of the model of Nova, and what follows it under other terms.
const NOVAS: &str = r#"
model_list:
  - {model_name: first, litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0}}
  - {model_name: lite, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
  - {model_name: quick, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, service_tier: priority}}
  - model_name: own
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, input_cost_per_token: 0.001, output_cost_per_token: 0.001}
litellm_settings: {num_retries: 0}
"#;

/// An answer of 1,000 tokens to 1,000: of Nova Pro 0.004 dollars, half of it as `flex` and 0.007 as `priority`.
fn reply() -> ScriptedReply {
    ScriptedReply::text("Hi.").with_usage(tokens(1000, 1000))
}

/// An answer that says nothing of its terms, these, or those that were asked for.
fn served(tier: Option<&str>, latency: Option<&str>) -> Step {
    Step::reply(reply().with_served(Served {
        tier: tier.map(str::to_owned),
        latency: latency.map(str::to_owned),
    }))
}

/// The record of a request's answer, which may be a stream.
async fn record_of(app: &TestApp, body: &Value, stream: bool) -> Value {
    let id = match stream {
        true => app.chat_stream(body).await.data[0]["id"].clone(),
        false => app.chat_json(body).await["id"].clone(),
    };
    app.record(id.as_str().unwrap()).await
}

/// The record of a request whose first target failed.
async fn record_of_fallback(app: &TestApp, body: &Value) -> Value {
    app.bedrock.script(
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        [Step::unavailable()],
    );
    record_of(app, body, false).await
}

#[tokio::test]
async fn a_changed_fallback_costs_what_it_was_asked_and_not_what_the_request_asked() {
    let app = TestApp::builder().config(NOVAS).start().await;
    app.bedrock.always(LAST, served(None, None));
    for (of_request, of_fallback, spend) in [
        ("flex", "priority", "0.007"),
        ("priority", "flex", "0.002"),
        ("flex", "default", "0.004"),
    ] {
        let mut body = hello_with("first", "service_tier", json!(of_request));
        body["fallbacks"] = json!([{"model": "lite", "service_tier": of_fallback}]);
        let record = record_of_fallback(&app, &body).await;
        assert_eq!(record["spend"].to_string(), spend, "{of_request}");
    }
    let mut body = hello("first");
    body["fallbacks"] = json!([{"model": "lite", "performanceConfig": {"latency": "optimized"}}]);
    let record = record_of_fallback(&app, &body).await;
    assert_eq!(record["spend"].to_string(), "0.005", "1 and 4 a million");
}

#[tokio::test]
async fn a_fallback_s_own_deployment_says_its_terms_where_the_request_does_not() {
    let app = TestApp::builder().config(NOVAS).start().await;
    app.bedrock.always(LAST, served(None, None));
    let body = hello_with("first", "fallbacks", json!(["quick"]));
    let record = record_of_fallback(&app, &body).await;
    assert_eq!(record["spend"].to_string(), "0.007");
    let attempt = &record["metadata"]["attempts"][1];
    assert_eq!(attempt["service_tier"], "priority");
    let body = hello_with("quick", "service_tier", json!("default"));
    let record = record_of(&app, &body, false).await;
    assert_eq!(record["spend"].to_string(), "0.004");
}

#[tokio::test]
async fn tokens_that_bedrock_did_not_report_are_judged_by_what_was_sent() {
    let app = TestApp::builder().config(NOVAS).start().await;
    app.bedrock
        .always(LAST, Step::text("Hi.").without_metadata());
    let mut body = hello_with("first", "stream", json!(true));
    let long = "x".repeat(40_000);
    body["fallbacks"] = json!([{"model": "lite", "messages": [{"role": "user", "content": long}]}]);
    let tokens = async |body: &Value| {
        app.bedrock.script(
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
            [Step::unavailable()],
        );
        let record = record_of(&app, body, true).await;
        assert_eq!(record["metadata"]["usage_estimated"], true);
        record["prompt_tokens"].as_u64().unwrap()
    };
    let changed = tokens(&body).await;
    assert!((10_000..11_000).contains(&changed), "{changed}");

    // The other way round: the long request was never asked of the model that answered.
    let mut body = hello("first");
    body["messages"][0]["content"] = json!(long);
    body["fallbacks"] = json!([{"model": "lite", "messages": [{"role": "user", "content": "Hi"}]}]);
    let changed = tokens(&body).await;
    assert!(changed < 100, "{changed}");
}

#[tokio::test]
async fn fields_for_the_model_are_a_part_of_the_prompt() {
    let app = TestApp::new().await;
    let step = Step::text("Hi.").without_metadata().unchecked();
    app.bedrock.always(PRIMARY, step);
    let tool = json!({"type": "custom", "name": "t", "description": "x".repeat(40_000)});
    let body = hello_with(
        "primary",
        "additional_model_request_fields",
        json!({"tools": [tool]}),
    );
    let record = record_of(&app, &body, true).await;
    let tokens = record["prompt_tokens"].as_u64().unwrap();
    assert!((10_000..11_000).contains(&tokens), "{tokens}");
}

#[tokio::test]
async fn what_bedrock_says_it_served_decides_the_price() {
    let app = TestApp::builder().config(NOVAS).start().await;
    let asked = |field: &str, word: &str| match field {
        "service_tier" => hello_with("lite", field, json!(word)),
        _ => hello_with("lite", field, json!({"latency": word})),
    };
    // What was asked for, the tier and the latency that were served, and the spend; none where no rate is known.
    for (body, tier, latency, spend) in [
        (hello("lite"), None, None, "0.004"),
        (hello("lite"), Some("default"), Some("standard"), "0.004"),
        (hello("lite"), Some("flex"), None, "0.002"),
        (
            asked("service_tier", "flex"),
            Some("priority"),
            None,
            "0.007",
        ),
        (
            asked("service_tier", "priority"),
            Some("default"),
            None,
            "0.004",
        ),
        (asked("service_tier", "priority"), None, None, "0.007"),
        (
            asked("service_tier", "priority"),
            None,
            Some("standard"),
            "0.007",
        ),
        (
            asked("performanceConfig", "optimized"),
            None,
            Some("optimized"),
            "0.005",
        ),
        (
            asked("performanceConfig", "optimized"),
            None,
            Some("standard"),
            "0.004",
        ),
        (
            asked("performanceConfig", "standard"),
            None,
            Some("optimized"),
            "0.005",
        ),
        (hello("lite"), Some("a tier of tomorrow"), None, "null"),
    ] {
        app.bedrock.always(LAST, served(tier, latency));
        for stream in [false, true] {
            let record = record_of(&app, &body, stream).await;
            let case = format!("{body} {tier:?} {latency:?} {stream}");
            assert_eq!(record["spend"].to_string(), spend, "{case}");
            let unknown = record["metadata"]["price_unknown"] == true;
            assert_eq!(unknown, spend == "null", "{case}");
        }
    }
}

#[tokio::test]
async fn terms_without_a_known_rate_have_an_unknown_cost_and_never_the_ordinary_one() {
    let app = TestApp::new().await;
    for (tier, latency) in [(None, Some("optimized")), (Some("priority"), None)] {
        app.bedrock.always(PRIMARY, served(tier, latency));
        for stream in [false, true] {
            let record = record_of(&app, &hello("primary"), stream).await;
            assert_eq!(record["spend"], Value::Null, "{tier:?} {latency:?}");
            assert_eq!(record["metadata"]["price_unknown"], true);
            assert_eq!(record["total_tokens"], 2000);
        }
    }
}

#[tokio::test]
async fn a_price_of_the_configuration_holds_on_all_terms() {
    let app = TestApp::builder().config(NOVAS).start().await;
    for (tier, latency) in [(Some("priority"), None), (None, Some("optimized"))] {
        app.bedrock.always(LAST, served(tier, latency));
        let record = record_of(&app, &hello("own"), false).await;
        assert_eq!(record["spend"].to_string(), "2", "{tier:?} {latency:?}");
    }
}
