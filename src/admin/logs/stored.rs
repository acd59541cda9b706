//! A prompt and a reply as people read them: turn by turn, Markdown laid out, pictures shown, calls of tools folded. The
//! wires say the same things in different words; here they are read alike.

use serde_json::{Map, Value};

use super::super::markdown;
use super::super::numbers::count;
use super::super::texts::texts;
use super::pictures::{self, Picture};
use crate::spend::StoredContent;

/// Texts that are longer are folded.
const LONG: usize = 2_000;
/// Lines of a text that is not folded.
const MANY: usize = 30;
/// What is shown of encoded bytes.
const OF_DATA: usize = 60;
/// What of a request is the prompt, in the words of every wire, in the order in which it is read.
const PROMPT: [&str; 4] = ["system", "instructions", "messages", "input"];

/// The content of a request.
pub(super) struct StoredView {
    pub(super) prompt: Vec<ShownTurn>,
    /// Empty: nothing came.
    pub(super) reply: Vec<ShownTurn>,
    /// The request without its prompt.
    pub(super) others: Option<String>,
    /// All of the request, and all of the reply, as they are stored but for encoded bytes.
    pub(super) raw: String,
}

/// What one of them said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShownTurn {
    /// Its role as the wire has it.
    pub(super) role: String,
    pub(super) parts: Vec<StoredPart>,
}

/// A part of a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredPart {
    /// What it is, where it is not what its role says.
    pub(super) title: String,
    pub(super) text: String,
    pub(super) shape: PartShape,
}

/// How a part is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartShape {
    /// HTML that is safe.
    Markdown,
    /// As it is written.
    Plain,
    /// As it is written, folded at first.
    Folded,
    /// A picture; the text is its address.
    Picture,
}

impl StoredPart {
    fn markdown(text: &str) -> Self {
        // What is long is folded, and laid out by nobody but its reader.
        if is_long(text) {
            return Self::plain("", text.to_owned());
        }
        Self {
            title: String::new(),
            text: markdown::html(text),
            shape: PartShape::Markdown,
        }
    }

    /// Folded where it is long.
    fn plain(title: &str, text: String) -> Self {
        Self {
            title: title.to_owned(),
            shape: if is_long(&text) {
                PartShape::Folded
            } else {
                PartShape::Plain
            },
            text,
        }
    }

    fn folded(title: String, text: String) -> Self {
        Self {
            title,
            text,
            shape: PartShape::Folded,
        }
    }

    /// For the template.
    pub(super) fn is_markdown(&self) -> bool {
        self.shape == PartShape::Markdown
    }

    /// For the template.
    pub(super) fn is_folded(&self) -> bool {
        self.shape == PartShape::Folded
    }

    /// For the template.
    pub(super) fn is_picture(&self) -> bool {
        self.shape == PartShape::Picture
    }

    /// Of a text that is folded, its beginning.
    pub(super) fn start(&self) -> String {
        let line = self.text.lines().find(|line| !line.trim().is_empty());
        let line = line.unwrap_or_default();
        let start: String = line.chars().take(100).collect();
        format!("{start}…")
    }
}

fn is_long(text: &str) -> bool {
    text.len() > LONG || text.lines().nth(MANY).is_some()
}

/// Reads a conversation; knows which pictures it has met.
struct Reader<'a> {
    /// The address under which the pictures of the request are shown.
    pictures: &'a str,
    seen: usize,
}

impl StoredView {
    /// `pictures`: the address under which the pictures of the request are shown.
    pub(super) fn new(content: &StoredContent, pictures: &str) -> Self {
        let mut others = content.request.as_object().cloned().unwrap_or_default();
        let mut reader = Reader { pictures, seen: 0 };
        let mut prompt = Vec::new();
        for name in PROMPT {
            match others.remove(name) {
                None | Some(Value::Null) => {}
                Some(Value::Array(turns)) => {
                    prompt.extend(turns.iter().map(|turn| reader.turn(turn)));
                }
                Some(other) => prompt.push(reader.bare(name, &other)),
            }
        }
        let reply = content.response.as_ref();
        let answer = reply.and_then(|reply| reply.pointer("/choices/0/message"));
        Self {
            prompt,
            reply: match (answer, reply) {
                (Some(answer), _) => vec![reader.turn(answer)],
                (None, Some(reply)) => vec![reader.bare("", reply)],
                (None, None) => Vec::new(),
            },
            others: (!others.is_empty()).then(|| pretty(&Value::Object(others))),
            raw: {
                let mut both = Map::new();
                both.insert("request".to_owned(), content.request.clone());
                let response = content.response.clone();
                both.insert("response".to_owned(), response.unwrap_or(Value::Null));
                pretty(&Value::Object(both))
            },
        }
    }
}

