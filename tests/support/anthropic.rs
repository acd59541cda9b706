//! Reads Anthropic's server-sent events as its SDKs do, and holds them to their order.

use reqwest::{RequestBuilder, Response};
use serde_json::{Map, Value, json};

use super::{KEY, TestApp};

/// The events of one reply.
#[derive(Debug, Default)]
pub struct Events {
    /// Every event's name and data, pings left out.
    pub all: Vec<(String, Value)>,
    /// How many pings came.
    pub pings: usize,
}

/// Reads a reply to its end.
pub async fn read_events(response: Response) -> Events {
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let text = response.text().await.unwrap();
    assert!(text.ends_with("\n\n"), "the last event is whole: {text}");
    let mut events = Events::default();
    for event in text.split_terminator("\n\n") {
        let (name, data) = event.split_once('\n').expect("a name and data");
        let name = name.strip_prefix("event: ").expect("a name");
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"], name);
        if name == "ping" {
            events.pings += 1;
        } else {
            events.all.push((name.to_owned(), data));
        }
    }
    events
}

impl Events {
    /// The names, each run of deltas as one.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.all.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        names
    }

    /// The data of the events of this name.
    pub fn of(&self, name: &str) -> Vec<&Value> {
        let all = self.all.iter().filter(|(other, _)| other == name);
        all.map(|(_, data)| data).collect()
    }

    /// The in-stream error, which nothing follows.
    pub fn error(&self) -> Option<&Value> {
        let errors = self.of("error");
        if let Some(error) = errors.first() {
            assert_eq!(self.all.last().map(|(_, data)| data), Some(*error));
            assert!(self.of("message_delta").is_empty() && self.of("message_stop").is_empty());
        }
        errors.first().map(|error| &error["error"])
    }

    /// The message as an SDK puts it together. A stream that breaks a rule of the wire panics.
    pub fn message(&self) -> Value {
        let mut events = self.all.iter();
        let (name, start) = events.next().expect("an event");
        assert_eq!(name, "message_start");
        let mut message = start["message"].clone();
        assert_eq!(message["content"], json!([]));
        assert!(message["stop_reason"].is_null());
        for field in ["input_tokens", "output_tokens"] {
            assert!(message["usage"][field].is_u64(), "{message}");
        }
        let mut open: Option<(Value, String)> = None;
        let mut blocks: Vec<Value> = Vec::new();
        for (name, data) in events.by_ref() {
            match name.as_str() {
                "content_block_start" => {
                    assert!(open.is_none(), "one block at a time");
                    assert_eq!(data["index"], blocks.len());
                    open = Some((data["content_block"].clone(), String::new()));
                }
                "content_block_delta" => {
                    assert_eq!(data["index"], blocks.len());
                    let (block, json) = open.as_mut().expect("a delta belongs to a block");
                    add(block, &data["delta"], json);
                }
                "content_block_stop" => {
                    assert_eq!(data["index"], blocks.len());
                    let (mut block, json) = open.take().expect("a block ends once");
                    if block["type"] == "tool_use" && !json.is_empty() {
                        block["input"] = serde_json::from_str(&json).unwrap();
                    }
                    blocks.push(block);
                }
                "message_delta" => {
                    assert!(open.is_none());
                    message["stop_reason"] = data["delta"]["stop_reason"].clone();
                    message["stop_sequence"] = data["delta"]["stop_sequence"].clone();
                    message["usage"] = data["usage"].clone();
                    break;
                }
                other => panic!("{other} before the message's end"),
            }
        }
        let last: Vec<&str> = events.map(|(name, _)| name.as_str()).collect();
        assert_eq!(last, ["message_stop"]);
        message["content"] = json!(blocks);
        message
    }
}

fn add(block: &mut Value, delta: &Value, json: &mut String) {
    let text = |field: &str| delta[field].as_str().unwrap_or_default().to_owned();
    let (kind, field) = match delta["type"].as_str().unwrap() {
        "text_delta" => ("text", "text"),
        "thinking_delta" => ("thinking", "thinking"),
        "signature_delta" => ("thinking", "signature"),
        "input_json_delta" => {
            assert_eq!(block["type"], "tool_use");
            json.push_str(&text("partial_json"));
            return;
        }
        "citations_delta" => {
            let fields: &mut Map<String, Value> = block.as_object_mut().unwrap();
            let list = fields.entry("citations").or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(delta["citation"].clone());
            return;
        }
        other => panic!("{other}"),
    };
    assert_eq!(block["type"], kind);
    let so_far = block[field].as_str().unwrap_or_default();
    block[field] = json!(format!("{so_far}{}", text(field)));
}

impl TestApp {
    /// A POST as Anthropic's SDKs make it.
    pub fn as_anthropic(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.url))
            .header("x-api-key", KEY)
            .header("anthropic-version", "2023-06-01")
            .json(body)
    }

    /// A message that is not streamed; it must be a success.
    pub async fn message(&self, body: &Value) -> Value {
        let response = self
            .as_anthropic("/v1/messages", body)
            .send()
            .await
            .unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A streamed message's events; its status must be 200.
    pub async fn message_events(&self, body: &Value) -> Events {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let request = self.as_anthropic("/v1/messages?beta=true", &body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        read_events(response).await
    }
}

/// The smallest request for a message.
pub fn ask(text: &str) -> Value {
    json!({"model": "primary", "max_tokens": 1000, "messages": [{"role": "user", "content": text}]})
}

/// Replays an answer as Claude Code does, block by block, and brings the results of its calls.
pub fn remember(body: &mut Value, message: &Value) {
    let messages = body["messages"].as_array_mut().unwrap();
    let content = message["content"].as_array().unwrap();
    messages.push(json!({"role": "assistant", "content": content}));
    let calls = content.iter().filter(|block| block["type"] == "tool_use");
    let results: Vec<Value> = calls
        .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "seen"}))
        .collect();
    messages.push(json!({"role": "user", "content": results}));
}
