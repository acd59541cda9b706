//! A request as it is stored for people to read.

use serde_json::{Map, Value};

use crate::json;

use super::limits::OF_BODY;

/// Fields of LiteLLM's clients that hold secrets, or may.
const SECRET: [&str; 8] = [
    "api_key",
    "api_base",
    "base_url",
    "headers",
    "extra_headers",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
];

/// The body as the client sent it, without keys and headers; `None` where it is no object, or one that was refused
/// because it holds too much.
pub fn stored_request(body: &[u8]) -> Option<Value> {
    if json::count_values(body) > OF_BODY.values {
        return None;
    }
    let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    without_secrets(&mut fields);
    // A fallback may bring fields of its own.
    let fallbacks = fields.get_mut("fallbacks").and_then(Value::as_array_mut);
    let entries = fallbacks.into_iter().flatten();
    entries
        .filter_map(Value::as_object_mut)
        .for_each(without_secrets);
    Some(Value::Object(fields))
}

fn without_secrets(fields: &mut Map<String, Value>) {
    // A parameter of a tool may well be called `api_key`: only what lies on top is meant.
    fields.retain(|name, _| !SECRET.contains(&name.as_str()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_secret_is_stored_and_everything_else_is() {
        let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"properties": {"api_key": {}}}}});
        let sent = json!({
            "model": "m", "api_key": "sk-1", "aws_secret_access_key": "x", "extra_headers": {"authorization": "y"},
            "temperature": 0.3, "tools": [tool], "metadata": {"a": 1},
            "fallbacks": ["b", {"model": "c", "api_key": "sk-2"}],
        });
        let stored = stored_request(sent.to_string().as_bytes()).unwrap();
        assert_eq!(
            stored,
            json!({
                "model": "m", "temperature": 0.3, "tools": [tool], "metadata": {"a": 1},
                "fallbacks": ["b", {"model": "c"}],
            })
        );
        for body in ["", "[]", "{"] {
            assert_eq!(stored_request(body.as_bytes()), None);
        }
    }
}