impl Reader<'_> {
    /// A text, or anything, without a role.
    fn bare(&mut self, role: &str, value: &Value) -> ShownTurn {
        let part = match value.as_str() {
            Some(text) => StoredPart::markdown(text),
            None => StoredPart::plain("", pretty(value)),
        };
        ShownTurn {
            role: role.to_owned(),
            parts: vec![part],
        }
    }

    /// A message with its role; what has none is named by its type.
    fn turn(&mut self, message: &Value) -> ShownTurn {
        let before = self.seen;
        let turn = self.said(message);
        // Pictures that are not shown have their places too.
        self.seen = before + pictures::count(message);
        turn
    }

    fn said(&mut self, message: &Value) -> ShownTurn {
        let Some(fields) = message.as_object() else {
            return self.bare("", message);
        };
        let Some(role) = fields.get("role").and_then(Value::as_str) else {
            let kind = fields.get("type").and_then(Value::as_str);
            return ShownTurn {
                role: kind.unwrap_or_default().to_owned(),
                parts: self.parts(message),
            };
        };
        let mut parts = Vec::new();
        let t = &texts().log;
        if let Some(thinking) = fields.get("reasoning_content").and_then(Value::as_str) {
            parts.push(StoredPart::folded(
                t.thought.to_owned(),
                thinking.to_owned(),
            ));
        }
        match fields.get("content") {
            None | Some(Value::Null) => {}
            Some(Value::Array(content)) => {
                parts.extend(content.iter().flat_map(|part| self.parts(part)));
            }
            Some(Value::String(text)) if role == "tool" => {
                parts.push(StoredPart::plain("", text.clone()));
            }
            Some(Value::String(text)) => parts.push(StoredPart::markdown(text)),
            Some(other) => parts.push(StoredPart::plain("", pretty(other))),
        }
        let calls = fields.get("tool_calls").and_then(Value::as_array);
        parts.extend(calls.into_iter().flatten().map(call));
        let of = fields.get("tool_call_id").and_then(Value::as_str);
        ShownTurn {
            role: of.map_or_else(|| role.to_owned(), |of| format!("{role} {of}")),
            parts,
        }
    }

    /// A part of a message, or an item that stands alone. The pictures that a tool has answered with follow its result.
    fn parts(&mut self, part: &Value) -> Vec<StoredPart> {
        let result = ["content", "output"].map(|name| part.get(name));
        let result = result.into_iter().flatten().find_map(Value::as_array);
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        let of_tool = [
            "tool_result",
            "function_call_output",
            "custom_tool_call_output",
        ];
        let (Some(result), true) = (result, of_tool.contains(&kind)) else {
            return vec![self.part(part)];
        };
        let (pictures, others): (Vec<_>, Vec<_>) =
            (result.iter()).partition(|part| Picture::of(part).is_some());
        let others = Value::Array(others.into_iter().cloned().collect());
        let text = self::result(Some(&others));
        let text = StoredPart::folded(texts().log.tool_result.to_owned(), text);
        std::iter::once(text)
            .chain(pictures.into_iter().map(|picture| self.part(picture)))
            .collect()
    }

    /// One that stands for itself.
    fn part(&mut self, part: &Value) -> StoredPart {
        if Picture::of(part).is_some() {
            let address = format!("{}/{}", self.pictures, self.seen);
            self.seen += 1;
            return StoredPart {
                title: String::new(),
                text: address,
                shape: PartShape::Picture,
            };
        }
        self.seen += pictures::count(part);
        let t = &texts().log;
        let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "text" | "input_text" | "output_text" | ""
                if part.get("text").is_some_and(Value::is_string) =>
            {
                StoredPart::markdown(text("text"))
            }
            "thinking" => StoredPart::folded(t.thought.to_owned(), text("thinking").to_owned()),
            "tool_use" | "server_tool_use" => {
                let input = part.get("input").map(pretty).unwrap_or_default();
                StoredPart::folded(format!("{} {}", t.calls_tool, text("name")), input)
            }
            "function_call" | "custom_tool_call" => {
                let arguments = if text("arguments").is_empty() {
                    text("input")
                } else {
                    text("arguments")
                };
                StoredPart::folded(
                    format!("{} {}", t.calls_tool, text("name")),
                    laid_out(arguments),
                )
            }
            "tool_result" => {
                StoredPart::folded(t.tool_result.to_owned(), result(part.get("content")))
            }
            "function_call_output" | "custom_tool_call_output" => {
                StoredPart::folded(t.tool_result.to_owned(), result(part.get("output")))
            }
            kind => StoredPart::plain(kind, pretty(part)),
        }
    }
}

