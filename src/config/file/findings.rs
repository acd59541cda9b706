//! What one reading of a file finds besides its values.

use serde_yaml::Value;

use super::document::YamlDocument;
use super::error::{ConfigError, FilePosition, Stake, Warning, last_key};
use super::nearest::nearest;
use super::path::{FieldPath, PathStep};

/// Errors and warnings. Reading notes them here and goes on, so that one reading finds them all.
#[derive(Debug, Default)]
pub(in crate::config) struct Findings {
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
    /// Keys of LiteLLM that have no meaning here, and why.
    without_meaning: Vec<(FieldPath, &'static str)>,
    /// What protects somebody in LiteLLM and is not done here, each about the key that asks for it.
    missing_protections: Vec<Warning>,
    /// What would make everything in the file useful.
    edits: Vec<Edit>,
}

/// A change that makes a key or a list's item useful: what has no effect here goes, a variable gets the form that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Edit {
    /// Where in the file as written.
    pub path: FieldPath,
    pub kind: EditKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum EditKind {
    /// It goes; why.
    Remove { reason: String },
    /// Another text stands there.
    Replace { value: String },
}

/// What a reading found, in order: the errors by place, the warnings by stake and place.
pub(in crate::config) struct SortedFindings {
    pub errors: Vec<ConfigError>,
    pub warnings: Vec<Warning>,
    /// Those that the file does not accept as missing.
    pub missing_protections: Vec<Warning>,
}

impl Findings {
    pub(in crate::config) fn error(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    pub(in crate::config) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether an error about the value at a path is noted.
    pub(in crate::config) fn is_told(&self, path: &FieldPath) -> bool {
        let field = path.to_string();
        self.errors.iter().any(|error| error.field == field)
    }

    /// The value; an error is noted.
    pub(in crate::config) fn keep<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    pub(in crate::config) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    /// Notes that a key or a list's item would better go, and why.
    pub(in crate::config) fn remove(&mut self, path: &FieldPath, reason: impl Into<String>) {
        self.edits.push(Edit {
            path: path.clone(),
            kind: EditKind::Remove {
                reason: reason.into(),
            },
        });
    }

    /// Notes that another text should stand at a path.
    fn replace(&mut self, path: &FieldPath, value: String) {
        self.edits.push(Edit {
            path: path.clone(),
            kind: EditKind::Replace { value },
        });
    }

    /// Notes the form of a variable that is read, where the variable is the whole value at a path.
    pub(in crate::config) fn replace_variable(
        &mut self,
        document: &YamlDocument<'_>,
        path: &FieldPath,
        variable: &str,
    ) {
        let written = document.get(path).and_then(Value::as_str);
        let is_whole = written.is_some_and(|text| {
            text == format!("${variable}") || text == format!("${{{variable}}}")
        });
        if is_whole {
            self.replace(path, format!("os.environ/{variable}"));
        }
    }

    /// The changes that were noted.
    pub(in crate::config) fn into_edits(self) -> Vec<Edit> {
        self.edits
    }

    pub(super) fn without_meaning(&mut self, key: FieldPath, why: &'static str) {
        self.without_meaning.push((key, why));
    }

    pub(super) fn missing_protection(&mut self, missing: Warning) {
        self.missing_protections.push(missing);
    }

    /// Everything that was found. What is the same in several places is one error or one warning with all the places, and
    /// the keys without meaning are named in one warning. `accepted`: the protections that the file knows to be missing.
    pub(in crate::config) fn in_order(
        mut self,
        document: &YamlDocument<'_>,
        accepted: &[String],
    ) -> SortedFindings {
        if let Some((first, _)) = self.without_meaning.first() {
            let mut keys: Vec<String> = Vec::new();
            for (path, why) in &self.without_meaning {
                let Some(PathStep::Key(key)) = path.0.last() else {
                    continue;
                };
                let key = format!("{key} ({why})");
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            let message = format!("without effect here: {}", keys.join(", "));
            self.warnings
                .push(document.remark(Stake::NoEffect, first, message));
        }
        for (n, key) in accepted.iter().enumerate() {
            let mut missing = self.missing_protections.iter();
            if !missing.any(|missing| missing.key() == key) {
                let names = self.missing_protections.iter();
                let hint = nearest(key, names.map(Warning::key));
                let hint = hint.map_or(String::new(), |key| format!(": did you mean {key}?"));
                let message =
                    format!("the file asks for no protection by {key:?} that is missing{hint}");
                let at = FieldPath::of(&["general_settings", "accept_missing"]).index(n);
                let warning = document.warning(Stake::NoEffect, &at, message);
                self.warnings.push(warning);
            }
        }
        let (known, unknown): (Vec<_>, Vec<_>) = self
            .missing_protections
            .into_iter()
            .partition(|missing| accepted.iter().any(|key| key == missing.key()));
        self.warnings.extend(known);
        SortedFindings {
            errors: merge_errors(self.errors),
            warnings: merge_warnings(self.warnings),
            missing_protections: merge_warnings(unknown),
        }
    }
}

/// The errors by place; the same message about keys of the same name is one error.
fn merge_errors(mut errors: Vec<ConfigError>) -> Vec<ConfigError> {
    errors.sort_by_key(|error| error.place);
    let mut merged: Vec<ConfigError> = Vec::new();
    for error in errors {
        let same = merged.iter_mut().find(|known| {
            known.message == error.message && last_key(&known.field) == last_key(&error.field)
        });
        match same {
            Some(known) => add_place(&mut known.also_at, known.place, error.place),
            None => merged.push(error),
        }
    }
    merged
}

/// The warnings by stake and place. The same message about keys of the same name is one warning, and so is the same message
/// about several subjects.
pub(in crate::config) fn merge_warnings(mut warnings: Vec<Warning>) -> Vec<Warning> {
    warnings.sort_by_key(|warning| (warning.stake, warning.place));
    let mut merged: Vec<Warning> = Vec::new();
    for warning in warnings {
        let same = merged.iter_mut().find(|known| {
            known.stake == warning.stake
                && known.message == warning.message
                && known.key() == warning.key()
        });
        match same {
            Some(known) => {
                add_place(&mut known.also_at, known.place, warning.place);
                for subject in warning.subjects {
                    if !known.subjects.contains(&subject) {
                        known.subjects.push(subject);
                    }
                }
            }
            None => merged.push(warning),
        }
    }
    merged
}

/// What stands in one place may be wrong for many entries: the place is named once.
fn add_place(
    also_at: &mut Vec<FilePosition>,
    first: Option<FilePosition>,
    place: Option<FilePosition>,
) {
    if let Some(place) = place.filter(|place| Some(*place) != first && !also_at.contains(place)) {
        also_at.push(place);
    }
}
