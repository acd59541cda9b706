//! What the bodies of `/key/…` say: which key, and what is to change.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::keys::KeyChanges;
use crate::wire::{ApiError, read};

/// Which key, in the body of a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) key: Option<String>,
    pub(super) keys: Vec<String>,
    pub(super) key_aliases: Vec<String>,
}

/// `new_key`: what a key is to be replaced by.
pub(super) fn new_key(body: &[u8]) -> Result<Option<String>, ApiError> {
    #[derive(Deserialize)]
    struct RegenerateBody {
        new_key: Option<String>,
    }
    Ok(read::<RegenerateBody>(body)?.new_key)
}

/// Fields of these bodies beside a key's settings.
const OTHERS: [&str; 4] = ["key", "keys", "key_aliases", "new_key"];
/// What the answers add; a client may send one back as it came.
const SHOWN: [&str; 12] = [
    "key_name",
    "token",
    "token_id",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "expires",
    "status",
    "spend",
    "budget_reset_at",
    "litellm_budget_table",
];

/// The settings in a body. A field that is not kept here is refused where it asks for something: a limit that an admin
/// believes in must not be a word without effect.
pub(super) fn changes(body: &[u8]) -> Result<(Named, KeyChanges), ApiError> {
    let fields: Map<String, Value> = read(body)?;
    for (name, value) in &fields {
        let known = KeyChanges::FIELDS.contains(&name.as_str());
        if !known
            && !OTHERS.contains(&name.as_str())
            && !SHOWN.contains(&name.as_str())
            && asks(value)
        {
            let message = format!(
                "'{name}' is not supported. A key may have: {}.",
                KeyChanges::FIELDS.join(", ")
            );
            return Err(ApiError::bad_request(message, name));
        }
    }
    Ok((read(body)?, read(body)?))
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
