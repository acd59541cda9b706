//! How often, how much and how many at once: limits of a key, kept by all instances together.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::keys::{chat_as, key};
use crate::support::{PRIMARY, TestApp, header, hello, tokens};

async fn ask(app: &TestApp, key: &str, model: &str) -> Response {
    chat_as(app, key, &hello(model)).await
}

async fn message(response: Response) -> String {
    let body: Value = response.json().await.unwrap();
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requests_a_minute_are_counted_over_all_instances() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let key = key(&app, json!({"rpm_limit": 3, "key_alias": "slow"})).await;
    for (app, remaining) in [(&app, "2"), (&other, "1"), (&app, "0")] {
        let response = ask(app, &key, "primary").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "x-ratelimit-api_key-limit-requests"), "3");
        assert_eq!(
            header(&response, "x-ratelimit-api_key-remaining-requests"),
            remaining
        );
        assert_eq!(header(&response, "x-litellm-key-rpm-limit"), "3");
    }
    let refused = ask(&other, &key, "primary").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        header(&refused, "x-ratelimit-api_key-remaining-requests"),
        "0"
    );
    let id = header(&refused, "x-litellm-call-id").to_owned();
    let message = message(refused).await;
    assert!(
        message.starts_with("Rate limit exceeded for api_key: slow. Limit type: requests. Current limit: 3, Remaining: 0. Limit resets at: "),
        "{message}"
    );
    assert_eq!(other.record(&id).await["status"], "failure");
    assert_eq!(app.bedrock.requests().len(), 3);

    app.clock.advance(Duration::from_secs(wait));
    assert_eq!(ask(&app, &key, "primary").await.status(), 200);
}

#[tokio::test]
async fn tokens_a_minute_are_corrected_by_what_was_used() {
    let app = TestApp::new().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(400, 500))),
    );
    let key = key(&app, json!({"tpm_limit": 1000})).await;
    let first = ask(&app, &key, "primary").await;
    assert_eq!(first.status(), 200);
    let remaining: u64 = header(&first, "x-ratelimit-api_key-remaining-tokens")
        .parse()
        .unwrap();
    assert!(
        remaining > 950,
        "only the prompt's estimate is counted yet: {remaining}"
    );
    app.settle().await;
    let second = ask(&app, &key, "primary").await;
    let remaining: u64 = header(&second, "x-ratelimit-api_key-remaining-tokens")
        .parse()
        .unwrap();
    assert!(remaining <= 100, "{remaining}");
    app.settle().await;
    let third = ask(&app, &key, "primary").await;
    assert_eq!(third.status(), 429);
    assert_eq!(header(&third, "x-ratelimit-api_key-limit-tokens"), "1000");
    assert!(message(third).await.contains("Limit type: tokens"));
}

#[tokio::test]
async fn a_prompt_that_no_minute_has_room_for_is_refused() {
    let app = TestApp::new().await;
    let none = key(&app, json!({"rpm_limit": 0})).await;
    assert_eq!(ask(&app, &none, "primary").await.status(), 429);
    let key = key(&app, json!({"tpm_limit": 10})).await;
    let long =
        json!({"model": "primary", "messages": [{"role": "user", "content": "word ".repeat(100)}]});
    let response = chat_as(&app, &key, &long).await;
    assert_eq!(response.status(), 429);
    assert_eq!(ask(&app, &key, "primary").await.status(), 200);
}

#[tokio::test]
async fn a_model_has_limits_of_its_own() {
    let app = TestApp::new().await;
    let key = key(
        &app,
        json!({"model_rpm_limit": {"favourite": 1}, "model_tpm_limit": {"backup": 0}}),
    )
    .await;
    let first = ask(&app, &key, "primary").await;
    assert_eq!(
        header(&first, "x-ratelimit-model_per_key-remaining-requests"),
        "0"
    );
    // By whatever name it is asked for.
    let second = ask(&app, &key, "favourite").await;
    assert_eq!(second.status(), 429);
    assert!(message(second).await.contains("model_per_key"));
    assert_eq!(ask(&app, &key, "last").await.status(), 200);
    assert_eq!(ask(&app, &key, "backup").await.status(), 429);
}

#[tokio::test]
async fn so_many_at_once_and_no_more() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    app.bedrock.always(
        PRIMARY,
        Step::text("one two three").slow_first_event(Duration::from_millis(400)),
    );
    let key = key(&app, json!({"max_parallel_requests": 2})).await;
    let requests = (0..6).map(|n| ask(if n % 2 == 0 { &app } else { &other }, &key, "primary"));
    let answers = join_all(requests).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status() == status)
            .count()
    };
    assert_eq!((count(200), count(429)), (2, 4));
    // A client that asks one by one is never in its own way.
    for _ in 0..5 {
        app.bedrock.script(PRIMARY, [Step::text("Hi.")]);
        let response = ask(&app, &key, "primary").await;
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_its_budget_refuses_frees_its_slot() {
    let app = TestApp::new().await;
    let key = key(
        &app,
        json!({"max_parallel_requests": 1, "max_budget": 0.000001}),
    )
    .await;
    for _ in 0..2 {
        assert_eq!(ask(&app, &key, "primary").await.status(), 422);
    }
}
