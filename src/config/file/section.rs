//! One mapping of the file, read by several structs; keys that none of them knows are told.

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use super::document::YamlDocument;
use super::findings::Findings;
use super::keys::{fields_of, without_effect};
use super::nearest::nearest;
use super::path::{FieldPath, PathStep};
use super::read::{Misread, read};

/// One mapping of the file.
pub(in crate::config) struct FileSection<'d> {
    document: &'d YamlDocument<'d>,
    path: FieldPath,
    /// What `keys.rs` calls it.
    name: &'static str,
    fields: Mapping,
    /// Something else than a mapping stands there, which has been told: nothing can be read.
    is_wrong: bool,
    known: Vec<&'static str>,
}

impl<'d> FileSection<'d> {
    /// The mapping at a path; an absent or empty one is an empty mapping. `name` is what `keys.rs` calls it.
    pub(in crate::config) fn at(
        document: &'d YamlDocument<'d>,
        path: FieldPath,
        name: &'static str,
        findings: &mut Findings,
    ) -> Self {
        let fields = match document.get(&path) {
            Some(Value::Mapping(fields)) => Some(fields.clone()),
            None | Some(Value::Null) => Some(Mapping::new()),
            Some(_) => {
                findings.error(document.error(&path, "expected a mapping of keys"));
                None
            }
        };
        Self {
            document,
            path,
            name,
            is_wrong: fields.is_none(),
            fields: fields.unwrap_or_default(),
            known: Vec::new(),
        }
    }

    pub(in crate::config) fn fields(&self) -> &Mapping {
        &self.fields
    }

    /// Reads the mapping into a struct. `None`: it has errors, which are noted. After an error the mapping is read again
    /// without the field in question, so that every field with an error is found.
    pub(in crate::config) fn read<T: DeserializeOwned>(
        &mut self,
        findings: &mut Findings,
    ) -> Option<T> {
        if self.is_wrong {
            return None;
        }
        let mut fields = self.fields_named(fields_of::<T>());
        let mut is_sound = true;
        loop {
            let Misread { path, message } =
                match read(self.document, &self.path, Value::Mapping(fields.clone())) {
                    Ok((value, unknown)) => {
                        for key in unknown {
                            findings.warn(self.document.warning(&key, "unknown key, ignored"));
                        }
                        return is_sound.then_some(value);
                    }
                    Err(misread) => misread,
                };
            findings.error(self.document.error(&path, message));
            is_sound = false;
            let field = path.0.get(self.path.0.len());
            let removed = match field {
                Some(PathStep::Key(field)) => fields.shift_remove(field.as_str()),
                _ => None,
            };
            removed?;
        }
    }

    /// The fields with these keys, which are known from now on.
    fn fields_named(&mut self, keys: &[&'static str]) -> Mapping {
        self.known.extend(keys);
        let fields = self.fields.iter();
        fields
            .filter(|(key, _)| key.as_str().is_some_and(|key| keys.contains(&key)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Warns of the keys that no struct has read.
    pub(in crate::config) fn warn_of_unknown_keys(self, findings: &mut Findings) {
        for key in self.fields.keys().filter_map(Value::as_str) {
            if self.known.contains(&key) {
                continue;
            }
            let path = self.path.key(key);
            if let Some(why) = without_effect(self.name, key) {
                findings.without_effect(path, why);
            } else {
                let hint = nearest(key, self.known.iter().copied());
                let hint = hint.map_or(String::new(), |key| format!(": did you mean {key}?"));
                let message = format_args!("unknown key, ignored{hint}");
                findings.warn(self.document.warning(&path, message));
            }
        }
    }
}
