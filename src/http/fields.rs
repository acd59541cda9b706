//! Fields of the bodies that make and change keys, teams and users.

use serde_json::{Map, Value};

use crate::wire::{ApiError, read};

/// Refuses a body with a field that is not kept here where it asks for something: a limit that an admin believes in must
/// not be a word without effect. `shown` are fields that the answers add; a client may send one back as it came.
pub(super) fn refuse_unknown(
    body: &[u8],
    known: &[&[&str]],
    shown: &[&str],
    what: &str,
) -> Result<(), ApiError> {
    let fields: Map<String, Value> = read(body)?;
    for (name, value) in &fields {
        let is_known = known.iter().any(|names| names.contains(&name.as_str()));
        if !is_known && !shown.contains(&name.as_str()) && asks(value) {
            let message = format!(
                "'{name}' is not supported. {what} may have: {}.",
                known.concat().join(", ")
            );
            return Err(ApiError::bad_request(message, name));
        }
    }
    Ok(())
}

fn asks(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty() && text != "default",
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}
