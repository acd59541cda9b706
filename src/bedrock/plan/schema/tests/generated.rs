//! Schemas with alternatives and references, and values for them.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// Some are taken by Claude as they are and some are not.
const NAMES: [&str; 4] = ["a", "b", "c d", "a[b]"];

fn property() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"type": "string"}),
        json!({"type": "integer", "description": "n"}),
        json!({"type": ["string", "null"]}),
        json!({"const": "x"}),
        json!({"const": "y", "description": "Y"}),
        json!({"type": "string", "enum": ["x", "y"]}),
        json!({"enum": [1, null, "x"]}),
        json!({}),
        json!(true),
        json!(false),
        json!({"$ref": "#/$defs/leaf"}),
        json!({"$ref": "#"}),
        json!({"type": "array", "items": {"$ref": "#/$defs/0"}}),
        json!({"$ref": "#/$defs/1"}),
        json!({"$ref": "#/$defs/leaf", "type": "string"}),
        json!({"oneOf": [{"$ref": "#"}, {"type": "string"}, {"$ref": "#/$defs/2"}]}),
        json!({"not": {"$ref": "#/$defs/0"}}),
        json!({"if": {"$ref": "#"}, "then": {"$ref": "#/$defs/1"}, "else": {"type": "string"}}),
        json!({"type": "object", "properties": {"c d": {"type": "integer"}}, "additionalProperties": false}),
        json!({"properties": {"c d": {}}, "anyOf": [{"const": {"c d": 1}}, {"enum": [{"a[b]": {"c d": 2}}, {"a[b]": "x"}]}]}),
    ])
}

/// What an object may be, beside its alternatives.
fn own_rules() -> impl Strategy<Value = Map<String, Value>> {
    let properties = prop::collection::hash_map(select(NAMES.to_vec()), property(), 0..4);
    let required = subsequence(NAMES.to_vec(), 0..2);
    let others = select(vec![
        None,
        None,
        Some(json!(false)),
        Some(json!(true)),
        Some(json!({"type": "string"})),
    ]);
    let more = select(vec![
        json!({}),
        json!({}),
        json!({"type": "object"}),
        json!({"patternProperties": {"^a": {"type": "string"}}}),
        json!({"not": {"required": ["c d"]}}),
        json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
        json!({"unevaluatedProperties": false}),
        json!({"dependentRequired": {"c d": ["a[b]"]}}),
        json!({"maxProperties": 2}),
    ]);
    (properties, required, others, more).prop_map(|(properties, required, others, more)| {
        let mut rules = more.as_object().cloned().unwrap_or_default();
        if !properties.is_empty() {
            rules.insert("properties".into(), json!(properties));
        }
        if !required.is_empty() {
            rules.insert("required".into(), json!(required));
        }
        if let Some(others) = others {
            rules.insert("additionalProperties".into(), others);
        }
        rules
    })
}

/// A schema whose alternatives refer to definitions from `first` on: only so is there an end.
fn schema(depth: usize, first: usize) -> BoxedStrategy<Value> {
    let reference = (first..3).prop_map(|n| json!({"$ref": format!("#/$defs/{n}")}));
    let reference = match first {
        3 => Just(json!({})).boxed(),
        _ => reference.boxed(),
    };
    if depth == 0 {
        let odd = select(vec![
            json!({"type": "string"}),
            json!(true),
            json!(false),
            json!({"const": 1}),
        ]);
        return prop_oneof![4 => own_rules().prop_map(Value::Object), 2 => reference, 1 => odd]
            .boxed();
    }
    let branches = prop::collection::vec(schema(depth - 1, first), 1..4);
    let lists = prop::collection::vec((select(vec!["anyOf", "oneOf", "allOf"]), branches), 0..3);
    (own_rules(), lists, prop::option::weighted(0.2, reference))
        .prop_map(|(mut rules, lists, reference)| {
            for (key, branches) in lists {
                rules.insert(key.into(), Value::Array(branches));
            }
            if let Some(Value::Object(reference)) = reference {
                rules.extend(reference);
            }
            Value::Object(rules)
        })
        .boxed()
}

pub(super) fn document() -> impl Strategy<Value = Value> {
    let definitions = (schema(1, 1), schema(1, 2), schema(1, 3));
    (schema(2, 0), definitions).prop_map(|(mut root, (zero, one, two))| {
        root["type"] = json!("object");
        root["$defs"] = json!({"0": zero, "1": one, "2": two, "leaf": {"enum": ["x", 2]}});
        root
    })
}

fn value(depth: usize) -> BoxedStrategy<Value> {
    let leaf = select(vec![
        json!("x"),
        json!("y"),
        json!("z"),
        json!(1),
        json!(2),
        json!(null),
        json!([]),
    ]);
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![5 => leaf, 1 => object(depth - 1), 1 => prop::collection::vec(object(depth - 1), 0..2).prop_map(Value::Array)]
        .boxed()
}

pub(super) fn object(depth: usize) -> BoxedStrategy<Value> {
    let fields = prop::collection::hash_map(select(NAMES.to_vec()), value(depth), 0..4);
    fields.prop_map(|fields| json!(fields)).boxed()
}
