//! What each family is given admits what its client's schema admits.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::bedrock::plan::ClientKeys;

mod generated;
mod judge;

use generated::{document, object};
use judge::Judge;

fn fitted(schema: &Value, family: Family) -> (Tool, bool) {
    fitted_within(schema, family, MOST_INLINED)
}

/// With so many bytes left for what references refer to.
fn fitted_within(schema: &Value, family: Family, mut left: usize) -> (Tool, bool) {
    let mut tool = Tool {
        name: "f".into(),
        description: "d".into(),
        schema: Arc::new(schema.clone()),
        strict: false,
        cache: None,
        kind: None,
        native: None,
    };
    let is_exact = fit(&mut tool, family, &mut left);
    (tool, is_exact)
}

fn flat(schema: &Value) -> Value {
    let (tool, is_exact) = fitted(schema, Family::Claude);
    assert!(!is_exact, "{schema}");
    Value::clone(&tool.schema)
}

#[test]
fn constants_of_one_name_are_united_and_what_all_require_is_required() {
    let schema = json!({"type": "object", "oneOf": [
        {"properties": {"action": {"const": "create"}, "title": {"type": "string"}}, "required": ["action", "title"]},
        {"properties": {"action": {"const": "delete"}, "id": {"type": "string"}}, "required": ["action", "id"]},
    ]});
    let open = json!({"anyOf": [{"type": "string"}, {}]});
    assert_eq!(
        flat(&schema),
        json!({
            "type": "object",
            "properties": {"action": {"type": "string", "enum": ["create", "delete"]}, "title": open, "id": open},
            "required": ["action"],
        })
    );
    // Closed alternatives leave nothing open.
    let mut closed = schema;
    for branch in closed["oneOf"].as_array_mut().unwrap() {
        branch["additionalProperties"] = json!(false);
    }
    assert_eq!(
        flat(&closed),
        json!({
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ["create", "delete"]},
                "title": {"type": "string"},
                "id": {"type": "string"},
            },
            "required": ["action"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn alternatives_are_read_through_references_and_in_one_another() {
    let schema = json!({
        "properties": {"kind": {"type": "string", "description": "which"}},
        "required": ["kind"],
        "anyOf": [
            {"$ref": "#/$defs/text"},
            {"allOf": [{"$ref": "#/definitions/base%20one"}, {"properties": {"kind": {"const": "n"}, "v": {"type": "number"}}, "additionalProperties": false}]},
            {"type": "string"},
            {"oneOf": [{"$ref": "#/$defs/text"}]},
        ],
        "$defs": {"text": {"type": "object", "properties": {"kind": {"enum": ["t", "n"]}, "v": {"$ref": "#/$defs/v"}}, "required": ["v"], "additionalProperties": false}, "v": {"type": "string"}},
        "definitions": {"base one": {"properties": {"v": {}}, "required": ["v", "w"]}},
    });
    let flat = flat(&schema);
    assert_eq!(
        flat["properties"],
        json!({
            "kind": {"type": "string", "description": "which", "enum": ["t", "n"]},
            "v": {"anyOf": [{"$ref": "#/$defs/v"}, {"type": "number"}]},
        })
    );
    assert_eq!(flat["required"], json!(["kind", "v"]));
    assert_eq!(flat["$defs"], schema["$defs"]);
    assert_eq!(flat["additionalProperties"], false);
    assert_eq!(flat.get("anyOf"), None);
}

#[test]
fn references_to_what_is_gone_lead_to_what_it_was() {
    let schema = json!({"type": "object", "oneOf": [
        {"properties": {"leaf": {"type": "string"}}, "required": ["leaf"], "additionalProperties": false},
        {"properties": {"all": {"items": {"$ref": "#"}}, "first": {"$ref": "#/oneOf/0/properties/leaf"}}, "required": ["all"], "additionalProperties": false},
    ]});
    let flat = flat(&schema);
    assert_eq!(
        flat["properties"]["all"]["items"]["$ref"],
        "#/$defs/arguments"
    );
    let judge = Judge(&flat);
    assert!(judge.is_valid(&json!({"all": [{"leaf": "a"}, {"all": []}], "first": "b"})));
    assert!(
        !judge.is_valid(&json!({"all": [{"leaf": 1}]})),
        "as exact as it was"
    );
    assert!(!judge.is_valid(&json!({"all": [], "first": 1})));
}

#[test]
fn a_root_that_is_but_a_reference_is_what_it_refers_to() {
    let schema = json!({"$ref": "#/definitions/Args", "definitions": {"Args": {
        "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false,
    }}});
    for family in [Family::Claude, Family::Nova] {
        let (tool, is_exact) = fitted(&schema, family);
        assert!(is_exact);
        assert_eq!(tool.schema["properties"], json!({"a": {"type": "integer"}}));
        assert_eq!(tool.description, "d");
    }
}

#[test]
fn every_model_that_is_given_a_flat_schema_is_told_the_same() {
    let schema = json!({"oneOf": [{"$ref": "#/$defs/a"}, {"required": ["b"]}], "$defs": {"a": {"required": ["a"]}}});
    let told = |family| fitted(&schema, family).0.description;
    assert_eq!(told(Family::Claude), told(Family::Nova));
    assert!(told(Family::Claude).contains(r#""oneOf": [{"required":["a"]},{"required":["b"]}]"#));
    assert_eq!(told(Family::Other), "d");
}

#[test]
fn a_schema_without_an_end_is_flat_all_the_same() {
    let branches: Vec<Value> = (0..300)
        .map(|_| json!({"allOf": [{"$ref": "#/$defs/d"}, {"$ref": "#/$defs/e"}]}))
        .collect();
    let properties = (0..2_000).map(|n| (format!("p{n}"), json!({"type": "string"})));
    let properties: Map<String, Value> = properties.collect();
    let schema = json!({"anyOf": branches, "$defs": {
        "d": {"properties": properties, "anyOf": [{"$ref": "#/$defs/d"}, {"$ref": "#"}]},
        "e": {"oneOf": [{"$ref": "#/$defs/d"}, {"$ref": "#/$defs/e"}]},
    }});
    let flat = flat(&schema);
    assert!(flat.get("anyOf").is_none());
    assert!(flat.to_string().len() < 2_000_000);
}

/// What Nova is given of a schema with this property.
fn for_nova(property: &Value, definitions: &Value) -> Value {
    let schema = json!({"type": "object", "properties": {"a": property}, "$defs": definitions});
    let (tool, _) = fitted(&schema, Family::Nova);
    let mut schema = Value::clone(&tool.schema);
    schema["properties"]["a"].take()
}

#[test]
fn what_stands_beside_a_reference_holds_too() {
    let definitions = json!({"n": {"type": "integer", "description": "a number"}, "t": true});
    for (property, expected) in [
        (
            json!({"$ref": "#/$defs/n"}),
            json!({"type": "integer", "description": "a number"}),
        ),
        (
            json!({"$ref": "#/$defs/n", "description": "of pages"}),
            json!({"type": "integer", "description": "of pages"}),
        ),
        (
            json!({"$ref": "#/$defs/n", "minimum": 1}),
            json!({"minimum": 1, "allOf": [{"type": "integer", "description": "a number"}]}),
        ),
        (
            json!({"allOf": [{"maximum": 5}], "$ref": "#/$defs/n"}),
            json!({"allOf": [{"maximum": 5}, {"type": "integer", "description": "a number"}]}),
        ),
        (json!({"$ref": "#/$defs/t"}), json!(true)),
        (
            json!({"$ref": "#/$defs/t", "minimum": 1}),
            json!({"minimum": 1, "allOf": [true]}),
        ),
        (
            json!({"const": {"$ref": "#/$defs/n"}}),
            json!({"const": {"$ref": "#/$defs/n"}}),
        ),
    ] {
        assert_eq!(for_nova(&property, &definitions), expected, "{property}");
    }
}

#[test]
fn where_a_reference_is_cut_what_would_admit_less_goes_as_a_whole() {
    let definitions =
        json!({"tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}}});
    let tree = json!({"$ref": "#/$defs/tree"});
    for (property, gone) in [
        (
            json!({"oneOf": [tree, {"type": "string"}]}),
            &["oneOf"] as &[&str],
        ),
        (json!({"not": tree}), &["not"]),
        (
            json!({"if": tree, "then": {"maxProperties": 1}, "else": {"type": "string"}}),
            &["if", "then", "else"],
        ),
        (
            json!({"contains": tree, "maxContains": 1}),
            &["maxContains"],
        ),
        (
            json!({"anyOf": [tree], "unevaluatedProperties": false}),
            &["unevaluatedProperties"],
        ),
        (
            json!({"prefixItems": [tree], "unevaluatedItems": false}),
            &["unevaluatedItems"],
        ),
    ] {
        let cut = for_nova(&property, &definitions);
        let kept: Vec<&String> = cut.as_object().unwrap().keys().collect();
        let mut expected: Vec<&String> = property.as_object().unwrap().keys().collect();
        expected.retain(|key| !gone.contains(&key.as_str()));
        assert_eq!(kept, expected, "{property}");
        assert!(!cut.to_string().contains("$ref"));
    }
}

/// Every value that the client's schema admits is admitted by what the model is given, under the keys that it knows; and
/// what the model then writes comes back as the client's value.
#[test]
fn what_the_client_s_schema_admits_the_model_s_admits() {
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(400)
    });
    let admitted = std::cell::Cell::new(0_usize);
    let left = prop_oneof![0..600_usize, Just(MOST_INLINED)];
    let cases = (document(), prop::collection::vec(object(2), 40), left);
    let result = runner.run(&cases, |(document, values, left)| {
        let judged = document.clone();
        let judge = Judge(&judged);
        let document = Arc::new(document);
        let keys = ClientKeys::of(&document);
        let renamed = keys
            .as_ref()
            .map_or_else(|| Value::clone(&document), ClientKeys::schema);
        let (claude, _) = fitted(&renamed, Family::Claude);
        let (nova, _) = fitted_within(&document, Family::Nova, left);
        for key in ["anyOf", "oneOf", "allOf", "$ref"] {
            prop_assert!(claude.schema.get(key).is_none() && nova.schema.get(key).is_none());
        }
        let (by_claude, by_nova) = (Judge(&claude.schema), Judge(&nova.schema));
        for value in values.iter().filter(|value| judge.is_valid(value)) {
            admitted.set(admitted.get() + 1);
            let sent = keys
                .as_ref()
                .map_or_else(|| value.clone(), |keys| keys.to_bedrock(value));
            prop_assert!(
                by_claude.is_valid(&sent),
                "{document}\n{value}\n{sent}\n{}",
                claude.schema
            );
            prop_assert!(
                by_nova.is_valid(value),
                "{document}\n{value}\n{}",
                nova.schema
            );
            let back = keys.as_ref().map_or_else(
                || sent.to_string(),
                |keys| keys.to_client(&sent.to_string()),
            );
            prop_assert_eq!(&back, &value.to_string());
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        admitted.get() > 500,
        "only {} values were admitted",
        admitted.get()
    );
}
