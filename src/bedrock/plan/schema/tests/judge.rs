//! Whether a value matches a schema of draft 2020-12, for the keywords that the tests generate. Written from the
//! specification and knowing nothing of the plan.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::bedrock::plan::schema::keywords::target;

/// The names of an object's properties that were looked at.
type Evaluated = BTreeSet<String>;

pub(super) struct Judge<'a>(pub(super) &'a Value);

impl Judge<'_> {
    pub(super) fn is_valid(&self, value: &Value) -> bool {
        self.evaluate(self.0, value).is_some()
    }

    /// `None`: it does not match.
    fn evaluate(&self, schema: &Value, value: &Value) -> Option<Evaluated> {
        let rules = match schema {
            Value::Bool(admits) => return admits.then(Evaluated::new),
            Value::Object(rules) => rules,
            other => panic!("{other} is no schema"),
        };
        let mut evaluated = Evaluated::new();
        if let Some(reference) = rules.get("$ref").and_then(Value::as_str) {
            let target =
                target(reference, self.0).unwrap_or_else(|| panic!("{reference} leads nowhere"));
            evaluated.extend(self.evaluate(target, value)?);
        }
        let is_plain = is_of_type(rules.get("type"), value)
            && rules.get("const").is_none_or(|only| only == value)
            && rules
                .get("enum")
                .is_none_or(|list| list.as_array().unwrap().contains(value));
        if !is_plain {
            return None;
        }
        let branches = |key: &str| rules.get(key).map(|list| list.as_array().unwrap());
        for branch in branches("allOf").into_iter().flatten() {
            evaluated.extend(self.evaluate(branch, value)?);
        }
        for (key, most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
            if let Some(branches) = branches(key) {
                let matching = branches
                    .iter()
                    .filter_map(|branch| self.evaluate(branch, value));
                let matching: Vec<Evaluated> = matching.collect();
                if matching.is_empty() || matching.len() > most {
                    return None;
                }
                evaluated.extend(matching.into_iter().flatten());
            }
        }
        if rules
            .get("not")
            .is_some_and(|not| self.evaluate(not, value).is_some())
        {
            return None;
        }
        if let Some(condition) = rules.get("if") {
            let met = self.evaluate(condition, value);
            let then = rules.get(if met.is_some() { "then" } else { "else" });
            evaluated.extend(met.into_iter().flatten());
            if let Some(then) = then {
                evaluated.extend(self.evaluate(then, value)?);
            }
        }
        match value {
            Value::Object(fields) => self.object(rules, fields, evaluated),
            Value::Array(items) => self.items(rules, items).then_some(evaluated),
            _ => Some(evaluated),
        }
    }

    fn object(
        &self,
        rules: &Map<String, Value>,
        fields: &Map<String, Value>,
        mut evaluated: Evaluated,
    ) -> Option<Evaluated> {
        let has_all = |names: &Value| {
            let mut names = names.as_array().unwrap().iter();
            names.all(|name| fields.contains_key(name.as_str().unwrap()))
        };
        let dependent = rules.get("dependentRequired").and_then(Value::as_object);
        let most = rules.get("maxProperties").and_then(Value::as_u64);
        let is_complete = rules.get("required").is_none_or(has_all)
            && dependent
                .into_iter()
                .flatten()
                .all(|(name, names)| !fields.contains_key(name) || has_all(names))
            && most.is_none_or(|most| fields.len() as u64 <= most);
        if !is_complete {
            return None;
        }
        let patterns = rules.get("patternProperties").and_then(Value::as_object);
        for (name, value) in fields {
            let of_patterns = patterns.into_iter().flatten();
            let of_patterns = of_patterns
                .filter(|(pattern, _)| name.starts_with(pattern.strip_prefix('^').unwrap()))
                .map(|(_, schema)| schema);
            let named = rules
                .get("properties")
                .and_then(|properties| properties.get(name));
            let mut schemas: Vec<&Value> = named.into_iter().chain(of_patterns).collect();
            if schemas.is_empty() {
                schemas.extend(rules.get("additionalProperties"));
            }
            for schema in &schemas {
                self.evaluate(schema, value)?;
            }
            if !schemas.is_empty() {
                evaluated.insert(name.clone());
            }
        }
        if let Some(others) = rules.get("unevaluatedProperties") {
            for (name, value) in fields {
                if evaluated.insert(name.clone()) {
                    self.evaluate(others, value)?;
                }
            }
        }
        Some(evaluated)
    }

    fn items(&self, rules: &Map<String, Value>, items: &[Value]) -> bool {
        let schema = rules.get("items");
        schema.is_none_or(|schema| {
            items
                .iter()
                .all(|item| self.evaluate(schema, item).is_some())
        })
    }
}

fn is_of_type(kinds: Option<&Value>, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    };
    match kinds {
        None => true,
        Some(Value::Array(kinds)) => kinds.iter().any(is),
        Some(kind) => is(kind),
    }
}
