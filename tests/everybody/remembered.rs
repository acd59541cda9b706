//! What a target turns out to lack is remembered once leaving it out has helped, for an hour, and by every instance.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use super::{Shared, ordinary};
use crate::support::{KEY, PRIMARY, TestApp, trail_of, validation_error};

const HOUR: Duration = Duration::from_secs(3600);

fn refuses_caching() -> Step {
    let message = "You invoked an unsupported model or your request did not allow prompt caching.";
    Step::fail(403, "AccessDeniedException", message)
}

fn refuses(field: &str) -> Step {
    let message =
        format!("This model doesn't support the {field} field. Remove {field} and try again.");
    validation_error(&message)
}

async fn sent(app: &TestApp) -> Value {
    app.chat_json(&ordinary()).await;
    app.bedrock.requests_for(PRIMARY).pop().unwrap().body
}

fn is_cached(body: &Value) -> bool {
    body.to_string().contains("cachePoint")
}

#[tokio::test]
async fn a_feature_is_remembered_only_after_the_request_without_it_was_answered() {
    let shared = Shared::new().await;
    for after in [
        Step::unavailable(),
        validation_error("Something else."),
        refuses_caching(),
    ] {
        shared
            .app
            .bedrock
            .script(PRIMARY, [refuses_caching(), after]);
        shared.attack(&ordinary()).await;
        shared.assert_unharmed("a retry that failed").await;
    }
    shared.app.bedrock.script(PRIMARY, [refuses_caching()]);
    let response = shared.attack(&ordinary()).await;
    assert_eq!(
        trail_of(&response),
        "primary:lacks_caching(403), primary:ok"
    );
    assert!(!is_cached(&sent(&shared.app).await));
}

#[tokio::test]
async fn a_refusal_of_where_a_cache_point_stands_is_of_this_request_alone() {
    let shared = Shared::new().await;
    let message =
        "There is nothing available to cache. Please remove the invalid cache point and try again.";
    let refusal = validation_error(message);
    shared.app.bedrock.script(PRIMARY, [refusal]);
    let response = shared.attack(&ordinary()).await;
    assert_eq!(
        trail_of(&response),
        "primary:lacks_caching(400), primary:ok"
    );
    shared.assert_unharmed("a misplaced cache point").await;
}

#[tokio::test]
async fn one_field_that_is_refused_takes_no_other_one_with_it() {
    let app = TestApp::on_converse().await;
    app.bedrock.script(PRIMARY, [refuses("topP")]);
    let mut body = ordinary();
    body["top_p"] = json!(0.5);
    body.as_object_mut().unwrap().remove("temperature");
    app.chat_json(&body).await;
    let config = &sent(&app).await["inferenceConfig"];
    assert_eq!(config["temperature"], 0.5, "{config}");
    app.chat_json(&body).await;
    let last = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    assert_eq!(last["inferenceConfig"].get("topP"), None);

    app.bedrock
        .script(PRIMARY, [refuses("toolConfig.toolChoice.tool")]);
    let mut body = ordinary();
    body["tool_choice"] = json!({"type": "function", "function": {"name": "look"}});
    app.chat_json(&body).await;
    let choice = &sent(&app).await["toolConfig"]["toolChoice"];
    assert_eq!(choice, &json!({"any": {}}));
}

#[tokio::test]
async fn what_was_learned_is_forgotten_after_an_hour() {
    let app = TestApp::on_converse().await;
    app.bedrock.script(PRIMARY, [refuses_caching()]);
    app.chat_json(&ordinary()).await;
    app.clock.advance(HOUR - Duration::from_secs(1));
    assert!(!is_cached(&sent(&app).await));
    app.clock.advance(Duration::from_secs(2));
    assert!(is_cached(&sent(&app).await));
    app.settle().await;
    let newcomer = app.another_instance().await;
    assert!(is_cached(&sent(&newcomer).await));
}

#[tokio::test]
async fn every_instance_knows_what_one_has_learned() {
    let app = TestApp::on_converse().await;
    let other = app.another_instance().await;
    assert!(is_cached(&sent(&other).await));
    app.bedrock.script(PRIMARY, [refuses_caching()]);
    app.chat_json(&ordinary()).await;
    app.settle().await;
    other.clock.advance(Duration::from_secs(11));
    assert!(!is_cached(&sent(&other).await));
    let newcomer = app.another_instance().await;
    assert!(!is_cached(&sent(&newcomer).await));
}

