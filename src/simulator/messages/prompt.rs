//! A Messages request as the echo reads it.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    super::{
        echo::{EchoChoice, EchoTurn, EchoedThinking, Prompt, text_of, texts_in},
        json::{at, list},
    },
    MessagesCall, search,
};

/// What of a request matters to the echo.
pub(super) fn read<'a>(request: &MessagesCall<'a>) -> Prompt<'a> {
    let body = request.body;
    let mut system = said(at(body, "/system"));
    let mut turns: Vec<EchoTurn> = Vec::new();
    for message in request.messages() {
        let content = at(message, "/content");
        // Instructions in the midst of a conversation are no user's words.
        if at(message, "/role") == "system" {
            system = format!("{system}\n{}", said(content));
            continue;
        }
        let results = list(content).iter();
        let results = results.filter(|block| at(block, "/type") == "tool_result");
        let turn = EchoTurn {
            is_user: at(message, "/role") == "user",
            text: said(content),
            results: results.map(|block| said(at(block, "/content"))).collect(),
        };
        match turns.last_mut() {
            Some(last) if last.is_user == turn.is_user => {
                last.text = format!("{}\n{}", last.text, turn.text);
                last.results.extend(turn.results);
            }
            _ => turns.push(turn),
        }
    }
    let mut prompt = Prompt::of_turns(turns);
    prompt.system = system;
    prompt.thinking = thinking(request, prompt.is_fresh());
    prompt.tools = tools(body);
    prompt.choice = match at(body, "/tool_choice/type").as_str() {
        Some("any") => EchoChoice::Any,
        Some("tool") => {
            EchoChoice::Tool(at(body, "/tool_choice/name").as_str().unwrap_or_default())
        }
        _ => EchoChoice::Free,
    };
    let format = at(body, "/output_config/format").get("schema");
    prompt.format = format.map(Cow::Borrowed);
    prompt.stops = texts_in(at(body, "/stop_sequences"));
    prompt.most = at(body, "/max_tokens").as_u64();
    prompt
}

/// What a content says: a string, or its blocks' texts.
fn said(content: &Value) -> String {
    content
        .as_str()
        .map_or_else(|| text_of(content), str::to_owned)
}

/// The tools within reach that the client runs, with their schemas.
fn tools(body: &Value) -> Vec<(&str, Cow<'_, Value>)> {
    let tools = search::within_reach(body).into_iter();
    let tools = tools.filter_map(|tool| {
        let name = at(tool, "/name").as_str()?;
        let kind = at(tool, "/type").as_str().unwrap_or("custom");
        let schema = match tool.get("input_schema") {
            Some(schema) => Cow::Borrowed(schema),
            None => Cow::Owned(schema_of(kind)?),
        };
        Some((name, schema))
    });
    tools.collect()
}

/// The schema of a tool that Anthropic defines and the client runs.
fn schema_of(kind: &str) -> Option<Value> {
    let object = |names: &[&str], required: &[&str]| {
        let properties = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({"type": "string"})));
        let properties: serde_json::Map<String, Value> = properties.collect();
        json!({"type": "object", "properties": properties, "required": required})
    };
    let starts = |name: &str| kind.starts_with(name);
    if starts("bash_") {
        return Some(object(&["command"], &["command"]));
    }
    if starts("text_editor_") || starts("memory_") {
        let names = ["command", "path", "file_text"];
        return Some(object(&names, &["command", "path"]));
    }
    starts("computer_").then(|| object(&["action"], &["action"]))
}

/// Whether the answer begins with thinking.
fn thinking(request: &MessagesCall<'_>, fresh: bool) -> EchoedThinking {
    let thinks = match request.thinking() {
        Some("enabled") => fresh || began_with_thinking(request),
        Some("adaptive") => fresh,
        Some(_) => false,
        None => fresh && request.claude().thinks_unasked(),
    };
    match thinks {
        true => EchoedThinking::Signed,
        false => EchoedThinking::None,
    }
}

/// Whether the tool loop that is going on began with thinking: one that did not goes on without, whatever is asked for.
fn began_with_thinking(request: &MessagesCall<'_>) -> bool {
    let is = |message: &Value, role: &str| at(message, "/role") == role;
    let has = |message: &Value, kinds: &[&str]| {
        let blocks = list(at(message, "/content"));
        let kind_of = |block: &Value| at(block, "/type").as_str().unwrap_or_default().to_owned();
        blocks
            .iter()
            .any(|block| kinds.contains(&kind_of(block).as_str()))
    };
    let messages = request.messages();
    let asked = messages
        .iter()
        .rposition(|message| is(message, "user") && !has(message, &["tool_result"]));
    let since = messages.get(asked.unwrap_or(0)..).unwrap_or_default();
    let first = since.iter().find(|message| is(message, "assistant"));
    first.is_some_and(|first| has(first, &["thinking", "redacted_thinking"]))
}
