//! A key that is over its limits: whatever it goes on asking, it costs the table and Bedrock next to nothing.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::keys::{chat_as, key, post_with, sha256};
use crate::support::table_proxy::behind_a_network;
use crate::support::{KEY, PRIMARY, TestApp, header, hello, tokens};

/// Refused requests of a key's minute that are records.
const FILED: usize = 10;

async fn count_tokens(app: &TestApp, key: &str) -> Response {
    let request = post_with(app, key, "/v1/messages/count_tokens", &hello("primary"));
    request.send().await.unwrap()
}

/// Requests of every kind, one after the other, each of which must be a 429.
async fn hammer(app: &TestApp, key: &str) {
    let mut stream = hello("primary");
    stream["stream"] = json!(true);
    let mut messages = hello("primary");
    messages["max_tokens"] = json!(2000);
    let broken = json!({"model": "primary", "messages": "hello"});
    let unknown = hello("no-such-model");
    for _ in 0..10 {
        for (path, body) in [
            ("/v1/chat/completions", &hello("primary")),
            ("/v1/chat/completions", &stream),
            ("/v1/chat/completions", &broken),
            ("/v1/chat/completions", &unknown),
            ("/v1/messages", &messages),
            ("/v1/messages/count_tokens", &messages),
            (
                "/v1/responses",
                &json!({"model": "primary", "input": "hello"}),
            ),
        ] {
            let response = post_with(app, key, path, body).send().await.unwrap();
            assert_eq!(response.status(), 429, "{path} {body}");
        }
    }
    app.settle().await;
}

async fn records_of(app: &TestApp, key: &str) -> Vec<Value> {
    app.settle().await;
    let hash = sha256(key);
    let logs = app.get(&format!("/spend/logs?api_key={hash}"));
    logs.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn over_its_requests_a_minute_a_key_is_refused_from_memory() {
    let (app, proxy) = behind_a_network().await;
    let settings = json!({"rpm_limit": 2, "max_parallel_requests": 5, "max_budget": 100});
    let key = key(&app, settings).await;
    for _ in 0..2 {
        assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 200);
        app.settle().await;
    }
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 429);
    app.settle().await;
    let (calls, asked) = (proxy.writes(), app.bedrock.requests().len());
    hammer(&app, &key).await;
    let more = proxy.writes() - calls;
    assert!(more < FILED, "{more} writes for 70 refused requests");
    assert_eq!(app.bedrock.requests().len(), asked);
    let last = chat_as(&app, &key, &hello("primary")).await;
    assert_eq!(header(&last, "x-ratelimit-api_key-remaining-requests"), "0");
    assert!(header(&last, "retry-after").parse::<u64>().unwrap() <= 60);

    app.clock.advance(Duration::from_secs(60));
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 200);
}

#[tokio::test]
async fn a_key_whose_budget_is_spent_is_refused_from_memory_and_counts_no_tokens() {
    let (app, proxy) = behind_a_network().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(1000, 60_000))),
    );
    let settings = json!({"max_budget": 0.9, "max_parallel_requests": 5, "rpm_limit": 100_000});
    let key = key(&app, settings).await;
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 200);
    app.settle().await;
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 422);
    app.settle().await;
    let (calls, asked) = (proxy.writes(), app.bedrock.requests().len());
    for _ in 0..50 {
        let refused = chat_as(&app, &key, &hello("primary")).await;
        assert_eq!(refused.status(), 422);
    }
    app.settle().await;
    let more = proxy.writes() - calls;
    assert!(more < FILED, "{more} writes for 50 refused requests");
    let refused = count_tokens(&app, &key).await;
    assert_eq!(refused.status(), 422);
    assert_eq!(app.bedrock.requests().len(), asked);
    // More money is spent at once.
    let more = json!({"key": key, "max_budget": 5});
    assert_eq!(
        app.post("/key/update", &more)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 200);
    assert_eq!(count_tokens(&app, &key).await.status(), 200);
}

#[tokio::test]
async fn a_key_whose_budget_has_no_room_for_a_prompt_has_it_counted_by_nobody() {
    let app = TestApp::new().await;
    for max in [json!(0), json!(0.000_001)] {
        let key = key(&app, json!({ "max_budget": max })).await;
        for _ in 0..5 {
            let refused = count_tokens(&app, &key).await;
            assert_eq!(refused.status(), 422, "{max}");
        }
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn counting_tokens_is_a_request_of_the_minute() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let key = key(&app, json!({"rpm_limit": 3})).await;
    for app in [&app, &other, &app] {
        assert_eq!(count_tokens(app, &key).await.status(), 200);
    }
    let asked = app.bedrock.requests().len();
    assert_eq!(asked, 3);
    for app in [&app, &other] {
        let refused = count_tokens(app, &key).await;
        assert_eq!(refused.status(), 429);
        let wait: u64 = header(&refused, "retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["error"]["type"], "rate_limit_error", "{body}");
        assert_eq!(chat_as(app, &key, &hello("primary")).await.status(), 429);
    }
    assert_eq!(app.bedrock.requests().len(), asked);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(count_tokens(&app, &key).await.status(), 200);
}

#[tokio::test]
async fn a_minute_without_tokens_has_none_to_count_and_counting_uses_none() {
    let app = TestApp::new().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(400, 700))),
    );
    let key = key(&app, json!({"tpm_limit": 1000})).await;
    for _ in 0..20 {
        assert_eq!(count_tokens(&app, &key).await.status(), 200);
    }
    let first = chat_as(&app, &key, &hello("primary")).await;
    let left: u64 = header(&first, "x-ratelimit-api_key-remaining-tokens")
        .parse()
        .unwrap();
    assert!(left > 950, "{left}");
    app.settle().await;
    assert_eq!(count_tokens(&app, &key).await.status(), 429);
}

#[tokio::test]
async fn a_request_that_is_refused_for_its_words_is_one_of_the_minute_too() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"rpm_limit": 2, "models": ["primary"]})).await;
    let broken = json!({"model": "primary", "messages": "hello"});
    assert_eq!(chat_as(&app, &key, &broken).await.status(), 400);
    assert_eq!(chat_as(&app, &key, &hello("backup")).await.status(), 403);
    for body in [&broken, &hello("backup"), &hello("primary")] {
        assert_eq!(chat_as(&app, &key, body).await.status(), 429, "{body}");
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn the_first_refused_requests_of_a_minute_are_records_and_all_of_the_master_key() {
    let app = TestApp::new().await;
    let key = key(&app, json!({})).await;
    for _ in 0..30 {
        assert_eq!(
            chat_as(&app, &key, &hello("no-such-model")).await.status(),
            404
        );
        assert_eq!(app.chat(&hello("no-such-model")).await.status(), 404);
    }
    assert_eq!(records_of(&app, &key).await.len(), FILED);
    assert_eq!(records_of(&app, KEY).await.len(), 30);
    // What is answered is a record, whatever was refused before.
    assert_eq!(chat_as(&app, &key, &hello("primary")).await.status(), 200);
    assert_eq!(records_of(&app, &key).await.len(), FILED + 1);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(
        chat_as(&app, &key, &hello("no-such-model")).await.status(),
        404
    );
    assert_eq!(records_of(&app, &key).await.len(), FILED + 2);
}
