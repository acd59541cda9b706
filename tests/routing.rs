//! Chains as requests and people change them.

use std::time::Duration;

use bedrock_sidecar::chain::SaveError;
use bedrock_sidecar::config::{Changes, Fallbacks};
use bedrock_sidecar::simulator::{FaultKind, Step};
use serde_json::{Value, json};

use crate::support::{BACKUP, LAST, PRIMARY, TestApp, header, hello, tokens, trail_of};

async fn trail(app: &TestApp, body: &Value) -> String {
    let response = app.chat(body).await;
    trail_of(&response)
}

fn primary_to(target: &str) -> Changes {
    let fallbacks = Fallbacks {
        general: [("primary".to_owned(), vec![target.to_owned()])].into(),
        ..Fallbacks::default()
    };
    Changes {
        fallbacks: Some(fallbacks),
        ..Changes::default()
    }
}

#[tokio::test]
async fn a_request_names_its_own_fallbacks_in_each_of_litellm_s_forms() {
    let forms = [
        json!(["last"]),
        json!([{"model": "last"}]),
        json!([{"primary": ["last"]}]),
        json!([{"favourite": ["last"]}, {"backup": ["primary"]}]),
        json!(["us.amazon.nova-pro-v1:0"]),
    ];
    for form in forms {
        let app = TestApp::new().await;
        app.bedrock.script(PRIMARY, [Step::unavailable()]);
        let mut body = hello("primary");
        body["fallbacks"] = form.clone();
        assert_eq!(
            trail(&app, &body).await,
            "primary:unavailable(503), last:ok",
            "{form}"
        );
    }
}

#[tokio::test]
async fn a_fallback_can_be_asked_something_else() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    let mut body = hello("primary");
    body["fallbacks"] = json!([{"model": "last", "max_tokens": 7, "messages": [{"role": "user", "content": "shorter"}]}]);
    assert_eq!(app.chat(&body).await.status(), 200);
    let asked = &app.bedrock.requests_for(LAST)[0].body;
    assert_eq!(asked["inferenceConfig"]["maxTokens"], 7);
    assert_eq!(asked["messages"][0]["content"][0]["text"], "shorter");
    let first = &app.bedrock.requests_for(PRIMARY)[0].body;
    assert_eq!(first["messages"][0]["content"][0]["text"], "hello");
}

#[tokio::test]
async fn an_unknown_fallback_is_refused_before_anything_is_called() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    body["fallbacks"] = json!(["nope"]);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["param"], "fallbacks");
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn a_request_s_timeout_holds_for_each_attempt() {
    let app = TestApp::new().await;
    // Events in time, but no end: a limit for the whole where the answer is one.
    let slow = Step::text("one two three four").pace(Duration::from_millis(150));
    app.bedrock.script(PRIMARY, [slow.clone()]);
    let mut body = hello("primary");
    body["timeout"] = json!(0.3);
    assert_eq!(trail(&app, &body).await, "primary:too_slow, backup:ok");

    // A stream has all the time it needs, once it has begun.
    app.bedrock.script(PRIMARY, [slow]);
    let chunks = app.chat_stream(&body).await;
    assert_eq!(chunks.text(), "one two three four");
    assert!(chunks.done);
}

#[tokio::test]
async fn a_timeout_that_is_none_is_refused() {
    let app = TestApp::new().await;
    for timeout in [json!(0), json!(-1)] {
        let mut body = hello("primary");
        body["timeout"] = timeout;
        assert_eq!(app.chat(&body).await.status(), 400);
    }
}

