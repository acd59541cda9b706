//! A refusal of a request with fields of the client's own choosing says nothing of the target: neither that it lacks
//! something nor that it must rest.

use bedrock_sidecar::simulator::Step;
use bedrock_sidecar::store::{Order, Range, keys};
use serde_json::{Value, json};

use super::{Shared, ordinary, with};
use crate::support::keys::post_with;
use crate::support::{PRIMARY, TestApp, trail_of, validation_error};

fn guardrail() -> Value {
    json!({"guardrailIdentifier": "somebody-else-s", "guardrailVersion": "1"})
}

/// Each way in which a client may send Bedrock something of its own choosing.
fn choices() -> Vec<Value> {
    vec![
        json!({"additional_model_request_fields": {"k": 1}}),
        json!({"additionalModelRequestFields": {"anthropic_beta": ["made-up-2025-01-01"]}}),
        json!({"anthropic_beta": ["context-1m-2999-01-01"]}),
        json!({"extra_headers": {"anthropic-beta": "made-up-2025-01-01"}}),
        json!({"guardrailConfig": guardrail()}),
        json!({"guardrail_config": guardrail()}),
        json!({"performanceConfig": {"latency": "optimized"}}),
        json!({"service_tier": "reserved"}),
        json!({"model": "backup", "mock_testing_fallbacks": true, "fallbacks": [{"model": "primary", "guardrailConfig": guardrail()}]}),
    ]
}

/// Refusals in Bedrock's own words.
fn refusals() -> Vec<Step> {
    let caching = "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.";
    let temperature =
        "This model doesn't support the temperature field. Remove temperature and try again.";
    vec![
        Step::fail(
            403,
            "AccessDeniedException",
            "You don't have access to the guardrail.",
        ),
        Step::fail(403, "AccessDeniedException", caching),
        validation_error(temperature),
        validation_error("The provided model identifier is invalid."),
        Step::fail(
            404,
            "ResourceNotFoundException",
            "The guardrail does not exist.",
        ),
        validation_error("Bedrock is unable to process your request."),
        Step::fail(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
    ]
}

#[tokio::test]
async fn a_refusal_of_what_the_client_chose_neither_teaches_nor_cools() {
    for choice in choices() {
        let shared = Shared::new().await;
        for refusal in refusals() {
            for _ in 0..5 {
                shared.app.bedrock.script(PRIMARY, [refusal.clone()]);
                let response = shared.attack(&with(&choice)).await;
                let tried = trail_of(&response);
                assert!(
                    tried.contains("primary:") && !tried.contains("cooling"),
                    "{choice}: {tried}"
                );
                shared.app.bedrock.unscript(PRIMARY);
            }
            shared
                .assert_unharmed(&format!("{choice} and {refusal:?}"))
                .await;
        }
    }
}

#[tokio::test]
async fn throttling_faults_and_silence_cool_whatever_the_client_chose() {
    let body =
        with(&json!({"additional_model_request_fields": {"k": 1}, "guardrailConfig": guardrail()}));
    for (fault, times) in [
        (Step::throttle(), 1),
        (Step::throttle_for_the_day(), 1),
        (Step::unavailable(), 4),
        (Step::reset(), 4),
    ] {
        let shared = Shared::new().await;
        for _ in 0..times {
            shared.app.bedrock.script(PRIMARY, [fault.clone()]);
            shared.attack(&body).await;
        }
        let response = shared.attack(&ordinary()).await;
        assert_eq!(trail_of(&response), "primary:cooling_down, backup:ok");
    }
}

#[tokio::test]
async fn a_tool_of_anthropic_s_with_a_field_of_the_client_s_changes_nothing() {
    let shared = Shared::new().await;
    let caching = "You invoked an unsupported model or your request did not allow prompt caching.";
    let refusal = Step::fail(403, "AccessDeniedException", caching);
    shared.app.bedrock.script(PRIMARY, [refusal]);
    let body = json!({
        "model": "primary", "max_tokens": 100,
        "messages": [{"role": "user", "content": "hello"}],
        "system": "You are an agent. ".repeat(500),
        "tools": [{"type": "bash_20250124", "name": "bash", "did not allow prompt caching": 1}],
    });
    let request = post_with(&shared.app, &shared.hostile, "/v1/messages", &body);
    request.send().await.unwrap();
    shared.assert_unharmed("a defined tool").await;
}

#[tokio::test]
async fn what_agents_send_in_every_request_is_not_of_their_choosing() {
    let shared = Shared::new().await;
    let denied = Step::fail(403, "AccessDeniedException", "You don't have access.");
    // In either dialect.
    let steps = [denied.clone(), denied];
    shared.app.bedrock.script(PRIMARY, steps);
    let body = json!({
        "model": "primary", "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "user", "content": "hello"}],
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    });
    let request = shared.app.post("/v1/messages", &body);
    let betas = "claude-code-20250219,interleaved-thinking-2025-05-14";
    let response = request.header("anthropic-beta", betas).send().await;
    assert!(trail_of(&response.unwrap()).starts_with("primary:access_denied(403)"));
    let response = shared.attack(&ordinary()).await;
    assert_eq!(trail_of(&response), "primary:cooling_down, backup:ok");
}

const ANY: &str = r#"
model_list:
  - {model_name: "bedrock/*", litellm_params: {model: "bedrock/*", aws_region_name: us-east-1}}
  - {model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}
"#;

#[tokio::test]
async fn names_that_clients_make_up_behind_a_pattern_write_nothing_into_the_table() {
    let app = TestApp::builder().config(ANY).on_converse().start().await;
    let invalid = "The provided model identifier is invalid.";
    for n in 0..3 {
        let name = format!("us.made-up.model-{n}");
        app.bedrock.always(&name, validation_error(invalid));
        let body = json!({"model": format!("bedrock/{name}"), "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(app.chat(&body).await.status(), 400);
    }
    app.settle().await;
    let table = app.state.ledger.table();
    let rests = table.query::<Value>(keys::COOLDOWNS, &Range::All, Order::Ascending, 10);
    assert!(rests.await.unwrap().is_empty());
}
