//! Whether JSON matches a schema, as far as the keywords go that clients describe answers by.
//!
//! Formats, patterns and ranges are not looked at: an answer is refused only where a program that reads it by its shape
//! would fail.

use serde_json::Value;

/// References are followed so far: a schema may refer to itself.
const DEEPEST: usize = 64;

/// What does not match, with its place.
pub(super) fn matches(value: &Value, schema: &Value) -> Result<(), String> {
    at("", value, schema, schema, 0)
}

fn at(
    place: &str,
    value: &Value,
    schema: &Value,
    root: &Value,
    depth: usize,
) -> Result<(), String> {
    let Some(rules) = schema.as_object().filter(|_| depth < DEEPEST) else {
        return Ok(());
    };
    let here = if place.is_empty() { "it" } else { place };
    if let Some(pointer) = rules.get("$ref").and_then(Value::as_str) {
        let target = pointer
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        return target.map_or(Ok(()), |target| at(place, value, target, root, depth + 1));
    }
    if let Some(kind) = rules.get("type") {
        let named = kind
            .as_array()
            .map_or(std::slice::from_ref(kind), Vec::as_slice);
        if !named
            .iter()
            .filter_map(Value::as_str)
            .any(|kind| is_a(value, kind))
        {
            return Err(format!("{here} is not of type {kind}"));
        }
    }
    if let Some(allowed) = rules.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return Err(format!("{here} is none of the values that are allowed"));
    }
    if rules.get("const").is_some_and(|only| only != value) {
        return Err(format!("{here} is not the value that is allowed"));
    }
    for key in ["anyOf", "oneOf"] {
        let Some(branches) = rules.get(key).and_then(Value::as_array) else {
            continue;
        };
        let fits = |branch| at(place, value, branch, root, depth + 1).is_ok();
        if !branches.is_empty() && !branches.iter().any(fits) {
            return Err(format!("{here} matches none of the alternatives"));
        }
    }
    for branch in rules
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        at(place, value, branch, root, depth + 1)?;
    }
    if let Some(fields) = value.as_object() {
        let required = rules.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                return Err(format!("{here} lacks '{name}'"));
            }
        }
        let properties = rules.get("properties").and_then(Value::as_object);
        for (name, value) in fields {
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => at(&format!("{place}/{name}"), value, schema, root, depth + 1)?,
                None if rules.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    return Err(format!("{here} has '{name}', which is not allowed"));
                }
                None => {}
            }
        }
    }
    if let (Some(items), Some(schema)) = (value.as_array(), rules.get("items")) {
        for (index, item) in items.iter().enumerate() {
            at(&format!("{place}/{index}"), item, schema, root, depth + 1)?;
        }
    }
    Ok(())
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}
