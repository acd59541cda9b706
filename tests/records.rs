//! Every request leaves one record.

use std::time::Duration;

use bedrock_sidecar::shell::simulated::{FaultKind, Reply, Step, Tokens};
use bedrock_sidecar::spend::TotalOf;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::support::{BACKUP, PRIMARY, TestApp, hello};

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens {
        input,
        output,
        ..Tokens::default()
    }
}

#[tokio::test]
async fn a_reply_s_id_finds_its_record() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::reply(
            Reply::text("Hello.").with_usage(tokens(1000, 100)),
        )],
    );
    let mut body = hello("primary");
    body["user"] = json!("maria");
    body["litellm_session_id"] = json!("cline-1");
    body["metadata"] = json!({"tags": ["team-a"]});
    let reply = app.chat_json(&body).await;
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert_eq!(record["request_id"], reply["id"]);
    assert_eq!(record["status"], "success");
    assert_eq!(
        (&record["prompt_tokens"], &record["completion_tokens"]),
        (&json!(1000), &json!(100))
    );
    // (1000 × 3.3 + 100 × 16.5) / 1,000,000
    assert_eq!(record["spend"].to_string(), "0.00495");
    assert_eq!(record["end_user"], "maria");
    assert_eq!(record["session_id"], "cline-1");
    assert_eq!(record["request_tags"], json!(["team-a"]));
}

#[tokio::test]
async fn every_chunk_of_a_stream_carries_the_record_s_id() {
    let app = TestApp::new().await;
    let chunks = app.chat_stream(&hello("primary")).await;
    let record = app.record(chunks.data[0]["id"].as_str().unwrap()).await;
    assert_eq!(record["status"], "success");
}

#[tokio::test]
async fn a_request_s_spend_is_the_sum_over_its_attempts_and_a_refused_one_costs_nothing() {
    let app = TestApp::new().await;
    let cut =
        Step::reply(Reply::text("one two three four").with_usage(tokens(10, 10))).cut_after(3);
    app.bedrock.script(PRIMARY, [cut]);
    app.bedrock.script(
        BACKUP,
        [Step::reply(
            Reply::text("All.").with_usage(tokens(1000, 100)),
        )],
    );
    let reply = app.chat_json(&hello("primary")).await;
    let record = app.record(reply["id"].as_str().unwrap()).await;
    let backup_alone = (1000.0 * 1.0 + 100.0 * 5.0) / 1e6;
    assert!(
        record["spend"].as_f64().unwrap() > backup_alone,
        "the cut attempt was billed too: {record}"
    );

    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.bedrock.script(
        BACKUP,
        [Step::reply(
            Reply::text("All.").with_usage(tokens(1000, 100)),
        )],
    );
    let reply = app.chat_json(&hello("primary")).await;
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert_eq!(record["spend"].as_f64().unwrap(), backup_alone, "{record}");
}

#[tokio::test]
async fn a_failure_is_a_record_too() {
    let app = TestApp::new().await;
    app.bedrock.always("*", Step::unavailable());
    let response = app.chat(&hello("primary")).await;
    let id = response.headers()["x-litellm-call-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(response.status(), 503);
    let record = app.record(&id).await;
    assert_eq!(record["status"], "failure");
    assert_eq!(record["spend"].to_string(), "0");
}

/// The record of a stream whose client goes away after the first piece.
async fn record_of_a_client_that_left(app: &TestApp) -> Value {
    let mut body = hello("primary");
    body["stream"] = json!(true);
    let mut response = app.chat(&body).await;
    let id = response.headers()["x-litellm-call-id"]
        .to_str()
        .unwrap()
        .to_owned();
    response.chunk().await.unwrap();
    drop(response);
    app.record(&id).await
}

#[tokio::test]
async fn a_client_that_goes_away_is_billed_for_the_whole_answer() {
    let app = TestApp::new().await;
    let answer = Reply::text("one two three four five six").with_usage(tokens(50, 60));
    app.bedrock.script(
        PRIMARY,
        [Step::reply(answer).pace(Duration::from_millis(30))],
    );
    let record = record_of_a_client_that_left(&app).await;
    assert_eq!(
        (&record["prompt_tokens"], &record["completion_tokens"]),
        (&json!(50), &json!(60))
    );
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_read_for_ever_after_its_client_has_gone() {
    let app = TestApp::with_settings("  drain_timeout: 0.05\n").await;
    let silent = Step::text("one two three four").fault(3, FaultKind::Silence);
    app.bedrock.script(PRIMARY, [silent]);
    let record = record_of_a_client_that_left(&app).await;
    assert_eq!(record["status"], "failure");
    assert!(
        record["spend"].as_f64().unwrap() > 0.0,
        "Bedrock bills what it sent: {record}"
    );
    assert_eq!(
        app.bedrock.requests().len(),
        1,
        "nobody is asked for a client that has gone"
    );
}

#[tokio::test]
async fn a_model_without_a_price_has_an_unknown_cost_and_never_zero() {
    let app = TestApp::with_config(
        "model_list:\n  - {model_name: m, litellm_params: {model: bedrock/nobody.knows-v1:0}}\n",
    )
    .await;
    app.bedrock
        .script("nobody.knows-v1:0", [Step::text("Hello.")]);
    let response = app.chat(&hello("m")).await;
    assert!(response.headers().get("x-litellm-response-cost").is_none());
    let reply: Value = response.json().await.unwrap();
    assert!(reply["usage"].get("cost").is_none());
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert!(record["spend"].is_null(), "{record}");
}

#[tokio::test]
async fn the_day_s_totals_are_the_sum_of_the_records() {
    let app = TestApp::new().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(Reply::text("Hi.").with_usage(tokens(1000, 100))),
    );
    let body = hello("primary");
    let requests = (0..12).map(|_| app.chat_json(&body));
    futures_util::future::join_all(requests).await;
    app.settle().await;
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let totals = app
        .state
        .ledger
        .totals(today.yesterday().unwrap(), today)
        .await
        .unwrap();
    let models = totals
        .iter()
        .filter(|total| matches!(total.of, TotalOf::Model { .. }));
    let (requests, spend) = models.fold(
        (0, rust_decimal::Decimal::ZERO),
        |(requests, spend), total| {
            (
                requests + total.counters.requests,
                spend + total.counters.spend,
            )
        },
    );
    assert_eq!(requests, 12);
    assert_eq!(spend.normalize().to_string(), "0.0594");
}

#[tokio::test]
async fn an_id_that_is_none_is_told_and_one_that_is_unknown_finds_nothing() {
    let app = TestApp::new().await;
    let id = bedrock_sidecar::spend::RequestId::new(Timestamp::now());
    let rows: Value = app
        .get(&format!("/spend/logs?request_id={id}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(rows, json!([]));
    let response = app
        .get("/spend/logs?request_id=garbage")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
}
