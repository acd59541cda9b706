//! JSON schemas as each family takes them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::Family;
use crate::conversation::Tool;

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

/// Makes the tool's schema one that the family takes. What the schema can no longer say, the description does. `left` is
/// how much of [`MOST_INLINED`] the tools before have left.
pub(super) fn fit(tool: &mut Tool, family: Family, left: &mut usize) {
    tool.schema = object(&tool.schema);
    let Some(root) = tool.schema.as_object() else {
        return;
    };
    match family {
        Family::Claude => {
            // "input_schema does not support oneOf, allOf, or anyOf at the top level"
            let Some(flat) = without_alternatives(root) else {
                return;
            };
            let kept = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| {
                let value = root.get(key)?;
                Some(format!("{}: {value}", json!(key)))
            });
            let kept: Vec<String> = kept.collect();
            tool.description +=
                &format!("\n\nThe arguments must also match {{{}}}.", kept.join(","));
            tool.schema = Arc::new(Value::Object(flat));
        }
        // "The top-level schema must be of type Object, and only three fields are supported in the top-level: type,
        // properties, and required" (<https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html>).
        // Recorded: `additionalProperties` and `title` are taken too.
        Family::Nova => {
            let flat = without_alternatives(root);
            let root = flat.as_ref().unwrap_or(root);
            let known = [
                "type",
                "properties",
                "required",
                "additionalProperties",
                "title",
            ];
            if flat.is_none() && root.keys().all(|key| known.contains(&key.as_str())) {
                return;
            }
            let definitions = tool.schema.as_ref();
            let kept = root.iter().filter(|(key, _)| known.contains(&key.as_str()));
            let kept = kept.map(|(key, value)| (key.clone(), inlined(value, definitions, 0, left)));
            tool.schema = Arc::new(Value::Object(kept.collect()));
        }
        _ => {}
    }
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

/// The root with the properties of all its alternatives as its own: a wider schema that lets every legal value pass.
/// `None` where it has no alternatives.
fn without_alternatives(root: &Map<String, Value>) -> Option<Map<String, Value>> {
    let keys = ["anyOf", "oneOf", "allOf"];
    if !keys.iter().any(|key| root.contains_key(*key)) {
        return None;
    }
    let mut flat = root.clone();
    let mut properties = Map::new();
    for key in keys {
        let branches = flat.shift_remove(key);
        for branch in branches.iter().filter_map(Value::as_array).flatten() {
            let of_branch = branch.get("properties").and_then(Value::as_object);
            for (name, schema) in of_branch.into_iter().flatten() {
                properties.entry(name).or_insert_with(|| schema.clone());
            }
        }
    }
    let own = flat.entry("properties").or_insert_with(|| json!({}));
    if let Some(own) = own.as_object_mut() {
        for (name, schema) in properties {
            own.entry(name).or_insert(schema);
        }
    }
    Some(flat)
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
            if let Some(pointer) = target.and_then(|target| target.strip_prefix('#')) {
                let follow = depth < DEEPEST && *left > 0;
                return match document.pointer(pointer).filter(|_| follow) {
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
            if is_schema && fields.get("type").is_some_and(|kind| kind == "object") {
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
