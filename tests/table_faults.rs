//! A table that is unwell: its callers are told what is wrong with it, never that they ask too much.

use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::keys::{chat_as, chat_with, key, post_with};
use crate::support::table_proxy::{Fault, behind_a_network};
use crate::support::{header, hello};

/// What each fault is called towards clients.
const TOLD: [(Fault, &str); 6] = [
    (Fault::InternalError, "answers with errors of its own"),
    (Fault::BadGateway, "answers with errors of its own"),
    (Fault::Throttled, "its throughput is used up"),
    (Fault::Full, "is full"),
    (Fault::Denied, "does not let the gateway do this"),
    (Fault::ResetBefore, "does not answer"),
];

async fn message_of_503(response: Response) -> String {
    let status = response.status();
    assert_eq!(header(&response, "retry-after"), "5");
    let body: Value = response.json().await.unwrap();
    assert_eq!(status, 503, "{body}");
    assert_eq!(body["error"]["type"], "internal_server_error", "{body}");
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn limits_slots_and_budgets_on_a_table_that_is_unwell_are_a_503_in_its_words() {
    let (app, proxy) = behind_a_network().await;
    let mut kept = Vec::new();
    for settings in [
        json!({"rpm_limit": 100}),
        json!({"tpm_limit": 100_000}),
        json!({"model_rpm_limit": {"primary": 100}}),
        json!({"max_parallel_requests": 10}),
        json!({"max_budget": 100}),
        json!({"soft_budget": 100}),
    ] {
        kept.push((key(&app, settings.clone()).await, settings));
    }
    proxy.strike_updates();
    for (fault, words) in TOLD {
        proxy.always(Some(fault));
        for (key, settings) in &kept {
            let response = chat_with(&app, key, &hello("primary")).send().await;
            let message = message_of_503(response.unwrap()).await;
            assert!(message.contains(words), "{settings} {fault:?}: {message}");
        }
    }
    assert!(app.bedrock.requests().is_empty());
    proxy.always(None);
    for (key, settings) in &kept {
        let response = chat_with(&app, key, &hello("primary")).send().await;
        assert_eq!(response.unwrap().status(), 200, "{settings}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_a_503_in_the_table_s_words() {
    let (app, proxy) = behind_a_network().await;
    proxy.strike("GetItem");
    for (fault, words) in TOLD {
        proxy.always(Some(fault));
        let request = chat_with(&app, "sk-not-read-before", &hello("primary"));
        let message = message_of_503(request.send().await.unwrap()).await;
        assert!(message.contains(words), "{fault:?}: {message}");
    }
}

#[tokio::test]
async fn keys_on_a_table_that_takes_no_writes_are_managed_with_a_503_in_its_words() {
    // Each takes the time in which writes are tried.
    let tried = TOLD.map(async |(fault, words)| {
        let (app, proxy) = behind_a_network().await;
        proxy.always(Some(fault));
        let made = app.post("/key/generate", &json!({"key_alias": "new"}));
        let message = message_of_503(made.send().await.unwrap()).await;
        assert!(message.contains(words), "{fault:?}: {message}");
    });
    join_all(tried).await;
}

#[tokio::test]
async fn every_wire_says_it_in_its_own_shape() {
    let (app, proxy) = behind_a_network().await;
    let key = key(&app, json!({"rpm_limit": 100, "max_budget": 100})).await;
    proxy.strike_updates();
    proxy.always(Some(Fault::Throttled));
    let post = |path: &str, body: Value| post_with(&app, &key, path, &body);
    let mut messages = hello("primary");
    messages["max_tokens"] = json!(100);
    let mut stream = hello("primary");
    stream["stream"] = json!(true);
    let responses = json!({"model": "primary", "input": "hello"});
    for (path, body, status, kind) in [
        ("/v1/chat/completions", stream, 503, "internal_server_error"),
        ("/v1/messages", messages, 529, "overloaded_error"),
        ("/v1/responses", responses, 503, "internal_server_error"),
    ] {
        let response = post(path, body).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "retry-after"), "5", "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["type"], kind, "{body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("its throughput is used up"), "{message}");
    }
}

/// They wait for each other's turn at one item of the table, and none of them is told that they are too many.
#[tokio::test]
async fn many_requests_of_one_key_on_a_table_that_fails_are_all_told_what_is_wrong_with_it() {
    let (app, proxy) = behind_a_network().await;
    let key = key(&app, json!({"max_budget": 100})).await;
    proxy.strike_updates();
    for (fault, words) in [
        (Fault::InternalError, "answers with errors of its own"),
        (Fault::Swallowed, "does not answer"),
    ] {
        proxy.always(Some(fault));
        let body = hello("primary");
        let requests = (0..60).map(|_| async {
            let response = chat_as(&app, &key, &body).await;
            message_of_503(response).await
        });
        for message in join_all(requests).await {
            assert!(message.contains(words), "{fault:?}: {message}");
        }
    }
}
