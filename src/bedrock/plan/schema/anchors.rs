//! References by name, as references by place: those alone are followed here, and survive that the schema around them
//! changes.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value, json};
use url::Url;

use super::keywords::{self, KeywordHolds, holds};

/// What relative names of a document without a name are relative to.
const NAMELESS: &str = "https://schema.invalid/";

/// The longest place and the longest name of a schema, in bytes. Each schema inside has its own copy of either, so without
/// a bound one long key would be kept as often as there are schemas below it. What is longer stays as it is.
const LONGEST_PLACE: usize = 500;

/// Keywords that are of no use once no reference goes by a name.
const NAMES: [&str; 3] = ["$anchor", "$dynamicAnchor", "$recursiveAnchor"];

/// Older and newer keywords that refer to a schema. In a document of its own a dynamic name means the one schema that
/// has it.
const DYNAMIC: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

/// Whether this field of a schema names it or refers to a name.
pub(super) fn is_name(keyword: &str, value: &Value) -> bool {
    let refers = || value.as_str().is_some_and(|place| !is_place(place));
    keyword == "$id"
        || NAMES.contains(&keyword)
        || DYNAMIC.contains(&keyword)
        || keyword == "$ref" && refers()
}

fn is_place(reference: &str) -> bool {
    reference == "#" || reference.starts_with("#/")
}

/// Makes every reference that leads to a schema of this document say where that stands. Others stay.
pub(super) fn place_references(document: &mut Value) {
    let mut schemas = Vec::new();
    if let Ok(base) = Url::parse(NAMELESS) {
        find(document, String::new(), &Rc::new(base), &mut schemas);
    }
    let mut places: HashMap<String, String> = HashMap::new();
    for Subschema { pointer, base } in &schemas {
        let Some(fields) = document.pointer(pointer).and_then(Value::as_object) else {
            continue;
        };
        let text = |key: &str| fields.get(key).and_then(Value::as_str);
        if pointer.is_empty() || text("$id").is_some() {
            places
                .entry(base.to_string())
                .or_insert_with(|| pointer.clone());
        }
        // Before 2019 a name was an `$id` that began with `#`.
        let old = text("$id").and_then(|id| id.strip_prefix('#'));
        let names = [text("$anchor"), text("$dynamicAnchor"), old];
        for name in names.into_iter().flatten() {
            let name = format!("{base}#{name}");
            places.entry(name).or_insert_with(|| pointer.clone());
        }
    }
    for Subschema { pointer, base } in &schemas {
        if let Some(fields) = document.pointer_mut(pointer).and_then(Value::as_object_mut) {
            rewrite(fields, base, &places);
            for key in NAMES {
                fields.shift_remove(key);
            }
            // What is inside would be relative to it.
            if !pointer.is_empty() {
                fields.shift_remove("$id");
            }
        }
    }
}

/// A schema of the document.
struct Subschema {
    pointer: String,
    /// The name of the innermost schema with an `$id` around it.
    base: Rc<Url>,
}

fn find(schema: &Value, pointer: String, around: &Rc<Url>, found: &mut Vec<Subschema>) {
    let fields = schema.as_object();
    let Some(fields) = fields.filter(|_| pointer.len() <= LONGEST_PLACE) else {
        return;
    };
    let id = fields.get("$id").and_then(Value::as_str);
    let id = id.filter(|id| !id.starts_with('#'));
    let id = id.filter(|id| id.len() <= LONGEST_PLACE);
    let base = id.and_then(|id| around.join(id).ok()).map(|mut base| {
        base.set_fragment(None);
        base
    });
    let base = base.filter(|base| base.as_str().len() <= LONGEST_PLACE);
    let base = base.map_or_else(|| Rc::clone(around), Rc::new);
    for (keyword, value) in fields {
        let at = |part: &str| {
            let part = part.replace('~', "~0").replace('/', "~1");
            format!("{pointer}/{keyword}/{part}")
        };
        match (holds(keyword), value) {
            (KeywordHolds::Schemas, Value::Array(schemas)) => {
                for (n, schema) in schemas.iter().enumerate() {
                    find(schema, at(&n.to_string()), &base, found);
                }
            }
            (KeywordHolds::Schemas, schema) => {
                find(schema, format!("{pointer}/{keyword}"), &base, found)
            }
            (KeywordHolds::Named, Value::Object(named)) => {
                for (name, schema) in named {
                    find(schema, at(name), &base, found);
                }
            }
            _ => {}
        }
    }
    found.push(Subschema { pointer, base });
}

fn rewrite(fields: &mut Map<String, Value>, base: &Url, places: &HashMap<String, String>) {
    for key in ["$ref"].into_iter().chain(DYNAMIC) {
        let reference = fields.get(key).and_then(Value::as_str);
        let Some(place) = reference.and_then(|reference| place(reference, base, places)) else {
            continue;
        };
        let place = Value::String(keywords::reference(&place));
        if key == "$ref" {
            fields.insert(key.into(), place);
            continue;
        }
        fields.shift_remove(key);
        if !fields.contains_key("$ref") {
            fields.insert("$ref".into(), place);
            continue;
        }
        let all = fields.entry("allOf").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.push(json!({"$ref": place}));
        }
    }
}

