//! JSON schemas as each family takes them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::Family;
use crate::conversation::Tool;

mod anchors;
mod enforceable;
mod flat;
mod inline;
pub(super) mod keywords;
mod limits;
mod references;
mod repair;
mod union;

pub(super) use enforceable::enforceable;
use inline::Inliner;
pub(super) use limits::SchemaRoom;
pub(super) use repair::repaired;

/// How much may come in through references in all tools of a request, in bytes, roughly: what refers to itself in many
/// places grows with every level.
pub(super) const MOST_INLINED: usize = 256 * 1_024;

/// Longest text of alternatives that stands in a description with what they refer to.
const MOST_TOLD: usize = 16 * 1_024;

/// Makes the tool's schema one that the family takes. What the schema can no longer say, the description does. `left` is
/// how much of [`MOST_INLINED`] the tools before have left. False: the schema admits more than it did.
pub(super) fn fit(tool: &mut Tool, family: Family, left: &mut usize) -> bool {
    tool.schema = object(&tool.schema);
    // "input_schema does not support oneOf, allOf, or anyOf at the top level"; Nova's root has no references either.
    if !matches!(family, Family::Claude | Family::Nova) {
        return true;
    }
    if let Some(followed) = references::followed(&tool.schema) {
        tool.schema = Arc::new(followed);
    }
    let flat = flat::flat(&tool.schema);
    let is_exact = flat.is_none();
    if let Some(flat) = flat {
        tool.description += &told(&tool.schema);
        tool.schema = Arc::new(Value::Object(flat));
    }
    if family == Family::Nova {
        only_known_to_nova(&mut tool.schema, left);
    }
    is_exact
}

/// The alternatives of a schema that the model is given without them, in words.
fn told(schema: &Value) -> String {
    let mut left = MOST_TOLD;
    let mut inliner = Inliner::new(schema, &mut left);
    let inlined = alternatives(schema, |value| {
        let inlined = inliner.schema(value);
        // With references that cannot be replaced, what they lead to still has a name.
        match inlined.is_exact {
            true => inlined.value,
            false => value.clone(),
        }
    });
    let text = match left {
        0 => alternatives(schema, Value::clone),
        _ => inlined,
    };
    format!("\n\nThe arguments must also match {{{text}}}.")
}

fn alternatives(schema: &Value, mut shown: impl FnMut(&Value) -> Value) -> String {
    let keys = ["$ref", "anyOf", "oneOf", "allOf"].into_iter();
    let kept = keys.filter_map(|key| {
        let value = schema.get(key)?;
        let shown = shown(&json!({key: value}));
        match (key, shown.get(key)) {
            ("$ref", _) => Some(format!("\"allOf\": [{shown}]")),
            (_, shown) => Some(format!("{}: {}", json!(key), shown?)),
        }
    });
    kept.collect::<Vec<_>>().join(",")
}

/// "The top-level schema must be of type Object, and only three fields are supported in the top-level: type, properties,
/// and required" (<https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html>).
/// Recorded: `additionalProperties` and `title` are taken too.
fn only_known_to_nova(schema: &mut Arc<Value>, left: &mut usize) {
    let known = [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "title",
    ];
    let Some(root) = schema.as_object() else {
        return;
    };
    if root.keys().all(|key| known.contains(&key.as_str())) {
        return;
    }
    // Without the patterns of a closed object, what they admit is open.
    let is_open = root.contains_key("patternProperties");
    let is_kept = |key: &str| known.contains(&key) && !(is_open && key == "additionalProperties");
    let mut inliner = Inliner::new(schema, left);
    let kept = root.iter().filter(|(key, _)| is_kept(key));
    let kept = kept.map(|(key, value)| (key.clone(), inliner.keyword(key, value).value));
    let kept = Value::Object(kept.collect());
    *schema = Arc::new(kept);
}

/// The schema with an object at its root.
pub(super) fn object(schema: &Arc<Value>) -> Arc<Value> {
    match schema.as_object() {
        Some(root) if root.get("type").is_some_and(|kind| kind == "object") => Arc::clone(schema),
        Some(root) => {
            let mut object = Map::from_iter([("type".to_owned(), json!("object"))]);
            object.extend(
                root.iter()
                    .filter(|(key, _)| *key != "type")
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
            Arc::new(Value::Object(object))
        }
        None => Arc::new(json!({"type": "object", "properties": {}})),
    }
}

#[cfg(test)]
mod tests;