#[tokio::test]
async fn a_retry_policy_goes_by_the_kind_of_the_failure() {
    let app = TestApp::builder().settings("  retry_policy: {RateLimitErrorRetries: 2, InternalServerErrorRetries: 0, TimeoutErrorRetries: 1}
  model_group_retry_policy: {last: {RateLimitErrorRetries: 1}}
").start()
    .await;
    // The settings stand under router_settings, whose num_retries would be 2 by default.
    app.bedrock.always("*", Step::throttle());
    let response = app.chat(&hello("last")).await;
    assert_eq!(response.status(), 429);
    assert_eq!(app.bedrock.requests_for(LAST).len(), 2);
    app.chat(&hello("backup")).await;
    assert_eq!(app.bedrock.requests_for(BACKUP).len(), 3);
    app.bedrock.reset();
    app.bedrock.always("*", Step::unavailable());
    app.chat(&hello("backup")).await;
    assert_eq!(app.bedrock.requests_for(BACKUP).len(), 1);
}

#[tokio::test]
async fn max_fallbacks_bounds_the_chain() {
    let app = TestApp::builder()
        .settings("  max_fallbacks: 1\n")
        .start()
        .await;
    app.bedrock.always("*", Step::unavailable());
    app.chat(&hello("primary")).await;
    assert!(app.bedrock.requests_for(LAST).is_empty());
    assert_eq!(app.bedrock.requests_for(BACKUP).len(), 1);
}

#[tokio::test]
async fn the_list_of_models_shows_the_chains_to_those_who_ask() {
    let app = TestApp::new().await;
    let list = async |path: &str| {
        let response = app.get(path).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    };
    let plain = list("/v1/models").await;
    assert!(plain["data"][0].get("metadata").is_none());
    let list = list("/v1/models?include_metadata=true").await;
    assert_eq!(
        list["data"][0]["metadata"]["fallbacks"],
        json!(["backup", "last"])
    );
    assert_eq!(list["data"][1]["metadata"]["fallbacks"], json!([]));
}

#[tokio::test]
async fn saved_fallbacks_are_in_force_here_at_once_and_elsewhere_within_ten_seconds() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let body = hello("primary");
    app.bedrock.always(PRIMARY, Step::unavailable());
    assert!(trail(&other, &body).await.ends_with("backup:ok"));

    let saved = app.state.routes.save(primary_to("last"), None).await;
    assert_eq!(saved.unwrap().version, 1);
    assert!(trail(&app, &body).await.ends_with("last:ok"));
    assert!(
        trail(&other, &body).await.ends_with("backup:ok"),
        "its copy is fresh enough"
    );
    other.clock.advance(Duration::from_secs(11));
    assert!(trail(&other, &body).await.ends_with("last:ok"));

    // The file's again.
    app.state
        .routes
        .save(Changes::default(), Some(1))
        .await
        .unwrap();
    assert!(trail(&app, &body).await.ends_with("backup:ok"));
    other.clock.advance(Duration::from_secs(11));
    assert!(trail(&other, &body).await.ends_with("backup:ok"));
}

#[tokio::test]
async fn two_people_who_save_do_not_overwrite_each_other() {
    let app = TestApp::new().await;
    let routes = &app.state.routes;
    routes.save(primary_to("last"), None).await.unwrap();
    let late = routes.save(primary_to("backup"), None).await;
    assert!(matches!(late, Err(SaveError::Conflict)), "{late:?}");
    let wrong = routes.save(primary_to("nope"), Some(1)).await;
    assert!(matches!(wrong, Err(SaveError::Invalid(_))), "{wrong:?}");
    assert_eq!(routes.saved().await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn a_saved_order_of_deployments_goes_before_weights() {
    let yaml = r#"
model_list:
  - {model_name: pool, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, weight: 9}}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, weight: 1}}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let ids = app.state.routes.targets("pool").into_iter().rev();
    let ids = ids.map(|target| target.deployment_id().to_owned());
    let changes = Changes {
        order: [("pool".to_owned(), ids.collect())].into(),
        ..Changes::default()
    };
    app.state.routes.save(changes, None).await.unwrap();
    for _ in 0..20 {
        app.chat_json(&hello("pool")).await;
    }
    assert_eq!(app.bedrock.requests_for(LAST).len(), 20);
    app.bedrock.script(LAST, [Step::throttle()]);
    app.chat_json(&hello("pool")).await;
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 1);
}

const LIMITED: &str = r#"
model_list:
  - {model_name: pool, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, order: 1, LIMIT}}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, order: 2}}
  - {model_name: alone, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, rpm: 1}}
"#;

#[tokio::test]
async fn a_deployment_s_requests_per_minute_are_counted_by_all_instances_together() {
    let app = TestApp::builder()
        .config(&LIMITED.replace("LIMIT", "rpm: 2"))
        .start()
        .await;
    let other = app.another_instance().await;
    let body = hello("pool");
    assert_eq!(trail(&app, &body).await, "pool:ok");
    assert_eq!(trail(&other, &body).await, "pool:ok");
    for instance in [&app, &other] {
        let trail = trail(instance, &body).await;
        assert_eq!(trail, "pool:limit_reached(429), pool:ok");
    }
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 2);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(trail(&app, &body).await, "pool:ok");
}

