//! Goes through a value and the schema that describes it side by side.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::ClientKeys;

/// How many schemas are looked at for one value. A schema of many alternatives that refer to each other, for a value of
/// many levels, would have no end; what is deeper keeps its keys.
const MOST_STEPS: usize = 2_000_000;

/// What describes one value.
#[derive(Clone, Default)]
struct Schemas<'a> {
    /// The schemas, as far as they say something of what is in it.
    rules: Vec<&'a Map<String, Value>>,
    /// The values that they name (`const`, `enum`): their keys are the value's own.
    named: Vec<&'a Value>,
}

/// What may describe a value, before it is known which schemas it leads to.
#[derive(Clone, Default)]
struct OpenSchemas<'a> {
    schemas: Vec<&'a Value>,
    named: Vec<&'a Value>,
}

impl<'a> OpenSchemas<'a> {
    fn of(schema: &'a Value) -> Self {
        Self {
            schemas: vec![schema],
            named: Vec::new(),
        }
    }
}

pub(super) struct KeyWalk<'a> {
    keys: &'a ClientKeys,
    start: &'a Value,
    left: Cell<usize>,
}

/// What is being written inside of.
enum Inside<'a> {
    Object {
        schemas: Schemas<'a>,
        /// The client's key of the value under way, or that a key comes next.
        key: Option<String>,
    },
    Array(Schemas<'a>),
}

impl<'a> KeyWalk<'a> {
    pub(super) fn new(keys: &'a ClientKeys) -> Self {
        Self::below(keys, &keys.schema)
    }

    /// For a value that this schema describes, which is in the client's.
    pub(super) fn below(keys: &'a ClientKeys, start: &'a Value) -> Self {
        Self {
            keys,
            start,
            left: Cell::new(MOST_STEPS),
        }
    }

    pub(super) fn to_bedrock(&self, value: &Value) -> Value {
        self.value_to_bedrock(value, OpenSchemas::of(self.start))
    }

    fn value_to_bedrock(&self, value: &Value, schemas: OpenSchemas<'a>) -> Value {
        match value {
            Value::Object(fields) => {
                let schemas = self.applicable(schemas);
                let renamed = |key: &String| {
                    let name = self.keys.to_bedrock.get(key);
                    name.filter(|_| describes(&schemas, key))
                };
                let names: HashSet<&String> = fields.keys().filter_map(renamed).collect();
                let named = fields.iter().map(|(key, value)| {
                    let value = self.value_to_bedrock(value, of_property(&schemas, key));
                    let mut name = renamed(key).unwrap_or(key).clone();
                    // Two keys never become one.
                    let is_taken = |name: &String| {
                        names.contains(name) || name != key && fields.contains_key(name)
                    };
                    while renamed(key).is_none() && is_taken(&name) {
                        name.push('_');
                    }
                    (name, value)
                });
                Value::Object(named.collect())
            }
            Value::Array(items) => {
                let schemas = of_items(&self.applicable(schemas));
                let items = items.iter();
                let items = items.map(|item| self.value_to_bedrock(item, schemas.clone()));
                Value::Array(items.collect())
            }
            other => other.clone(),
        }
    }

