//! `max_parallel_requests`: a deployment is asked by at most so many requests at once, on all instances together.

use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::Step;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp, hello, read_sse, silent_port, trail_of};

pub const LIMITED: &str = r#"
model_list:
  - model_name: pool
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, order: 1, max_parallel_requests: 1}
    model_info: {id: limited}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, order: 2}}
  - {model_name: alone, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0, max_parallel_requests: 1}}
litellm_settings: {num_retries: 0}
"#;

pub const FULL: &str = "pool:limit_reached(429), pool:ok";

/// A stream that has begun and will not end soon.
async fn under_way(app: &TestApp) -> Response {
    let slow = Step::text("one two three four five six").pace(Duration::from_millis(100));
    app.bedrock.script(PRIMARY, [slow]);
    let mut body = hello("pool");
    body["stream"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(trail_of(&response), "pool:ok");
    response
}

#[tokio::test]
async fn a_deployment_that_is_busy_is_passed_over_on_every_instance_until_its_answer_ends() {
    let app = TestApp::builder().config(LIMITED).start().await;
    let other = app.another_instance().await;
    let answer = under_way(&app).await;
    assert_eq!(other.trail("pool").await, FULL);
    assert_eq!(app.trail("pool").await, FULL);
    assert!(read_sse(answer).await.done);
    app.settle().await;
    assert_eq!(other.trail("pool").await, "pool:ok");
    other.settle().await;
    assert_eq!(app.trail("pool").await, "pool:ok");
}

#[tokio::test]
async fn a_busy_deployment_without_anybody_else_is_429_in_words() {
    let app = TestApp::builder().config(LIMITED).start().await;
    let slow = Step::text("Late.").slow_head(Duration::from_millis(300));
    app.bedrock.script("us.amazon.nova-lite-v1:0", [slow]);
    let asked = hello("alone");
    let (first, second) = tokio::join!(app.chat(&asked), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.chat(&asked).await
    });
    assert_eq!(first.status(), 200);
    assert_eq!(second.status(), 429);
    let error: Value = second.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("max_parallel_requests 1"), "{message}");
}

#[tokio::test]
async fn an_answer_whose_client_has_gone_keeps_its_slot_until_it_is_drained() {
    let app = TestApp::builder().config(LIMITED).start().await;
    drop(under_way(&app).await);
    assert_eq!(app.trail("pool").await, FULL);
    app.settle().await;
    assert_eq!(app.trail("pool").await, "pool:ok");
}

#[tokio::test]
async fn a_failed_attempt_frees_its_slot_before_the_next_try() {
    let app = TestApp::builder()
        .config(&LIMITED.replace("num_retries: 0", "num_retries: 1"))
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    assert_eq!(app.trail("pool").await, "pool:unavailable(503), pool:ok");
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 2);
}

#[tokio::test]
async fn a_silent_table_lets_every_request_pass_after_a_tenth_of_a_second() {
    let (_listener, url) = silent_port().await;
    let settings = "router_settings: {record_timeout: 0.1}\n";
    let app = TestApp::builder()
        .config(LIMITED)
        .settings(settings)
        .table_at(&url)
        .start()
        .await;
    let _answer = under_way(&app).await;
    let began = Instant::now();
    assert_eq!(app.trail("pool").await, "pool:ok");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn an_attempt_that_is_given_up_while_it_waits_for_its_slot_keeps_none() {
    let app = TestApp::builder().config(LIMITED).start().await;
    let mut hasty = hello("pool");
    hasty["timeout"] = json!(0.000_1);
    hasty["disable_fallbacks"] = json!(true);
    for _ in 0..5 {
        app.chat(&hasty).await;
    }
    // It is freed behind the request's back.
    let began = Instant::now();
    while app.trail("pool").await != "pool:ok" {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it is never freed"
        );
    }
}
