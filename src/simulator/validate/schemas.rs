//! Schemas: what Claude takes of a tool's, and how much of them it compiles.

use serde_json::{Map, Value};

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, model_refuses,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "schemas are schemas",
        source: "Anthropic; robloxstudio-mcp#69, mcp-gsuite#47",
        check: well_formed,
    },
    Rule {
        name: "no alternatives at the root of a tool's schema",
        source: "reported widely, as marianfoo/mcp-sap-docs#51",
        check: root,
    },
    Rule {
        name: "keys of properties",
        source: "reported: aws-solutions-library-samples IDP accelerator #709, which found nested ones unchecked",
        check: keys,
    },
    Rule {
        name: "what is compiled",
        source: "Anthropic; the refusal of recursion has been documented, not seen",
        check: compilable,
    },
    Rule {
        name: "how much is compiled",
        source: "reported: datarobot-oss/datarobot-genai#547, vercel/ai#17268",
        check: compiled,
    },
];

fn schema(spec: &Value) -> &Value {
    at(spec, "/inputSchema/json")
}

fn well_formed(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (n, spec) in asked.tools().filter(|_| asked.is_claude()) {
        if !is_well_formed(schema(spec)) {
            return model_refuses(invalid(n));
        }
    }
    Ok(())
}

/// The words for the schema of the tool at this place that is none.
pub(in crate::simulator) fn invalid(tool: usize) -> String {
    format!(
        "tools.{tool}.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use."
    )
}

/// Whether a schema is one, as far as clients get it wrong.
pub(in crate::simulator) fn is_well_formed(schema: &Value) -> bool {
    let mut is_sound = true;
    each(schema, &mut |rules| {
        let is_map = |key: &str| rules.get(key).is_none_or(Value::is_object);
        let is_list = |key: &str| rules.get(key).is_none_or(Value::is_array);
        let is_schema = |key: &str| {
            let schema = rules.get(key);
            schema.is_none_or(|schema| schema.is_object() || schema.is_boolean())
        };
        is_sound &= is_map("properties")
            && is_map("$defs")
            && is_list("required")
            && is_list("enum")
            && is_schema("items")
            && is_schema("additionalProperties")
            && rules.get("description").is_none_or(Value::is_string);
    });
    is_sound
}

