use super::*;

fn keys(schema: Value) -> ClientKeys {
    ClientKeys::of(&Arc::new(schema)).unwrap()
}

#[test]
fn every_key_becomes_a_legal_one_of_its_own() {
    let long = "x".repeat(70);
    let longer = "x".repeat(71);
    let schema = json!({"properties": {
        "filter[name]": {}, "filter_name": {}, "filter.name!": {}, "filter name": {}, "金額": {}, "": {}, "…": {},
        long.as_str(): {}, longer.as_str(): {},
    }});
    let keys = keys(schema.clone());
    let renamed = keys.schema();
    let names: Vec<&String> = renamed["properties"].as_object().unwrap().keys().collect();
    assert!(names.iter().all(|name| is_legal(name)), "{names:?}");
    assert_eq!(
        names[..7],
        [
            "filter_name_2",
            "filter_name",
            "filter.name",
            "filter_name_3",
            "key",
            "key_2",
            "key_3"
        ]
    );
    assert_eq!(names.len(), 9);
    for (name, key) in &keys.to_client {
        assert_eq!(keys.to_bedrock[key], *name);
        let told = renamed["properties"][name]["description"].as_str().unwrap();
        assert!(told.contains(&json!(key).to_string()), "{told}");
    }
    assert_eq!(
        ClientKeys::of(&Arc::new(
            json!({"properties": {"a.b-C_1": {"properties": {}}}})
        )),
        None
    );
}

/// A schema with keys at every place where a schema may stand, and a value for it.
fn everywhere() -> (Value, Value) {
    let at = || json!({"type": "object", "properties": {"a b": {"type": "integer"}}, "required": ["a b"]});
    let schema = json!({
        "type": "object",
        "properties": {
            "list of": {"type": "array", "items": at()},
            "pair": {"type": "array", "prefixItems": [at(), {"$ref": "#/$defs/d"}]},
            "either": {"anyOf": [{"type": "string"}, at()]},
            "one": {"oneOf": [at()], "allOf": [{"properties": {"c d": {}}}]},
            "free": {"type": "object"},
            "map": {"type": "object", "additionalProperties": at(), "patternProperties": {"^ x": at()}},
            "self": {"$ref": "#"},
            "far": {"$ref": "#/properties/list%20of/items"},
            "fixed": {"enum": [{"a b": 1}], "properties": {"a b": {}}},
        },
        "required": ["list of"],
        "dependentRequired": {"list of": ["list of", "pair"]},
        "dependentSchemas": {"list of": {"properties": {"more of": {}}}},
        "$defs": {"d": at()},
    });
    let value = json!({
        "list of": [{"a b": 1}, {"a b": 2, "c d": 3}],
        "pair": [{"a b": 1}, {"a b": 2}],
        "either": {"a b": 1},
        "one": {"a b": 1, "c d": 2},
        "free": {"a b": 1, "a_b": 2},
        "map": {"k 1": {"a b": 1}, " x": {"a b": 2}},
        "self": {"list of": [], "self": {"more of": 1}},
        "far": {"a b": 1},
        "fixed": {"a b": 1},
    });
    (schema, value)
}

#[test]
fn keys_are_others_wherever_the_schema_describes_them_and_nowhere_else() {
    let (schema, value) = everywhere();
    let keys = keys(schema);
    let sent = keys.to_bedrock(&value);
    let expected = json!({
        "list_of": [{"a_b": 1}, {"a_b": 2, "c d": 3}],
        "pair": [{"a_b": 1}, {"a_b": 2}],
        "either": {"a_b": 1},
        "one": {"a_b": 1, "c_d": 2},
        "free": {"a b": 1, "a_b": 2},
        "map": {"k 1": {"a_b": 1}, " x": {"a_b": 2}},
        "self": {"list_of": [], "self": {"more_of": 1}},
        "far": {"a_b": 1},
        "fixed": {"a_b": 1},
    });
    assert_eq!(sent, expected);
    let back = keys.to_client(&sent.to_string());
    assert_eq!(back, value.to_string());
}

