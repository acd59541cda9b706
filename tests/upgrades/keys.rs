//! Keys with their limits, budgets and aliases.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::LATER;
use super::fixture::{CONFIG, Upgraded};
use crate::support::hello;

#[tokio::test]
async fn a_key_of_0_1_may_what_it_might_and_no_more() {
    let old = Upgraded::new().await;
    let ask = async |key: &str, model: &str| {
        let body = json!({"model": model, "max_tokens": 20, "messages": hello("")["messages"]});
        let response = old.post_as(key, "/v1/chat/completions", &body).await;
        response.status().as_u16()
    };
    for then in old.world["admissions"].as_array().unwrap() {
        let (key, model) = (
            then["key"].as_str().unwrap(),
            then["model"].as_str().unwrap(),
        );
        assert_eq!(then["status"], ask(key, model).await, "{then}");
    }
    old.app.settle().await;
    let blocked = json!({"key": old.key("blocked")});
    let unblocked = old.app.post("/key/unblock", &blocked).send().await.unwrap();
    assert_eq!(unblocked.status(), StatusCode::OK);
    // The minute and the hour are over, and with them the lives of the requests that held slots.
    old.app.clock.advance(Duration::from_secs(2 * 60 * 60));
    for (key, status) in [
        ("rpm", 200),
        ("tpm", 200),
        ("model-rpm", 200),
        ("parallel", 200),
        ("blocked", 200),
        ("spent", 422),
        ("expiring", 401),
    ] {
        assert_eq!(ask(key, "backup").await, status, "{key}");
    }
}

#[tokio::test]
async fn what_0_1_held_for_requests_that_never_ended_counts_as_spent_when_their_time_is_over() {
    let old = Upgraded::new().await;
    let spend = async |name| old.key_info(name).await["spend"].take();
    assert_eq!(spend("ever").await, "0.0004686");
    let asked = old
        .post_as("ever", "/v1/chat/completions", &hello("last"))
        .await;
    let left = asked.headers()["x-litellm-key-remaining-budget"].to_str();
    let left: f64 = left.unwrap().parse().unwrap();
    assert!(
        left < 2.0 - 0.522,
        "{left} are left, although 0.52169 are held"
    );
    old.app.clock.advance(LATER);
    for (key, spent) in [
        ("day", "0.0302865"),
        ("renewed", "0.0320591"),
        ("full", "0.0203076"),
    ] {
        assert_eq!(spend(key).await, spent, "{key}");
    }
    // All keys together have spent 0.02 and hold 0.63.
    let small = CONFIG.replace("max_budget: 1000", "max_budget: 0.5");
    assert_ne!(small, CONFIG);
    let old = Upgraded::with_config(&small).await;
    for pause in [Duration::ZERO, LATER] {
        old.app.clock.advance(pause);
        let body = hello("last");
        let refused = old.post_as("plain", "/v1/chat/completions", &body).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn keys_of_0_1_are_changed_and_their_aliases_stay_theirs() {
    let old = Upgraded::new().await;
    let post = async |path: &str, body: Value| {
        let response = old.app.post(path, &body).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let named = async |alias: &str| post("/key/generate", json!({"key_alias": alias})).await.0;
    assert_eq!(named("day").await, 400);
    let renamed = json!({"key": old.key("day"), "key_alias": "day and night"});
    assert_eq!(post("/key/update", renamed).await.0, 200);
    assert_eq!(
        (named("day").await, named("day and night").await),
        (200, 400)
    );
    let unchanged = json!({"key": old.key("month"), "tags": ["a"]});
    assert_eq!(post("/key/update", unchanged).await.0, 200);
    assert_eq!(named("month").await, 400);
    assert_eq!(
        post("/key/delete", json!({"key_aliases": ["soft"]}))
            .await
            .0,
        200
    );
    assert_eq!(named("soft").await, 200);

    let (status, made) = post("/key/regenerate", json!({"key": old.key("ever")})).await;
    assert_eq!((status, &made["key_alias"]), (200, &json!("ever")));
    assert_eq!(named("ever").await, 400);
    let request = old
        .app
        .http
        .post(format!("{}/v1/chat/completions", old.app.url));
    let request = request.bearer_auth(made["key"].as_str().unwrap());
    let response = request.json(&hello("last")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let spent = response.headers()["x-litellm-key-spend"].to_str().unwrap();
    assert!(spent.starts_with("0.000"), "the budget went over: {spent}");
}
