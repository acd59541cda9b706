//! Reads the Responses API's server-sent events as its clients do, and holds them to their order.

use reqwest::Response;
use serde_json::{Value, json};

use super::TestApp;

/// Reads a reply to its end: its events in order, comments left out.
pub async fn read_response_events(response: Response) -> Vec<Value> {
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let text = response.text().await.unwrap();
    let events = text
        .split_terminator("\n\n")
        .filter(|event| !event.starts_with(':'));
    let events: Vec<Value> = events
        .map(|event| {
            let (name, data) = event.split_once('\n').expect("a name and data");
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(
                Some(data["type"].as_str().unwrap()),
                name.strip_prefix("event: ")
            );
            data
        })
        .collect();
    for (sequence, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], sequence);
    }
    events
}

/// The response that the stream ends with; its items are those that were done on the way.
pub fn last_response(events: &[Value]) -> Value {
    let last = events.last().expect("an event");
    let name = last["type"].as_str().unwrap();
    let status = name.strip_prefix("response.").unwrap();
    let response = last["response"].clone();
    assert_eq!(response["status"], status, "{name}");
    let done = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done");
    let items: Vec<&Value> = done.map(|event| &event["item"]).collect();
    assert_eq!(response["output"], json!(items));
    response
}

/// Replays an answer's items and brings the results of its calls.
pub fn remember(body: &mut Value, response: &Value) {
    let input = body["input"].as_array_mut().unwrap();
    let items = response["output"].as_array().unwrap();
    input.extend(items.iter().cloned());
    for item in items {
        let kind = item["type"].as_str().unwrap();
        if kind.ends_with("_call") {
            input.push(json!({"type": format!("{kind}_output"), "call_id": item["call_id"], "output": "seen"}));
        }
    }
}

impl TestApp {
    /// A response that is not streamed; it must be a success.
    pub async fn response(&self, body: &Value) -> Value {
        let response = self.post("/v1/responses", body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A streamed response's events; its status must be 200.
    pub async fn response_events(&self, body: &Value) -> Vec<Value> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let response = self.post("/v1/responses", &body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        read_response_events(response).await
    }
}
