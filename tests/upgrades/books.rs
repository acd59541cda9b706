//! Records, reports and prompts, and what a log of 0.1 adds to them.

use reqwest::StatusCode;
use serde_json::Value;

use super::LATER;
use super::fixture::{CONFIG, Upgraded, answers, exact, logs};
use crate::support::TestApp;
use crate::support::process::replay;

/// What was said and is not said any more. New members may stand beside the old ones.
fn missing(then: &Value, now: &Value, at: &str, found: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, then) in then.iter().filter(|(name, _)| !is_free(name)) {
                let now = now.get(name).unwrap_or(&Value::Null);
                missing(then, now, &format!("{at}.{name}"), found);
            }
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            for (index, (then, now)) in then.iter().zip(now).enumerate() {
                missing(then, now, &format!("{at}[{index}]"), found);
            }
        }
        (then, now) if then == now => {}
        (then, now) => found.push(format!("{at}: {then} then, {now} now")),
    }
}

/// A cursor is opaque. How retries and fallbacks between two deployments of one group are counted, 0.1 said in two
/// ways; the attempts themselves must be there.
fn is_free(name: &str) -> bool {
    ["next_cursor", "attempted_retries", "attempted_fallbacks"].contains(&name)
}

async fn assert_says_what_0_1_said(app: &TestApp) {
    for (path, then) in answers().as_object().unwrap() {
        let response = app.get(path).send().await.unwrap();
        if then.is_null() {
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            continue;
        }
        let text = response.text().await.unwrap();
        let mut found = Vec::new();
        missing(then, &exact(&text), path, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// The records of the last day, the newest first.
async fn last_day(app: &TestApp) -> Vec<Value> {
    let day = "start_date=2026-11-20&end_date=2026-11-20";
    let path = format!("/spend/logs?{day}&summarize=false&page_size=1000");
    let text = app.get(&path).send().await.unwrap().text().await.unwrap();
    exact(&text).as_array().unwrap().clone()
}

#[tokio::test]
async fn records_reports_prompts_and_keys_of_0_1_are_read_to_the_digit() {
    let old = Upgraded::new().await;
    assert_says_what_0_1_said(&old.app).await;
    // By now each of the days has been rolled up by this version.
    assert_says_what_0_1_said(&old.app.another_instance().await).await;
}

#[tokio::test]
async fn the_log_of_0_1_makes_its_books_whole_once() {
    let old = Upgraded::new().await;
    let before = last_day(&old.app).await.len();
    let variables = [
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("DATA_DIR", old.data_dir()),
    ];
    // 0.1 signs no lines: a replay that asks for signatures has to be told to take these.
    let again = async || {
        let replayed = replay(CONFIG, &variables, &["--accept-unsigned"], &logs()).await;
        assert!(replayed.ok, "{replayed:?}");
        let rows = last_day(&old.app).await;
        let lost = rows.iter().filter(|row| row["status"] == "lost").count();
        assert_eq!((lost, rows.len()), (6, before + 8), "{replayed:?}");
        rows
    };
    for _ in 0..2 {
        let rows = again().await;
        for name in ["unrecorded", "unrecorded with a budget"] {
            let row = rows
                .iter()
                .find(|row| row["request_id"] == old.request(name));
            assert_eq!(row.unwrap()["spend"], "0.0103", "{name}");
        }
        // Their holds are gone: what they held is not spent even when its time is over.
        old.app.clock.advance(LATER);
        for (key, spent) in [
            ("ever", "0.0107986"),
            ("renewed", "0.0020391"),
            ("day", "0.0002665"),
        ] {
            assert_eq!(old.key_info(key).await["spend"], spent, "{key}");
        }
    }
}

#[tokio::test]
async fn days_of_0_1_have_no_data_where_0_1_did_not_count_and_never_0() {
    let old = Upgraded::new().await;
    let day = "start_date=2026-11-19&end_date=2026-11-19";
    for route in ["user", "team", "customer"] {
        let path = format!("/{route}/daily/activity?{day}");
        let activity = old.app.get_json(&path).await;
        let (metrics, breakdown) = (
            &activity["results"][0]["metrics"],
            &activity["results"][0]["breakdown"],
        );
        let requests = &metrics["api_requests"];
        assert!(requests.as_u64().unwrap() > 0, "{activity}");
        for parts in ["entities", "clients"] {
            let parts = breakdown[parts].as_object().unwrap();
            assert_eq!(parts.keys().collect::<Vec<_>>(), ["No data"], "{path}");
            assert_eq!(parts["No data"]["metrics"]["api_requests"], *requests);
        }
        assert_eq!(metrics["first_token_p95_ms"], Value::Null);
        assert_eq!(metrics["duration_p50_ms"], Value::Null);
        assert_eq!(metrics["tokens_per_second"], Value::Null);
        assert_eq!(
            metrics["failures"]["not_told_apart"],
            metrics["failed_requests"]
        );
    }
    let path = format!("/global/spend/report?group_by=customer&{day}");
    let report = old.app.get_json(&path).await;
    let rows = report[0]["customers"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["customer"], &rows[0]["not_told_apart"]),
        (&Value::Null, &true.into())
    );
}
