//! What the caller saw, and what that is worth.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{TestApp, header, hello, read_sse};

/// Longer than this is a hang.
const HANG: Duration = Duration::from_secs(15);

/// What a fault's survival is worth, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    Fail,
    Safe,
    Partial,
    Pass,
}

impl Score {
    pub fn word(self) -> &'static str {
        match self {
            Score::Fail => "fail",
            Score::Safe => "safe",
            Score::Partial => "partial",
            Score::Pass => "pass",
        }
    }

    /// An answer that came about in a wrong way is a partial one.
    pub fn if_clean(self, clean: bool) -> Self {
        if clean {
            self
        } else {
            self.min(Score::Partial)
        }
    }
}

/// What the caller saw of one request.
#[derive(Debug, Default)]
pub struct Seen {
    pub status: u16,
    pub id: String,
    /// Who answered.
    pub model: String,
    pub text: String,
    pub finished: bool,
    /// `[DONE]`, or the end of a reply that is no stream.
    pub done: bool,
    pub error: Option<Value>,
    pub usage: Option<Value>,
    pub took: Duration,
    pub hung: bool,
}

/// Asks `model` for an answer.
pub async fn ask(app: &TestApp, stream: bool, model: &str) -> Seen {
    let began = Instant::now();
    let seen = timeout(HANG, read(app, stream, model)).await;
    let mut seen = seen.unwrap_or_else(|_| Seen {
        hung: true,
        ..Seen::default()
    });
    seen.took = began.elapsed();
    seen
}

async fn read(app: &TestApp, stream: bool, model: &str) -> Seen {
    let mut body = hello(model);
    body["stream"] = json!(stream);
    body["stream_options"] = json!({"include_usage": true});
    let response = app.chat(&body).await;
    let mut seen = Seen {
        status: response.status().as_u16(),
        id: header(&response, "x-litellm-call-id").to_owned(),
        ..Seen::default()
    };
    if stream && seen.status == 200 {
        let chunks = read_sse(response).await;
        seen.text = chunks.text();
        seen.finished = !chunks.finish_reasons().is_empty();
        seen.done = chunks.done;
        seen.error = chunks.error().cloned();
        seen.usage = chunks.usage().cloned();
        let mut models = chunks
            .data
            .iter()
            .filter_map(|chunk| chunk["model"].as_str());
        seen.model = models.next_back().unwrap_or_default().to_owned();
    } else {
        let reply: Value = response.json().await.unwrap();
        let choice = &reply["choices"][0];
        seen.text = choice["message"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        seen.finished = choice["finish_reason"].is_string();
        seen.done = seen.finished;
        seen.error = reply.get("error").cloned();
        seen.usage = reply.get("usage").cloned();
        seen.model = reply["model"].as_str().unwrap_or_default().to_owned();
    }
    seen
}

impl Seen {
    /// Whether this is the whole answer, or a clean error, or neither.
    pub fn score(&self, answer: &str) -> Score {
        let whole = self.finished && self.done && self.error.is_none();
        let told = self.error.is_some() && !self.finished && !self.done;
        match () {
            () if self.hung => Score::Fail,
            () if whole && self.text == answer => Score::Pass,
            () if told && answer.starts_with(&self.text) => Score::Safe,
            () => Score::Fail,
        }
    }

    /// Whether it is an error that says this.
    pub fn says(&self, code: &str, words: &str) -> bool {
        self.error.as_ref().is_some_and(|error| {
            error["code"] == code && error["message"].as_str().unwrap().contains(words)
        })
    }
}
