//! A span of each request reaches a collector, and no collector changes an answer, a record or a bill.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bedrock_sidecar::otlp::Collector;
use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::transport::Transport;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::support::keys::{chat_with, key};
use crate::support::{BACKUP, PRIMARY, TestApp, hello, tokens};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A collector in this process.
#[derive(Clone, Default)]
struct Receiver {
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    /// Nothing is answered until it is told to.
    holds: Option<Arc<Notify>>,
    fails: bool,
}

impl Receiver {
    async fn start(&self) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let url = format!("http://{address}/v1/traces").parse().unwrap();
        let own = ("authorization".to_owned(), "Basic c2VjcmV0".to_owned());
        Collector::new(url, vec![own], Transport::default())
    }

    fn spans(&self) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        let spans = seen
            .iter()
            .map(|(_, body)| body["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone());
        spans.collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    if let Some(hold) = &receiver.holds {
        hold.notified().await;
    }
    let body = serde_json::from_str(&body).unwrap();
    receiver.seen.lock().unwrap().push((headers, body));
    match receiver.fails {
        true => (StatusCode::INTERNAL_SERVER_ERROR, "no room"),
        false => (StatusCode::OK, "{}"),
    }
}

/// The value of an attribute, without its kind.
fn attribute(of: &Value, name: &str) -> Value {
    let all = of["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == name);
    let value = found.map(|attribute| attribute["value"].as_object().unwrap());
    value.map_or(Value::Null, |value| value.values().next().unwrap().clone())
}

#[tokio::test]
async fn a_request_is_one_span_with_its_attempts_tokens_and_cost_and_nothing_of_its_words() {
    let receiver = Receiver::default();
    let app = TestApp::builder()
        .collector(receiver.start().await)
        .start()
        .await;
    let own = key(
        &app,
        json!({"user_id": "maria", "key_alias": "laptop", "tags": ["shop"]}),
    )
    .await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    let reply = ScriptedReply::text("a secret answer").with_usage(tokens(1_000, 200));
    app.bedrock.script(BACKUP, [Step::reply(reply)]);
    let mut body = hello("primary");
    body["messages"][0]["content"] = json!("a secret question");
    let request = chat_with(&app, &own, &body);
    let request = request.header("traceparent", format!("00-{TRACE}-{SPAN}-01"));
    let response: Value = request.send().await.unwrap().json().await.unwrap();
    app.settle().await;

    let [span] = &receiver.spans()[..] else {
        panic!("{:?}", receiver.spans());
    };
    assert_eq!(span["traceId"], TRACE);
    assert_eq!(span["parentSpanId"], SPAN);
    assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
    assert_eq!(span["name"], "chat primary");
    assert_eq!(span["kind"], 3);
    assert_eq!(span["status"], json!({}));
    let record = app.record(response["id"].as_str().unwrap()).await;
    for (name, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("aws.bedrock")),
        ("gen_ai.request.model", json!("primary")),
        ("gen_ai.response.model", json!(BACKUP)),
        ("gen_ai.response.id", response["id"].clone()),
        ("gen_ai.usage.input_tokens", json!("1000")),
        ("gen_ai.usage.output_tokens", json!("200")),
        (
            "gen_ai.response.finish_reasons",
            json!({"values": [{"stringValue": "end_turn"}]}),
        ),
        ("bedrock_sidecar.cost_usd", record["spend"].clone()),
        ("bedrock_sidecar.key.alias", json!("laptop")),
        ("user.id", json!("maria")),
        (
            "bedrock_sidecar.tags",
            json!({"values": [{"stringValue": "shop"}]}),
        ),
        ("bedrock_sidecar.attempts", json!("2")),
        ("error.type", Value::Null),
    ] {
        assert_eq!(attribute(span, name), value, "{name}");
    }
    let [first, second] = &span["events"].as_array().unwrap()[..] else {
        panic!("{span}");
    };
    assert_eq!(
        attribute(first, "bedrock_sidecar.attempt.outcome"),
        "throttled"
    );
    assert_eq!(attribute(first, "http.response.status_code"), "429");
    assert_eq!(attribute(second, "bedrock_sidecar.attempt.outcome"), "ok");
    let time = |of: &Value, name: &str| of[name].as_str().unwrap().parse::<u128>().unwrap();
    let [start, end] = ["startTimeUnixNano", "endTimeUnixNano"].map(|name| time(span, name));
    // The clock of attempts stands still in tests.
    let began = [first, second].map(|event| time(event, "timeUnixNano"));
    assert!(start <= end && began[0] <= began[1], "{span}");
    assert!(!span.to_string().contains("secret"), "{span}");
    let (headers, _) = receiver.seen.lock().unwrap()[0].clone();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["authorization"], "Basic c2VjcmV0");
}

#[tokio::test]
async fn a_failure_is_a_failed_span_and_a_trace_that_is_not_kept_is_left_alone() {
    let receiver = Receiver::default();
    let app = TestApp::builder()
        .collector(receiver.start().await)
        .start()
        .await;
    let mut body = hello("primary");
    body["messages"] = json!([]);
    assert_eq!(app.chat(&body).await.status(), 400);
    let kept = app.post("/v1/chat/completions", &hello("primary"));
    let not_kept = kept.header("traceparent", format!("00-{TRACE}-{SPAN}-00"));
    assert_eq!(not_kept.send().await.unwrap().status(), 200);
    app.settle().await;
    let [span] = &receiver.spans()[..] else {
        panic!("{:?}", receiver.spans());
    };
    assert_eq!(span["status"]["code"], 2);
    assert_eq!(attribute(span, "error.type"), "invalid_request_error");
    // Without a parent the trace is called as the request.
    let id = attribute(span, "gen_ai.response.id")
        .as_str()
        .unwrap()
        .replace(['-'], "");
    assert!(id.ends_with(span["traceId"].as_str().unwrap()), "{span}");
    assert!(span.get("parentSpanId").is_none());
}

#[tokio::test]
async fn a_collector_that_is_away_fails_or_hangs_changes_no_answer_and_no_record() {
    let away = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        drop(listener);
        Collector::new(url.parse().unwrap(), Vec::new(), Transport::default())
    };
    let hanging = Receiver {
        holds: Some(Arc::default()),
        ..Receiver::default()
    };
    let failing = Receiver {
        fails: true,
        ..Receiver::default()
    };
    for collector in [away, failing.start().await, hanging.start().await] {
        let app = TestApp::builder().collector(collector).start().await;
        let reply = app.chat(&hello("primary")).await;
        assert_eq!(reply.status(), 200);
        let reply: Value = reply.json().await.unwrap();
        // The record does not wait for the collector, which may have seconds.
        let id = reply["id"].as_str().unwrap();
        let written = async {
            while app
                .get(&format!("/spend/logs?request_id={id}"))
                .send()
                .await
                .unwrap()
                .json::<Value>()
                .await
                .unwrap()[0]["spend"]
                .as_f64()
                .is_none()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(4), written)
            .await
            .expect("a record");
    }
    assert_eq!(failing.spans().len(), 1);
}
