//! One mapping of the file, read by several structs; keys that none of them knows are told.

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use super::document::{YamlDocument, not_replaced};
use super::error::Stake;
use super::findings::Findings;
use super::keys::fields_of;
use super::nearest::nearest;
use super::path::{FieldPath, PathStep};
use super::read::{Misread, read};
use crate::config::litellm_keys::{self, LitellmSupport, Section};

/// Fields whose variable may be unset without a warning: the region then has a default, and credentials come from the
/// SDK's default chain.
const MAY_BE_UNSET: [&str; 6] = [
    "aws_region_name",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_profile_name",
    "master_key",
];

/// One mapping of the file.
pub(in crate::config) struct FileSection<'d> {
    document: &'d YamlDocument<'d>,
    path: FieldPath,
    section: Section,
    fields: Mapping,
    /// Something else than a mapping stands there, which has been told: nothing can be read.
    is_wrong: bool,
    known: Vec<&'static str>,
}

impl<'d> FileSection<'d> {
    /// The mapping at a path; an absent or empty one is an empty mapping.
    pub(in crate::config) fn at(
        document: &'d YamlDocument<'d>,
        path: FieldPath,
        section: Section,
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
            section,
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
        let mut is_sound = self.refuse_shell_variables(&mut fields, findings);
        loop {
            let Misread { path, message } =
                match read(self.document, &self.path, Value::Mapping(fields.clone())) {
                    Ok((value, unknown)) => {
                        for key in unknown {
                            let message = "unknown key, ignored";
                            findings.warn(self.document.warning(Stake::NoEffect, &key, message));
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

    /// Refuses values with a variable as shells write it, and removes their fields: they would be taken as they stand, and
    /// no region or key is called so. Returns whether there were none.
    fn refuse_shell_variables(&self, fields: &mut Mapping, findings: &mut Findings) -> bool {
        let mut is_sound = true;
        for (path, variable) in self.document.unexpanded() {
            let Some([PathStep::Key(field), deeper @ ..]) =
                path.0.strip_prefix(self.path.0.as_slice())
            else {
                continue;
            };
            if self.is_outer() && !deeper.is_empty() {
                continue;
            }
            if fields.shift_remove(field.as_str()).is_some() {
                findings.replace_variable(self.document, path, variable);
                findings.error(self.document.error(path, not_replaced(variable)));
                is_sound = false;
            }
        }
        is_sound
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

    /// The keys of the mapping whose variable is not set, with its name.
    fn unset_keys(&self) -> impl Iterator<Item = (&'d str, &'d str)> {
        let unset = self.document.unset().iter();
        unset.filter_map(
            |(path, variable)| match path.0.strip_prefix(self.path.0.as_slice())? {
                [PathStep::Key(key)] => Some((key.as_str(), variable.as_str())),
                _ => None,
            },
        )
    }

    /// Warns of variables that are not set, in the fields that a struct has read.
    fn warn_of_unset_variables(&self, findings: &mut Findings) {
        for (path, variable) in self.document.unset() {
            let Some([PathStep::Key(key), deeper @ ..]) =
                path.0.strip_prefix(self.path.0.as_slice())
            else {
                continue;
            };
            let is_read =
                self.known.contains(&key.as_str()) && !MAY_BE_UNSET.contains(&key.as_str());
            if is_read && (deeper.is_empty() || !self.is_outer()) {
                let message = format!("os.environ/{variable} is not set, so the default applies");
                findings.warn(self.document.warning(Stake::Difference, path, message));
            }
        }
    }

    /// Whether the mappings in it are sections of their own.
    fn is_outer(&self) -> bool {
        matches!(self.section, Section::TopLevel | Section::ModelListEntry)
    }

    /// Says what becomes of the keys that no struct has read, and which of the others work differently here.
    pub(in crate::config) fn warn_of_other_keys(self, findings: &mut Findings) {
        self.warn_of_unset_variables(findings);
        let written = self.fields.iter();
        let written = written.filter_map(|(key, value)| Some((key.as_str()?, value.clone())));
        // A reference to a variable that is not set has taken its field away.
        let unset = self
            .unset_keys()
            .map(|(key, variable)| (key, variable.into()));
        let keys: Vec<(&str, Value)> = written.chain(unset).collect();
        for (key, value) in &keys {
            let (key, path) = (*key, self.path.key(key));
            let is_read = self.known.contains(&key);
            let status = litellm_keys::status(self.section, key, value);
            if self.section == Section::ModelInfo && !is_missing(status) {
                // The user's own: `GET /model/info` shows them.
                continue;
            }
            let warn = |findings: &mut Findings, stake, message: String| {
                findings.warn(self.document.warning(stake, &path, message));
            };
            match status {
                Some(LitellmSupport::Works) => {}
                Some(LitellmSupport::WorksDifferently(how)) => {
                    let message = format!("works differently here: {how}");
                    warn(findings, Stake::Difference, message);
                }
                _ if is_read => {}
                Some(LitellmSupport::NoMeaning(why)) => {
                    findings.remove(&path, format!("without effect here: {why}"));
                    findings.without_meaning(path, why);
                }
                Some(LitellmSupport::NotDone(_) | LitellmSupport::NotProtected(_))
                    if is_off(value) => {}
                Some(LitellmSupport::NotDone(lost)) => {
                    let message = format!("not done here: {lost}");
                    findings.remove(&path, message.clone());
                    warn(findings, Stake::Difference, message);
                }
                Some(LitellmSupport::NotProtected(lost)) => {
                    let message = format!("not done here: {lost}");
                    let warning = self.document.warning(Stake::Protection, &path, message);
                    findings.missing_protection(warning);
                }
                None => {
                    let known = self.known.iter().copied();
                    let hint = nearest(key, known.chain(litellm_keys::names(self.section)));
                    let hint = hint.map_or(String::new(), |key| format!(": did you mean {key}?"));
                    let message = format!("unknown key, ignored{hint}");
                    findings.remove(&path, message.clone());
                    warn(findings, Stake::NoEffect, message);
                }
            }
        }
    }
}

/// Whether this is the status of something that LiteLLM does, and that is not done here.
fn is_missing(status: Option<LitellmSupport>) -> bool {
    matches!(
        status,
        Some(LitellmSupport::NotDone(_) | LitellmSupport::NotProtected(_))
    )
}

/// Whether a value asks for nothing: `null`, `false`, an empty text, list or mapping.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Tagged(_) => false,
    }
}
