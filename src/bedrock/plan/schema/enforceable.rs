//! Schemas that a model is held to: strict tools and native answers
//! (<https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::keywords::{self, KeywordHolds, holds, visit, visit_mut};

/// Keywords that a model held to a schema does not take. Recorded: `minLength` is taken.
const UNENFORCEABLE: [&str; 23] = [
    "$dynamicRef",
    "$recursiveRef",
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

/// Keywords one of which every schema has: without them it admits objects of any keys, which no grammar is made of.
const SAYS_WHAT: [&str; 5] = ["type", "enum", "const", "anyOf", "$ref"];

/// Longest chain of references that is followed.
const LONGEST_CHAIN: usize = 48;

/// The schema as a model can be held to it: every object closed. `None` where it says more than can be enforced, or says
/// of a value nothing at all, or has no end.
pub(in crate::bedrock::plan) fn enforceable(schema: &Value) -> Option<Value> {
    if !schema.is_object() || !ends(schema) {
        return None;
    }
    let mut closed = schema.clone();
    let mut is_enforceable = true;
    visit_mut(&mut closed, &mut |rules| is_enforceable &= close(rules));
    is_enforceable.then_some(closed)
}

/// Closes one schema. False: it cannot be enforced.
fn close(rules: &mut Map<String, Value>) -> bool {
    let says_too_much = UNENFORCEABLE.iter().any(|key| rules.contains_key(*key));
    let is_open = rules
        .get("additionalProperties")
        .is_some_and(|others| *others != false);
    if says_too_much || is_open || rules.iter().any(|(key, value)| has_free_part(key, value)) {
        return false;
    }
    if !SAYS_WHAT.iter().any(|key| rules.contains_key(*key)) {
        // A schema that names properties means an object.
        if !rules.contains_key("properties") {
            return false;
        }
        rules.insert("type".into(), json!("object"));
    }
    if rules.get("type").is_some_and(admits_objects) {
        // Closed, an object of any keys would have none.
        if !rules.contains_key("properties") && !rules.contains_key("additionalProperties") {
            return false;
        }
        rules.insert("additionalProperties".into(), Value::Bool(false));
    }
    true
}

/// Whether the keyword holds a schema that is but `true` or `false`.
fn has_free_part(keyword: &str, value: &Value) -> bool {
    match (holds(keyword), value) {
        (KeywordHolds::Schemas, Value::Array(schemas)) => schemas.iter().any(Value::is_boolean),
        (KeywordHolds::Schemas, schema) => keyword != "additionalProperties" && schema.is_boolean(),
        (KeywordHolds::Named, Value::Object(named)) => named.values().any(Value::is_boolean),
        _ => false,
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

/// Whether every reference leads to a definition of the same document, and none back to where it stands: "recursive
/// schemas" and "external `$ref`" are not supported.
fn ends(document: &Value) -> bool {
    let mut search = EndSearch {
        document,
        ended: HashSet::new(),
        under_way: HashSet::new(),
    };
    search.ends(document)
}

struct EndSearch<'a> {
    document: &'a Value,
    /// Schemas whose references were followed to their end. By their address: one schema has many references.
    ended: HashSet<*const Value>,
    /// Schemas whose references are being followed.
    under_way: HashSet<*const Value>,
}

impl<'a> EndSearch<'a> {
    fn ends(&mut self, schema: &'a Value) -> bool {
        let mut references = Vec::new();
        visit(schema, &mut |rules| {
            references.extend(rules.get("$ref").and_then(Value::as_str));
        });
        references
            .into_iter()
            .all(|reference| self.reference_ends(reference))
    }

    fn reference_ends(&mut self, reference: &'a str) -> bool {
        let Some(target) = keywords::target(reference, self.document) else {
            return false;
        };
        let address = std::ptr::from_ref(target);
        if self.ended.contains(&address) {
            return true;
        }
        if self.under_way.len() >= LONGEST_CHAIN || !self.under_way.insert(address) {
            return false;
        }
        let ends = self.ends(target);
        self.under_way.remove(&address);
        self.ended.insert(address);
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(properties: Value) -> Value {
        json!({"type": "object", "properties": properties})
    }

    #[test]
    fn what_cannot_be_compiled_is_not_enforceable() {
        let tree = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}});
        let with = |property: Value| {
            let mut schema = object(json!({"a": property}));
            schema["$defs"] = json!({
                "tree": tree,
                "list": {"type": "array", "items": {"$ref": "#/$defs/pair"}},
                "pair": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/list"}]},
                "leaf": {"type": "string"},
            });
            schema
        };
        // All definitions are compiled, those too that nothing refers to.
        assert_eq!(enforceable(&with(json!({"type": "string"}))), None);
        for property in [
            json!({"$ref": "#"}),
            json!({"type": "array", "items": {"$ref": "#/properties/a"}}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"$ref": "https://example.com/other.json"}),
            json!({"$dynamicRef": "#a"}),
            json!({}),
            json!({"description": "anything"}),
            json!(true),
            json!({"type": "array", "items": true}),
            json!({"anyOf": [{"type": "string"}, {}]}),
            json!({"type": "object"}),
            json!({"type": ["object", "null"]}),
            json!({"type": "string", "pattern": "a"}),
            json!({"additionalProperties": {"type": "string"}, "type": "object", "properties": {}}),
            json!({"additionalProperties": false}),
        ] {
            let schema = object(json!({"a": property}));
            assert_eq!(enforceable(&schema), None, "{schema}");
        }
    }

    #[test]
    fn every_object_is_closed_and_who_names_properties_means_one() {
        let schema = json!({
            "properties": {
                "a": {"$ref": "#/$defs/pair", "description": "first"},
                "b": {"anyOf": [{"$ref": "#/$defs/pair"}, {"properties": {"type": {"const": 1}}}]},
                "properties": {"type": ["object", "null"], "properties": {}},
                "c": {"enum": [{"type": "object"}]},
            },
            "$defs": {"pair": {"type": "object", "properties": {"x": {"$ref": "#/$defs/leaf"}, "y": {"$ref": "#/$defs/leaf"}}}, "leaf": {"type": "number"}},
        });
        let closed = enforceable(&schema).unwrap();
        let expected = json!({
            "properties": {
                "a": {"$ref": "#/$defs/pair", "description": "first"},
                "b": {"anyOf": [{"$ref": "#/$defs/pair"}, {"properties": {"type": {"const": 1}}, "type": "object", "additionalProperties": false}]},
                "properties": {"type": ["object", "null"], "properties": {}, "additionalProperties": false},
                "c": {"enum": [{"type": "object"}]},
            },
            "$defs": {"pair": {"type": "object", "properties": {"x": {"$ref": "#/$defs/leaf"}, "y": {"$ref": "#/$defs/leaf"}}, "additionalProperties": false}, "leaf": {"type": "number"}},
            "type": "object",
            "additionalProperties": false,
        });
        assert_eq!(closed, expected);
    }

    #[test]
    fn references_are_followed_each_once() {
        let definition = |n: usize| match n {
            30 => json!({"type": "string"}),
            _ => {
                let next = json!({"$ref": format!("#/$defs/{}", n + 1)});
                json!({"anyOf": [next, next, next]})
            }
        };
        let definitions = (0..=30).map(|n| (n.to_string(), definition(n)));
        let definitions: Map<String, Value> = definitions.collect();
        let mut schema = object(json!({"a": {"$ref": "#/$defs/0"}}));
        schema["$defs"] = Value::Object(definitions);
        assert!(enforceable(&schema).is_some());
    }
}
