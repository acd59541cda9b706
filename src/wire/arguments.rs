//! The arguments of a tool call that a client sends back.

use serde_json::{Map, Value};

use super::surrogates;

/// The arguments as the objects that Bedrock wants, a call for each: a model that writes `{"a":1}{"b":2}` meant two
/// calls. The client knows one and answers one; the planner says of the others that they were not carried out. Broken
/// JSON comes back to the model as `{}`: it wrote that itself, and refusing would end the conversation.
pub(crate) fn arguments(arguments: Value) -> Vec<Value> {
    let mut objects = match arguments {
        Value::String(text) => surrogates::values(text.as_bytes()),
        object => vec![object],
    };
    objects.retain(Value::is_object);
    if objects.is_empty() {
        objects.push(Value::Object(Map::new()));
    }
    objects
}
