//! A value read into a type, its errors in plain words.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use serde_yaml::Value;

use super::document::YamlDocument;
use super::path::{FieldPath, PathStep};

/// A value that could not be read: where it stands, and what was found and expected.
pub(super) struct Misread {
    pub path: FieldPath,
    pub message: String,
}

/// Reads the value that stands at a path into a type. Beside it come the paths of the keys that no type knows.
pub(super) fn read<T: DeserializeOwned>(
    document: &YamlDocument<'_>,
    at: &FieldPath,
    value: Value,
) -> Result<(T, Vec<FieldPath>), Misread> {
    let mut unknown = Vec::new();
    let mut note = |ignored: serde_ignored::Path<'_>| unknown.push(ignored_path(at, &ignored));
    let value = serde_ignored::Deserializer::new(value, &mut note);
    let read = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error_path(at, error.path());
        let message = plain_words(&error.inner().to_string(), document.variable(&path));
        Misread { path, message }
    })?;
    Ok((read, unknown))
}

/// The path of a key that no type knows; `at` is the path of the value that was read.
fn ignored_path(at: &FieldPath, ignored: &serde_ignored::Path<'_>) -> FieldPath {
    use serde_ignored::Path;
    match ignored {
        Path::Root => at.clone(),
        Path::Seq { parent, index } => ignored_path(at, parent).index(*index),
        Path::Map { parent, key } => ignored_path(at, parent).key(key),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => ignored_path(at, parent),
    }
}

/// The path of a value that could not be read. An enum's variant is no step of the file.
fn error_path(at: &FieldPath, within: &serde_path_to_error::Path) -> FieldPath {
    let steps = within.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(PathStep::Index(*index)),
        Segment::Map { key } => Some(PathStep::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    FieldPath(at.0.iter().cloned().chain(steps).collect())
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
