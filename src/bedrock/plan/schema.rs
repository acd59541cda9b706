//! JSON schemas as each family takes them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::Family;
use crate::conversation::Tool;

mod flat;
pub(super) mod keywords;
mod limits;
mod references;
mod repair;
mod union;

pub(super) use limits::SchemaRoom;
pub(super) use repair::repaired;

/// Deepest nesting that references are followed to: recursive schemas have no end.
const DEEPEST: usize = 8;

/// How much may come in through references in all tools of a request, in bytes, roughly: what refers to itself in many
/// places grows with every level.
pub(super) const MOST_INLINED: usize = 256 * 1_024;

/// Keywords that a model held to a schema does not take
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>). Recorded: `minLength` is taken.
const UNENFORCEABLE: [&str; 21] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "prefixItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "oneOf",
    "not",
    "if",
    "allOf",
];

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
    let inlined = alternatives(schema, |value| inlined(value, schema, 0, &mut left));
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
        let value = match (key, shown(&json!({key: value}))) {
            ("$ref", target) => return Some(format!("\"allOf\": [{target}]")),
            (_, shown) => shown.get(key)?.to_string(),
        };
        Some(format!("{}: {value}", json!(key)))
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
    let kept = root.iter().filter(|(key, _)| is_kept(key));
    let kept = kept.map(|(key, value)| (key.clone(), inlined(value, schema, 0, left)));
    *schema = Arc::new(Value::Object(kept.collect()));
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

/// The schema with its references to definitions of the same document replaced by what they refer to, as long as there
/// are any bytes `left`; then by a schema that takes everything.
fn inlined(schema: &Value, document: &Value, depth: usize, left: &mut usize) -> Value {
    if depth > 0 {
        let size = schema.as_str().map_or(16, str::len);
        *left = left.saturating_sub(size);
    }
    match schema {
        Value::Object(fields) => {
            let target = fields.get("$ref").and_then(Value::as_str);
            if let Some(reference) = target.filter(|target| target.starts_with('#')) {
                let follow = depth < DEEPEST && *left > 0;
                return match keywords::target(reference, document).filter(|_| follow) {
                    Some(target) => inlined(target, document, depth + 1, left),
                    None => json!({}),
                };
            }
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), inlined(value, document, depth, left)))
                    .collect(),
            )
        }
        Value::Array(items) => {
            let items = items.iter();
            Value::Array(
                items
                    .map(|item| inlined(item, document, depth, left))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// The schema as a model can be held to it: every object closed. `None` where it says more than can be enforced.
pub(super) fn enforceable(schema: &Value) -> Option<Value> {
    closed(schema, true)
}

/// `is_schema`: the keys of `value` are keywords, not names of properties.
fn closed(value: &Value, is_schema: bool) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let mut closed_fields = Map::with_capacity(fields.len() + 1);
            for (key, value) in fields {
                let keyword = if is_schema { key.as_str() } else { "" };
                if UNENFORCEABLE.contains(&keyword) {
                    return None;
                }
                let fixed = match keyword {
                    // Data, not schemas.
                    "enum" | "const" | "default" | "examples" | "required" => value.clone(),
                    "additionalProperties" if *value != false => return None,
                    "properties" | "$defs" | "definitions" => closed(value, false)?,
                    _ => closed(value, true)?,
                };
                closed_fields.insert(key.clone(), fixed);
            }
            if is_schema && fields.get("type").is_some_and(admits_objects) {
                // Closed, an object of any keys would have none.
                if !fields.contains_key("properties")
                    && !fields.contains_key("additionalProperties")
                {
                    return None;
                }
                closed_fields.insert("additionalProperties".into(), Value::Bool(false));
            }
            Some(Value::Object(closed_fields))
        }
        Value::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| closed(item, true)).collect();
            items.map(Value::Array)
        }
        other => Some(other.clone()),
    }
}

/// Whether a `type` is `object`, or a list that names it.
fn admits_objects(kind: &Value) -> bool {
    let is_object = |kind: &Value| kind == "object";
    is_object(kind)
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(is_object))
}

#[cfg(test)]
mod tests;
