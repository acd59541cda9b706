//! Claude's own events, `message_start` to `message_stop`, and the frames that they go out in.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    super::{
        Block,
        json::{at, list},
        reply::{fragments, pieces},
        wire,
    },
    reply::MessageReply,
    usage::{self, UsageOf},
};

/// The events of a message; `says_usage`: with what it cost.
pub(super) fn events(message: &MessageReply<'_>, says_usage: bool, latency_ms: u64) -> Vec<Value> {
    let mut events = vec![start(message, says_usage)];
    for (index, (block, native)) in message.blocks().enumerate() {
        let raw_input = match block {
            Block::ToolUse { input, .. } => Some(input.as_str()),
            _ => None,
        };
        let (first, deltas) = pieces_of(&native, raw_input);
        events.push(json!({"type": "content_block_start", "index": index, "content_block": first}));
        for delta in deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(delta(message, says_usage));
    let mut stop = json!({"type": "message_stop"});
    if says_usage
        && !message.claude.is_new()
        && let Some(stop) = stop.as_object_mut()
    {
        let metrics = usage::metrics(message.tokens, latency_ms);
        stop.insert("amazon-bedrock-invocationMetrics".to_owned(), metrics);
    }
    events.push(stop);
    events
}

/// The frames of these events: one of each, but that the start of a block of text or thinking is sent with the event
/// behind it. Converse sends no such start, and a script's faults count events alike in both dialects.
pub(super) fn frames(events: &[Value]) -> Vec<Bytes> {
    let mut frames: Vec<Bytes> = Vec::new();
    let mut held = Vec::new();
    for event in events {
        held.extend_from_slice(&wire::chunk(event));
        let kind = at(event, "/content_block/type");
        if at(event, "/type") != "content_block_start" || (kind != "text" && kind != "thinking") {
            frames.push(std::mem::take(&mut held).into());
        }
    }
    frames
}

fn start(message: &MessageReply<'_>, says_usage: bool) -> Value {
    let mut begun = json!({
        "id": message.id,
        "type": "message",
        "role": "assistant",
        "model": message.claude.name(),
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    });
    if let Some(begun) = begun.as_object_mut() {
        if message.claude.is_new() {
            begun.insert("stop_details".to_owned(), Value::Null);
        }
        if says_usage {
            begun.insert("usage".to_owned(), message.usage(UsageOf::Start).into());
        }
    }
    json!({"type": "message_start", "message": begun})
}

fn delta(message: &MessageReply<'_>, says_usage: bool) -> Value {
    let mut delta = Map::new();
    delta.insert("stop_reason".to_owned(), json!(message.stop_reason()));
    delta.insert(
        "stop_sequence".to_owned(),
        json!(message.reply.stop_sequence),
    );
    if let Some(details) = message.stop_details() {
        delta.insert("stop_details".to_owned(), details);
    }
    let mut event = Map::new();
    event.insert("type".to_owned(), json!("message_delta"));
    event.insert("delta".to_owned(), delta.into());
    if says_usage {
        event.insert("usage".to_owned(), message.usage(UsageOf::Delta).into());
    }
    for (name, value) in message.more() {
        event.insert(name.clone(), value.clone());
    }
    event.into()
}

/// A block as it starts, and the deltas that complete it. `raw_input` is a tool's input as the model wrote it, which
/// need not be JSON.
fn pieces_of(block: &Value, raw_input: Option<&str>) -> (Value, Vec<Value>) {
    let text = |name: &str| at(block, &format!("/{name}")).as_str().unwrap_or_default();
    let with = |changes: &[(&str, Value)]| {
        let mut first = block.clone();
        if let Some(fields) = first.as_object_mut() {
            for (name, value) in changes {
                fields.insert((*name).to_owned(), value.clone());
            }
        }
        first
    };
    match text("type") {
        "text" => {
            let citations = list(at(block, "/citations")).iter();
            let citations =
                citations.map(|citation| json!({"type": "citations_delta", "citation": citation}));
            let said = pieces(text("text")).into_iter();
            let said = said.map(|piece| json!({"type": "text_delta", "text": piece}));
            let mut first = with(&[("text", json!(""))]);
            if first.get("citations").is_some() {
                first = with(&[("text", json!("")), ("citations", json!([]))]);
            }
            (first, said.chain(citations).collect())
        }
        "thinking" => {
            let said = pieces(text("thinking")).into_iter();
            let said = said.map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
            let signature = json!({"type": "signature_delta", "signature": text("signature")});
            let first = with(&[("thinking", json!("")), ("signature", json!(""))]);
            let signature = (!text("signature").is_empty()).then_some(signature);
            (first, said.chain(signature).collect())
        }
        "tool_use" | "server_tool_use" => {
            let input = at(block, "/input").to_string();
            let input = fragments(raw_input.unwrap_or(&input)).into_iter();
            let input =
                input.map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
            (with(&[("input", json!({}))]), input.collect())
        }
        "compaction" => {
            let mut delta = block.clone();
            if let Some(fields) = delta.as_object_mut() {
                fields.insert("type".to_owned(), json!("compaction_delta"));
            }
            (json!({"type": "compaction", "content": null}), vec![delta])
        }
        _ => (block.clone(), Vec::new()),
    }
}
