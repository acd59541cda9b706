//! Fallback: any failure before the first byte leads to the next target of the chain.

use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{BACKUP, LAST, PRIMARY, TestApp, header, hello, trail_of, validation_error};

#[tokio::test]
async fn any_failure_before_the_first_byte_leads_to_the_next_target() {
    let failures = [
        ("throttled(429)", Step::throttle()),
        ("daily_quota(429)", Step::throttle_for_the_day()),
        ("unavailable(503)", Step::unavailable()),
        ("unavailable(500)", Step::internal_error()),
        ("unavailable(529)", Step::bare_status(529, "overloaded")),
        ("unavailable(502)", Step::html(502)),
        ("connection", Step::reset()),
        (
            "access_denied(403)",
            Step::fail(
                403,
                "AccessDeniedException",
                "You don't have access to the model.",
            ),
        ),
        (
            "no_such_model(400)",
            validation_error("The provided model identifier is invalid."),
        ),
        (
            "rejected(400)",
            validation_error("Something about this model only."),
        ),
        (
            "unavailable(424)",
            Step::fail(424, "ModelErrorException", "The model failed."),
        ),
    ];
    for (outcome, step) in failures {
        for stream in [false, true] {
            let app = TestApp::new().await;
            app.bedrock.script(PRIMARY, [step.clone()]);
            let mut body = hello("primary");
            body["stream"] = json!(stream);
            let response = app.chat(&body).await;
            assert_eq!(response.status(), 200, "{outcome}");
            assert_eq!(
                header(&response, "x-litellm-model-group"),
                "backup",
                "{outcome}"
            );
            assert_eq!(header(&response, "x-litellm-attempted-fallbacks"), "1");
            assert!(trail_of(&response).starts_with(&format!("primary:{outcome}, backup:ok")));
            let text = response.text().await.unwrap();
            assert!(text.contains(r#""model":"backup""#), "{text}");
        }
    }
}

#[tokio::test]
async fn a_silent_target_is_asked_once_and_left_after_its_time() {
    let app = TestApp::builder()
        .settings("  request_timeout: 0.1\n  num_retries: 3\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(
        trail_of(&response),
        "primary:first_event_timeout, backup:ok"
    );
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 1);
}

/// The least that each wire needs.
fn least() -> [(&'static str, Value); 3] {
    let messages = json!([{"role": "user", "content": "hi"}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": "primary", "messages": messages}),
        ),
        (
            "/v1/messages",
            json!({"model": "primary", "max_tokens": 100, "messages": messages}),
        ),
        ("/v1/responses", json!({"model": "primary", "input": "hi"})),
    ]
}

#[tokio::test]
async fn a_target_is_tried_again_as_often_as_the_request_says() {
    for (path, mut body) in least() {
        let app = TestApp::new().await;
        let failures = [Step::unavailable(), Step::reset()];
        app.bedrock.script(
            PRIMARY,
            failures.into_iter().chain([Step::text("At last.")]),
        );
        body["num_retries"] = json!(2);
        let response = app.post(path, &body).send().await.unwrap();
        assert_eq!(header(&response, "x-litellm-attempted-retries"), "2");
        assert_eq!(header(&response, "x-litellm-attempted-fallbacks"), "0");
        assert!(
            !response.headers().contains_key("x-sidecar-dropped"),
            "{path}"
        );
        assert!(
            response.text().await.unwrap().contains("At last."),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_target_is_waited_for_as_long_as_the_request_says() {
    for field in ["timeout", "stream_timeout"] {
        for (path, mut body) in least() {
            let app = TestApp::builder()
                .settings("  num_retries: 0\n")
                .start()
                .await;
            app.bedrock.script(PRIMARY, [Step::hang()]);
            body[field] = json!(0.2);
            body["stream"] = json!(true);
            let response = app.post(path, &body).send().await.unwrap();
            let trail = trail_of(&response);
            assert!(
                trail.starts_with("primary:first_event_timeout, backup:ok"),
                "{path} {trail}"
            );
        }
    }
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::throttle().retry_after("0.3")]);
    let mut body = hello("primary");
    body["num_retries"] = json!(1);
    body["disable_fallbacks"] = json!(true);
    assert_eq!(app.chat(&body).await.status(), 200);
    let seen = app.bedrock.requests_for(PRIMARY);
    let gap = seen[1].at.duration_since(seen[0].at).unwrap();
    assert!(gap >= Duration::from_millis(300), "{gap:?}");
}

#[tokio::test]
async fn a_long_retry_after_means_move_on_and_is_passed_on_when_nobody_answers() {
    let app = TestApp::builder()
        .settings("  num_retries: 2\n")
        .start()
        .await;
    app.bedrock.always("*", Step::throttle().retry_after("90"));
    let response = app.chat(&hello("primary")).await;
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "retry-after"), "90");
    assert_eq!(app.bedrock.requests().len(), 3);
}

#[tokio::test]
async fn a_sibling_deployment_is_preferred_to_a_pause() {
    let yaml = r#"
model_list:
  - {model_name: pool, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, order: 1}}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, order: 2}}
litellm_settings: {num_retries: 2}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    app.bedrock
        .script(PRIMARY, [Step::throttle().retry_after("30")]);
    let response = app.chat(&hello("pool")).await;
    assert_eq!(trail_of(&response), "pool:throttled(429), pool:ok");
}

