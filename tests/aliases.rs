//! No two keys have one alias, however they come to it.

use std::time::Duration;

use bedrock_sidecar::store::{Item, keys};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::keys::{made, send};

/// That a key of this alias cannot be made.
async fn is_taken(app: &TestApp, alias: &str) -> bool {
    let (status, answer) = send(app.post("/key/generate", &json!({ "key_alias": alias }))).await;
    if status == 200 {
        send(app.post("/key/delete", &json!({"keys": [answer["key"]]}))).await;
        return false;
    }
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["param"], "key_alias");
    true
}

/// The aliases of all keys that there are.
async fn aliases(app: &TestApp) -> Vec<String> {
    let list = app.get("/key/list?size=1000&return_full_object=true");
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    let keys = list["keys"].as_array().unwrap().iter();
    let mut aliases: Vec<String> = keys
        .filter_map(|key| key["key_alias"].as_str().map(str::to_owned))
        .collect();
    aliases.sort();
    aliases
}

/// A key as version 0.1 has written it: nothing but its own item.
async fn of_version_0_1(app: &TestApp, hash: &str, alias: &str) {
    let at = app.clock.clock().now();
    let key = json!({
        "hash": hash, "name": "sk-...abcd", "version": 1, "account": hash, "created_at": at,
        "created_by": "litellm_proxy_master_key", "updated_at": at,
        "settings": {"key_alias": alias, "metadata": "{}"},
    });
    let item = Item::new(&keys::virtual_key(hash), &key).unwrap();
    let item = item.by_key(keys::VIRTUAL_KEYS.to_owned());
    app.state.ledger.table().put(item).await.unwrap();
}

/// Changes a key as version 0.1 does: nothing but its own item.
async fn changed_by_version_0_1(app: &TestApp, hash: &str, change: impl FnOnce(&mut Value)) {
    let table = app.state.ledger.table();
    let place = keys::virtual_key(hash);
    let mut key: Value = table.get(&place).await.unwrap().unwrap();
    for own in ["pk", "sk", "by_key"] {
        key.as_object_mut().unwrap().remove(own);
    }
    change(&mut key);
    let item = Item::new(&place, &key).unwrap();
    let item = item.by_key(keys::VIRTUAL_KEYS.to_owned());
    table.put(item).await.unwrap();
}

