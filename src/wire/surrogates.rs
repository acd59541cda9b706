//! JSON with unpaired surrogates: half of an emoji.
//!
//! JavaScript counts text in UTF-16, so a client that cuts a tool's output to a length can leave one half of a
//! surrogate pair, and its JSON says `\ud83d`. No Rust string can hold that. Refusing it would end the conversation
//! for good, because the message stays in the history; the replacement character loses one character.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::json::{self, JsonReadError};

use super::fields;
use super::limits::OF_BODY;

/// Parses JSON; where it holds lone surrogates, as if they were replacement characters. Beside the value, the names
/// of the root's fields that the type does not have.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<(T, Vec<String>), JsonReadError> {
    let read = |json: &[u8]| json::read_with(json, OF_BODY, |json| fields::read(json));
    read(json).or_else(|misread| match repaired(json) {
        Cow::Owned(repaired) if !misread.error.is_data() => read(&repaired),
        _ => Err(misread),
    })
}

/// The objects among the values that stand one after the other at the start of a text, up to the first value that
/// cannot be read, and at most so many.
pub(crate) fn objects(json: &[u8], most: usize) -> Vec<Value> {
    let read = |json: &[u8]| -> (Vec<Value>, bool) {
        let mut broken = false;
        let values = serde_json::Deserializer::from_slice(json).into_iter::<Value>();
        let parsed = values.map_while(|value| {
            broken = value.is_err();
            value.ok()
        });
        let objects = parsed.filter(Value::is_object).take(most).collect();
        (objects, broken)
    };
    match read(json) {
        (objects, false) => objects,
        (objects, true) => match repaired(json) {
            Cow::Owned(repaired) => read(&repaired).0,
            Cow::Borrowed(_) => objects,
        },
    }
}

/// This JSON with `\ufffd` for every lone surrogate. Escapes all have six bytes, so places in it stay the same.
pub(crate) fn repaired(json: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Cow::Borrowed(json);
    let mut at = 0;
    while let Some(rest) = json.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest {
            [b'\\', b'u', ..] => match (unit(rest), rest.get(6..).and_then(unit)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(0xd800..=0xdfff), _) => {
                    if let Some(escape) = repaired.to_mut().get_mut(at..at + 6) {
                        escape.copy_from_slice(b"\\ufffd");
                    }
                    6
                }
                _ => 2,
            },
            // Whatever is escaped, a backslash above all, begins no escape of its own.
            [b'\\', ..] => 2,
            _ => 1,
        };
    }
    repaired
}

/// The UTF-16 unit of an escape (`\u12ab`) at the start of `text`.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}