#[tokio::test]
async fn a_deployment_s_tokens_per_minute_are_those_that_were_really_used() {
    use bedrock_sidecar::simulator::ScriptedReply;
    let app = TestApp::builder()
        .config(&LIMITED.replace("LIMIT", "tpm: 1000"))
        .start()
        .await;
    let costly = Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(700, 400)));
    app.bedrock.always(PRIMARY, costly);
    let body = hello("pool");
    assert_eq!(trail(&app, &body).await, "pool:ok");
    app.settle().await;
    assert_eq!(trail(&app, &body).await, "pool:limit_reached(429), pool:ok");
}

#[tokio::test]
async fn a_full_minute_without_anybody_else_is_429_and_says_when_it_ends() {
    let app = TestApp::builder()
        .config(&LIMITED.replace("LIMIT", "rpm: 1"))
        .start()
        .await;
    app.chat_json(&hello("alone")).await;
    let response = app.chat(&hello("alone")).await;
    assert_eq!(response.status(), 429);
    let wait: u64 = header(&response, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
}

#[tokio::test]
async fn a_deployment_with_a_mock_response_answers_it_without_a_call_and_without_a_cost() {
    let app = TestApp::builder()
        .config(
            r#"
model_list:
  - model_name: canned
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, mock_response: "Nothing was called."}
"#,
        )
        .start()
        .await;
    let reply = app.chat_json(&hello("canned")).await;
    assert_eq!(
        reply["choices"][0]["message"]["content"],
        "Nothing was called."
    );
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert_eq!(record["spend"].to_string(), "0");
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn a_deployment_s_own_patience_goes_before_the_common_one() {
    let yaml = r#"
model_list:
  - model_name: hasty
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, timeout: 0.3, stream_timeout: 0.15, num_retries: 1, cooldown_time: 60}
  - {model_name: calm, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
litellm_settings: {num_retries: 0, default_fallbacks: [calm]}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let mut body = hello("hasty");
    // `timeout`: an answer as a whole.
    let slow = Step::text("one two three four").pace(Duration::from_millis(100));
    app.bedrock.script(PRIMARY, [slow]);
    assert_eq!(trail(&app, &body).await, "hasty:too_slow, calm:ok");
    // `num_retries`, `cooldown_time`, and `default_fallbacks` behind it.
    app.bedrock
        .script(PRIMARY, [Step::throttle(), Step::throttle()]);
    let twice = "hasty:throttled(429), hasty:throttled(429), calm:ok";
    assert_eq!(trail(&app, &body).await, twice);
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(trail(&app, &body).await, "hasty:cooling_down, calm:ok");
    app.clock.advance(Duration::from_secs(2));
    // `stream_timeout`: the first event of a stream, and the silence between two.
    body["stream"] = json!(true);
    let late = Step::text("Late.").slow_first_event(Duration::from_secs(9));
    app.bedrock.script(PRIMARY, [late]);
    assert_eq!(
        trail(&app, &body).await,
        "hasty:first_event_timeout, calm:ok"
    );
    app.clock.advance(Duration::from_secs(300));
    let halting = Step::text("one two three four").fault(3, FaultKind::Silence);
    app.bedrock.script(PRIMARY, [halting]);
    let chunks = app.chat_stream(&body).await;
    let error = chunks.error().unwrap()["message"].as_str().unwrap();
    assert!(error.contains("fell silent"), "{error}");
}

#[tokio::test]
async fn a_silent_target_is_asked_again_where_the_retry_policy_says_so() {
    let app = TestApp::builder()
        .settings("  request_timeout: 0.1\n  retry_policy: {TimeoutErrorRetries: 1}\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let trail = trail(&app, &hello("primary")).await;
    assert_eq!(trail, "primary:first_event_timeout, primary:ok");
}

#[tokio::test]
async fn retry_after_is_the_least_pause_between_two_tries() {
    let app = TestApp::builder()
        .settings("  retry_after: 0.3\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    let mut body = hello("primary");
    body["num_retries"] = json!(1);
    assert_eq!(app.chat(&body).await.status(), 200);
    let seen = app.bedrock.requests_for(PRIMARY);
    let gap = seen[1].at.duration_since(seen[0].at).unwrap();
    assert!(gap >= Duration::from_millis(300), "{gap:?}");
}
