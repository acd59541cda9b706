//! The chat wire: its requests, and its replies as clients read them.

use reqwest::Response;
use serde_json::{Value, json};

use super::{TestApp, trail_of};

/// The smallest chat request.
pub fn hello(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

/// The same with a field of this value.
pub fn hello_with(model: &str, field: &str, value: Value) -> Value {
    let mut body = hello(model);
    body[field] = value;
    body
}

/// A body with these fields beside its own, or instead of them.
pub fn with_fields(mut body: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The events of one reply.
#[derive(Debug, Default)]
pub struct Chunks {
    /// Every `data:` object.
    pub data: Vec<Value>,
    /// How many comments came.
    pub comments: usize,
    /// The stream closed with `[DONE]`.
    pub done: bool,
}

/// Reads a reply to its end.
pub async fn read_sse(response: Response) -> Chunks {
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let text = response.text().await.unwrap();
    let mut chunks = Chunks::default();
    for event in text.split_terminator("\n\n") {
        match event.strip_prefix("data: ") {
            Some("[DONE]") => chunks.done = true,
            Some(data) => {
                assert!(!chunks.done, "nothing follows [DONE]");
                chunks.data.push(serde_json::from_str(data).unwrap());
            }
            None => {
                assert!(event.starts_with(':'), "{event}");
                chunks.comments += 1;
            }
        }
    }
    chunks
}

impl Chunks {
    fn deltas(&self) -> impl Iterator<Item = &Value> {
        self.data
            .iter()
            .filter_map(|chunk| chunk["choices"].get(0))
            .map(|choice| &choice["delta"])
    }

    fn joined(&self, field: &str) -> String {
        self.deltas()
            .filter_map(|delta| delta[field].as_str())
            .collect()
    }

    /// All text.
    pub fn text(&self) -> String {
        self.joined("content")
    }

    /// All readable thinking.
    pub fn reasoning(&self) -> String {
        self.joined("reasoning_content")
    }

    /// Every finish reason that came.
    pub fn finish_reasons(&self) -> Vec<&str> {
        let choices = self.data.iter().filter_map(|chunk| chunk["choices"].get(0));
        choices
            .filter_map(|choice| choice["finish_reason"].as_str())
            .collect()
    }

    /// The usage, which comes once at most.
    pub fn usage(&self) -> Option<&Value> {
        let mut all = self
            .data
            .iter()
            .filter(|chunk| chunk.get("usage").is_some());
        let usage = all.next();
        assert!(all.next().is_none(), "usage is sent once");
        usage.map(|chunk| &chunk["usage"])
    }

    /// The in-band error.
    pub fn error(&self) -> Option<&Value> {
        self.data.iter().find_map(|chunk| chunk.get("error"))
    }

    /// The tool calls, put together as a client does: name and arguments by index.
    pub fn tool_calls(&self) -> Vec<(String, String, String)> {
        let mut calls: Vec<(String, String, String)> = Vec::new();
        for call in self
            .deltas()
            .filter_map(|delta| delta["tool_calls"].as_array())
            .flatten()
        {
            let index = call["index"].as_u64().expect("every fragment has an index") as usize;
            if index == calls.len() {
                let text = |value: &Value| {
                    value
                        .as_str()
                        .expect("the first fragment is complete")
                        .to_owned()
                };
                assert_eq!(call["type"], "function");
                calls.push((
                    text(&call["id"]),
                    text(&call["function"]["name"]),
                    String::new(),
                ));
            }
            calls[index].2.push_str(
                call["function"]["arguments"]
                    .as_str()
                    .expect("arguments are a string"),
            );
        }
        calls
    }

    /// The assistant's message as Cline and opencode keep it: of thinking only the text.
    pub fn message(&self) -> Value {
        let calls: Vec<Value> = self
            .tool_calls()
            .into_iter()
            .map(|(id, name, arguments)| {
                json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
            })
            .collect();
        let mut message = json!({"role": "assistant", "content": self.text()});
        if !self.reasoning().is_empty() {
            message["reasoning_content"] = self.reasoning().into();
        }
        if !calls.is_empty() {
            message["content"] = Value::Null;
            message["tool_calls"] = calls.into();
        }
        message
    }
}

/// Replays an answer as Cline and opencode do, and brings this result of each of its calls.
pub fn remember(messages: &mut Vec<Value>, answer: &Chunks, result: &str) {
    let message = answer.message();
    let calls = message["tool_calls"].as_array().cloned();
    messages.push(message);
    for call in calls.into_iter().flatten() {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
    }
}

impl TestApp {
    /// A chat request.
    pub async fn chat(&self, body: &Value) -> Response {
        self.post("/v1/chat/completions", body)
            .send()
            .await
            .unwrap()
    }

    /// A chat request's reply, which must be a success.
    pub async fn chat_json(&self, body: &Value) -> Value {
        let response = self.chat(body).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A streamed chat request's events; its status must be 200.
    pub async fn chat_stream(&self, body: &Value) -> Chunks {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let response = self.chat(&body).await;
        assert_eq!(response.status(), 200);
        read_sse(response).await
    }

    /// Who was tried by the smallest request for this model.
    pub async fn trail(&self, model: &str) -> String {
        trail_of(&self.chat(&hello(model)).await)
    }
}
