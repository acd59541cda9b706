//! `[1m]` behind a model's name asks for the model's window of a million tokens and is no part of the name.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::keys::{chat_as, key};
use crate::support::{LAST, PRIMARY, TestApp, header, hello, tokens, validation_error};

const BETA: &str = "context-1m-2025-08-07";

/// Sonnet 4.5 has the window as a beta, Sonnet 4.6 has no other, and Nova does not have it.
const CONFIG: &str = r#"
model_list:
  - model_name: sonnet
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
  - model_name: newer
    litellm_params: {model: bedrock/global.anthropic.claude-sonnet-4-6, aws_region_name: us-east-1}
  - model_name: nova
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-east-1}
  - model_name: "real[1m]"
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-east-1}
  - model_name: "own-*[1m]"
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-east-1}
litellm_settings: {num_retries: 0}
router_settings:
  model_group_alias: {favourite: sonnet, "claude-*sonnet*": newer}
"#;

const NEWER: &str = "global.anthropic.claude-sonnet-4-6";

/// The betas of the last request for this model.
fn betas(app: &TestApp, model: &str) -> Value {
    let seen = app.bedrock.requests_for(model).pop().unwrap();
    assert_eq!(seen.status, 200, "{}", seen.refusal);
    seen.body["additionalModelRequestFields"]["anthropic_beta"].clone()
}

#[tokio::test]
async fn it_is_taken_off_before_the_name_means_anything() {
    let app = TestApp::builder()
        .config(CONFIG)
        .on_converse()
        .start()
        .await;
    for (name, plain, model, long) in [
        ("sonnet[1m]", "sonnet", PRIMARY, true),
        ("sonnet[1M][1m]", "sonnet", PRIMARY, true),
        ("favourite[1m]", "sonnet", PRIMARY, true),
        // Without the mark it is the first model's own id, with it an alias would take it for the second.
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0[1m]",
            "sonnet",
            PRIMARY,
            true,
        ),
        ("claude-sonnet-9[1m]", "newer", NEWER, false),
        ("nova[1m]", "nova", LAST, false),
        ("sonnet", "sonnet", PRIMARY, false),
        ("real[1m]", "real[1m]", LAST, false),
        ("own-a[1m]", "own-a[1m]", LAST, false),
    ] {
        let expected = if long { json!([BETA]) } else { Value::Null };
        for stream in [false, true] {
            let mut message = ask("hi");
            let mut chat = hello(name);
            let mut response = json!({"model": name, "input": "hi"});
            message["model"] = json!(name);
            for (path, body) in [
                ("/v1/messages", &mut message),
                ("/v1/chat/completions", &mut chat),
                ("/v1/responses", &mut response),
            ] {
                body["stream"] = json!(stream);
                let reply = app.post(path, body).send().await.unwrap();
                assert_eq!(reply.status(), 200, "{name} {path}");
                assert_eq!(header(&reply, "x-litellm-model-group"), plain);
                let id = header(&reply, "x-sidecar-request-id").to_owned();
                let text = reply.text().await.unwrap();
                let said = format!("\"model\":{}", json!(plain));
                assert!(
                    text.replace("\": ", "\":").contains(&said),
                    "{name}: {text}"
                );
                assert_eq!(betas(&app, model), expected, "{name} {path}");
                let record = app.record(&id).await;
                assert_eq!(record["model_group"], plain);
                let asked = record["metadata"]["original_model_group"].as_str().unwrap();
                assert!(!long || !asked.contains('['), "{record}");
            }
        }
    }
}

