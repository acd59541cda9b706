//! Rests: a failing target is left alone for a while, and nobody notices more than a detour.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{BACKUP, PRIMARY, TestApp, hello, trail_of, validation_error};

async fn state_of_primary(app: &TestApp) -> Value {
    let response = app.get("/health/latest").send().await.unwrap();
    let all: Value = response.json().await.unwrap();
    let states = all["latest_health_checks"].as_object().unwrap().clone();
    assert_eq!(all["total_models"], states.len());
    let mut states = states.into_iter().map(|(_, state)| state);
    states
        .find(|state| state["model_group"] == "primary")
        .unwrap()
}

fn no_such_model() -> Step {
    let message = "The provided model identifier is invalid.";
    validation_error(message)
}

#[tokio::test]
async fn a_throttled_target_rests_and_is_probed_when_its_time_is_up() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    assert_eq!(
        app.trail("primary").await,
        "primary:throttled(429), backup:ok"
    );
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
    assert_eq!(state_of_primary(&app).await["status"], "cooling_down");
    app.clock.advance(Duration::from_secs(6));
    assert_eq!(state_of_primary(&app).await["status"], "on_probation");
    assert_eq!(app.trail("primary").await, "primary:ok");
    assert_eq!(app.trail("primary").await, "primary:ok");
    assert_eq!(state_of_primary(&app).await["status"], "healthy");
}

#[tokio::test]
async fn only_one_request_probes_and_a_failed_probe_means_a_longer_rest() {
    let app = TestApp::builder()
        .settings("  num_retries: 2\n")
        .start()
        .await;
    app.bedrock.script(
        PRIMARY,
        [Step::throttle(), Step::throttle(), Step::throttle()],
    );
    assert!(app.trail("primary").await.ends_with("backup:ok"));
    app.clock.advance(Duration::from_secs(6));

    let slow = Step::unavailable().slow_head(Duration::from_millis(300));
    app.bedrock.script(PRIMARY, [slow]);
    let (probe, other) = tokio::join!(app.trail("primary"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        app.trail("primary").await
    });
    assert_eq!(
        probe, "primary:unavailable(503), backup:ok",
        "a probe is one try"
    );
    assert_eq!(other, "primary:cooling_down, backup:ok");

    app.clock.advance(Duration::from_secs(6));
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
    app.clock.advance(Duration::from_secs(5));
    assert_eq!(app.trail("primary").await, "primary:ok");
}

#[tokio::test]
async fn faults_make_a_target_rest_only_when_there_are_too_many_within_a_minute() {
    let app = TestApp::new().await;
    for _ in 0..3 {
        app.bedrock.script(PRIMARY, [Step::unavailable()]);
        assert!(
            app.trail("primary")
                .await
                .starts_with("primary:unavailable")
        );
    }
    app.clock.advance(Duration::from_secs(61));
    for _ in 0..4 {
        app.bedrock.script(PRIMARY, [Step::unavailable()]);
        assert!(
            app.trail("primary")
                .await
                .starts_with("primary:unavailable")
        );
    }
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
}

#[tokio::test]
async fn a_model_that_is_gone_is_tried_rarely() {
    let app = TestApp::new().await;
    app.bedrock.always(PRIMARY, no_such_model());
    for _ in 0..30 {
        app.chat_json(&hello("primary")).await;
        app.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(
        app.bedrock.requests_for(PRIMARY).len(),
        1,
        "once in five minutes"
    );
    app.clock.advance(Duration::from_secs(5));
    app.chat_json(&hello("primary")).await;
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 2);
}

#[tokio::test]
async fn a_retired_model_of_the_bundled_configuration_is_tried_once_in_five_minutes() {
    let file = include_str!("../config/default_config.yml");
    let app = TestApp::builder().config(file).start().await;
    for _ in 0..5 {
        app.chat_json(&hello("bedrock-us-claude-3-5-sonnet-v2"))
            .await;
    }
    let retired = "us.anthropic.claude-3-5-sonnet-20241022-v2:0";
    assert_eq!(app.bedrock.requests_for(retired).len(), 1);
}