    /// The text as it is, but for the keys: numbers and blanks stay as the model wrote them.
    pub(super) fn to_client(&self, text: &str) -> String {
        let mut written = String::with_capacity(text.len());
        let mut inside: Vec<Inside<'a>> = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (token, after) = match c {
                '"' => match string_end(rest) {
                    Some(end) => rest.split_at(end),
                    // A key that is not whole may be any.
                    None if matches!(inside.last(), Some(Inside::Object { key: None, .. })) => {
                        break;
                    }
                    None => rest.split_at(rest.len()),
                },
                c => rest.split_at(c.len_utf8()),
            };
            rest = after;
            match (c, inside.last_mut()) {
                ('{' | '[', parent) => {
                    let schemas = self.applicable(match parent {
                        None => OpenSchemas::of(self.start),
                        Some(Inside::Object { schemas, key }) => {
                            of_property(schemas, key.as_deref().unwrap_or_default())
                        }
                        Some(Inside::Array(schemas)) => of_items(schemas),
                    });
                    inside.push(match c {
                        '{' => Inside::Object { schemas, key: None },
                        _ => Inside::Array(schemas),
                    });
                }
                ('}' | ']', _) => {
                    inside.pop();
                }
                (',', Some(Inside::Object { key, .. })) => *key = None,
                (
                    '"',
                    Some(Inside::Object {
                        schemas,
                        key: key @ None,
                    }),
                ) => {
                    let (name, shown) = self.key_to_client(token, schemas);
                    *key = Some(name);
                    written.push_str(&shown);
                    continue;
                }
                _ => {}
            }
            written.push_str(token);
        }
        written
    }

    /// The client's key for one that the model wrote, and how it is written.
    fn key_to_client(&self, token: &str, schemas: &Schemas<'a>) -> (String, String) {
        let Ok(name) = serde_json::from_str::<String>(token) else {
            return (String::new(), token.to_owned());
        };
        match self.keys.to_client.get(&name) {
            Some(key) if describes(schemas, key) => (key.clone(), json!(key).to_string()),
            _ => (name, token.to_owned()),
        }
    }

    /// The schemas that describe a value of these schemas: with what they refer to and are made of.
    fn applicable(&self, described: OpenSchemas<'a>) -> Schemas<'a> {
        let mut seen = HashSet::new();
        let mut found = Schemas {
            rules: Vec::new(),
            named: described.named,
        };
        let mut open = described.schemas;
        while let Some(schema) = open.pop() {
            let Some(fields) = schema
                .as_object()
                .filter(|_| seen.insert(std::ptr::from_ref(schema)))
            else {
                continue;
            };
            let values = fields.get("enum").and_then(Value::as_array);
            let values = values.into_iter().flatten().chain(fields.get("const"));
            let before = found.named.len();
            found
                .named
                .extend(values.filter(|value| value.is_object() || value.is_array()));
            let steps = 1 + found.named.len() - before;
            let Some(left) = self.left.get().checked_sub(steps) else {
                self.left.set(0);
                return Schemas::default();
            };
            self.left.set(left);
            found.rules.push(fields);
            let reference = fields.get("$ref").and_then(Value::as_str);
            open.extend(reference.and_then(|reference| self.keys.target(reference)));
            for key in ["allOf", "anyOf", "oneOf"] {
                open.extend(
                    fields
                        .get(key)
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten(),
                );
            }
            open.extend(
                ["if", "then", "else", "not"]
                    .iter()
                    .filter_map(|key| fields.get(*key)),
            );
            for key in ["dependentSchemas", "dependencies"] {
                let named = fields.get(key).and_then(Value::as_object);
                open.extend(named.into_iter().flat_map(Map::values));
            }
        }
        found
    }
}

/// Whether any of them speaks of a property of this key.
fn describes(schemas: &Schemas<'_>, key: &str) -> bool {
    let lists = |names: &Value| {
        let names = names.as_array();
        names.is_some_and(|names| names.iter().any(|name| name == key))
    };
    let names = |named: &Value| {
        let named = named.as_object();
        named.is_some_and(|named| named.contains_key(key) || named.values().any(lists))
    };
    let is_named = |value: &&Value| value.get(key).is_some();
    let is_described = |schema: &&Map<String, Value>| {
        let has = |keyword: &str| schema.get(keyword).is_some_and(names);
        has("properties")
            || schema.get("required").is_some_and(lists)
            || ["dependentRequired", "dependentSchemas", "dependencies"]
                .into_iter()
                .any(has)
    };
    schemas.named.iter().any(is_named) || schemas.rules.iter().any(is_described)
}

fn of_property<'a>(schemas: &Schemas<'a>, key: &str) -> OpenSchemas<'a> {
    let mut found = Vec::new();
    for schema in &schemas.rules {
        let named = schema.get("properties").and_then(|all| all.get(key));
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        found.extend(patterns.into_iter().flat_map(Map::values));
        found.extend(named.or_else(|| schema.get("additionalProperties")));
        found.extend(schema.get("unevaluatedProperties"));
    }
    OpenSchemas {
        schemas: found,
        named: schemas
            .named
            .iter()
            .filter_map(|value| value.get(key))
            .collect(),
    }
}

fn of_items<'a>(schemas: &Schemas<'a>) -> OpenSchemas<'a> {
    let mut found = Vec::new();
    for schema in &schemas.rules {
        for key in [
            "items",
            "prefixItems",
            "additionalItems",
            "contains",
            "unevaluatedItems",
        ] {
            match schema.get(key) {
                Some(Value::Array(schemas)) => found.extend(schemas),
                other => found.extend(other),
            }
        }
    }
    let lists = schemas.named.iter().filter_map(|value| value.as_array());
    OpenSchemas {
        schemas: found,
        named: lists.flatten().collect(),
    }
}

/// Where the JSON string at the beginning of a text ends, its quotation mark included.
fn string_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let mut chars = text.char_indices().skip(1);
    chars.find_map(|(at, c)| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends.then_some(at + 1)
    })
}
