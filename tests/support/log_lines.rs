//! The log of a process, taken apart as strictly as anybody could: a line that is not exactly one structured line fails
//! the test.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// One line: its fields by name, `level`, `target` and, where there is one, `message` among them.
pub type Line = BTreeMap<String, String>;

/// The lines of a log in either format, without what a server says of itself at its start.
pub fn lines(log: &str, json: bool) -> Vec<Line> {
    let own = |line: &&str| !line.starts_with("bedrock-sidecar ") && !line.starts_with("  ");
    assert!(log.is_empty() || log.ends_with('\n'), "{log}");
    let lines = log.split_terminator('\n').filter(own);
    lines
        .map(|line| {
            let seen =
                |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() || c == '…';
            assert!(line.chars().all(seen), "{line:?}");
            let read = if json { of_json(line) } else { of_text(line) };
            read.unwrap_or_else(|why| panic!("{why}: {line}"))
        })
        .collect()
}

/// Some member of an object, under a name that it has once.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("two members {name}")));
                    }
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(All)
    }
}

fn of_json(line: &str) -> Result<Line, String> {
    let members: Members = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let fields = members.0.into_iter();
    Ok(fields.map(|(name, value)| (name, text(value))).collect())
}

fn of_text(line: &str) -> Result<Line, String> {
    let (time, rest) = line.split_once(' ').ok_or("no time")?;
    time.parse::<Timestamp>()
        .map_err(|error| error.to_string())?;
    let (level, rest) = rest.trim_start().split_once(' ').ok_or("no level")?;
    let end = rest.find(": ").ok_or("no target")?;
    let (target, mut rest) = (&rest[..end], &rest[end + 1..]);
    let mut line = Line::from([
        ("level".to_owned(), level.to_owned()),
        ("target".to_owned(), target.to_owned()),
    ]);
    // A sentence has no sign of a field in it.
    let fields = rest.find('=').map_or(rest.len(), |equals| {
        rest[..equals].rfind(' ').expect("a name behind a space")
    });
    let sentence = rest[..fields].trim();
    if !sentence.is_empty() {
        line.insert("message".to_owned(), sentence.to_owned());
    }
    rest = &rest[fields..];
    while !rest.is_empty() {
        let field = rest.strip_prefix(' ').ok_or("no space before a field")?;
        let (name, after) = field.split_once('=').ok_or("no value")?;
        if name.is_empty() || name.contains([' ', '"']) {
            return Err(format!("{name:?} is no name"));
        }
        let end = match after.strip_prefix('"') {
            Some(quoted) => end_of_quoted(quoted).ok_or("a quote without an end")? + 1,
            None => after.find(' ').unwrap_or(after.len()),
        };
        let value = after[..end].trim_matches('"').to_owned();
        if line.insert(name.to_owned(), value).is_some() {
            return Err(format!("two fields {name}"));
        }
        rest = &after[end..];
    }
    Ok(line)
}

/// Where a quoted text ends, its closing quote included.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    let closing = |c: char| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    };
    text.find(closing).map(|at| at + 1)
}
