//! What is said in a session: a task, tools, pictures, and an answer with a little of everything that Markdown has.

use bedrock_sidecar::spend::StoredContent;
use serde_json::{Value, json};

/// Eight pixels square, one colour: a screenshot, as far as a page is concerned.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGNkYPjPgA0wYRUdtBIAO/8BD45CkvYAAAAASUVORK5CYII=";

const ANSWER: &str = "## What was wrong

The retry loop in `src/worker.rs` **never slept**: `backoff.next()` was asked, and its answer dropped.

1. The loop takes the pause and waits for it.
2. A test holds the clock and counts the tries.

```rust
let pause = backoff.next().unwrap_or(LONGEST);
tokio::time::sleep(pause).await;
```

| | before | after |
|---|---|---|
| tries a second | 4,100 | 2 |

> Nothing else uses this loop.

See [the documentation](https://example.com/backoff) for the formula.";

/// A request of this turn with its answer.
pub fn content(model: &str, turn: usize) -> StoredContent {
    let call = json!({"id": "call_1", "type": "function",
        "function": {"name": "read_file", "arguments": "{\"path\":\"src/worker.rs\",\"from\":1,\"to\":80}"}});
    let mut messages = vec![
        json!({"role": "system", "content": "You are a careful engineer. Read before you write."}),
        json!({"role": "user", "content": [
            {"type": "text", "text": "The worker burns a whole CPU when the queue is down. Find out why, and mend it."},
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PICTURE}")}},
        ]}),
    ];
    for step in 0..turn.min(3) {
        messages.push(json!({"role": "assistant", "content": format!("I look at step {step}."), "tool_calls": [call]}));
        messages.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "loop {\n    match queue.take().await {\n        Err(_) => { backoff.next(); }\n        Ok(job) => run(job).await,\n    }\n}"}));
    }
    let answer = if turn.is_multiple_of(2) {
        json!({"role": "assistant", "content": ANSWER})
    } else {
        json!({"role": "assistant", "content": Value::Null, "tool_calls": [call]})
    };
    StoredContent {
        request: json!({"model": model, "stream": true, "max_tokens": 8_192, "messages": messages}),
        response: Some(
            json!({"choices": [{"index": 0, "message": answer, "finish_reason": "stop"}]}),
        ),
    }
}
