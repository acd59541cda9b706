//! From a file's text to a [`Config`].

use super::file::{Edit, Findings, SortedFindings, YamlDocument};
use super::model::is_of_other_provider;
use super::schema::WrittenFile;
use super::{Config, ConfigError, ConfigProblems, Environment, Warning};

impl Config {
    /// The changes that would make everything in a file useful; none of a text that is no YAML.
    pub(super) fn edits(file: &str, source: &str, environment: &Environment<'_>) -> Vec<Edit> {
        let Ok(document) = YamlDocument::parse(file, source, environment) else {
            return Vec::new();
        };
        let environment = &|name: &str| document.look_up(name, environment);
        let mut findings = Findings::default();
        let written = WrittenFile::read(&document, is_of_other_provider, &mut findings);
        Self::resolve(file, written, &document, environment, &mut findings);
        findings.into_edits()
    }

    /// Reads a configuration. `file` is its name in errors; `environment` answers `os.environ/NAME`. All errors of the
    /// file are found in one reading.
    pub fn parse(
        file: &str,
        source: &str,
        environment: &Environment<'_>,
    ) -> Result<(Self, Vec<Warning>), ConfigProblems> {
        let document = YamlDocument::parse(file, source, environment)?;
        let environment = &|name: &str| document.look_up(name, environment);
        let mut findings = Findings::default();
        let written = WrittenFile::read(&document, is_of_other_provider, &mut findings);
        let accepted = written.general_settings.accept_missing.clone();
        let mut config = Self::resolve(file, written, &document, environment, &mut findings);
        let SortedFindings {
            mut errors,
            warnings,
            missing_protections,
        } = findings.in_order(&document, &accepted.unwrap_or_default());
        if errors.is_empty() {
            config.missing_protections = missing_protections;
            Ok((config, warnings))
        } else {
            // Once the errors are mended, these are what stops the start.
            errors.extend(missing_protections.into_iter().map(ConfigError::from));
            errors.sort_by_key(|error| error.place);
            Err(ConfigProblems { errors, warnings })
        }
    }
}
