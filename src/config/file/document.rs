//! A file that is YAML, and what its references to the environment stand for.

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::error::{ConfigError, FilePosition, Stake, Warning};
use super::locate::{Aim, Locator, place};
use super::path::{FieldPath, PathStep};
use crate::config::Environment;

/// A file that is YAML, with what its `os.environ/` references stand for.
pub(in crate::config) struct YamlDocument<'a> {
    file: &'a str,
    locator: Locator<'a>,
    /// The file's values, references resolved.
    root: Value,
    /// Values that came from the environment: their text must not be repeated.
    resolved: Vec<(FieldPath, String)>,
    /// References to variables that are not set: their fields are absent.
    unset: Vec<(FieldPath, String)>,
    /// Values with a variable as shells write it, and the variable's name: nothing has put its value in.
    unexpanded: Vec<(FieldPath, String)>,
    /// The file's own `environment_variables`.
    own: BTreeMap<String, String>,
}

impl<'a> YamlDocument<'a> {
    pub(in crate::config) fn parse(
        file: &'a str,
        source: &'a str,
        environment: &Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let at_fault = |error: serde_yaml::Error| ConfigError {
            file: file.to_owned(),
            place: error.location().map(place),
            also_at: Vec::new(),
            field: String::new(),
            message: format!("not valid YAML: {}", without_location(&error)),
        };
        let mut root: Value = serde_yaml::from_str(source).map_err(at_fault)?;
        root.apply_merge().map_err(at_fault)?;
        let mut document = Self {
            file,
            locator: Locator::new(source),
            root: Value::Null,
            resolved: Vec::new(),
            unset: Vec::new(),
            unexpanded: Vec::new(),
            own: own_variables(&root),
        };
        let own = document.own.clone();
        let lookup = |name: &str| look_up(name, environment, &own);
        document.resolve(&mut root, &FieldPath::default(), &lookup);
        document.root = root;
        Ok(document)
    }

    /// Replaces references by what they stand for. A reference to nothing takes its field with it.
    fn resolve(&mut self, value: &mut Value, path: &FieldPath, environment: &Environment<'_>) {
        match value {
            Value::String(text) => {
                if let Some(name) = shell_variable(text) {
                    self.unexpanded.push((path.clone(), name.to_owned()));
                }
                let Some(name) = reference(text) else { return };
                let name = name.to_owned();
                match environment(&name) {
                    Some(found) => {
                        *text = found;
                        self.resolved.push((path.clone(), name));
                    }
                    None => {
                        *value = Value::Null;
                        self.unset.push((path.clone(), name));
                    }
                }
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.resolve(item, &path.index(index), environment);
                }
            }
            Value::Mapping(fields) => {
                let before = self.unset.len();
                for (key, field) in fields.iter_mut() {
                    let name = key
                        .as_str()
                        .map_or_else(|| format!("{key:?}"), str::to_owned);
                    self.resolve(field, &path.key(&name), environment);
                }
                let absent: Vec<String> = self
                    .unset
                    .get(before..)
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|(unset, _)| match unset.0.strip_prefix(path.0.as_slice()) {
                        Some([PathStep::Key(key)]) => Some(key.clone()),
                        _ => None,
                    })
                    .collect();
                for key in absent {
                    fields.shift_remove(key.as_str());
                }
            }
            Value::Tagged(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A variable: the environment's, else the file's own. An empty one counts as unset.
    pub(in crate::config) fn look_up(
        &self,
        name: &str,
        environment: &Environment<'_>,
    ) -> Option<String> {
        look_up(name, environment, &self.own)
    }

    /// Variables that are not set, with the field that refers to them.
    pub(in crate::config) fn unset(&self) -> &[(FieldPath, String)] {
        &self.unset
    }

    /// Values with a variable as shells write it (`$NAME`, `${NAME}`), and its name.
    pub(in crate::config) fn unexpanded(&self) -> &[(FieldPath, String)] {
        &self.unexpanded
    }

    /// The variable that a field got its value from.
    pub(in crate::config) fn variable(&self, path: &FieldPath) -> Option<&str> {
        let found = self.resolved.iter().find(|(from, _)| from == path);
        found.map(|(_, name)| name.as_str())
    }

    pub(in crate::config) fn get(&self, path: &FieldPath) -> Option<&Value> {
        path.find(&self.root)
    }

    /// An error about the value at a path.
    pub(in crate::config) fn error(
        &self,
        path: &FieldPath,
        message: impl Into<String>,
    ) -> ConfigError {
        ConfigError {
            file: self.file.to_owned(),
            place: self.place_of_value(path),
            also_at: Vec::new(),
            field: path.to_string(),
            message: message.into(),
        }
    }

    /// A warning about the key at the end of a path.
    pub(in crate::config) fn warning(
        &self,
        stake: Stake,
        path: &FieldPath,
        message: impl Into<String>,
    ) -> Warning {
        Warning {
            field: path.to_string(),
            ..self.remark(stake, path, message)
        }
    }

    /// A warning about a subject that is no field; the path says where it stands.
    pub(in crate::config) fn warning_about(
        &self,
        subject: String,
        stake: Stake,
        path: &FieldPath,
        message: impl Into<String>,
    ) -> Warning {
        Warning {
            subjects: vec![subject],
            ..self.remark(stake, path, message)
        }
    }

    /// A warning whose message names its subject itself; the path only says where that stands.
    pub(in crate::config) fn remark(
        &self,
        stake: Stake,
        path: &FieldPath,
        message: impl Into<String>,
    ) -> Warning {
        Warning {
            file: self.file.to_owned(),
            place: self.locator.locate(path, Aim::Key),
            also_at: Vec::new(),
            stake,
            field: String::new(),
            subjects: Vec::new(),
            message: message.into(),
        }
    }

    /// Where the value at a path stands.
    pub(in crate::config) fn place_of_value(&self, path: &FieldPath) -> Option<FilePosition> {
        self.locator.locate(path, Aim::Value)
    }
}

fn own_variables(root: &Value) -> BTreeMap<String, String> {
    let own = root
        .get("environment_variables")
        .and_then(Value::as_mapping);
    let own = own
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.as_str()?.to_owned())))
        .filter(|(_, value)| reference(value).is_none());
    own.collect()
}

fn look_up(
    name: &str,
    environment: &Environment<'_>,
    own: &BTreeMap<String, String>,
) -> Option<String> {
    environment(name)
        .or_else(|| own.get(name).cloned())
        .filter(|value| !value.is_empty())
}

/// The variable's name, if the text is a reference.
fn reference(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/")
}

/// What is said of a value with this variable as shells write it.
pub(in crate::config) fn not_replaced(variable: &str) -> String {
    format!(
        "found the variable {variable} as shells write it, which is not replaced here: write os.environ/{variable} as the \
         whole value, or run the file through envsubst first"
    )
}

/// The name of the first variable that is written as shells write it: the text is `$NAME`, or has `${NAME}` in it.
fn shell_variable(text: &str) -> Option<&str> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let bare = text.strip_prefix('$').filter(|name| is_name(name));
    bare.or_else(|| {
        let (_, rest) = text.split_once("${")?;
        let (inner, _) = rest.split_once('}')?;
        // `${NAME:-default}`
        let (name, _) = inner.split_once(":-").unwrap_or((inner, ""));
        Some(name).filter(|name| is_name(name))
    })
}

/// The parser's message; it repeats the place at its end.
fn without_location(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    match error.location() {
        Some(at) => text.replacen(
            &format!(" at line {} column {}", at.line(), at.column()),
            "",
            1,
        ),
        None => text,
    }
}
