//! What is asked: the body that an agent sends, in three sizes.

use serde_json::{Value, json};

/// A prompt's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One message.
    OneKb,
    /// 25 tools and 60 turns of an agent at work.
    HundredKb,
    /// The same with large results.
    OneMb,
}

impl Size {
    /// As the tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Size::OneKb => "1 KB",
            Size::HundredKb => "100 KB",
            Size::OneMb => "1 MB",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Size::OneKb => 1_000,
            Size::HundredKb => 100_000,
            Size::OneMb => 1_000_000,
        }
    }
}

const TURNS: usize = 60;
const TOOLS: usize = 25;

/// The body of a chat request of about this size: the same at every call.
pub fn body(size: Size, model: &str, stream: bool) -> Value {
    if size == Size::OneKb {
        return json!({"model": model, "max_tokens": 4096, "stream": stream, "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": text(850, 0)},
        ]});
    }
    let tools: Vec<Value> = (0..TOOLS).map(tool).collect();
    // About a quarter of a small prompt is tools, and names and ids are the rest of what is not text.
    let frame = tools
        .iter()
        .map(|tool| tool.to_string().len())
        .sum::<usize>()
        + TURNS * 160;
    let each = size.bytes().saturating_sub(frame) / (TURNS + 1);
    let mut messages = vec![
        json!({"role": "system", "content": text(each, 0)}),
        json!({"role": "user", "content": "Find the fault and mend it."}),
    ];
    for turn in 0..TURNS / 2 {
        let arguments =
            json!({"path": format!("src/part_{turn}.rs"), "text": text(each / 4, turn)})
                .to_string();
        messages.push(json!({
            "role": "assistant",
            "content": text(each / 4, turn),
            "tool_calls": [{
                "id": format!("call_{turn:08}"),
                "type": "function",
                "function": {"name": format!("tool_{}", turn % TOOLS), "arguments": arguments},
            }],
        }));
        messages.push(json!({
            "role": "tool",
            "tool_call_id": format!("call_{turn:08}"),
            "content": text(each + each / 2, turn),
        }));
    }
    json!({"model": model, "max_tokens": 4096, "stream": stream, "messages": messages, "tools": tools})
}

fn tool(number: usize) -> Value {
    let field = |what: &str| json!({"type": "string", "description": format!("The {what} that this call is about, as the workspace knows it.")});
    json!({"type": "function", "function": {
        "name": format!("tool_{number}"),
        "description": text(300, number),
        "parameters": {
            "type": "object",
            "properties": {
                "path": field("path"),
                "text": field("text"),
                "mode": {"type": "string", "enum": ["read", "write", "append"], "description": "What is done with it."},
                "ranges": {"type": "array", "items": {"type": "object", "properties": {
                    "from": {"type": "integer"}, "to": {"type": "integer"},
                }, "required": ["from", "to"]}},
            },
            "required": ["path"],
        },
    }})
}

/// Text like code: lines, quotes and indents, which JSON escapes.
fn text(bytes: usize, seed: usize) -> String {
    let line = format!("    let value_{seed} = \"a line of a file\"; // part {seed}\n");
    let mut text = line.repeat(bytes / line.len() + 1);
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_about_as_large_as_it_is_called() {
        for size in [Size::OneKb, Size::HundredKb, Size::OneMb] {
            let length = body(size, "m", true).to_string().len();
            let wanted = size.bytes();
            assert!(
                length > wanted * 9 / 10 && length < wanted * 11 / 10,
                "{length} of {wanted}"
            );
        }
    }
}
