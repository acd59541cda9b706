//! References of a schema whose root becomes another one.

use serde_json::{Map, Value, json};

use super::keywords::{self, visit, visit_mut};

/// Longest chain of references that the root may begin.
const LONGEST_CHAIN: usize = 48;

/// Where a root that nested schemas refer to is kept.
const KEPT_ROOT: &str = "arguments";

/// A root that is but a reference, as what it refers to: that says the same. `None`: it is more than that.
pub(super) fn followed(document: &Value) -> Option<Value> {
    const BESIDE: [&str; 8] = [
        "$ref",
        "$defs",
        "definitions",
        "$schema",
        "$id",
        "type",
        "title",
        "description",
    ];
    let root = document.as_object()?;
    let mut at = root;
    for _ in 0..LONGEST_CHAIN {
        let Some(reference) = at.get("$ref").and_then(Value::as_str) else {
            break;
        };
        if !at.keys().all(|key| BESIDE.contains(&key.as_str())) {
            return None;
        }
        at = keywords::target(reference, document)?.as_object()?;
    }
    if std::ptr::eq(at, root) || at.contains_key("$ref") {
        return None;
    }
    let mut merged = root.clone();
    merged.shift_remove("$ref");
    for (key, value) in at.iter().filter(|(key, _)| *key != "type") {
        merged.insert(key.clone(), value.clone());
    }
    // The definitions of the root are those that references name.
    for key in ["$defs", "definitions"] {
        match root.get(key) {
            Some(definitions) => merged.insert(key.to_owned(), definitions.clone()),
            None => merged.shift_remove(key),
        };
    }
    Some(Value::Object(merged))
}

/// References to the root or to what was in its alternatives go to a copy of it among the definitions, which is what it
/// was.
pub(super) fn keep_targets(flat: &mut Value, root: &Map<String, Value>) {
    let is_definition = |reference: &str| {
        reference.starts_with("#/$defs/") || reference.starts_with("#/definitions/")
    };
    let is_of_root = |reference: &str| {
        let local = reference == "#" || reference.starts_with("#/");
        local && !is_definition(reference)
    };
    let mut is_needed = false;
    visit(flat, &mut |fields| {
        let reference = fields.get("$ref").and_then(Value::as_str);
        is_needed |= reference.is_some_and(is_of_root);
    });
    if !is_needed {
        return;
    }
    let mut kept = root.clone();
    for key in ["$defs", "definitions", "$schema", "$id"] {
        kept.shift_remove(key);
    }
    let Some(definitions) = flat
        .as_object_mut()
        .map(|flat| flat.entry("$defs").or_insert_with(|| json!({})))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let mut name = KEPT_ROOT.to_owned();
    while definitions.contains_key(&name) {
        name.push('_');
    }
    definitions.insert(name.clone(), Value::Object(kept));
    visit_mut(flat, &mut |fields| {
        if let Some(Value::String(reference)) = fields.get_mut("$ref")
            && is_of_root(reference)
        {
            reference.insert_str(1, &format!("/$defs/{name}"));
        }
    });
}
