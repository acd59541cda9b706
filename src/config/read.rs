//! A value read into a type, its errors in plain words.

use serde::Deserialize;
use serde_yaml::Value;

use super::ConfigError;
use super::document::Document;
use super::path::{Path, Step};

/// A value at its place, read into a type.
pub(super) fn read<T: for<'de> Deserialize<'de>>(
    document: &Document<'_>,
    at: &Path,
    value: Value,
    unknown: &mut Vec<Path>,
) -> Result<T, ConfigError> {
    let mut note = |path: serde_ignored::Path<'_>| {
        let mut steps = at.0.clone();
        ignored_steps(&path, &mut steps);
        unknown.push(Path(steps));
    };
    let result: Result<T, _> =
        serde_path_to_error::deserialize(serde_ignored::Deserializer::new(value, &mut note));
    result.map_err(|error| {
        let mut path = at.clone();
        for segment in error.path() {
            path = match segment {
                serde_path_to_error::Segment::Seq { index } => path.index(*index),
                serde_path_to_error::Segment::Map { key } => path.key(key),
                _ => path,
            };
        }
        let message = plain_words(&error.inner().to_string(), document.variable(&path));
        document.error(&path, message)
    })
}

fn ignored_steps(path: &serde_ignored::Path<'_>, steps: &mut Vec<Step>) {
    use serde_ignored::Path as P;
    match path {
        P::Root => {}
        P::Seq { parent, index } => {
            ignored_steps(parent, steps);
            steps.push(Step::Index(*index));
        }
        P::Map { parent, key } => {
            ignored_steps(parent, steps);
            steps.push(Step::Key(key.clone()));
        }
        P::Some { parent } | P::NewtypeStruct { parent } | P::NewtypeVariant { parent } => {
            ignored_steps(parent, steps)
        }
    }
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
