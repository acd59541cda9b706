//! A schema's alternatives as one object: for models that take none at the root of a tool's schema.
//!
//! The result is never narrower: every object that the schema admits, it admits too. Where an alternative says nothing of
//! a property and does not close its object either, any value of it is admitted there. Then the property is
//! `{"anyOf": [<what the others say>, {}]}`, which admits everything and still tells the model what is meant.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::references::keep_targets;
use super::{keywords, union};

/// Deepest nesting of alternatives and references that is read; what is deeper may be anything.
const DEEPEST: usize = 48;

/// How many properties are read in all, those behind references as often as they are referred to.
const MOST_PROPERTIES: usize = 200_000;

/// What holds several schemas at once.
const ALTERNATIVES: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// The root without alternatives. `None` where it has none.
pub(super) fn flat(document: &Value) -> Option<Map<String, Value>> {
    let root = document.as_object()?;
    let has_alternatives = ALTERNATIVES.iter().any(|key| root.contains_key(*key));
    if !has_alternatives && !root.contains_key("$ref") {
        return None;
    }
    let mut reader = AlternativesReader {
        document,
        known: HashMap::new(),
        under_way: HashSet::new(),
        left: MOST_PROPERTIES,
    };
    // A schema that admits no object at all says nothing of any.
    let objects = reader.read(document, 0).unwrap_or_default();
    let mut flat = root.clone();
    // What properties are left for `unevaluatedProperties` depends on the alternatives.
    for key in ALTERNATIVES
        .iter()
        .chain(&["$ref", "unevaluatedProperties"])
    {
        flat.shift_remove(*key);
    }
    let properties = objects.properties.iter();
    let properties = properties.map(|(name, said)| (name.clone(), union::schema(said)));
    flat.insert("properties".into(), Value::Object(properties.collect()));
    if !objects.required.is_empty() {
        flat.insert("required".into(), json!(objects.required));
    }
    if objects.closed && !flat.contains_key("additionalProperties") {
        flat.insert("additionalProperties".into(), Value::Bool(false));
    }
    let mut flat = Value::Object(flat);
    keep_targets(&mut flat, root);
    match flat {
        Value::Object(flat) => Some(flat),
        _ => None,
    }
}

/// The objects that a schema admits.
#[derive(Debug, Clone, Default)]
struct AdmittedObjects {
    /// What is said of each property: a list of schemas, one of which its value matches.
    properties: Map<String, Value>,
    required: Vec<String>,
    /// There are no other properties.
    closed: bool,
}

struct AlternativesReader<'a> {
    document: &'a Value,
    /// What references were found to admit.
    known: HashMap<&'a str, Option<Rc<AdmittedObjects>>>,
    /// References that are being followed: one that comes back to itself adds nothing.
    under_way: HashSet<&'a str>,
    /// Of [`MOST_PROPERTIES`].
    left: usize,
}

impl<'a> AlternativesReader<'a> {
    /// The objects that the schema admits; `None`: it admits none.
    fn read(&mut self, schema: &'a Value, depth: usize) -> Option<Rc<AdmittedObjects>> {
        let may_read = depth < DEEPEST && self.left > 0;
        let Some(fields) = schema.as_object().filter(|_| may_read) else {
            return (*schema != false).then(Rc::default);
        };
        if !admits_objects(fields) {
            return None;
        }
        let mut all = vec![Rc::new(own(fields))];
        if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
            all.push(self.follow(reference, depth)?);
        }
        let branches = fields.get("allOf").and_then(Value::as_array);
        for branch in branches.into_iter().flatten() {
            all.push(self.read(branch, depth + 1)?);
        }
        for key in ["anyOf", "oneOf"] {
            let branches = fields.get(key).and_then(Value::as_array);
            if let Some(branches) = branches.filter(|branches| !branches.is_empty()) {
                let read = branches
                    .iter()
                    .filter_map(|branch| self.read(branch, depth + 1));
                let read: Vec<_> = read.collect();
                all.push(Rc::new(either(read)?));
            }
        }
        let properties: usize = all.iter().map(|part| part.properties.len() + 1).sum();
        self.left = self.left.saturating_sub(properties);
        match all.as_slice() {
            [only] => Some(Rc::clone(only)),
            _ => Some(Rc::new(both(all))),
        }
    }

    fn follow(&mut self, reference: &'a str, depth: usize) -> Option<Rc<AdmittedObjects>> {
        if let Some(known) = self.known.get(reference) {
            return known.clone();
        }
        let target = keywords::target(reference, self.document);
        let Some(target) = target.filter(|_| self.under_way.insert(reference)) else {
            return Some(Rc::default());
        };
        let objects = self.read(target, depth + 1);
        self.under_way.remove(reference);
        self.known.insert(reference, objects.clone());
        objects
    }
}

