//! Property keys that Claude takes, and the way back.
//!
//! Claude refuses a request with a tool whose properties have other keys than `^[a-zA-Z0-9_.-]{1,64}$`. Such keys get
//! legal names, which follow from the tool's schema alone: the model sees the same ones in every turn, in the schema and
//! in the calls that are replayed. What it writes comes back under the client's keys. Both ways follow the schema: a key
//! is another one only where the schema describes it, never in free data.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::schema::keywords::{self, KeywordHolds, holds, visit, visit_mut};

mod walk;

use walk::KeyWalk;

const MAX_LEN: usize = 64;

/// The keys of one schema that had to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKeys {
    /// The client's schema.
    schema: Arc<Value>,
    to_bedrock: HashMap<String, String>,
    to_client: HashMap<String, String>,
}

impl ClientKeys {
    /// `None` where all keys may stay, as nearly everywhere.
    pub fn of(schema: &Arc<Value>) -> Option<Self> {
        let mut taken = HashSet::new();
        let mut refused = Vec::new();
        visit(schema, &mut |fields| {
            let properties = fields.get("properties").and_then(Value::as_object);
            for key in properties.into_iter().flat_map(Map::keys) {
                if is_legal(key) {
                    taken.insert(key.clone());
                } else {
                    refused.push(key);
                }
            }
        });
        if refused.is_empty() {
            return None;
        }
        let mut keys = Self {
            schema: Arc::clone(schema),
            to_bedrock: HashMap::new(),
            to_client: HashMap::new(),
        };
        let mut numbers = HashMap::new();
        for key in refused {
            if keys.to_bedrock.contains_key(key) {
                continue;
            }
            let name = free(readable(key), &taken, &mut numbers);
            taken.insert(name.clone());
            keys.to_client.insert(name.clone(), key.clone());
            keys.to_bedrock.insert(key.clone(), name);
        }
        Some(keys)
    }

    /// The schema under the legal names. A property that has another one than its client's tells the model of that.
    pub fn schema(&self) -> Value {
        let mut schema = Value::clone(&self.schema);
        visit_mut(&mut schema, &mut |fields| self.rename(fields));
        schema
    }

    /// What a client replays, under the names that the model knows.
    pub fn to_bedrock(&self, input: &Value) -> Value {
        KeyWalk::new(self).to_bedrock(input)
    }

    /// What the model wrote, under the client's keys. A text that was cut comes back as far as it goes: the text of more
    /// of it begins with what this one became.
    pub fn to_client(&self, text: &str) -> String {
        KeyWalk::new(self).to_client(text)
    }

    /// Changes the keywords of one schema that name properties.
    fn rename(&self, fields: &mut Map<String, Value>) {
        let values = ["const", "default"];
        let lists = ["enum", "examples"];
        if values
            .iter()
            .chain(&lists)
            .any(|key| fields.contains_key(*key))
        {
            self.rename_data(fields, &values, &lists);
        }
        for (keyword, value) in fields.iter_mut() {
            match keyword.as_str() {
                "properties" => self.rename_keys(value, true),
                "dependentRequired" | "dependentSchemas" | "dependencies" => {
                    self.rename_keys(value, false);
                    let lists = value.as_object_mut().into_iter().flatten();
                    lists.for_each(|(_, names)| self.rename_names(names));
                }
                "required" => self.rename_names(value),
                "$ref" => {
                    if let Value::String(reference) = value
                        && let Some(renamed) = self.reference(reference)
                    {
                        *reference = renamed;
                    }
                }
                _ => {}
            }
        }
    }

    /// Changes values that the schema names, as what the model is to write.
    fn rename_data(&self, fields: &mut Map<String, Value>, values: &[&str], lists: &[&str]) {
        // The schema itself says where its values' keys are described.
        let schema = Value::Object(fields.clone());
        let renamed = |value: &Value| KeyWalk::below(self, &schema).to_bedrock(value);
        for (keyword, value) in fields.iter_mut() {
            if values.contains(&keyword.as_str()) {
                *value = renamed(value);
            } else if lists.contains(&keyword.as_str()) {
                let items = value.as_array_mut().into_iter().flatten();
                items.for_each(|item| *item = renamed(item));
            }
        }
    }

    fn rename_keys(&self, named: &mut Value, told: bool) {
        let Some(named) = named.as_object_mut() else {
            return;
        };
        let renamed = std::mem::take(named).into_iter().map(|(key, mut value)| {
            let Some(name) = self.to_bedrock.get(&key) else {
                return (key, value);
            };
            if told {
                tell(&mut value, &key);
            }
            (name.clone(), value)
        });
        *named = renamed.collect();
    }

    fn rename_names(&self, names: &mut Value) {
        for name in names.as_array_mut().into_iter().flatten() {
            if let Some(renamed) = name.as_str().and_then(|name| self.to_bedrock.get(name)) {
                *name = json!(renamed);
            }
        }
    }

    /// A reference that goes through properties which have other names now.
    fn reference(&self, reference: &str) -> Option<String> {
        let pointer = reference.strip_prefix("#/")?;
        let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8();
        let mut is_schema = true;
        let mut is_of_properties = false;
        let mut changed = false;
        let tokens = decoded
            .as_deref()
            .unwrap_or(pointer)
            .split('/')
            .map(|token| {
                let plain = token.replace("~1", "/").replace("~0", "~");
                let name = self.to_bedrock.get(&plain).filter(|_| is_of_properties);
                changed |= name.is_some();
                is_of_properties = is_schema && plain == "properties";
                is_schema = !(is_schema && holds(&plain) == KeywordHolds::Named);
                name.map_or_else(|| token.to_owned(), String::clone)
            });
        let renamed: Vec<String> = tokens.collect();
        changed.then(|| keywords::reference(&format!("/{}", renamed.join("/"))))
    }

    /// What a reference of the client's schema refers to.
    fn target(&self, reference: &str) -> Option<&Value> {
        keywords::target(reference, &self.schema)
    }
}

/// Says in a property's description what its client calls it.
fn tell(schema: &mut Value, key: &str) {
    if *schema == true {
        *schema = json!({});
    }
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    let called = format!("Its full name is {}.", json!(key));
    let description = fields.get("description").and_then(Value::as_str);
    let description = description.filter(|text| !text.trim().is_empty());
    let description = description.map_or(called.clone(), |text| format!("{text}\n{called}"));
    fields.insert("description".into(), Value::String(description));
}

fn is_legal(key: &str) -> bool {
    (1..=MAX_LEN).contains(&key.len()) && key.chars().all(is_legal_char)
}

fn is_legal_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}

/// What of a key a legal name can say: `filter[name]` is `filter_name`.
fn readable(key: &str) -> String {
    let words = key.split(|c| !is_legal_char(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut name = words.join("_");
    // Room for a number.
    name.truncate(MAX_LEN - "_99999".len());
    match name.as_str() {
        "" => "key".to_owned(),
        _ => name,
    }
}

/// This name, with a number where it is taken.
fn free(name: String, taken: &HashSet<String>, numbers: &mut HashMap<String, usize>) -> String {
    if !taken.contains(&name) {
        return name;
    }
    let number = numbers.entry(name.clone()).or_insert(1);
    loop {
        *number += 1;
        let numbered = format!("{name}_{number}");
        if !taken.contains(&numbered) {
            return numbered;
        }
    }
}

#[cfg(test)]
mod tests;