/// What a tool has answered: a text, or parts of which the texts are read.
fn result(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().map(|part| {
                let text = part.get("text").and_then(Value::as_str);
                text.map_or_else(|| pretty(part), str::to_owned)
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        Some(other) => pretty(other),
        None => String::new(),
    }
}

/// A call of a tool, its arguments laid out where they are JSON.
fn call(call: &Value) -> StoredPart {
    let at = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
    let name = at("/function/name").unwrap_or("?");
    let arguments = at("/function/arguments").unwrap_or_default();
    StoredPart::folded(
        format!("{} {name}", texts().log.calls_tool),
        laid_out(arguments),
    )
}

fn laid_out(arguments: &str) -> String {
    let parsed = serde_json::from_str::<Value>(arguments);
    parsed.map_or_else(|_| arguments.to_owned(), |value| pretty(&value))
}

/// The names of the tools that an answer calls, in its order.
pub(super) fn tools_called(content: &StoredContent) -> Vec<String> {
    let calls = content.response.as_ref();
    let calls = calls.and_then(|reply| reply.pointer("/choices/0/message/tool_calls"));
    let calls = calls.and_then(Value::as_array).into_iter().flatten();
    calls
        .filter_map(|call| call.pointer("/function/name")?.as_str().map(str::to_owned))
        .collect()
}

/// JSON laid out, with the bytes of pictures and files left out.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&readable(value)).unwrap_or_default()
}

fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONG && is_data(text) => {
            let start: String = text.chars().take(OF_DATA).collect();
            let rest = u64::try_from(text.len().saturating_sub(start.len())).unwrap_or(u64::MAX);
            let label = texts().log.bytes_left_out;
            Value::String(format!("{start}… {} {label}", count(rest)))
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
        StoredView::new(&StoredContent { request, response }, "/p")
    }

    fn said(turns: &[ShownTurn]) -> Vec<(String, String, PartShape)> {
        let parts = turns.iter().flat_map(|turn| {
            let role = &turn.role;
            turn.parts.iter().map(move |part| {
                let title = format!("{role} {}", part.title).trim().to_owned();
                (title, part.text.clone(), part.shape)
            })
        });
        parts.collect()
    }

    #[test]
    fn a_conversation_is_read_turn_by_turn() {
        let function = json!({"name": "look", "arguments": "{\"where\":\"there\"}"});
        let call = json!({"id": "c1", "type": "function", "function": function});
        let request = json!({"model": "m", "temperature": 0, "messages": [
            {"role": "system", "content": "Be *brief*."},
            {"role": "user", "content": [{"type": "text", "text": "Look."}, {"type": "text", "text": "Now."}]},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "A *wall*."},
        ]});
        let answer = json!({"role": "assistant", "reasoning_content": "Hm.", "content": "A wall!", "tool_calls": [call]});
        let content = StoredContent {
            request,
            response: Some(json!({"choices": [{"message": answer}]})),
        };
        let view = StoredView::new(&content, "/p");
        let own = |(title, text, shape): (&str, &str, PartShape)| {
            (title.to_owned(), text.to_owned(), shape)
        };
        let arguments = "{\n  \"where\": \"there\"\n}";
        let prompt = [
            ("system", "<p>Be <em>brief</em>.</p>\n", PartShape::Markdown),
            ("user", "<p>Look.</p>\n", PartShape::Markdown),
            ("user", "<p>Now.</p>\n", PartShape::Markdown),
            ("assistant calls look", arguments, PartShape::Folded),
            ("tool c1", "A *wall*.", PartShape::Plain),
        ];
        assert_eq!(said(&view.prompt), prompt.map(own));
        let reply = [
            ("assistant thinking", "Hm.", PartShape::Folded),
            ("assistant", "<p>A wall!</p>\n", PartShape::Markdown),
            ("assistant calls look", arguments, PartShape::Folded),
        ];
        assert_eq!(said(&view.reply), reply.map(own));
        let others = view.others.unwrap();
        assert!(others.contains("temperature") && !others.contains("Look."));
        assert_eq!(tools_called(&content), ["look"]);
    }

    #[test]
    fn the_prompt_of_every_wire_is_read_alike() {
        let part = json!({"type": "input_text", "text": "Look."});
        let call = json!({"type": "function_call", "name": "look", "arguments": "{}"});
        let output = json!({"type": "function_call_output", "call_id": "c", "output": "A wall."});
        let system = json!([{"type": "text", "text": "Be brief."}]);
        let native = json!([
            {"type": "thinking", "thinking": "Hm."}, {"type": "tool_use", "name": "look", "input": {}},
            {"type": "tool_result", "content": [{"type": "text", "text": "A wall."}]},
        ]);
        for (request, titles) in [
            (json!({"input": "Look."}), vec!["input"]),
            (
                json!({"instructions": "Be brief.", "input": [{"role": "user", "content": [part]}, call, output]}),
                vec![
                    "instructions",
                    "user",
                    "function_call calls look",
                    "function_call_output result",
                ],
            ),
            (
                json!({"system": system, "messages": [{"role": "user", "content": "Look."}]}),
                vec!["text", "user"],
            ),
            (
                json!({"messages": [{"role": "assistant", "content": native}]}),
                vec![
                    "assistant thinking",
                    "assistant calls look",
                    "assistant result",
                ],
            ),
        ] {
            let view = view(request, None);
            let found: Vec<String> = said(&view.prompt)
                .into_iter()
                .map(|(title, _, _)| title)
                .collect();
            assert_eq!(found, titles);
            assert_eq!(view.others, None);
        }
    }

    #[test]
    fn pictures_are_shown_by_their_place() {
        let url = format!("data:image/png;base64,{}", "A".repeat(50_000));
        let picture = json!({"type": "image_url", "image_url": {"url": url}});
        let native = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
        let result = json!({"type": "tool_result", "content": [native]});
        let request = json!({"messages": [{"role": "user", "content": [picture, result, native]}]});
        let view = view(request, None);
        let parts = said(&view.prompt);
        assert_eq!((&*parts[0].1, parts[0].2), ("/p/0", PartShape::Picture));
        // What a tool has answered with follows its result.
        assert_eq!(parts[1].2, PartShape::Folded);
        assert_eq!((&*parts[2].1, parts[2].2), ("/p/1", PartShape::Picture));
        assert_eq!((&*parts[3].1, parts[3].2), ("/p/2", PartShape::Picture));
        assert!(view.raw.contains("bytes left out") && view.raw.len() < 2_000);
    }

    #[test]
    fn a_request_of_any_form_is_shown() {
        for request in [
            json!([]),
            json!({"messages": 7}),
            json!({"messages": [7, {}, {"role": 1, "content": {"a": 1}}, {"tool_calls": [1]}]}),
            json!({"messages": [{"role": "user", "content": [7, {}, {"type": "text"}, {"type": "tool_use"}]}]}),
        ] {
            view(request.clone(), Some(json!({"choices": []})));
            view(json!({"input": request}), Some(json!("text")));
        }
    }

    #[test]
    fn what_is_long_is_folded_under_its_beginning() {
        assert!(StoredPart::markdown("short").is_markdown());
        let many = StoredPart::markdown(&"\nfirst <b>\n".repeat(40));
        assert!(many.is_folded());
        assert_eq!(many.start(), "first <b>…");
        assert!(StoredPart::plain("", "ä".repeat(LONG)).is_folded());
    }
}