#[tokio::test]
async fn a_rest_never_makes_an_outage() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.bedrock.script(BACKUP, [Step::throttle()]);
    app.bedrock.script(crate::support::LAST, [Step::throttle()]);
    assert_eq!(app.chat(&hello("primary")).await.status(), 429);
    // All three rest, and all three are well again.
    let response = app.chat(&hello("primary")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        trail_of(&response),
        "primary:cooling_down, backup:cooling_down, last:cooling_down, primary:ok"
    );
}

#[tokio::test]
async fn a_target_without_a_fallback_is_asked_while_it_rests_with_all_its_retries() {
    let app = TestApp::builder()
        .settings("  num_retries: 1\n")
        .start()
        .await;
    let alone = hello("last");
    app.bedrock.script(
        crate::support::LAST,
        [Step::throttle(), Step::throttle(), Step::throttle()],
    );
    assert_eq!(app.chat(&alone).await.status(), 429);
    let response = app.chat(&alone).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        trail_of(&response),
        "last:cooling_down, last:throttled(429), last:ok"
    );
}

#[tokio::test]
async fn a_rest_lasts_as_long_as_bedrock_asks_and_as_the_deployment_says() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::throttle().retry_after("90")]);
    app.trail("primary").await;
    app.clock.advance(Duration::from_secs(80));
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
    app.clock.advance(Duration::from_secs(11));
    assert_eq!(app.trail("primary").await, "primary:ok");

    let app = TestApp::builder()
        .settings("  cooldown_time: 60\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.trail("primary").await;
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
}

#[tokio::test]
async fn cooldowns_can_be_switched_off() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    for _ in 0..3 {
        app.bedrock.script(PRIMARY, [Step::throttle()]);
        assert_eq!(
            app.trail("primary").await,
            "primary:throttled(429), backup:ok"
        );
    }
}

#[tokio::test]
async fn a_caller_in_a_hurry_makes_nobody_rest() {
    let app = TestApp::new().await;
    let slow = Step::text("Late.").slow_head(Duration::from_millis(500));
    app.bedrock.script(PRIMARY, [slow]);
    let mut body = hello("primary");
    body["timeout"] = json!(0.1);
    body["stream"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(
        trail_of(&response),
        "primary:first_event_timeout, backup:ok"
    );
    assert_eq!(app.trail("primary").await, "primary:ok");
}

#[tokio::test]
async fn another_instance_learns_of_a_rest_within_ten_seconds() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    assert_eq!(other.trail("primary").await, "primary:ok");
    app.bedrock.script(PRIMARY, [no_such_model()]);
    app.trail("primary").await;
    app.settle().await;
    other.clock.advance(Duration::from_secs(11));
    assert_eq!(
        other.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
    assert_eq!(
        state_of_primary(&other).await["last_failure_class"],
        "no_such_model"
    );

    let newcomer = app.another_instance().await;
    assert_eq!(
        newcomer.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
}

#[tokio::test]
async fn siblings_share_the_load_by_weight_and_by_order() {
    let yaml = r#"
model_list:
  - {model_name: pool, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, weight: 3}}
  - {model_name: pool, litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0, weight: 1}}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, weight: 0}}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    // Each is a conversation of its own: one that begins as another did stays where that one is cached.
    for number in 0..80 {
        let mut body = hello("pool");
        body["messages"][0]["content"] = json!(number.to_string());
        app.chat_json(&body).await;
    }
    let asked = |model: &str| app.bedrock.requests_for(model).len();
    assert!((50..70).contains(&asked(PRIMARY)), "{}", asked(PRIMARY));
    assert_eq!(asked(PRIMARY) + asked(BACKUP), 80);

    // The one that weighs nothing stands in reserve.
    app.bedrock.always(PRIMARY, Step::throttle());
    app.bedrock.always(BACKUP, Step::throttle());
    app.chat_json(&hello("pool")).await;
    assert_eq!(asked(crate::support::LAST), 1);
}

#[tokio::test]
async fn how_long_targets_rest_and_what_they_may_do_before_is_the_configuration_s() {
    let app = TestApp::builder()
        .settings("  long_cooldown_time: 20\n  allowed_fails: 0\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [no_such_model()]);
    app.trail("primary").await;
    app.clock.advance(Duration::from_secs(19));
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(app.trail("primary").await, "primary:ok");
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    app.trail("primary").await;
    assert_eq!(
        app.trail("primary").await,
        "primary:cooling_down, backup:ok"
    );
}
