//! A prompt and a reply as people read them: turn by turn, what is long folded, what is no text left out.

use serde_json::{Map, Value};

use super::super::numbers::count;
use super::super::texts::texts;
use crate::spend::Content;

/// Texts that are longer are folded.
const LONG: usize = 2_000;
/// Lines of a text that is not folded.
const MANY: usize = 30;
/// What is shown of a picture or a file, which are encoded bytes.
const OF_DATA: usize = 60;
/// What of a request is the prompt, in the words of every wire, in the order in which it is read.
const PROMPT: [&str; 4] = ["system", "instructions", "messages", "input"];

/// The content of a request.
pub(super) struct StoredView {
    pub(super) prompt: Vec<StoredTurn>,
    /// Empty: nothing came.
    pub(super) reply: Vec<StoredTurn>,
    /// The request without its prompt.
    pub(super) others: Option<String>,
}

/// A turn, or a part of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredTurn {
    pub(super) title: String,
    pub(super) text: String,
}

impl StoredTurn {
    fn new(title: impl Into<String>, text: String) -> Self {
        let title = title.into();
        Self { title, text }
    }

    /// For the template.
    pub(super) fn is_long(&self) -> bool {
        self.text.len() > LONG || self.text.lines().nth(MANY).is_some()
    }

    /// Of a text that is folded, its beginning.
    pub(super) fn start(&self) -> String {
        let line = self.text.lines().find(|line| !line.trim().is_empty());
        let line = line.unwrap_or_default();
        let start: String = line.chars().take(100).collect();
        format!("{start}…")
    }
}

impl From<&Content> for StoredView {
    fn from(content: &Content) -> Self {
        let mut others = content.request.as_object().cloned().unwrap_or_default();
        let mut prompt = Vec::new();
        for name in PROMPT {
            match others.remove(name) {
                None | Some(Value::Null) => {}
                Some(Value::Array(turns)) => prompt.extend(turns.iter().flat_map(turn)),
                Some(other) => prompt.push(StoredTurn::new(name, text(&other))),
            }
        }
        let reply = content.response.as_ref();
        let answer = reply.and_then(|reply| reply.pointer("/choices/0/message"));
        Self {
            prompt,
            reply: match (answer, reply) {
                (Some(answer), _) => turn(answer),
                (None, Some(reply)) => vec![StoredTurn::new("", pretty(reply))],
                (None, None) => Vec::new(),
            },
            others: (!others.is_empty()).then(|| pretty(&Value::Object(others))),
        }
    }
}

/// The pieces of a message, each under the name of its role; what has none is shown under its type.
fn turn(message: &Value) -> Vec<StoredTurn> {
    let Some(fields) = message.as_object() else {
        return vec![StoredTurn::new("", pretty(message))];
    };
    let Some(role) = fields.get("role").and_then(Value::as_str) else {
        let kind = fields.get("type").and_then(Value::as_str);
        return vec![StoredTurn::new(kind.unwrap_or_default(), part(message))];
    };
    let of = fields.get("tool_call_id").and_then(Value::as_str);
    let title = of.map_or_else(|| role.to_owned(), |of| format!("{role} {of}"));
    let mut pieces = Vec::new();
    if let Some(thinking) = fields.get("reasoning_content").and_then(Value::as_str) {
        pieces.push(StoredTurn::new(
            format!("{role}: thinking"),
            thinking.to_owned(),
        ));
    }
    match fields.get("content") {
        None | Some(Value::Null) => {}
        Some(Value::Array(parts)) => {
            let texts: Vec<String> = parts.iter().map(part).collect();
            pieces.push(StoredTurn::new(title, texts.join("\n")));
        }
        Some(content) => pieces.push(StoredTurn::new(title, text(content))),
    }
    let calls = fields.get("tool_calls").and_then(Value::as_array);
    pieces.extend(
        calls
            .into_iter()
            .flatten()
            .map(|call| self::call(role, call)),
    );
    pieces
}

/// A call of a tool, its arguments laid out where they are JSON.
fn call(role: &str, call: &Value) -> StoredTurn {
    let at = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
    let name = at("/function/name").unwrap_or("?");
    let id = at("/id").unwrap_or_default();
    let arguments = at("/function/arguments").unwrap_or_default();
    let parsed = serde_json::from_str::<Value>(arguments);
    let arguments = parsed.map_or_else(|_| arguments.to_owned(), |value| pretty(&value));
    StoredTurn::new(format!("{role}: {name} {id}"), arguments)
}

fn part(part: &Value) -> String {
    let text = part.get("text").and_then(Value::as_str);
    text.map_or_else(|| pretty(part), str::to_owned)
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.map_or_else(|| pretty(value), str::to_owned)
}

