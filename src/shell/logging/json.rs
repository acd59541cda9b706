//! Lines for machines: one JSON object each, the fields beside `timestamp`, `level`, `message` and `target`.

use std::fmt::{self, Write};

use super::line::{FieldValue, LogLine, is_seen, write_now};

/// Writes the line with its end.
pub(super) fn write(to: &mut impl Write, line: &LogLine<'_>) -> fmt::Result {
    to.write_str(r#"{"timestamp":""#)?;
    write_now(to)?;
    write!(to, r#"","level":"{}""#, line.level)?;
    if let Some(message) = &line.message {
        write!(to, r#","message":{}"#, text(message))?;
    }
    for (name, value) in &line.fields {
        match value {
            FieldValue::Plain(value) => write!(to, ",{}:{value}", text(name))?,
            FieldValue::Shown(value) | FieldValue::Text(value) => {
                write!(to, ",{}:{}", text(name), text(value))?
            }
        }
    }
    writeln!(to, r#","target":{}}}"#, text(line.target))
}

/// A text as JSON. What cannot be seen is escaped, also where JSON would allow it: viewers and other languages end
/// lines at more characters than JSON knows.
pub(crate) fn text(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    if json.chars().all(is_seen) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() * 2);
    for c in json.chars() {
        if is_seen(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}
