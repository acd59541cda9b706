//! Plausible values for a JSON schema.

use serde_json::{Map, Value, json};

use super::super::json::at;

/// A value that fits the schema, as far as the keywords that clients use go. `name` is the property's name.
pub(super) fn fill(schema: &Value, name: &str) -> Value {
    deep(schema, schema, name, 0)
}

fn deep(root: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    // Recursive schemas end somewhere.
    if depth > 8 {
        return Value::Null;
    }
    if let Some(target) = at(schema, "/$ref").as_str() {
        let found = target.strip_prefix('#').and_then(|path| root.pointer(path));
        return found.map_or(Value::Null, |found| deep(root, found, name, depth + 1));
    }
    for fixed in ["const", "default"] {
        if let Some(value) = schema.get(fixed) {
            return value.clone();
        }
    }
    if let Some(first) = at(schema, "/enum").get(0) {
        return first.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|choices| choices.get(0)) {
            return deep(root, first, name, depth + 1);
        }
    }
    let kind = match at(schema, "/type") {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind.unwrap_or(if schema.get("properties").is_some() {
        "object"
    } else {
        "string"
    }) {
        "object" => object(root, schema, depth),
        "array" => {
            let least = at(schema, "/minItems").as_u64().unwrap_or(1).clamp(1, 16);
            (0..least)
                .map(|_| deep(root, at(schema, "/items"), name, depth + 1))
                .collect()
        }
        "integer" => json!(at(schema, "/minimum").as_i64().unwrap_or(1)),
        "number" => json!(at(schema, "/minimum").as_f64().unwrap_or(1.0)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => string(schema, name),
    }
}

/// The required properties; all of them where none is required.
fn object(root: &Value, schema: &Value, depth: usize) -> Value {
    let required = at(schema, "/required").as_array();
    let wanted = |name: &str| required.is_none_or(|names| names.iter().any(|known| known == name));
    let properties = at(schema, "/properties").as_object();
    let filled = properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| wanted(name))
        .map(|(name, schema)| (name.clone(), deep(root, schema, name, depth + 1)));
    Value::Object(filled.collect::<Map<_, _>>())
}

fn string(schema: &Value, name: &str) -> Value {
    let value = match (at(schema, "/format").as_str(), name.to_lowercase().as_str()) {
        (Some("date"), _) => "2026-01-02",
        (Some("date-time"), _) => "2026-01-02T03:04:05Z",
        (Some("uri" | "url"), _) | (_, "url" | "uri") => "https://example.com/",
        (Some("email"), _) | (_, "email") => "someone@example.com",
        (_, "city" | "location" | "place") => "Paris",
        (_, "country") => "France",
        (_, name) if name.contains("path") || name.contains("file") => "README.md",
        (_, "command" | "cmd") => "ls",
        _ => "simulated",
    };
    let least = usize::try_from(at(schema, "/minLength").as_u64().unwrap_or(0)).unwrap_or(0);
    let most = usize::try_from(at(schema, "/maxLength").as_u64().unwrap_or(1000)).unwrap_or(1000);
    let value: String = format!("{value:x<least$}").chars().take(most).collect();
    json!(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_filled_with_what_they_require() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 3},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
                "note": {"type": "string"},
                "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}
            },
            "required": ["city", "unit", "days", "tags", "maybe"],
            "$defs": {"tag": {"type": "string", "maxLength": 3}}
        });
        let wanted =
            json!({"city": "Paris", "unit": "celsius", "days": 3, "tags": ["sim"], "maybe": true});
        assert_eq!(fill(&schema, ""), wanted);
        assert_eq!(
            fill(&json!({"type": "object", "properties": {}}), ""),
            json!({})
        );
        let recursive = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(fill(&recursive, "").is_object());
    }
}
