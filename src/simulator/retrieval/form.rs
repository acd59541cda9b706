//! The check of a body's form, in Bedrock's words.

use serde_json::Value;

use super::super::ErrorReply;

/// A refusal of the form at this place (`#/texts/0`).
pub(super) fn malformed<T>(at: &str, what: &str) -> Result<T, ErrorReply> {
    Err(ErrorReply::validation(format!(
        "Malformed input request: {at}: {what}, please reformat your input and try again."
    )))
}

/// Refuses keys that the form does not have, and such as it needs and that are missing.
pub(super) fn keys(
    body: &Value,
    at: &str,
    required: &[&str],
    optional: &[&str],
) -> Result<(), ErrorReply> {
    let Some(fields) = body.as_object() else {
        return malformed(at, "expected type: JSONObject");
    };
    let mut names = fields.keys().map(String::as_str);
    if let Some(other) = names.find(|name| !required.contains(name) && !optional.contains(name)) {
        return malformed(at, &format!("extraneous key [{other}] is not permitted"));
    }
    match required.iter().find(|name| !fields.contains_key(**name)) {
        Some(missing) => malformed(at, &format!("required key [{missing}] not found")),
        None => Ok(()),
    }
}

/// A text of at least one character and at most so many.
pub(super) fn text<'a>(
    value: &'a Value,
    at: &str,
    longest: Option<usize>,
) -> Result<&'a str, ErrorReply> {
    let Some(text) = value.as_str() else {
        return malformed(at, "expected type: String");
    };
    if text.is_empty() {
        return malformed(at, "expected minLength: 1, actual: 0");
    }
    let length = text.chars().count();
    match longest {
        Some(longest) if length > longest => malformed(
            at,
            &format!("expected maxLength: {longest}, actual: {length}"),
        ),
        _ => Ok(text),
    }
}

/// One of these words; `None`: nothing is said.
pub(super) fn word<'a>(
    body: &'a Value,
    name: &str,
    words: &[&str],
) -> Result<Option<&'a str>, ErrorReply> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(word)) if words.contains(&word.as_str()) => Ok(Some(word)),
        Some(other) => malformed(
            &format!("#/{name}"),
            &format!("{other} is not a valid enum value"),
        ),
    }
}

/// The length of the vectors: one that the model has.
pub(super) fn length(value: Option<&Value>, at: &str, lengths: &[u32]) -> Result<u32, ErrorReply> {
    let Some(wanted) = value else {
        return Ok(lengths.first().copied().unwrap_or(1));
    };
    let found = wanted
        .as_u64()
        .and_then(|wanted| u32::try_from(wanted).ok());
    match found.filter(|wanted| lengths.contains(wanted)) {
        Some(length) => Ok(length),
        None => malformed(at, &format!("{wanted} is not a valid enum value")),
    }
}