async fn alias_item(app: &TestApp, alias: &str) -> Option<Value> {
    let table = app.state.ledger.table();
    table.get(&keys::alias(alias)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_keys_that_are_made_at_once_with_one_alias_one_is_made() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let long = "é".repeat(100);
    for alias in ["ci", "alias#x#key", "a b\n\"c\"", "🔑", &long] {
        let makers = (0..10).map(|n| {
            let app = if n % 2 == 0 { &app } else { &other };
            send(app.post("/key/generate", &json!({ "key_alias": alias })))
        });
        let answers = join_all(makers).await;
        let made = answers.iter().filter(|(status, _)| *status == 200);
        assert_eq!(made.count(), 1, "{alias:?} {answers:?}");
        for (status, answer) in answers.iter().filter(|(status, _)| *status != 200) {
            assert_eq!(
                (*status, &answer["error"]["param"]),
                (StatusCode::BAD_REQUEST, &json!("key_alias")),
                "{answer}"
            );
        }
    }
    assert_eq!(aliases(&app).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_of_different_aliases_are_all_made_at_once() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let makers = (0..20).map(|n| {
        let app = if n % 2 == 0 { &app } else { &other };
        let alias = (n < 16).then(|| format!("k{n}"));
        send(app.post("/key/generate", &json!({ "key_alias": alias })))
    });
    for (status, answer) in join_all(makers).await {
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(aliases(&app).await.len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_keys_that_are_renamed_at_once_one_gets_the_alias() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let keys = join_all((0..10).map(|n| made(&app, json!({"key_alias": format!("k{n}")})))).await;
    let renamed = keys.iter().enumerate().map(|(n, key)| {
        let app = if n % 2 == 0 { &app } else { &other };
        send(app.post(
            "/key/update",
            &json!({"key": key["key"], "key_alias": "best"}),
        ))
    });
    let answers = join_all(renamed).await;
    let renamed = answers.iter().filter(|(status, _)| *status == 200);
    assert_eq!(renamed.count(), 1, "{answers:?}");
    let aliases = aliases(&app).await;
    assert_eq!(aliases.iter().filter(|alias| *alias == "best").count(), 1);
    assert_eq!(aliases.len(), 10);
}

#[tokio::test]
async fn an_alias_moves_with_its_key_and_is_free_when_the_key_has_another_or_none() {
    let app = TestApp::new().await;
    let key = made(&app, json!({"key_alias": "a"})).await;
    assert!(is_taken(&app, "a").await);
    let (status, _) =
        send(app.post("/key/update", &json!({"key": key["key"], "key_alias": "b"}))).await;
    assert_eq!(status, 200);
    assert!(is_taken(&app, "b").await && !is_taken(&app, "a").await);

    let (_, new) = send(app.post("/key/regenerate", &json!({"key": key["key"]}))).await;
    assert!(is_taken(&app, "b").await);
    let renamed = json!({"key": new["key"], "key_alias": "c"});
    let (status, new) = send(app.post("/key/regenerate", &renamed)).await;
    assert_eq!(status, 200, "{new}");
    assert!(is_taken(&app, "c").await && !is_taken(&app, "b").await);

    // By its alias, and whatever else is changed of it in between.
    for path in ["/key/block", "/key/unblock"] {
        let (status, answer) = send(app.post(path, &json!({"key_aliases": ["c"]}))).await;
        assert_eq!(status, 200, "{answer}");
        assert!(is_taken(&app, "c").await);
    }
    let (status, _) = send(app.post(
        "/key/update",
        &json!({"key": new["key"], "key_alias": null}),
    ))
    .await;
    assert_eq!(status, 200);
    assert!(!is_taken(&app, "c").await);
    made(&app, json!({"key_alias": "c"})).await;
    let (status, _) = send(app.post("/key/delete", &json!({"key_aliases": ["c"]}))).await;
    assert_eq!(status, 200);
    assert!(!is_taken(&app, "c").await);
    assert!(aliases(&app).await.is_empty());
}

#[tokio::test]
async fn the_alias_of_a_key_that_has_expired_is_free_and_does_not_come_back_to_it() {
    let app = TestApp::new().await;
    let old = made(&app, json!({"key_alias": "a", "duration": "30m"})).await;
    app.clock.advance(Duration::from_secs(29 * 60));
    assert!(is_taken(&app, "a").await);
    app.clock.advance(Duration::from_secs(60));
    let new = made(&app, json!({"key_alias": "a"})).await;

    let revived = json!({"key": old["key"], "duration": "1d"});
    let (status, answer) = send(app.post("/key/update", &revived)).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["param"], "key_alias");
    // What does not bring it back is done all the same.
    let (status, answer) = send(app.post("/key/block", &json!({"key": old["key"]}))).await;
    assert_eq!(status, 200, "{answer}");
    let (status, _) = send(app.post("/key/delete", &json!({"key_aliases": ["a"]}))).await;
    assert_eq!(status, 200);
    let info = app.get(&format!("/key/info?key={}", new["token"].as_str().unwrap()));
    assert_eq!(
        info.send().await.unwrap().status(),
        404,
        "the living one was meant"
    );
    let (status, answer) = send(app.post("/key/update", &revived)).await;
    assert_eq!(status, 200, "{answer}");
    assert!(is_taken(&app, "a").await);
}

#[tokio::test]
async fn a_longer_life_of_a_key_is_one_of_its_alias_too() {
    let app = TestApp::new().await;
    let key = made(&app, json!({"key_alias": "a", "duration": "30m"})).await;
    let (status, _) =
        send(app.post("/key/update", &json!({"key": key["key"], "duration": null}))).await;
    assert_eq!(status, 200);
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert!(is_taken(&app, "a").await);
}

#[tokio::test]
async fn a_key_of_version_0_1_keeps_its_alias_and_gets_its_item_when_it_is_next_written() {
    let app = TestApp::new().await;
    let (one, two) = ("ab".repeat(32), "cd".repeat(32));
    for hash in [&one, &two] {
        of_version_0_1(&app, hash, "old").await;
    }
    assert!(is_taken(&app, "old").await);
    assert_eq!(alias_item(&app, "old").await, None);
    // Version 0.1 could make two of one alias: both can be changed, and one has it.
    for hash in [&one, &two] {
        let (status, answer) = send(app.post("/key/block", &json!({ "key": hash }))).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(alias_item(&app, "old").await.unwrap()["holder"], one);
    }
    // What the other gives up is not the first one's.
    let (status, answer) = send(app.post("/key/delete", &json!({"keys": [two]}))).await;
    assert_eq!(status, 200, "{answer}");
    assert!(is_taken(&app, "old").await);
    assert_eq!(alias_item(&app, "old").await.unwrap()["holder"], one);
    let (status, _) = send(app.post("/key/delete", &json!({"key_aliases": ["old"]}))).await;
    assert_eq!(status, 200);
    assert!(!is_taken(&app, "old").await);
}

#[tokio::test]
async fn what_version_0_1_has_renamed_or_deleted_meanwhile_has_its_alias_no_more() {
    let app = TestApp::new().await;
    let renamed = made(&app, json!({"key_alias": "a"})).await;
    let deleted = made(&app, json!({"key_alias": "b"})).await;
    let hash = |key: &Value| key["token"].as_str().unwrap().to_owned();
    let rename = |key: &mut Value| key["settings"]["key_alias"] = json!("c");
    changed_by_version_0_1(&app, &hash(&renamed), rename).await;
    let delete = |key: &mut Value| key["deleted_at"] = key["created_at"].clone();
    changed_by_version_0_1(&app, &hash(&deleted), delete).await;
    assert!(is_taken(&app, "c").await);
    for alias in ["a", "b"] {
        let new = made(&app, json!({ "key_alias": alias })).await;
        assert_eq!(
            alias_item(&app, alias).await.unwrap()["holder"],
            new["token"]
        );
        assert!(is_taken(&app, alias).await);
    }
}