/// The pointer from the document's root to what a reference leads to.
fn place(reference: &str, base: &Url, places: &HashMap<String, String>) -> Option<String> {
    let mut target = base.join(reference).ok()?;
    let fragment = target.fragment().unwrap_or_default().to_owned();
    let decoded = percent_encoding::percent_decode_str(&fragment).decode_utf8();
    let fragment = decoded.as_deref().unwrap_or(&fragment);
    target.set_fragment(None);
    if fragment.is_empty() || fragment.starts_with('/') {
        let start = places.get(target.as_str())?;
        return Some(format!("{start}{fragment}"));
    }
    places.get(&format!("{target}#{fragment}")).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(mut schema: Value) -> Value {
        place_references(&mut schema);
        schema
    }

    #[test]
    fn a_name_becomes_the_place_of_what_has_it() {
        for (named, reference) in [
            (json!({"$anchor": "pair"}), "#pair"),
            (json!({"$id": "#pair"}), "#pair"),
            (json!({"$id": "pair.json"}), "pair.json"),
            (
                json!({"$id": "pair.json"}),
                "https://example.com/s/pair.json#",
            ),
            (json!({"$id": "/other/"}), "../other/"),
            (json!({"$id": "urn:x:pair"}), "urn:x:pair"),
            (json!({}), "args.json#/$defs/a%20b~1c"),
            (json!({}), "https://example.com/s/args.json#/$defs/a b~1c"),
        ] {
            let mut schema = json!({
                "$id": "https://example.com/s/args.json",
                "properties": {"p": {"$ref": reference, "description": "d"}},
                "$defs": {"a b/c": {"type": "string"}},
            });
            let definition = schema["$defs"]["a b/c"].as_object_mut().unwrap();
            definition.extend(named.as_object().unwrap().clone());
            assert_eq!(
                placed(schema),
                json!({
                    "$id": "https://example.com/s/args.json",
                    "properties": {"p": {"$ref": "#/$defs/a%20b~1c", "description": "d"}},
                    "$defs": {"a b/c": {"type": "string"}},
                }),
                "{named} {reference}"
            );
        }
    }

    #[test]
    fn places_inside_of_a_named_schema_are_found_from_the_root() {
        let schema = json!({
            "properties": {"p": {"$ref": "inner#/$defs/x"}, "q": {"$ref": "inner#deep"}, "r": {"$ref": "#deep"}},
            "$defs": {
                "inner": {"$id": "inner", "items": {"$ref": "#/$defs/x"}, "additionalItems": {"$ref": "#"}, "$defs": {
                    "x": {"$anchor": "deep", "$ref": "#/$defs/y"}, "y": {"const": {"$ref": "#deep"}}}},
                "outer": {"$dynamicAnchor": "deep"},
            },
        });
        assert_eq!(
            placed(schema),
            json!({
                "properties": {
                    "p": {"$ref": "#/$defs/inner/$defs/x"},
                    "q": {"$ref": "#/$defs/inner/$defs/x"},
                    "r": {"$ref": "#/$defs/outer"},
                },
                "$defs": {
                    "inner": {"items": {"$ref": "#/$defs/inner/$defs/x"}, "additionalItems": {"$ref": "#/$defs/inner"}, "$defs": {
                        "x": {"$ref": "#/$defs/inner/$defs/y"}, "y": {"const": {"$ref": "#deep"}}}},
                    "outer": {},
                },
            })
        );
    }

    #[test]
    fn a_long_key_is_not_copied_for_each_schema_below_it() {
        let many: Map<String, Value> = (0..2_000)
            .map(|n| (n.to_string(), json!({"$anchor": format!("a{n}")})))
            .collect();
        let long = "k".repeat(1_000_000);
        let schema = json!({"properties": {
            long: {"$id": "x".repeat(9_000), "properties": many},
            "p": {"$ref": "#a1"},
        }});
        assert_eq!(placed(schema.clone()), schema);
    }

    #[test]
    fn dynamic_references_are_plain_ones_and_what_leads_elsewhere_stays() {
        let schema = json!({"$dynamicAnchor": "node", "properties": {
            "a": {"$dynamicRef": "#node"},
            "b": {"$recursiveRef": "#"},
            "c": {"$dynamicRef": "#node", "$ref": "#/properties/a"},
            "d": {"$ref": "https://example.com/elsewhere.json"},
            "e": {"$ref": "#missing"},
            "f": {"$ref": "http://[broken"},
        }});
        assert_eq!(
            placed(schema),
            json!({"properties": {
                "a": {"$ref": "#"},
                "b": {"$ref": "#"},
                "c": {"$ref": "#/properties/a", "allOf": [{"$ref": "#"}]},
                "d": {"$ref": "https://example.com/elsewhere.json"},
                "e": {"$ref": "#missing"},
                "f": {"$ref": "http://[broken"},
            }})
        );
    }
}
