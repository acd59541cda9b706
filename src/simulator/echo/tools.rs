//! Which tool to call, and with what.

use serde_json::{Map, Value, json};

use super::{
    super::{ScriptedReply, json::at},
    EchoChoice, Prompt, call, schema,
    task::{Task, working_directory},
};

/// The call that the request forces.
pub(super) fn forced(prompt: &Prompt<'_>, task: Option<&Task>) -> Option<ScriptedReply> {
    if let EchoChoice::Tool(name) = prompt.choice {
        let (name, schema) = prompt.tools.iter().find(|(known, _)| *known == name)?;
        let by_task = task.and_then(|task| arguments(schema, task, prompt));
        return Some(call(
            name,
            by_task.unwrap_or_else(|| schema::fill(schema, name)),
        ));
    }
    if prompt.choice == EchoChoice::Free {
        return None;
    }
    let by_task = task.and_then(|task| write_file(prompt, task));
    by_task.or_else(|| mentioned(prompt)).or_else(|| {
        let (name, schema) = prompt.tools.first()?;
        Some(call(name, schema::fill(schema, name)))
    })
}

/// Calls every tool that the last message asks for by name, in the order of the tools.
pub(super) fn mentioned(prompt: &Prompt<'_>) -> Option<ScriptedReply> {
    let text = prompt.last();
    let named = prompt
        .tools
        .iter()
        .filter(|(name, _)| is_asked_for(text, name));
    let mut reply = ScriptedReply::default();
    for (name, schema) in named {
        reply = reply.with_tool(*name, &schema::fill(schema, name));
    }
    (!reply.blocks.is_empty()).then_some(reply)
}

/// Names like `get_weather` speak for themselves; names like `read` are words, and count only as "use read",
/// "the read tool" or in backticks.
fn is_asked_for(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let plain = name.chars().all(|c| c.is_ascii_lowercase());
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + name.len()..).unwrap_or_default();
        if before.ends_with(is_word) || after.starts_with(is_word) {
            return false;
        }
        let verb = before
            .split_whitespace()
            .next_back()
            .unwrap_or_default()
            .to_lowercase();
        let called = ["use", "call", "using", "invoke", "run"].contains(&verb.as_str());
        !plain || called || before.ends_with('`') || after.trim_start().starts_with("tool")
    })
}

/// The call that writes the task's file: a tool that takes a path and a content, else a shell.
pub(super) fn write_file(prompt: &Prompt<'_>, task: &Task) -> Option<ScriptedReply> {
    let writer = prompt.tools.iter().find(|(_, schema)| takes_file(schema));
    let shell = || {
        prompt
            .tools
            .iter()
            .find(|(_, schema)| command(schema).is_some())
    };
    let (name, schema) = writer.or_else(shell)?;
    Some(call(name, arguments(schema, task, prompt)?))
}

const PATHS: [&str; 6] = [
    "path",
    "filePath",
    "file_path",
    "filename",
    "file",
    "target_file",
];
const CONTENTS: [&str; 6] = [
    "content",
    "contents",
    "new_text",
    "file_text",
    "text",
    "code_edit",
];
const COMMANDS: [&str; 3] = ["commands", "command", "cmd"];

fn property<'a>(schema: &Value, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .find(|name| at(schema, "/properties").get(**name).is_some())
        .copied()
}

fn requires(schema: &Value, name: &str) -> bool {
    at(schema, "/required")
        .as_array()
        .is_some_and(|names| names.iter().any(|known| known == name))
}

/// Whether a tool writes whole files: one that must be told the old text does not.
fn takes_file(schema: &Value) -> bool {
    let old = ["old_text", "old_string", "oldString", "old_str"];
    property(schema, &PATHS).is_some()
        && property(schema, &CONTENTS).is_some()
        && !old.iter().any(|name| requires(schema, name))
}

fn command(schema: &Value) -> Option<&'static str> {
    property(schema, &COMMANDS)
}

/// The task as arguments of this tool.
fn arguments(schema: &Value, task: &Task, prompt: &Prompt<'_>) -> Option<Value> {
    // What else the tool requires gets some value.
    let mut arguments: Map<String, Value> = match schema::fill(schema, "") {
        Value::Object(filled) => filled
            .into_iter()
            .filter(|(name, _)| requires(schema, name))
            .collect(),
        _ => Map::new(),
    };
    if takes_file(schema) {
        let (path, content) = (property(schema, &PATHS)?, property(schema, &CONTENTS)?);
        arguments.insert(
            path.to_owned(),
            json!(file_path(schema, path, task, prompt)),
        );
        arguments.insert(content.to_owned(), json!(format!("{}\n", task.content)));
        // Editors that do several things are told to create.
        if requires(schema, "command") {
            arguments.insert("command".to_owned(), json!("create"));
        }
        return Some(Value::Object(arguments));
    }
    let name = command(schema)?;
    let line = format!(
        "printf '%s\\n' {} > {}",
        quoted(&task.content),
        quoted(&task.file)
    );
    let list = at(schema, &format!("/properties/{name}/type")) == "array";
    let value = match (name, list) {
        ("commands", true) => json!([line]),
        (_, true) => json!(["bash", "-lc", line]),
        _ => json!(line),
    };
    arguments.insert(name.to_owned(), value);
    Some(Value::Object(arguments))
}

/// Absolute where the client says where it works, unless the tool wants it relative.
fn file_path(schema: &Value, property: &str, task: &Task, prompt: &Prompt<'_>) -> String {
    let wording = at(schema, &format!("/properties/{property}/description"))
        .as_str()
        .unwrap_or_default();
    let wording = wording.to_lowercase();
    let relative = wording.contains("relative") && !wording.contains("absolute");
    match working_directory(&prompt.everything()) {
        Some(directory) if !relative && !task.file.starts_with('/') => {
            format!("{}/{}", directory.trim_end_matches('/'), task.file)
        }
        _ => task.file.clone(),
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
