//! Parallel slots are leased: renewed while their request runs, and free a minute after their process has died.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use bedrock_sidecar::store::{Embedded, keys};
use serde_json::{Value, json};

use crate::parallel::{FULL, LIMITED};
use crate::support::keys::{chat_with, key, sha256};
use crate::support::table_proxy::TableProxy;
use crate::support::{PRIMARY, TestApp, hello};

const LEASE: Duration = Duration::from_secs(60);

/// Who holds slots of this key or deployment, and until when.
async fn holds(app: &TestApp, of: &str) -> Vec<(String, i64)> {
    let item: Option<Value> = app
        .state
        .ledger
        .table()
        .get(&keys::slots(of))
        .await
        .unwrap();
    let holds = item.map(|item| item["holds"].as_object().unwrap().clone());
    let holds = holds.into_iter().flatten();
    holds
        .map(|(holder, until)| (holder, until.as_i64().unwrap()))
        .collect()
}

async fn status(app: &TestApp, key: &str) -> u16 {
    let response = chat_with(app, key, &hello("primary")).send().await;
    response.unwrap().status().as_u16()
}

/// A request of this instance that goes on for a long time.
async fn under_way(app: &TestApp, key: &str, of: &str) {
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let request = chat_with(app, key, &hello("primary"));
    tokio::spawn(request.send());
    while holds(app, of).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Time passes, and the request under way is given the time to renew its lease.
async fn renewed(app: &TestApp, others: &[&TestApp], of: &str, by: Duration) {
    let before = holds(app, of).await;
    for app in others.iter().copied().chain([app]) {
        app.clock.advance(by);
    }
    let waiting = async {
        while holds(app, of).await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("the lease is not renewed");
}

#[tokio::test]
async fn a_long_request_keeps_its_key_s_slot_and_a_dead_one_loses_it_after_a_minute() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let key = key(&app, json!({"max_parallel_requests": 1})).await;
    let of = sha256(&key);
    under_way(&app, &key, &of).await;
    let began = holds(&app, &of).await;
    for _ in 0..5 {
        assert_eq!(status(&other, &key).await, 429);
        renewed(&app, &[&other], &of, Duration::from_secs(40)).await;
    }
    assert_eq!(status(&other, &key).await, 429);
    let now = holds(&app, &of).await;
    assert_eq!(now[0].0, began[0].0, "by the request that took it");
    assert_eq!(now[0].1 - began[0].1, 200_000);

    // To the other instance it is as if this one had been killed: its time goes on, and nothing is renewed.
    other.clock.advance(LEASE - Duration::from_secs(1));
    assert_eq!(status(&other, &key).await, 429);
    other.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&other, &key).await, 200);
}

#[tokio::test]
async fn a_long_request_keeps_its_deployment_s_slot_and_a_dead_one_loses_it_after_a_minute() {
    let app = TestApp::builder().config(LIMITED).start().await;
    let other = app.another_instance().await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let request = app.post("/v1/chat/completions", &hello("pool"));
    tokio::spawn(request.send());
    while holds(&app, "limited").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..3 {
        assert_eq!(other.trail("pool").await, FULL);
        renewed(&app, &[&other], "limited", Duration::from_secs(40)).await;
    }
    assert_eq!(other.trail("pool").await, FULL);
    other.clock.advance(LEASE);
    assert_eq!(other.trail("pool").await, "pool:ok");
}

#[tokio::test]
async fn a_process_that_was_frozen_does_not_take_back_the_slot_that_another_has_by_now() {
    let embedded = Embedded::in_memory().await.unwrap();
    embedded.table("test").await.unwrap();
    let proxy = TableProxy::start(embedded.endpoint()).await;
    let frozen = TestApp::builder().table_at(&proxy.url).start().await;
    let url = embedded.endpoint().to_owned();
    let awake = TestApp::builder().table_at(&url).start().await;
    let key = key(&awake, json!({"max_parallel_requests": 1})).await;
    let of = sha256(&key);
    under_way(&frozen, &key, &of).await;
    let first = holds(&awake, &of).await;

    awake.clock.advance(LEASE);
    awake.bedrock.script(PRIMARY, [Step::hang()]);
    tokio::spawn(chat_with(&awake, &key, &hello("primary")).send());
    while holds(&awake, &of).await[0].0 == first[0].0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let taken = holds(&awake, &of).await;
    assert_eq!(taken.len(), 1);

    // It wakes: it tries to renew what it has no more, and to take one of the slots, which are all taken.
    let before = proxy.calls("UpdateItem");
    frozen.clock.advance(LEASE);
    proxy.called("UpdateItem", before + 2).await;
    assert_eq!(holds(&awake, &of).await, taken);
    assert_eq!(status(&awake, &key).await, 429);
}

#[tokio::test]
async fn a_slot_is_free_as_soon_as_its_request_ends_however_long_it_was_renewed() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"max_parallel_requests": 1})).await;
    let of = sha256(&key);
    let slow = Step::text("one two three").slow_first_event(Duration::from_secs(3));
    app.bedrock.script(PRIMARY, [slow]);
    let request = tokio::spawn(chat_with(&app, &key, &hello("primary")).send());
    while holds(&app, &of).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    renewed(&app, &[], &of, Duration::from_secs(30)).await;
    let answer = request.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    assert_eq!(holds(&app, &of).await, []);
    assert_eq!(status(&app, &key).await, 200);
}
