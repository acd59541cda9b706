//! Every wait has an end: the time limits that no other promise's tests reach.

use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{BACKUP, PRIMARY, TestApp, header, hello, read_sse, silent_port, trail_of};

/// A port whose queue is full: the system drops what knocks, as a network without a route does.
async fn full_port() -> (TcpListener, Vec<TcpStream>, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        queue.push(stream);
    }
    (listener, queue, format!("http://{address}"))
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up_after_connect_timeout() {
    let (_listener, _queue, url) = full_port().await;
    let app = TestApp::builder()
        .settings("  connect_timeout: 0.2\n")
        .bedrock_at(&url)
        .start()
        .await;
    let began = Instant::now();
    let response = app.chat(&hello("last")).await;
    assert_eq!(response.status(), 503);
    assert_eq!(trail_of(&response), "last:connection");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_table_that_is_silent_delays_one_request_by_a_tenth_of_a_second_and_harms_none() {
    let (_listener, url) = silent_port().await;
    let app = TestApp::builder()
        .settings("  record_timeout: 0.3\n")
        .table_at(&url)
        .start()
        .await;
    let began = Instant::now();
    app.chat_json(&hello("primary")).await;
    let first = began.elapsed();
    assert!(first >= Duration::from_millis(100), "{first:?}");
    assert!(first < Duration::from_millis(1_000), "{first:?}");
    let began = Instant::now();
    app.chat_json(&hello("primary")).await;
    let second = began.elapsed();
    assert!(second < first, "the copy is fresh enough: {second:?}");

    // `record_timeout`: the record is given up, and goes to the log.
    let began = Instant::now();
    app.settle().await;
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_rest_that_cannot_be_shared_is_still_one_here() {
    let (_listener, url) = silent_port().await;
    let app = TestApp::builder()
        .settings("  record_timeout: 0.1\n")
        .table_at(&url)
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.chat_json(&hello("primary")).await;
    let response = app.chat(&hello("primary")).await;
    assert_eq!(trail_of(&response), "primary:cooling_down, backup:ok");
}

#[tokio::test]
async fn a_silent_target_leaves_half_of_the_time_to_the_others() {
    let app = TestApp::builder()
        .settings("  total_timeout: 3\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let began = Instant::now();
    let response = app.chat(&hello("primary")).await;
    assert_eq!(
        trail_of(&response),
        "primary:first_event_timeout, backup:ok"
    );
    assert!(began.elapsed() < Duration::from_secs(2));
    // The time was the request's own: nobody rests for that.
    let response = app.chat(&hello("primary")).await;
    assert_eq!(trail_of(&response), "primary:ok");
}

#[tokio::test]
async fn nobody_is_asked_when_there_is_no_time_for_an_answer() {
    let app = TestApp::builder()
        .settings("  total_timeout: 1\n")
        .start()
        .await;
    let slow = Step::unavailable().slow_head(Duration::from_millis(700));
    // Siblings and retries aside: the first target uses the time up, within its half of it or not.
    app.bedrock.script(PRIMARY, [slow.clone()]);
    app.bedrock.script(BACKUP, [slow]);
    let began = Instant::now();
    let response = app.chat(&hello("primary")).await;
    assert!(!response.status().is_success());
    assert!(began.elapsed() < Duration::from_millis(1_200));
    let asked = app.bedrock.requests().len();
    assert!(asked < 3, "the last of the chain is not asked any more");
}

#[tokio::test]
async fn a_stream_is_closed_properly_with_its_record_before_the_time_is_up() {
    let app = TestApp::builder()
        .settings("  total_timeout: 3\n")
        .start()
        .await;
    app.bedrock.script(PRIMARY, [Step::unavailable()]);
    let slow = Step::text("one two three four five six seven eight nine ten")
        .pace(Duration::from_millis(500));
    app.bedrock.script(BACKUP, [slow]);
    let mut body = hello("primary");
    body["stream"] = json!(true);
    let began = Instant::now();
    let response = app.chat(&body).await;
    let id = header(&response, "x-litellm-call-id").to_owned();
    let chunks = read_sse(response).await;
    let took = began.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_millis(3_500));
    assert!(chunks.text().starts_with("one two"));
    let error = chunks.error().unwrap();
    assert!(error["message"].as_str().unwrap().contains("time limit"));
    assert!(!chunks.done && chunks.finish_reasons().is_empty());
    let record = app.record(&id).await;
    assert_eq!(record["status"], "failure");
    assert_eq!(record["metadata"]["error_information"]["error_code"], "408");
    assert!(record["spend"].as_f64().unwrap() > 0.0);
    let attempts = record["metadata"]["attempts"].as_array().unwrap();
    let outcomes: Vec<&Value> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, ["unavailable", "deadline"]);
    assert!(attempts[1]["bytes"].as_u64().unwrap() > 0);
}