/// Whether an object can match at all: the arguments of a tool are one.
fn admits_objects(fields: &Map<String, Value>) -> bool {
    let kind = match fields.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => true,
    };
    let values = fields.get("enum").and_then(Value::as_array);
    kind && fields.get("const").is_none_or(Value::is_object)
        && values.is_none_or(|values| values.iter().any(Value::is_object))
}

/// What the schema itself says, beside its alternatives.
fn own(fields: &Map<String, Value>) -> AdmittedObjects {
    let properties = fields.get("properties").and_then(Value::as_object);
    let properties = properties.into_iter().flatten();
    let required = fields.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let patterns = fields.get("patternProperties").and_then(Value::as_object);
    AdmittedObjects {
        properties: properties
            .map(|(name, schema)| (name.clone(), json!([schema])))
            .collect(),
        required: required.map(str::to_owned).collect(),
        closed: fields.get("additionalProperties") == Some(&Value::Bool(false))
            && patterns.is_none_or(Map::is_empty),
    }
}

/// What one of them admits. `None` where there is none.
fn either(mut branches: Vec<Rc<AdmittedObjects>>) -> Option<AdmittedObjects> {
    let mut seen = HashSet::new();
    branches.retain(|branch| seen.insert(Rc::as_ptr(branch)));
    let open = branches.iter().filter(|branch| !branch.closed).count();
    let mut required = branches.first()?.required.clone();
    for branch in branches.iter().skip(1) {
        let names: HashSet<&String> = branch.required.iter().collect();
        required.retain(|name| names.contains(name));
    }
    let mut properties: Map<String, Value> = Map::new();
    let mut said: HashMap<&str, (HashSet<String>, usize)> = HashMap::new();
    for branch in &branches {
        for (name, schemas) in &branch.properties {
            let (texts, open) = said.entry(name).or_default();
            *open += usize::from(!branch.closed);
            let all = properties.entry(name).or_insert_with(|| json!([]));
            let new = schemas.as_array().into_iter().flatten();
            let new = new.filter(|schema| texts.insert(schema.to_string()));
            if let Some(all) = all.as_array_mut() {
                all.extend(new.cloned());
            }
        }
    }
    for (name, all) in &mut properties {
        // Some branch without this property leaves it open.
        let is_open = said.get(name.as_str()).is_none_or(|(_, of)| *of < open);
        if let Some(all) = all.as_array_mut().filter(|_| is_open) {
            all.push(json!({}));
        }
    }
    Some(AdmittedObjects {
        properties,
        required,
        closed: open == 0,
    })
}

/// What all of them admit, or more.
fn both(all: Vec<Rc<AdmittedObjects>>) -> AdmittedObjects {
    let mut joined = AdmittedObjects::default();
    let mut required = HashSet::new();
    for part in all {
        joined.closed |= part.closed;
        let new = part
            .required
            .iter()
            .filter(|name| required.insert(String::clone(name)));
        joined.required.extend(new.cloned());
        for (name, said) in &part.properties {
            match joined.properties.get_mut(name) {
                Some(before) => *before = union::narrower(before, said),
                None => {
                    joined.properties.insert(name.clone(), said.clone());
                }
            }
        }
    }
    joined
}