/// What Bedrock got of a request by the Messages wire with these betas in its header.
async fn with_betas(app: &TestApp, betas: &str) -> (String, Value) {
    let body = json!({
        "model": "primary", "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "user", "content": "hello"}],
    });
    let request = app
        .http
        .post(format!("{}/v1/messages", app.url))
        .json(&body);
    let request = request.bearer_auth(KEY).header("anthropic-beta", betas);
    let response = request.send().await.unwrap();
    let trail = trail_of(&response);
    let body = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    let betas = &body["additionalModelRequestFields"]["anthropic_beta"];
    (trail, betas.clone())
}

fn refuses_betas() -> Step {
    let message = "The model returned the following errors: invalid beta flag";
    validation_error(message)
}

const INTERLEAVED: &str = "interleaved-thinking-2025-05-14";
const LONG: &str = "context-1m-2025-08-07";

#[tokio::test]
async fn refused_betas_of_the_gateway_s_list_are_left_out_where_all_of_them_are_asked_for() {
    let app = TestApp::on_converse().await;
    let both = format!("{INTERLEAVED},{LONG}");
    app.bedrock.script(PRIMARY, [refuses_betas()]);
    let (trail, betas) = with_betas(&app, &both).await;
    assert_eq!(trail, "primary:lacks_betas(400), primary:ok");
    assert_eq!(betas, Value::Null);
    // The one that Bedrock refused is one of them, and nobody knows which.
    assert_eq!(
        with_betas(&app, &both).await,
        ("primary:ok".to_owned(), Value::Null)
    );
    assert_eq!(
        with_betas(&app, INTERLEAVED).await,
        ("primary:ok".to_owned(), json!([INTERLEAVED]))
    );
}

#[tokio::test]
async fn a_beta_that_a_client_made_up_teaches_nothing() {
    let app = TestApp::on_converse().await;
    for made_up in ["computer-use-1999-01-01", "context-1m-quite-special"] {
        app.bedrock.script(PRIMARY, [refuses_betas()]);
        let betas = format!("{INTERLEAVED},{made_up}");
        let (trail, _) = with_betas(&app, &betas).await;
        assert_eq!(trail, "primary:lacks_betas(400), primary:ok");
        assert_eq!(
            with_betas(&app, INTERLEAVED).await.1,
            json!([INTERLEAVED]),
            "{made_up}"
        );
        let (_, sent) = with_betas(&app, &betas).await;
        assert_eq!(sent, json!([INTERLEAVED, made_up]));
    }
}

#[tokio::test]
async fn an_effort_that_a_model_has_as_a_beta_is_left_out_with_it() {
    let model = "us.anthropic.claude-opus-4-5-20251101-v1:0";
    let yaml = format!(
        "model_list:\n- {{model_name: opus, litellm_params: {{model: bedrock/{model}}}}}\n"
    );
    let fields = |app: &TestApp| {
        let sent = app.bedrock.requests_for(model).pop().unwrap().body;
        sent["additionalModelRequestFields"].clone()
    };
    let messages = json!({"model": "opus", "max_tokens": 4000, "output_config": {"effort": "low"},
        "messages": [{"role": "user", "content": "hello"}]});
    let mut thinking = messages.clone();
    thinking["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    for (body, betas) in [
        (&messages, vec!["effort-2025-11-24"]),
        (&thinking, vec![INTERLEAVED, "effort-2025-11-24"]),
    ] {
        for stream in [false, true] {
            let app = TestApp::builder().config(&yaml).on_converse().start().await;
            let mut body = body.clone();
            body["stream"] = json!(stream);
            let ask = async || {
                let request = app.as_anthropic("/v1/messages", &body);
                let request = request.header("anthropic-beta", betas.join(","));
                let response = request.send().await.unwrap();
                let trail = trail_of(&response);
                assert!(!response.text().await.unwrap().contains("\"error\":{"));
                trail
            };
            assert_eq!(ask().await, "opus:ok");
            assert_eq!(fields(&app)["output_config"], json!({"effort": "low"}));
            assert_eq!(fields(&app)["anthropic_beta"], json!(betas));
            app.bedrock.script(model, [refuses_betas()]);
            assert_eq!(ask().await, "opus:lacks_betas(400), opus:ok");
            for _ in 0..2 {
                let fields = fields(&app);
                assert!(fields.get("anthropic_beta").is_none(), "{fields}");
                assert!(fields.get("output_config").is_none(), "{fields}");
                assert_eq!(ask().await, "opus:ok", "it is remembered");
            }
        }
    }
}