#[tokio::test]
async fn it_may_stand_wherever_a_model_is_named() {
    let app = TestApp::builder()
        .config(CONFIG)
        .on_converse()
        .start()
        .await;
    let mut body = hello("");
    body.as_object_mut().unwrap().remove("model");
    let path = "/engines/sonnet%5B1m%5D/chat/completions";
    assert_eq!(app.post(path, &body).send().await.unwrap().status(), 200);
    assert_eq!(betas(&app, PRIMARY), json!([BETA]));

    let mut count = ask("hi");
    count["model"] = json!("sonnet[1m]");
    let counted = app
        .post("/v1/messages/count_tokens", &count)
        .send()
        .await
        .unwrap();
    assert_eq!(counted.status(), 200);

    let settings =
        json!({"models": ["sonnet", "nova"], "aliases": {"fast": "sonnet[1m]", "odd[1m]": "nova"}});
    let key = key(&app, settings).await;
    for (name, model, long) in [
        ("fast", PRIMARY, true),
        ("sonnet[1m]", PRIMARY, true),
        ("fast[1m]", PRIMARY, true),
        ("odd[1m]", LAST, false),
    ] {
        let reply = chat_as(&app, &key, &hello(name)).await;
        assert_eq!(reply.status(), 200, "{name}");
        assert_eq!(betas(&app, model) == json!([BETA]), long, "{name}");
    }

    let found = app.get("/v1/models/sonnet%5B1m%5D").send().await.unwrap();
    assert_eq!(found.status(), 200);
    let unknown = app
        .post("/v1/chat/completions", &hello("nobody[1m]"))
        .send()
        .await
        .unwrap();
    assert!(unknown.status().is_client_error());
}

#[tokio::test]
async fn a_fallback_has_the_long_window_where_it_or_the_first_model_asks_for_it() {
    let app = TestApp::builder()
        .config(CONFIG)
        .on_converse()
        .start()
        .await;
    for (model, fallback, long) in [
        ("nova", json!("sonnet[1m]"), true),
        ("nova", json!({"model": "sonnet[1M]"}), true),
        (
            "nova",
            json!({"model": "sonnet[1m]", "max_tokens": 7}),
            true,
        ),
        ("nova", json!({"nova": ["sonnet[1m]"]}), true),
        ("nova[1m]", json!("sonnet"), true),
        (
            "nova[1m]",
            json!({"model": "sonnet", "max_tokens": 7}),
            true,
        ),
        ("nova", json!("sonnet"), false),
    ] {
        app.bedrock.script(LAST, [Step::unavailable()]);
        let mut body = hello(model);
        body["fallbacks"] = json!([fallback]);
        let reply = app.chat(&body).await;
        assert_eq!(reply.status(), 200, "{fallback}");
        assert_eq!(header(&reply, "x-litellm-model-group"), "sonnet");
        assert_eq!(
            betas(&app, PRIMARY) == json!([BETA]),
            long,
            "{model} {fallback}"
        );
    }
}

#[tokio::test]
async fn a_long_prompt_is_answered_and_costs_what_long_prompts_cost() {
    let app = TestApp::builder()
        .config(CONFIG)
        .on_converse()
        .start()
        .await;
    let answer = || Step::reply(ScriptedReply::text("Read.").with_usage(tokens(300_000, 1_000)));
    app.bedrock.script(PRIMARY, [answer()]);
    let mut body = ask(&"word ".repeat(260_000));
    body["model"] = json!("sonnet");
    let refused = app.post("/v1/messages", &body).send().await.unwrap();
    assert_eq!(refused.status(), 400);

    app.bedrock.script(PRIMARY, [answer()]);
    body["model"] = json!("sonnet[1m]");
    body.as_object_mut().unwrap().remove("max_tokens");
    let reply = app.post("/v1/messages", &body).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let id = header(&reply, "x-sidecar-request-id").to_owned();
    let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    assert_eq!(
        sent["inferenceConfig"]["maxTokens"], 16_384,
        "the window is not full"
    );
    // (300,000 × 6.6 + 1,000 × 24.75) / 1,000,000
    let record = app.record(&id).await;
    assert_eq!(record["spend"].to_string(), "2.00475", "{record}");
}

#[tokio::test]
async fn where_the_beta_is_refused_the_model_answers_without_it() {
    let app = TestApp::builder()
        .config(CONFIG)
        .on_converse()
        .start()
        .await;
    let refused = validation_error("invalid beta flag");
    app.bedrock.script(PRIMARY, [refused]);
    for _ in 0..2 {
        app.chat_json(&hello("sonnet[1m]")).await;
        assert_eq!(betas(&app, PRIMARY), Value::Null);
    }
    assert_eq!(
        app.bedrock.requests_for(PRIMARY).len(),
        3,
        "it is remembered"
    );
}
