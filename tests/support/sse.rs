//! Reads server-sent events as a client does.

use reqwest::Response;
use serde_json::Value;

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
}
