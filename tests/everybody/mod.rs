//! What one key's requests do to everybody else's: nothing. A hostile key asks, then another key asks for the same
//! model, on this instance and on another one, and Bedrock must get exactly what it got before.

mod chosen;
mod quoted;
mod remembered;

use reqwest::Response;
use serde_json::{Value, json};

use crate::support::keys::{chat_as, key};
use crate::support::{BACKUP, PRIMARY, TestApp, trail_of, with_fields};

/// A gateway with two keys.
struct Shared {
    app: TestApp,
    hostile: String,
    other: String,
    /// What Bedrock gets of the other key's request as long as nothing has changed.
    expected: Value,
}

impl Shared {
    async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    async fn of(app: TestApp) -> Self {
        let hostile = key(&app, json!({})).await;
        let other = key(&app, json!({})).await;
        let mut shared = Self {
            app,
            hostile,
            other,
            expected: Value::Null,
        };
        shared.expected = shared.sent_by(&shared.app).await;
        let text = shared.expected.to_string();
        for part in ["cachePoint", "temperature", "stopSequences", "toolChoice"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        shared
    }

    /// A chat request of the hostile key.
    async fn attack(&self, body: &Value) -> Response {
        chat_as(&self.app, &self.hostile, body).await
    }

    /// What Bedrock gets of the other key's request, which the first target answers at once.
    async fn sent_by(&self, app: &TestApp) -> Value {
        let before = app.bedrock.requests_for(PRIMARY).len();
        let response = chat_as(app, &self.other, &ordinary()).await;
        assert_eq!(trail_of(&response), "primary:ok");
        let seen = app.bedrock.requests_for(PRIMARY);
        assert_eq!(seen.len(), before + 1);
        seen.last().unwrap().body.clone()
    }

    /// Fails unless the other key is served as before, here and by an instance that knows what the table says.
    async fn assert_unharmed(&self, after: &str) {
        self.app.bedrock.unscript(PRIMARY);
        self.app.bedrock.unscript(BACKUP);
        assert_eq!(self.sent_by(&self.app).await, self.expected, "{after}");
        self.app.settle().await;
        let newcomer = self.app.another_instance().await;
        assert_eq!(self.sent_by(&newcomer).await, self.expected, "{after}");
    }
}

/// A request with everything that a target could turn out to lack.
fn ordinary() -> Value {
    json!({
        "model": "primary",
        "messages": [
            {"role": "system", "content": "You are an agent. ".repeat(500)},
            {"role": "user", "content": "hello"},
        ],
        "temperature": 0.5,
        "stop": ["END"],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "tool_choice": "required",
    })
}

/// The same with fields of a client's own.
fn with(fields: &Value) -> Value {
    with_fields(ordinary(), fields)
}
