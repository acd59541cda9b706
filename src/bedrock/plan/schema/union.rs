//! What several schemas say of one property, as one.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

/// Keywords that tell and do not ask.
const TELLING: [&str; 8] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
];

/// The schema that admits what any of them does: constants as one `enum`, others side by side.
pub(super) fn schema(said: &Value) -> Value {
    let said: Vec<&Value> = said.as_array().into_iter().flatten().collect();
    let possible = said.iter().copied().filter(|schema| **schema != false);
    let possible: Vec<&Value> = possible.collect();
    let (fixed, others): (Vec<&Value>, Vec<&Value>) = possible
        .iter()
        .copied()
        .partition(|schema| is_fixed(schema));
    let is_first_fixed = possible.first().is_some_and(|schema| is_fixed(schema));
    let united = match fixed.as_slice() {
        [] => None,
        [only] => Some(Value::clone(only)),
        _ => Some(Value::Object(united(&fixed))),
    };
    // Of several that admit anything, those that tell something say enough.
    let tells = others
        .iter()
        .any(|schema| is_anything(schema) && is_told(schema));
    let others = others
        .into_iter()
        .filter(|schema| !tells || !is_anything(schema) || is_told(schema));
    let mut all: Vec<Value> = others.cloned().collect();
    if let Some(united) = united {
        all.insert(if is_first_fixed { 0 } else { all.len() }, united);
    }
    // What admits anything comes last: it is the least that there is to say.
    all.sort_by_key(is_anything);
    match (all.len(), all.pop()) {
        (0 | 1, Some(only)) => only,
        (_, Some(last)) => {
            all.push(last);
            json!({ "anyOf": all })
        }
        (_, None) if said.is_empty() => json!({}),
        (_, None) => Value::Bool(false),
    }
}

/// Of two lists one of which a value matches each, the one that says more; both together where that is easily said.
pub(super) fn narrower(first: &Value, second: &Value) -> Value {
    let lists = [first, second].map(|said| said.as_array().map_or(&[][..], Vec::as_slice));
    let [says_nothing, adds_nothing] = lists.map(|said| said.iter().any(is_anything));
    if says_nothing || adds_nothing {
        let says_more = says_nothing && !adds_nothing;
        return if says_more { second } else { first }.clone();
    }
    let [first_fixed, second_fixed] = lists.map(|said| said.iter().all(is_fixed));
    let (plain, fixed) = match (lists, first_fixed, second_fixed) {
        ([[plain], fixed], false, true) | ([fixed, [plain]], true, false) => (plain, fixed),
        _ => return first.clone(),
    };
    let Some(plain) = plain.as_object().filter(|plain| {
        let holds = ["const", "enum", "$ref", "anyOf", "oneOf", "allOf"];
        !holds.iter().any(|key| plain.contains_key(*key))
    }) else {
        return json!(fixed);
    };
    let fixed: Vec<&Value> = fixed.iter().collect();
    let mut both = plain.clone();
    for (key, value) in united(&fixed) {
        if key == "enum" || !both.contains_key(&key) {
            both.insert(key, value);
        }
    }
    json!([both])
}

/// Whether it names the values that it admits, and says nothing else of them.
fn is_fixed(schema: &Value) -> bool {
    let Some(fields) = schema.as_object() else {
        return false;
    };
    let names_values =
        fields.contains_key("const") || fields.get("enum").is_some_and(Value::is_array);
    names_values
        && fields.keys().all(|key| {
            matches!(key.as_str(), "const" | "enum" | "type") || TELLING.contains(&key.as_str())
        })
}

fn is_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(admits) => *admits,
        Value::Object(fields) => fields.keys().all(|key| TELLING.contains(&key.as_str())),
        _ => false,
    }
}

fn is_told(schema: &Value) -> bool {
    schema.as_object().is_some_and(|fields| !fields.is_empty())
}

/// All the values that schemas name, each once, with their common type and what is told of them.
fn united(fixed: &[&Value]) -> Map<String, Value> {
    let mut seen = HashSet::new();
    let mut told = Vec::new();
    let mut values = Vec::new();
    for schema in fixed {
        let list = schema.get("enum").and_then(Value::as_array);
        let named = match schema.get("const") {
            Some(only) => std::slice::from_ref(only),
            None => list.map_or(&[][..], Vec::as_slice),
        };
        values.extend(
            named
                .iter()
                .filter(|value| seen.insert(value.to_string()))
                .cloned(),
        );
        if let Some(description) = schema.get("description").and_then(Value::as_str)
            && !told.contains(&description)
        {
            told.push(description);
        }
    }
    let mut united = Map::new();
    if let Some(kind) = common_type(&values) {
        united.insert("type".into(), json!(kind));
    }
    united.insert("enum".into(), Value::Array(values));
    if !told.is_empty() {
        united.insert("description".into(), json!(told.join("\n")));
    }
    united
}

fn common_type(values: &[Value]) -> Option<&'static str> {
    let all = |is: fn(&Value) -> bool| !values.is_empty() && values.iter().all(is);
    if all(Value::is_string) {
        Some("string")
    } else if all(Value::is_boolean) {
        Some("boolean")
    } else if all(|value| value.is_i64() || value.is_u64()) {
        Some("integer")
    } else {
        all(Value::is_number).then_some("number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_schemas_of_one_property_become_one() {
        let cases = [
            (json!([{"const": "a"}]), json!({"const": "a"})),
            (
                json!([{"const": "a"}, {"enum": ["b", "a"]}]),
                json!({"type": "string", "enum": ["a", "b"]}),
            ),
            (
                json!([{"const": 1}, {"const": 2.5}]),
                json!({"type": "number", "enum": [1, 2.5]}),
            ),
            (
                json!([{"const": 1}, {"const": null}]),
                json!({"enum": [1, null]}),
            ),
            (
                json!([{"const": "a", "description": "A"}, {"type": "string", "const": "b", "description": "B"}]),
                json!({"type": "string", "enum": ["a", "b"], "description": "A\nB"}),
            ),
            (
                json!([{"type": "string"}, {"const": 1}]),
                json!({"anyOf": [{"type": "string"}, {"const": 1}]}),
            ),
            (
                json!([{}, {"const": 1}]),
                json!({"anyOf": [{"const": 1}, {}]}),
            ),
            (json!([false, {"type": "null"}]), json!({"type": "null"})),
            (json!([false]), json!(false)),
            (
                json!([{"description": "d"}, {}]),
                json!({"description": "d"}),
            ),
            (json!([]), json!({})),
        ];
        for (said, expected) in cases {
            assert_eq!(schema(&said), expected, "{said}");
        }
    }

    #[test]
    fn what_two_say_of_one_property_is_said_together_where_that_is_easy() {
        let text = json!([{"type": "string", "description": "d"}]);
        let words = json!([{"const": "a"}, {"const": "b"}]);
        let both = json!([{"type": "string", "description": "d", "enum": ["a", "b"]}]);
        assert_eq!(narrower(&text, &words), both);
        assert_eq!(narrower(&words, &text), both);
        let open = json!([{"const": "a"}, {}]);
        assert_eq!(narrower(&open, &text), text);
        assert_eq!(narrower(&text, &open), text);
        let number = json!([{"type": "number"}]);
        assert_eq!(narrower(&text, &number), text);
    }
}
