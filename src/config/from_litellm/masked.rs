//! Values that LiteLLM shows with stars in the place of their letters.

use serde_json::{Map, Value};

/// Parts of a field's name that make LiteLLM hide its value.
const SECRET_PARTS: [&str; 14] = [
    "password",
    "secret",
    "key",
    "token",
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "access",
    "private",
    "certificate",
    "fingerprint",
    "tenancy",
];
/// What a longer secret is shown with, whatever its field is called.
const STARS: &str = "****";
/// A value that names a variable is no secret.
const VARIABLE: &str = "os.environ/";

/// Takes what is hidden out of an object, at any depth, and adds its path to `hidden`. What its name says to be a secret
/// is taken out too where it is not hidden: no secret is printed.
pub(super) fn take_hidden(
    fields: Map<String, Value>,
    at: &str,
    hidden: &mut Vec<String>,
) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in fields {
        let path = format!("{at}{name}");
        if is_hidden(&name, &value) {
            hidden.push(path);
            continue;
        }
        let value = match value {
            Value::Object(fields) => {
                Value::Object(take_hidden(fields, &format!("{path}."), hidden))
            }
            other => other,
        };
        shown.insert(name, value);
    }
    shown
}

fn is_hidden(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) if text.starts_with(VARIABLE) || text.is_empty() => false,
        Value::String(text) => is_secret(name) || text.contains(STARS),
        Value::Array(items) => items.iter().any(|item| is_hidden(name, item)),
        Value::Object(fields) => fields.is_empty() && is_secret(name),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut parts = name.split(['_', '-']);
    let is_price = parts.clone().any(|part| part == "cost");
    !is_price && parts.any(|part| SECRET_PARTS.contains(&part))
}
