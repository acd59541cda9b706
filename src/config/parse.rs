//! From a file's text to a [`Config`].

use super::file::{Findings, YamlDocument};
use super::schema::WrittenFile;
use super::{Config, ConfigProblems, Environment, Warning};

impl Config {
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
        let written = WrittenFile::read(&document, &mut findings);
        let config = Self::resolve(file, written, &document, environment, &mut findings);
        let (errors, warnings) = findings.in_order(&document);
        if errors.is_empty() {
            Ok((config, warnings))
        } else {
            Err(ConfigProblems { errors, warnings })
        }
    }
}