#[tokio::test]
async fn when_all_fail_the_caller_gets_the_first_target_s_error_and_the_trail() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::fail(
            403,
            "AccessDeniedException",
            "No access to the first.",
        )],
    );
    app.bedrock.script(BACKUP, [Step::unavailable()]);
    app.bedrock.script(LAST, [Step::throttle()]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(response.status(), 403);
    assert_eq!(
        trail_of(&response),
        "primary:access_denied(403), backup:unavailable(503), last:throttled(429)"
    );
    let body: Value = response.json().await.unwrap();
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("No access to the first.")
    );
}

#[tokio::test]
async fn mock_testing_fallbacks_makes_the_first_group_fail_without_a_call() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    body["mock_testing_fallbacks"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(header(&response, "x-litellm-model-group"), "backup");
    assert_eq!(trail_of(&response), "primary:mocked, backup:ok");
    let reply: Value = response.json().await.unwrap();
    assert_eq!(reply["model"], "backup");
    assert!(app.bedrock.requests_for(PRIMARY).is_empty());
}

#[tokio::test]
async fn disable_fallbacks_keeps_to_the_group_that_was_asked_for() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    let mut body = hello("primary");
    body["disable_fallbacks"] = json!(true);
    assert_eq!(app.chat(&body).await.status(), 503);
    assert_eq!(app.bedrock.requests().len(), 1);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_goes_only_to_a_larger_window_else_says_so() {
    let too_long = || validation_error("Input is too long for requested model.");
    let app = TestApp::new().await;
    // `backup` has the same window as `primary`, `last` a larger one.
    app.bedrock.script(PRIMARY, [too_long()]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(trail_of(&response), "primary:context_window(400), last:ok");

    app.bedrock.script(PRIMARY, [too_long()]);
    app.bedrock.script(LAST, [too_long()]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "context_length_exceeded");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("prompt is too long")
    );
}

#[tokio::test]
async fn a_filtered_prompt_goes_nowhere_else_unless_configured() {
    let filtered = || validation_error("Output blocked by content filtering policy");
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [filtered()]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(response.status(), 400);
    assert_eq!(app.bedrock.requests().len(), 1);

    let app = TestApp::builder()
        .settings("  content_policy_fallbacks: [{primary: [last]}]\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [filtered()]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(header(&response, "x-litellm-model-group"), "last");
}

#[tokio::test]
async fn what_a_target_lacks_is_left_out_once_and_remembered() {
    let app = TestApp::new().await;
    let refusal = "You invoked an unsupported model or your request did not allow prompt caching.";
    app.bedrock
        .script(PRIMARY, [Step::fail(403, "AccessDeniedException", refusal)]);
    let body = json!({"model": "primary", "messages": [
        {"role": "user", "content": "hello", "cache_control": {"type": "ephemeral"}},
    ]});
    let response = app.chat(&body).await;
    assert_eq!(
        trail_of(&response),
        "primary:lacks_caching(403), primary:ok"
    );
    app.chat_json(&body).await;
    let seen = app.bedrock.requests_for(PRIMARY);
    let points: Vec<bool> = seen
        .iter()
        .map(|seen| seen.body.to_string().contains("cachePoint"))
        .collect();
    assert_eq!(points, [true, false, false]);
}

#[tokio::test]
async fn a_retry_that_cannot_finish_is_not_started() {
    let app = TestApp::builder()
        .settings("  total_timeout: 1\n  num_retries: 2\n")
        .start()
        .await;
    app.bedrock
        .script(PRIMARY, [Step::throttle().retry_after("30")]);
    let response = app.chat(&hello("primary")).await;
    assert_eq!(trail_of(&response), "primary:throttled(429), backup:ok");
}

#[tokio::test]
async fn each_kind_of_failure_has_its_own_fallbacks_and_can_be_tried_out() {
    let app = TestApp::builder().settings("  context_window_fallbacks: [{primary: [backup]}]\n  content_policy_fallbacks: [{primary: [last]}]\n").start()
    .await;
    for (field, expected) in [
        ("mock_testing_fallbacks", "primary:mocked, backup:ok"),
        (
            "mock_testing_context_window_fallbacks",
            "primary:context_window, backup:ok",
        ),
        (
            "mock_testing_content_policy_fallbacks",
            "primary:content_filtered, last:ok",
        ),
    ] {
        let mut body = hello("primary");
        body[field] = json!(true);
        assert_eq!(trail_of(&app.chat(&body).await), expected);
    }
    assert!(app.bedrock.requests_for(PRIMARY).is_empty());
}

#[tokio::test]
async fn nobody_waits_before_moving_on() {
    let yaml = r#"
model_list:
  - {model_name: a, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, num_retries: 0}}
  - {model_name: b, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, num_retries: 0}}
  - {model_name: c, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0}}
litellm_settings: {fallbacks: [{a: [b, c]}]}
"#;
    let app = TestApp::builder().config(yaml).real_pauses().start().await;
    app.bedrock.always(PRIMARY, Step::unavailable());
    app.bedrock.always(LAST, Step::throttle());
    let began = Instant::now();
    let trail = trail_of(&app.chat(&hello("a")).await);
    assert_eq!(trail, "a:unavailable(503), b:throttled(429), c:ok");
    // The shortest pause is half a second.
    assert!(
        began.elapsed() < Duration::from_millis(450),
        "{:?}",
        began.elapsed()
    );
}