#[test]
fn what_names_properties_follows_them() {
    let (schema, _) = everywhere();
    let renamed = keys(schema).schema();
    assert_eq!(renamed["required"], json!(["list_of"]));
    assert_eq!(
        renamed["dependentRequired"],
        json!({"list_of": ["list_of", "pair"]})
    );
    assert_eq!(
        renamed["dependentSchemas"]["list_of"]["properties"]["more_of"]["description"],
        "Its full name is \"more of\"."
    );
    assert_eq!(
        renamed["properties"]["far"]["$ref"],
        "#/properties/list_of/items"
    );
    assert_eq!(renamed["properties"]["fixed"]["enum"], json!([{"a_b": 1}]));
    assert_eq!(
        renamed["properties"]["map"]["patternProperties"]["^ x"]["required"],
        json!(["a_b"])
    );
}

#[test]
fn the_model_s_text_stays_as_it_is_but_for_its_keys() {
    let (schema, _) = everywhere();
    let keys = keys(schema);
    for (written, expected) in [
        (
            r#"{ "far" : {"a_b":1.50e3}, "pair": [ ]}"#,
            r#"{ "far" : {"a b":1.50e3}, "pair": [ ]}"#,
        ),
        (
            r#"{"far": "a_b: {\"a_b\": 1}"}"#,
            r#"{"far": "a_b: {\"a_b\": 1}"}"#,
        ),
        (
            r#"{"\u0066ar": {"a\u005fb": 12345678901234567890123}}"#,
            r#"{"\u0066ar": {"a b": 12345678901234567890123}}"#,
        ),
        ("Let me \"look\", {so}: [", "Let me \"look\", {so}: ["),
        (r#"{"far": {"a_"#, r#"{"far": {"#),
        ("}}]]{\"list_of\": 1", "}}]]{\"list of\": 1"),
    ] {
        assert_eq!(keys.to_client(written), expected, "{written}");
    }
}

#[test]
fn two_keys_never_become_one() {
    let keys = keys(json!({"properties": {"a b": {}}}));
    let sent = keys.to_bedrock(&json!({"a b": 1, "a_b": 2, "a_b_": 3}));
    assert_eq!(sent.as_object().unwrap().len(), 3, "{sent}");
    assert_eq!(sent["a_b"], 1);
}

#[test]
fn the_text_of_a_beginning_is_the_beginning_of_the_text() {
    let (schema, value) = everywhere();
    let keys = keys(schema);
    let written = keys.to_bedrock(&value).to_string();
    let whole = keys.to_client(&written);
    for end in 0..=written.len() {
        let begun = keys.to_client(&written[..end]);
        assert!(whole.starts_with(&begun), "{begun}");
    }
}

#[test]
fn values_that_a_schema_names_have_the_keys_of_its_properties_wherever_they_stand() {
    let object = || json!({"type": "object", "properties": {"a b": {"properties": {"c d": {}}}}});
    let value = || json!({"a b": {"c d": [{"a b": 1}]}, "e": {"a b": 2}});
    let sent = json!({"a_b": {"c_d": [{"a_b": 1}]}, "e": {"a_b": 2}});
    let mut beside = object();
    beside["const"] = value();
    for (place, schema) in [
        ("beside the properties", beside),
        (
            "in a branch",
            json!({"allOf": [object(), {"const": value()}]}),
        ),
        (
            "around a branch",
            json!({"enum": [1, value()], "anyOf": [object()]}),
        ),
        (
            "behind a reference",
            json!({"$ref": "#/$defs/o", "oneOf": [{"enum": [value(), null]}]}),
        ),
        ("where nothing else is said", json!({"const": value()})),
    ] {
        let keys =
            keys(json!({"type": "object", "properties": {"x": schema}, "$defs": {"o": object()}}));
        let renamed = keys.schema()["properties"]["x"].to_string();
        assert!(renamed.contains(&sent.to_string()), "{place}: {renamed}");
        assert!(!renamed.contains("\"a b\":"), "{place}: {renamed}");
        let input = json!({"x": value()});
        let planned = keys.to_bedrock(&input);
        assert_eq!(planned, json!({"x": sent}), "{place}");
        assert_eq!(
            keys.to_client(&planned.to_string()),
            input.to_string(),
            "{place}"
        );
    }
}
