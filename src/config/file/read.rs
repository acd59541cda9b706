//! A value read into a type, its errors in plain words.

use serde::Deserialize;
use serde_yaml::Value;

use super::document::YamlDocument;
use super::path::FieldPath;
use super::tracked::{Track, Tracked};
use crate::config::ConfigError;

/// A value at its place, read into a type.
pub(in crate::config) fn read<T: for<'de> Deserialize<'de>>(
    document: &YamlDocument<'_>,
    at: &FieldPath,
    value: Value,
    unknown: &mut Vec<FieldPath>,
) -> Result<T, ConfigError> {
    let mut track = Track::from(at);
    let result = T::deserialize(Tracked {
        value,
        track: &mut track,
    });
    unknown.append(&mut track.unknown);
    result.map_err(|error| wrong(document, track.wrong.as_ref().unwrap_or(at), &error))
}

fn wrong(document: &YamlDocument<'_>, path: &FieldPath, error: &serde_yaml::Error) -> ConfigError {
    let message = plain_words(&error.to_string(), document.variable(path));
    document.error(path, message)
}

/// serde's "invalid type: string \"many\", expected …" as people say it. What came from the environment is named,
/// not repeated.
fn plain_words(message: &str, variable: Option<&str>) -> String {
    let known = ["invalid type: ", "invalid value: "];
    let Some(rest) = known.iter().find_map(|start| message.strip_prefix(start)) else {
        return match message.strip_prefix("missing field ") {
            Some(field) => format!("the field {field} is missing"),
            None => message.to_owned(),
        };
    };
    let Some((found, expected)) = rest.rsplit_once(", expected ") else {
        return format!("found {rest}");
    };
    let found = match (variable, found) {
        (Some(name), _) => format!("the value of os.environ/{name}"),
        (None, "map") => "a mapping".to_owned(),
        (None, "sequence") => "a list".to_owned(),
        (None, "unit value") => "nothing".to_owned(),
        (None, found) => match found.split_once(' ') {
            Some(("string" | "integer" | "boolean", value)) => value.replace('`', ""),
            Some(("floating", value)) => value.replace("point ", "").replace('`', ""),
            _ => found.to_owned(),
        },
    };
    let expected = match expected.split_once(' ') {
        Some(("struct", _)) => "a mapping of keys",
        Some(("a", "sequence")) => "a list",
        Some(("a", "map")) => "a mapping",
        _ => expected,
    };
    format!("found {found}, expected {expected}")
}