fn root(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (n, spec) in asked.tools().filter(|_| asked.is_claude()) {
        let has = |key: &&str| schema(spec).get(*key).is_some();
        if ["oneOf", "allOf", "anyOf"].iter().any(has) {
            return model_refuses(format!(
                "tools.{n}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            ));
        }
    }
    Ok(())
}

fn keys(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (n, spec) in asked.tools().filter(|_| asked.is_claude()) {
        if !has_legal_keys(schema(spec)) {
            return model_refuses(illegal_key(n));
        }
    }
    Ok(())
}

/// The words for the schema of the tool at this place with a key that no model may write.
pub(in crate::simulator) fn illegal_key(tool: usize) -> String {
    format!(
        "tools.{tool}.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
    )
}

/// Whether the keys of a schema's properties are legal; those further in are not looked at.
pub(in crate::simulator) fn has_legal_keys(schema: &Value) -> bool {
    let is_legal = |key: &String| {
        let of_sign = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        (1..=64).contains(&key.len()) && key.chars().all(of_sign)
    };
    let properties = at(schema, "/properties").as_object();
    properties.into_iter().flat_map(Map::keys).all(is_legal)
}

/// The schemas that the model is held to, each with where it stands.
fn enforced(asked: &CheckedRequest<'_>) -> Vec<(String, Value)> {
    let strict = asked
        .tools()
        .filter(|(_, spec)| at(spec, "/strict") == true);
    let strict = strict.map(|(n, spec)| (format!("tools.{n}.custom"), schema(spec).clone()));
    let answer = at(
        asked.body,
        "/outputConfig/textFormat/structure/jsonSchema/schema",
    );
    let answer = answer
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let answer = answer.map(|schema| ("output_config.format.schema".to_owned(), schema));
    strict.chain(answer).collect()
}

fn compilable(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    check_compilable(&enforced(asked)).or_else(model_refuses)
}

/// Whether these schemas, each with where it stands, can be compiled; else the model's words.
pub(in crate::simulator) fn check_compilable(enforced: &[(String, Value)]) -> Result<(), String> {
    for (place, document) in enforced {
        let mut is_closed = true;
        let mut is_said = true;
        each(document, &mut |rules| {
            let is_object =
                |kind: &Value| *kind == "object" || list(kind).iter().any(|kind| kind == "object");
            is_closed &= !rules.get("type").is_some_and(is_object)
                || rules.get("additionalProperties") == Some(&Value::Bool(false));
            is_said &= ["type", "enum", "const", "anyOf", "allOf", "$ref"]
                .iter()
                .any(|key| rules.contains_key(*key));
        });
        if !is_closed {
            return Err(format!(
                "{place}: For 'object' type, 'additionalProperties' must be explicitly set to false"
            ));
        }
        if !is_said {
            return Err(format!("{place}: Schema must have a 'type' field"));
        }
        if !has_end(document, document, 0) {
            return Err(format!("{place}: Recursive schemas are not supported"));
        }
    }
    Ok(())
}

/// Whether no reference in the schema leads on and on.
fn has_end(schema: &Value, document: &Value, depth: usize) -> bool {
    let mut is_sound = depth < 20;
    each(schema, &mut |rules| {
        if let Some(reference) = rules.get("$ref").and_then(Value::as_str) {
            let target = document.pointer(reference.trim_start_matches('#'));
            is_sound =
                is_sound && target.is_some_and(|target| has_end(target, document, depth + 1));
        }
    });
    is_sound
}

fn compiled(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    if !asked.is_claude() {
        return Ok(());
    }
    check_size(&enforced(asked)).or_else(model_refuses)
}

/// Whether these schemas are few and small enough to be compiled; else the model's words.
pub(in crate::simulator) fn check_size(enforced: &[(String, Value)]) -> Result<(), String> {
    let strict = enforced
        .iter()
        .filter(|(place, _)| place.starts_with("tools"));
    let strict = strict.count();
    if strict > 20 {
        return Err(format!(
            "Too many strict tools ({strict}). The maximum number of strict tools supported is 20."
        ));
    }
    let (mut optional, mut unions) = (0, 0);
    for (_, schema) in enforced {
        each(schema, &mut |rules| {
            let required = list(rules.get("required").unwrap_or(&Value::Null));
            let properties = rules.get("properties").and_then(Value::as_object);
            let names = properties.into_iter().flat_map(Map::keys);
            optional += names
                .filter(|name| !required.iter().any(|known| known == *name))
                .count();
            let kinds = rules.get("type").and_then(Value::as_array);
            unions += usize::from(kinds.is_some() || rules.contains_key("anyOf"));
        });
    }
    if optional > 24 {
        return Err(format!(
            "Schemas contains too many optional parameters ({optional}), which would make grammar compilation inefficient. Reduce the number of optional parameters in your tool schemas (limit: 24)."
        ));
    }
    if unions > 16 {
        return Err(format!(
            "Schemas contains too many parameters with union types ({unions} parameters with type arrays or anyOf). Reduce the number of nullable or union-typed parameters (limit: 16 parameters with unions)."
        ));
    }
    Ok(())
}

/// Calls `visitor` with every schema inside this one.
fn each<'a>(schema: &'a Value, visitor: &mut impl FnMut(&'a Map<String, Value>)) {
    let Some(rules) = schema.as_object() else {
        return;
    };
    visitor(rules);
    for key in ["properties", "$defs", "definitions", "patternProperties"] {
        let named = rules.get(key).and_then(Value::as_object);
        named
            .into_iter()
            .flat_map(Map::values)
            .for_each(|schema| each(schema, visitor));
    }
    for key in ["items", "additionalProperties", "not", "if", "then", "else"] {
        rules
            .get(key)
            .into_iter()
            .for_each(|schema| each(schema, visitor));
    }
    for key in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let branches = list(rules.get(key).unwrap_or(&Value::Null));
        branches.iter().for_each(|schema| each(schema, visitor));
    }
}
