//! Schemas without references, for models that take no definitions beside them.

use serde_json::{Map, Value, json};

use super::keywords::{self, KeywordHolds, holds};

/// Deepest nesting that references are followed to: recursive schemas have no end.
const DEEPEST: usize = 8;

/// Keywords by which a schema that admits more makes the whole admit less: they go as a whole where they cannot be kept
/// as they are.
const EXACT: [&str; 3] = ["not", "if", "oneOf"];

/// Keywords that say nothing of which values are admitted.
const ANNOTATIONS: [&str; 8] = [
    "$comment",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

/// Replaces references to definitions of the same document by what they refer to, as long as there is room for that, and
/// then by a schema that takes everything. The result is never narrower than the schema was.
#[derive(Debug)]
pub(super) struct Inliner<'a> {
    document: &'a Value,
    /// How many bytes may still come in through references, roughly.
    left: &'a mut usize,
    depth: usize,
}

/// What became of a schema, or of what a keyword holds.
#[derive(Debug)]
pub(super) struct Inlined {
    pub(super) value: Value,
    /// It admits what it admitted before and nothing else.
    pub(super) is_exact: bool,
}

impl<'a> Inliner<'a> {
    pub(super) fn new(document: &'a Value, left: &'a mut usize) -> Self {
        Self {
            document,
            left,
            depth: 0,
        }
    }

    pub(super) fn schema(&mut self, schema: &Value) -> Inlined {
        let Value::Object(fields) = schema else {
            return Inlined {
                value: schema.clone(),
                is_exact: true,
            };
        };
        let mut is_exact = true;
        let mut kept = Map::with_capacity(fields.len());
        for (keyword, value) in fields.iter().filter(|(keyword, _)| *keyword != "$ref") {
            let inlined = self.keyword(keyword, value);
            is_exact &= inlined.is_exact;
            if inlined.is_exact || !EXACT.contains(&keyword.as_str()) {
                kept.insert(keyword.clone(), inlined.value);
            }
        }
        let value = match fields.get("$ref").and_then(Value::as_str) {
            Some(reference) if reference.starts_with('#') => match self.follow(reference) {
                Some(target) => {
                    is_exact &= target.is_exact;
                    joined(kept, target.value)
                }
                None => {
                    is_exact = false;
                    Value::Object(kept)
                }
            },
            reference => {
                kept.extend(reference.map(|elsewhere| ("$ref".to_owned(), json!(elsewhere))));
                Value::Object(kept)
            }
        };
        Inlined {
            value: if is_exact { value } else { widened(value) },
            is_exact,
        }
    }

    /// What this keyword holds, without references.
    pub(super) fn keyword(&mut self, keyword: &str, value: &Value) -> Inlined {
        let mut is_exact = true;
        let mut inlined = |schema: &Value| {
            let inlined = self.schema(schema);
            is_exact &= inlined.is_exact;
            inlined.value
        };
        let value = match (holds(keyword), value) {
            (KeywordHolds::Schemas, Value::Array(schemas)) => schemas.iter().map(inlined).collect(),
            (KeywordHolds::Schemas, schema) => inlined(schema),
            (KeywordHolds::Named, Value::Object(named)) => {
                let named = named.iter();
                let named = named.map(|(name, schema)| (name.clone(), inlined(schema)));
                Value::Object(named.collect())
            }
            (_, other) => other.clone(),
        };
        if self.depth > 0 {
            *self.left = self
                .left
                .saturating_sub(keyword.len() + own_size(keyword, &value));
        }
        Inlined { value, is_exact }
    }

    fn follow(&mut self, reference: &str) -> Option<Inlined> {
        let may_follow = self.depth < DEEPEST && *self.left > 0;
        let target = keywords::target(reference, self.document).filter(|_| may_follow)?;
        self.depth += 1;
        let inlined = self.schema(target);
        self.depth -= 1;
        Some(inlined)
    }
}

/// How long what a keyword holds is, roughly, without the schemas in it, which are counted for themselves.
fn own_size(keyword: &str, value: &Value) -> usize {
    match holds(keyword) {
        KeywordHolds::Schemas | KeywordHolds::Named => 16,
        KeywordHolds::Data | KeywordHolds::Other => value.to_string().len(),
    }
}

/// Both the rules that stood beside a reference and what it refers to.
fn joined(mut beside: Map<String, Value>, target: Value) -> Value {
    let is_annotation = |keyword: &String| ANNOTATIONS.contains(&keyword.as_str());
    match target {
        Value::Object(mut target) if beside.keys().all(is_annotation) => {
            target.extend(beside);
            Value::Object(target)
        }
        target if beside.is_empty() => target,
        target => {
            let all = beside.entry("allOf").or_insert_with(|| json!([]));
            if let Some(all) = all.as_array_mut() {
                all.push(target);
            }
            Value::Object(beside)
        }
    }
}

/// A schema some of whose parts admit more than they did, without what would admit less because of that.
fn widened(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        // These depend on what the other keywords have looked at and found.
        for keyword in ["unevaluatedProperties", "unevaluatedItems", "maxContains"] {
            fields.shift_remove(keyword);
        }
        if !fields.contains_key("if") {
            fields.shift_remove("then");
            fields.shift_remove("else");
        }
    }
    schema
}
