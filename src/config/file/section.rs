//! One mapping of the file, read by several structs; what none of them knows is told.

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use super::document::YamlDocument;
use super::keys::{fields_of, without_effect};
use super::nearest::nearest;
use super::path::{FieldPath, PathStep};
use super::read::read;
use crate::config::{ConfigError, Warning};

/// Collects what is found on the way besides the values: warnings, and keys that do nothing.
#[derive(Debug, Default)]
pub(in crate::config) struct Findings {
    pub warnings: Vec<Warning>,
    /// `key` and why it does nothing.
    silent: Vec<(FieldPath, &'static str)>,
}

/// One mapping of the file.
pub(in crate::config) struct FileSection<'d> {
    document: &'d YamlDocument<'d>,
    pub path: FieldPath,
    name: &'static str,
    fields: Mapping,
    known: Vec<&'static str>,
    /// Other keys are someone else's and need no word.
    open: bool,
}

impl<'d> FileSection<'d> {
    /// The mapping at a path; an absent or empty one is an empty mapping. `name` is what `keys.rs` calls it.
    pub(in crate::config) fn at(
        document: &'d YamlDocument<'d>,
        path: FieldPath,
        name: &'static str,
    ) -> Result<Self, ConfigError> {
        let fields = match document.get(&path) {
            Some(Value::Mapping(fields)) => fields.clone(),
            None | Some(Value::Null) => Mapping::new(),
            Some(_) => return Err(document.error(&path, "expected a mapping of keys")),
        };
        Ok(Self {
            document,
            path,
            name,
            fields,
            known: Vec::new(),
            open: false,
        })
    }

    /// Lets other keys pass without a word.
    pub(in crate::config) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    pub(in crate::config) fn fields(&self) -> &Mapping {
        &self.fields
    }

    /// Reads the mapping into a struct.
    pub(in crate::config) fn read<T: DeserializeOwned>(
        &mut self,
        findings: &mut Findings,
    ) -> Result<T, ConfigError> {
        let mine = self.part(fields_of::<T>());
        let mut unknown = Vec::new();
        let value = read(self.document, &self.path, mine, &mut unknown)?;
        findings.unknown(self.document, &unknown);
        Ok(value)
    }

    /// The fields with these keys, which are known from now on.
    fn part(&mut self, keys: &[&'static str]) -> Value {
        self.known.extend(keys);
        let mine = self.fields.iter();
        let mine = mine.filter(|(key, _)| key.as_str().is_some_and(|key| keys.contains(&key)));
        Value::Mapping(
            mine.map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// Tells which keys nobody read.
    pub(in crate::config) fn finish(self, findings: &mut Findings) {
        if self.open {
            return;
        }
        for key in self.fields.keys().filter_map(Value::as_str) {
            if self.known.contains(&key) {
                continue;
            }
            let path = self.path.key(key);
            if let Some(why) = without_effect(self.name, key) {
                findings.silent.push((path, why));
            } else {
                let hint = nearest(key, self.known.iter().copied());
                let hint = hint.map_or(String::new(), |key| format!(": did you mean {key}?"));
                let warning = self
                    .document
                    .warning(&path, format_args!("unknown key, ignored{hint}"));
                findings.warnings.push(warning);
            }
        }
    }
}

impl Findings {
    fn unknown(&mut self, document: &YamlDocument<'_>, keys: &[FieldPath]) {
        let warnings = keys
            .iter()
            .map(|path| document.warning(path, "unknown key, ignored"));
        self.warnings.extend(warnings);
    }

    /// All warnings in the file's order, the keys without effect named in one.
    pub(in crate::config) fn into_warnings(mut self, document: &YamlDocument<'_>) -> Vec<Warning> {
        if let Some((first, _)) = self.silent.first() {
            let keys: Vec<String> = self
                .silent
                .iter()
                .map(|(path, why)| match path.0.last() {
                    Some(PathStep::Key(key)) => format!("{key} ({why})"),
                    _ => String::new(),
                })
                .collect();
            let message = format!("without effect here: {}", keys.join(", "));
            self.warnings.push(document.remark(first, message));
        }
        self.warnings.sort_by_key(|warning| warning.place);
        self.warnings
    }
}
