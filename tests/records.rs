//! Every request leaves one record.

use std::time::Duration;

use bedrock_sidecar::simulator::{FaultKind, ScriptedReply, Step};
use bedrock_sidecar::spend::TotalOf;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::support::keys::chat_as;
use crate::support::{BACKUP, PRIMARY, TestApp, header, hello, tokens};

#[tokio::test]
async fn a_reply_s_id_finds_its_record() {
    let app = TestApp::new().await;
    app.bedrock.script(
        PRIMARY,
        [Step::reply(
            ScriptedReply::text("Hello.").with_usage(tokens(1000, 100)),
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
    let cut = Step::reply(ScriptedReply::text("one two three four").with_usage(tokens(10, 10)))
        .cut_after(3);
    app.bedrock.script(PRIMARY, [cut]);
    app.bedrock.script(
        BACKUP,
        [Step::reply(
            ScriptedReply::text("All.").with_usage(tokens(1000, 100)),
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
            ScriptedReply::text("All.").with_usage(tokens(1000, 100)),
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
    let answer = ScriptedReply::text("one two three four five six").with_usage(tokens(50, 60));
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
async fn a_client_that_goes_away_before_anything_has_come_is_billed_for_the_whole_answer() {
    for stream in [false, true] {
        let app = TestApp::new().await;
        let answer = ScriptedReply::text("one two").with_usage(tokens(50, 60));
        let late = Step::reply(answer).slow_head(Duration::from_millis(300));
        app.bedrock.script(PRIMARY, [late]);
        let mut body = hello("primary");
        body["stream"] = json!(stream);
        let asking = app.post("/v1/chat/completions", &body).send();
        tokio::select! {
            answer = asking => panic!("the client was to leave first: {answer:?}"),
            () = until(async || !app.bedrock.requests().is_empty()) => {}
        }
        let list = || async {
            let logs = app.get("/spend/logs/v2").send().await.unwrap();
            let logs: Value = logs.json().await.unwrap();
            logs["data"].as_array().unwrap().clone()
        };
        until(async || !list().await.is_empty()).await;
        let record = list().await.remove(0);
        assert_eq!(record["status"], "success");
        assert_eq!(
            (&record["prompt_tokens"], &record["completion_tokens"]),
            (&json!(50), &json!(60))
        );
    }
}

async fn until(so: impl AsyncFn() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, wait).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_read_for_ever_after_its_client_has_gone() {
    let app = TestApp::builder()
        .settings("  drain_timeout: 0.05\n")
        .start()
        .await;
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
    let app = TestApp::builder().config("model_list:\n  - {model_name: m, litellm_params: {model: bedrock/nobody.knows-v1:0}}\n").start()
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
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(1000, 100))),
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

/// The newest id that the gateway gave.
fn id_of(response: &reqwest::Response) -> String {
    header(response, "x-sidecar-request-id").to_owned()
}

#[tokio::test]
async fn a_request_that_is_refused_is_a_record_that_cost_nothing() {
    let app = TestApp::new().await;
    let mut unknown = hello("no-such-model");
    unknown["user"] = json!("maria");
    let mut wrong = hello("primary");
    wrong["temperature"] = json!("hot");
    wrong["stream"] = json!(true);
    let table = [
        (unknown, 404, "no-such-model", "maria", false),
        (wrong, 400, "primary", "", true),
        (json!([]), 400, "", "", false),
        (json!({"model": "primary"}), 400, "primary", "", false),
    ];
    for (body, status, model, end_user, stream) in table {
        let response = app.chat(&body).await;
        assert_eq!(response.status(), status, "{body}");
        let id = id_of(&response);
        let error: Value = response.json().await.unwrap();
        let record = app.record(&id).await;
        assert_eq!(record["status"], "failure");
        assert_eq!(record["spend"].to_string(), "0");
        assert_eq!(record["metadata"]["original_model_group"], model, "{body}");
        assert_eq!(record["end_user"], end_user);
        assert_eq!(record["metadata"]["stream"], stream);
        let told = &record["metadata"]["error_information"];
        assert_eq!(told["error_code"], status.to_string());
        assert_eq!(told["error_message"], error["error"]["message"]);
    }
}

#[tokio::test]
async fn a_bad_key_leaves_no_record() {
    let app = TestApp::new().await;
    let response = chat_as(&app, "sk-guess", &hello("primary")).await;
    assert_eq!(response.status(), 401);
    assert_eq!(id_of(&response), "");
    app.settle().await;
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let yesterday = today.yesterday().unwrap();
    let totals = app.state.ledger.totals(yesterday, today).await.unwrap();
    assert!(totals.is_empty(), "{totals:?}");
}

#[tokio::test]
async fn the_client_s_own_call_id_goes_back_and_into_the_record() {
    let app = TestApp::new().await;
    for (model, name) in [
        ("primary", "x-litellm-call-id"),
        ("primary", "x-request-id"),
        ("no-such-model", "x-litellm-call-id"),
    ] {
        let request = app.post("/v1/chat/completions", &hello(model));
        let response = request.header(name, "mine-7").send().await.unwrap();
        assert_eq!(header(&response, "x-litellm-call-id"), "mine-7", "{name}");
        let record = app.record(&id_of(&response)).await;
        assert_eq!(record["litellm_call_id"], "mine-7");
    }
}

#[tokio::test]
async fn the_trace_that_a_request_is_a_part_of_is_in_its_record() {
    let app = TestApp::new().await;
    let request = app.post("/v1/chat/completions", &hello("primary"));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let response = request.header("traceparent", parent).send().await.unwrap();
    let record = app.record(&id_of(&response)).await;
    assert_eq!(
        record["metadata"]["trace_id"],
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
}

#[tokio::test]
async fn metadata_for_the_record_is_kept_and_too_much_of_it_refused() {
    let app = TestApp::new().await;
    let name = "x-litellm-spend-logs-metadata";
    let send = async |value: &str| {
        let request = app.post("/v1/chat/completions", &hello("primary"));
        request.header(name, value).send().await.unwrap()
    };
    let response = send(r#"{"project": "x", "n": 1.5}"#).await;
    let record = app.record(&id_of(&response)).await;
    assert_eq!(
        record["metadata"]["spend_logs_metadata"],
        json!({"project": "x", "n": 1.5})
    );

    let long = format!(r#"{{"project": "{}"}}"#, "x".repeat(1000));
    for wrong in ["project", "[1]", long.as_str()] {
        let response = send(wrong).await;
        assert_eq!(response.status(), 400, "{wrong}");
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["error"]["param"], name);
    }

    let mut body = hello("primary");
    body["metadata"] = json!({"spend_logs_metadata": {"project": "y"}});
    let reply = app.chat_json(&body).await;
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert_eq!(
        record["metadata"]["spend_logs_metadata"],
        json!({"project": "y"})
    );
}

#[tokio::test]
async fn every_agent_s_session_is_known() {
    let app = TestApp::new().await;
    let user_id = json!({"device_id": "d", "session_id": "s-5"}).to_string();
    let table = [
        ("x-litellm-session-id", "s-1", json!({})),
        ("x-claude-code-session-id", "s-2", json!({})),
        ("session-id", "s-3", json!({})),
        ("x-session-id", "s-4", json!({})),
        ("accept", "s-5", json!({"metadata": {"user_id": user_id}})),
        ("accept", "s-6", json!({"metadata": {"trace_id": "s-6"}})),
    ];
    for (name, session, more) in table {
        let mut body = hello("primary");
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let request = app.post("/v1/chat/completions", &body);
        let response = request.header(name, session).send().await.unwrap();
        let record = app.record(&id_of(&response)).await;
        assert_eq!(record["session_id"], session, "{name}");
    }
}
