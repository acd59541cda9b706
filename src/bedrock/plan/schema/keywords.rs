//! Where schemas stand inside a schema: everything else in it is data and may look like a schema without being one.

use percent_encoding::{AsciiSet, CONTROLS};
use serde_json::{Map, Value};

/// What stands encoded in the fragment of a URL (RFC 3986, 3.5).
const NOT_IN_FRAGMENTS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What a keyword of JSON Schema holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bedrock::plan) enum KeywordHolds {
    /// A schema, or a list of schemas.
    Schemas,
    /// Schemas by names that their author chose.
    Named,
    /// Values of the described kind.
    Data,
    /// Anything else.
    Other,
}

/// What this keyword holds.
pub(in crate::bedrock::plan) fn holds(keyword: &str) -> KeywordHolds {
    match keyword {
        "additionalItems"
        | "additionalProperties"
        | "allOf"
        | "anyOf"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "items"
        | "not"
        | "oneOf"
        | "prefixItems"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => KeywordHolds::Schemas,
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => KeywordHolds::Named,
        "const" | "default" | "enum" | "examples" => KeywordHolds::Data,
        _ => KeywordHolds::Other,
    }
}

/// Calls `visitor` with the schema and with every schema inside it that is an object.
pub(in crate::bedrock::plan) fn visit<'a>(
    schema: &'a Value,
    visitor: &mut impl FnMut(&'a Map<String, Value>),
) {
    match schema {
        Value::Object(fields) => {
            visitor(fields);
            for (keyword, value) in fields {
                match (holds(keyword), value) {
                    (KeywordHolds::Schemas, _) => visit(value, visitor),
                    (KeywordHolds::Named, Value::Object(named)) => {
                        named.values().for_each(|schema| visit(schema, visitor));
                    }
                    _ => {}
                }
            }
        }
        Value::Array(schemas) => schemas.iter().for_each(|schema| visit(schema, visitor)),
        _ => {}
    }
}

/// Calls `visitor` with the schema and with every schema inside it that is an object, to change them.
pub(in crate::bedrock::plan) fn visit_mut(
    schema: &mut Value,
    visitor: &mut impl FnMut(&mut Map<String, Value>),
) {
    match schema {
        Value::Object(fields) => {
            visitor(fields);
            for (keyword, value) in fields {
                match (holds(keyword), value) {
                    (KeywordHolds::Schemas, value) => visit_mut(value, visitor),
                    (KeywordHolds::Named, Value::Object(named)) => {
                        let schemas = named.values_mut();
                        schemas.for_each(|schema| visit_mut(schema, visitor));
                    }
                    _ => {}
                }
            }
        }
        Value::Array(schemas) => {
            let schemas = schemas.iter_mut();
            schemas.for_each(|schema| visit_mut(schema, visitor));
        }
        _ => {}
    }
}

/// The reference to what this JSON pointer leads to within the same document.
pub(in crate::bedrock::plan) fn reference(pointer: &str) -> String {
    let pointer = percent_encoding::utf8_percent_encode(pointer, NOT_IN_FRAGMENTS);
    format!("#{pointer}")
}

/// What a reference within the same document refers to.
pub(in crate::bedrock::plan) fn target<'a>(
    reference: &str,
    document: &'a Value,
) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8();
    document.pointer(decoded.as_deref().unwrap_or(pointer))
}
