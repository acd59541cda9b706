//! Schemas as programs write them, where they are not of the draft that Claude reads (2020-12).
//!
//! Serializers of many languages say `null` for fields that are not set (`"properties": null`), and one writes an empty
//! map as a list (`"properties": []`); older drafts have tuples as lists of `items`. Bedrock refuses the whole request
//! for each of them. References by name are made references by place.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::anchors::{is_name, place_references};
use super::keywords::{KeywordHolds, holds};

/// Keywords beside those that hold schemas and data for which `null` is no value.
const NEVER_NULL: [&str; 34] = [
    "$anchor",
    "$comment",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$ref",
    "$schema",
    "$vocabulary",
    "contentEncoding",
    "contentMediaType",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
];

/// The schema as that draft has it; the same one where nothing is to be changed.
pub(in crate::bedrock::plan) fn repaired(schema: &Arc<Value>) -> Arc<Value> {
    if !may_be_broken(schema) {
        return Arc::clone(schema);
    }
    let mut repaired = Value::clone(schema);
    if !repaired.is_null() {
        repair(&mut repaired);
        place_references(&mut repaired);
    }
    Arc::new(repaired)
}

/// Whether anything in it looks as if it were to be repaired: most schemas need not even be copied.
fn may_be_broken(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty() || items.iter().any(may_be_broken),
        // One walk, no look-ups: it is done for every schema of every request.
        Value::Object(fields) => fields.iter().any(|(keyword, value)| {
            let is_odd = match keyword.as_str() {
                "required" => !value.is_array(),
                "items" => value.is_array(),
                _ => is_name(keyword, value),
            };
            is_odd || may_be_broken(value)
        }),
        _ => false,
    }
}

fn repair(schema: &mut Value) {
    match schema {
        Value::Null => *schema = Value::Object(Map::new()),
        Value::Array(schemas) => schemas.iter_mut().for_each(repair),
        Value::Object(fields) => {
            fields.retain(|keyword, value| !(value.is_null() && is_never_null(keyword)));
            for (keyword, value) in fields.iter_mut() {
                match holds(keyword) {
                    KeywordHolds::Schemas => repair(value),
                    KeywordHolds::Named => repair_named(value),
                    _ => {}
                }
            }
            repair_required(fields);
            repair_tuple(fields);
        }
        _ => {}
    }
}

fn is_never_null(keyword: &str) -> bool {
    matches!(holds(keyword), KeywordHolds::Schemas | KeywordHolds::Named)
        || NEVER_NULL.contains(&keyword)
}

fn repair_named(named: &mut Value) {
    if let Value::Array(items) = named
        && items.is_empty()
    {
        *named = Value::Object(Map::new());
    }
    let schemas = named.as_object_mut().into_iter().flatten();
    // A list in `dependencies` is of names.
    let schemas = schemas.filter(|(_, schema)| !schema.is_array());
    schemas.for_each(|(_, schema)| repair(schema));
}

/// `required` is a list of names. Before 2013 it was a word at the property, which says nothing any more.
fn repair_required(fields: &mut Map<String, Value>) {
    match fields.get_mut("required") {
        Some(Value::Array(names)) => names.retain(Value::is_string),
        Some(_) => {
            fields.shift_remove("required");
        }
        None => {}
    }
}

/// Before 2020 a tuple's schemas were a list under `items`, and what followed them was `additionalItems`.
fn repair_tuple(fields: &mut Map<String, Value>) {
    let Some(Value::Array(items)) = fields.get_mut("items") else {
        return;
    };
    let items = std::mem::take(items);
    fields.shift_remove("items");
    if let Some(rest) = fields.shift_remove("additionalItems") {
        fields.insert("items".into(), rest);
    }
    if !items.is_empty() && !fields.contains_key("prefixItems") {
        fields.insert("prefixItems".into(), Value::Array(items));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_is_left_out_where_it_is_no_value_and_stays_where_it_is_one() {
        let cases = [
            (
                json!({"type": "object", "properties": null, "required": null}),
                json!({"type": "object"}),
            ),
            (json!({"properties": []}), json!({"properties": {}})),
            (
                json!({"properties": {"a": {"items": null, "enum": null, "description": null, "type": "array"}}}),
                json!({"properties": {"a": {"type": "array"}}}),
            ),
            (
                json!({"properties": {"a": null}, "$defs": {"b": {"additionalProperties": null}}, "definitions": null}),
                json!({"properties": {"a": {}}, "$defs": {"b": {}}}),
            ),
            (
                json!({"anyOf": [{"properties": null}, null], "not": {"required": null}, "oneOf": null}),
                json!({"anyOf": [{}, {}], "not": {}}),
            ),
            (json!({"required": ["a", null]}), json!({"required": ["a"]})),
            (
                json!({"properties": {"a": {"items": [{"type": "number"}, null], "additionalItems": false}}}),
                json!({"properties": {"a": {"items": false, "prefixItems": [{"type": "number"}, {}]}}}),
            ),
            (
                json!({"type": "array", "items": []}),
                json!({"type": "array"}),
            ),
            (
                json!({"properties": {"a": {"required": true}}}),
                json!({"properties": {"a": {}}}),
            ),
        ];
        for (broken, whole) in cases {
            assert_eq!(*repaired(&Arc::new(broken.clone())), whole, "{broken}");
        }
        // Values, names of properties, and what this module does not know.
        let stays = json!({
            "properties": {"required": {"const": null}, "type": {"default": null}, "x": {"enum": [null, []]}},
            "dependencies": {"a": []}, "x-more": null, "examples": [null, {"properties": null}],
        });
        assert_eq!(*repaired(&Arc::new(stays.clone())), stays);
    }
}
