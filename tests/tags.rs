//! Tags in the totals: as many as a report can hold, whatever clients send.

use std::collections::BTreeMap;

use bedrock_sidecar::simulator::Step;
use bedrock_sidecar::spend::TotalOf;
use bedrock_sidecar::store::time;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::keys::{chat_as, key};
use crate::support::table_proxy::{Fault, behind_a_network};
use crate::support::{PRIMARY, TestApp, hello};

/// Tags that one key may bring into the totals of a day.
const MOST: usize = 200;

/// A request with these tags; its reply's id.
async fn tagged(app: &TestApp, key: &str, model: &str, tags: &[String]) -> String {
    let mut body = hello(model);
    body["metadata"] = json!({ "tags": tags });
    let response = chat_as(app, key, &body).await;
    let id = response.headers()["x-litellm-call-id"].to_str().unwrap();
    id.to_owned()
}

/// The requests that are counted under each tag.
async fn counted(app: &TestApp) -> BTreeMap<String, u64> {
    app.settle().await;
    let tags = app.get("/spend/tags").send().await.unwrap();
    let tags: Vec<Value> = tags.json().await.unwrap();
    let tags = tags.iter().map(|tag| {
        let name = tag["individual_request_tag"].as_str().unwrap();
        (name.to_owned(), tag["log_count"].as_u64().unwrap())
    });
    tags.collect()
}

fn names(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("{prefix}{n}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_brings_two_hundred_tags_a_day_into_the_totals_and_the_rest_is_one_of_them() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let noisy = key(&app, json!({})).await;
    let quiet = key(&app, json!({})).await;
    tagged(&app, &noisy, "primary", &["first".to_owned()]).await;
    app.settle().await;
    // Twenty at a time, on two instances at once.
    let requests = (0..15).map(|n| {
        let app = if n % 2 == 0 { &app } else { &other };
        let tags = names("t", n * 20..(n + 1) * 20);
        let noisy = &noisy;
        async move { tagged(app, noisy, "primary", &tags).await }
    });
    let ids = join_all(requests).await;
    other.settle().await;
    let before = counted(&app).await;
    assert_eq!(before.len(), MOST + 1, "{before:?}");
    assert!(before["other"] >= 5, "{before:?}");
    assert_eq!(before["first"], 1);
    for id in ids {
        let record = app.record(&id).await;
        assert_eq!(record["request_tags"].as_array().unwrap().len(), 20);
    }

    // From then on new ones are others, known ones themselves, and other keys' their own.
    let some = ["first".to_owned(), "new".to_owned(), "newer".to_owned()];
    for app in [&app, &other] {
        tagged(app, &noisy, "primary", &some).await;
        app.settle().await;
    }
    tagged(&app, &quiet, "primary", &["mine".to_owned()]).await;
    let after = counted(&app).await;
    assert_eq!(after["first"], 3);
    assert_eq!(after["other"], before["other"] + 2);
    assert_eq!(after["mine"], 1);
    assert_eq!(after.len(), before.len() + 1);
}

#[tokio::test]
async fn tags_of_refused_requests_move_no_counters() {
    let app = TestApp::new().await;
    let poor = key(&app, json!({"max_budget": 0.000_001})).await;
    let slow = key(&app, json!({"rpm_limit": 0})).await;
    let plain = key(&app, json!({})).await;
    let mut ids = Vec::new();
    for (n, (key, model)) in [
        (&poor, "primary"),
        (&slow, "primary"),
        (&plain, "no-such-model"),
    ]
    .into_iter()
    .enumerate()
    {
        ids.push(tagged(&app, key, model, &names("x", n * 20..(n + 1) * 20)).await);
    }
    assert_eq!(counted(&app).await, BTreeMap::new());
    // One that is refused before it is read has those of its headers alone.
    for (id, kept) in ids.iter().zip([20, 0, 20]) {
        let record = app.record(id).await;
        let tags = record["request_tags"].as_array().map_or(0, Vec::len);
        assert_eq!(tags, kept, "{record}");
    }
}

#[tokio::test]
async fn invented_names_of_models_make_no_rows_in_the_totals() {
    let yaml = r#"
model_list:
  - {model_name: "bedrock/*", litellm_params: {model: "bedrock/*", aws_region_name: us-east-1}}
litellm_settings: {num_retries: 0}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let key = key(&app, json!({})).await;
    for n in 0..5 {
        tagged(
            &app,
            &key,
            &format!("bedrock/us.anthropic.invented-{n}"),
            &[],
        )
        .await;
    }
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    tagged(&app, &key, &format!("bedrock/{PRIMARY}"), &[]).await;
    app.settle().await;
    let today = time::day(jiff::Timestamp::now());
    let totals = app.state.ledger.totals(today, today).await.unwrap();
    let rows = totals.iter().map(|total| match &total.of {
        TotalOf::Model { model, .. } => (model.as_str(), total.counters.failures),
        TotalOf::Tag(tag) => panic!("{tag}"),
    });
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows, [("", 5), (PRIMARY, 1)]);
}

#[tokio::test]
async fn a_client_s_tags_do_not_push_out_those_of_its_key() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"tags": ["tools"]})).await;
    tagged(&app, &key, "primary", &names("x", 0..30)).await;
    let counted = counted(&app).await;
    assert_eq!((counted["tools"], counted.len()), (1, 20));
}

#[tokio::test]
async fn a_record_is_written_where_its_tags_cannot_be_looked_up() {
    let (app, proxy) = behind_a_network().await;
    let key = key(&app, json!({})).await;
    tagged(&app, &key, "primary", &["known".to_owned()]).await;
    app.settle().await;
    proxy.strike_updates();
    proxy.always(Some(Fault::InternalError));
    let tags = ["known".to_owned(), "new".to_owned()];
    let id = tagged(&app, &key, "primary", &tags).await;
    let counted = counted(&app).await;
    let expected = [("known".to_owned(), 2), ("new".to_owned(), 1)];
    assert_eq!(counted, expected.into());
    assert_eq!(app.record(&id).await["request_tags"], json!(tags));
}
