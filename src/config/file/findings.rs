//! What one reading of a file finds besides its values.

use super::document::YamlDocument;
use super::error::{ConfigError, Warning};
use super::path::{FieldPath, PathStep};

/// Errors, warnings, and keys without effect. Reading notes them here and goes on, so that one reading finds them all.
#[derive(Debug, Default)]
pub(in crate::config) struct Findings {
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
    /// Keys of LiteLLM that have no effect, and why.
    without_effect: Vec<(FieldPath, &'static str)>,
}

impl Findings {
    /// Notes an error, once: what stands in one place may be wrong for many entries.
    pub(in crate::config) fn error(&mut self, error: ConfigError) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// The value; an error is noted.
    pub(in crate::config) fn keep<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    pub(in crate::config) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    pub(super) fn without_effect(&mut self, key: FieldPath, why: &'static str) {
        self.without_effect.push((key, why));
    }

    /// All errors and all warnings, each in the file's order. The keys without effect are named in one warning.
    pub(in crate::config) fn in_order(
        mut self,
        document: &YamlDocument<'_>,
    ) -> (Vec<ConfigError>, Vec<Warning>) {
        if let Some((first, _)) = self.without_effect.first() {
            let keys = self.without_effect.iter();
            let keys: Vec<String> = keys
                .map(|(path, why)| match path.0.last() {
                    Some(PathStep::Key(key)) => format!("{key} ({why})"),
                    _ => String::new(),
                })
                .collect();
            let message = format!("without effect here: {}", keys.join(", "));
            self.warnings.push(document.remark(first, message));
        }
        self.errors.sort_by_key(|error| error.place);
        self.warnings.sort_by_key(|warning| warning.place);
        (self.errors, self.warnings)
    }
}