/// JSON laid out, with the bytes of pictures and files left out.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&readable(value)).unwrap_or_default()
}

fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONG && is_data(text) => {
            let start: String = text.chars().take(OF_DATA).collect();
            let rest = u64::try_from(text.len().saturating_sub(start.len())).unwrap_or(u64::MAX);
            let left_out = texts().log.bytes_left_out;
            Value::String(format!("{start}… {} {left_out}", count(rest)))
        }
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields: Map<_, _> = fields
                .map(|(name, value)| (name.clone(), readable(value)))
                .collect();
            Value::Object(fields)
        }
        other => other.clone(),
    }
}

/// Whether a text is encoded bytes: a `data:` address, or Base64 without any white space.
fn is_data(text: &str) -> bool {
    text.starts_with("data:")
        || text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(request: Value, response: Option<Value>) -> StoredView {
        StoredView::from(&Content { request, response })
    }

    #[test]
    fn a_conversation_is_read_turn_by_turn() {
        let function = json!({"name": "look", "arguments": "{\"where\":\"there\"}"});
        let call = json!({"id": "c1", "type": "function", "function": function});
        let request = json!({"model": "m", "temperature": 0, "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look."}, {"type": "text", "text": "Now."}]},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "A wall."},
        ]});
        let answer = json!({"role": "assistant", "reasoning_content": "Hm.", "content": "A wall!"});
        let view = view(request, Some(json!({"choices": [{"message": answer}]})));
        let pieces = |pieces: &[StoredTurn]| -> Vec<(String, String)> {
            let pieces = pieces.iter();
            pieces
                .map(|piece| (piece.title.clone(), piece.text.clone()))
                .collect()
        };
        let own = |(title, text): (&str, &str)| (title.to_owned(), text.to_owned());
        let prompt = [
            ("system", "Be brief."),
            ("user", "Look.\nNow."),
            ("assistant: look c1", "{\n  \"where\": \"there\"\n}"),
            ("tool c1", "A wall."),
        ];
        assert_eq!(pieces(&view.prompt), prompt.map(own));
        let reply = [("assistant: thinking", "Hm."), ("assistant", "A wall!")];
        assert_eq!(pieces(&view.reply), reply.map(own));
        let others = view.others.unwrap();
        assert!(others.contains("temperature") && !others.contains("Look."));
    }

    #[test]
    fn the_prompt_of_every_wire_is_found() {
        let part = json!({"type": "input_text", "text": "Look."});
        let call = json!({"type": "function_call", "name": "look", "arguments": "{}"});
        let system = json!([{"type": "text", "text": "Be brief."}]);
        for (request, titles) in [
            (json!({"input": "Look."}), vec!["input"]),
            (
                json!({"instructions": "Be brief.", "input": [{"role": "user", "content": [part]}, call]}),
                vec!["instructions", "user", "function_call"],
            ),
            (
                json!({"system": system, "messages": [{"role": "user", "content": "Look."}]}),
                vec!["text", "user"],
            ),
        ] {
            let view = view(request, None);
            let found = view.prompt.iter().map(|piece| &*piece.title);
            assert_eq!(found.collect::<Vec<_>>(), titles);
            assert!(view.prompt.iter().any(|piece| piece.text == "Look."));
            assert_eq!(view.others, None);
        }
    }

    #[test]
    fn the_bytes_of_a_picture_are_left_out() {
        let url = format!("data:image/png;base64,{}", "A".repeat(50_000));
        let picture = json!({"type": "image_url", "image_url": {"url": url}});
        let request = json!({"messages": [{"role": "user", "content": [picture]}]});
        let view = view(request, None);
        let text = &view.prompt[0].text;
        assert!(text.contains("data:image/png") && text.contains("bytes left out"));
        assert!(text.len() < 400 && view.reply.is_empty());
    }

    #[test]
    fn a_request_of_any_form_is_shown() {
        for request in [
            json!([]),
            json!({"messages": 7}),
            json!({"messages": [7, {}, {"role": 1, "content": {"a": 1}}, {"tool_calls": [1]}]}),
        ] {
            view(request.clone(), Some(json!({"choices": []})));
            view(json!({"input": request}), Some(json!("text")));
        }
    }

    #[test]
    fn what_is_long_is_folded_under_its_beginning() {
        assert!(!StoredTurn::new("", "short".to_owned()).is_long());
        let many = StoredTurn::new("", "\nfirst\n".repeat(40));
        assert!(many.is_long());
        assert_eq!(many.start(), "first…");
        assert!(StoredTurn::new("", "ä".repeat(LONG)).is_long());
    }
}
