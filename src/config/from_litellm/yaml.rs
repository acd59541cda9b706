//! Writes JSON as YAML: what stands under a field in one line, strings plain where that is safe. A library's writer breaks
//! long and odd strings into lines of their own, which then could not be indented or made a comment.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::text::is_odd;

/// `litellm_params: {…}` as a field with its fields below it.
pub(super) fn section(name: &str, fields: &Map<String, Value>) -> String {
    let mut lines = format!("{name}:\n");
    for (name, value) in fields {
        lines.push_str(&format!(
            "  {}: {}\n",
            text(name, false),
            inline(value, false)
        ));
    }
    lines
}

/// A value in one line.
pub(super) fn inline(value: &Value, is_nested: bool) -> String {
    match value {
        Value::String(string) => text(string, is_nested),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields
                .map(|(name, value)| format!("{}: {}", text(name, true), inline(value, true)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Without quotes where nobody could take it for something else.
fn text(string: &str, is_nested: bool) -> String {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"_./-*".contains(&byte) || (byte == b':' && !is_nested)
    };
    let begins_well = string.starts_with(|first: char| first.is_ascii_alphanumeric());
    let is_safe = begins_well && !string.ends_with(':') && string.bytes().all(is_plain);
    if is_safe && serde_yaml::from_str::<Value>(string).is_ok_and(|read| read == string) {
        return string.to_owned();
    }
    let mut quoted = String::with_capacity(string.len() + 2);
    for char in Value::from(string).to_string().chars() {
        if is_odd(char) {
            // These are of the first plane, which four digits name.
            let _ = write!(quoted, "\\u{:04x}", u32::from(char));
        } else {
            quoted.push(char);
        }
    }
    quoted
}
