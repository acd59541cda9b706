//! The files that come with the binary, and the choice between them and a file on disk.

use std::io::ErrorKind;

use super::{Config, ConfigError, ConfigProblems, Environment, Warning};

/// The files of `config/` as they were when the binary was built: name and text.
pub const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Reads the configuration of this name: a file on disk if there is one, else the bundled file.
pub fn load(
    name: &str,
    environment: &Environment<'_>,
) -> Result<(Config, Vec<Warning>), ConfigProblems> {
    let wrong = |message: String| ConfigError {
        file: name.to_owned(),
        place: None,
        also_at: Vec::new(),
        field: String::new(),
        message,
    };
    match std::fs::read_to_string(name) {
        Ok(source) => Config::parse(name, &source, environment),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let Some((_, source)) = BUNDLED.iter().find(|(bundled, _)| *bundled == name) else {
                let names: Vec<_> = BUNDLED.iter().map(|(bundled, _)| *bundled).collect();
                return Err(wrong(format!(
                    "no such file, and not one of the bundled ones: {}",
                    names.join(", ")
                ))
                .into());
            };
            Config::parse(name, source, environment)
        }
        Err(error) => Err(wrong(format!("cannot be read: {error}")).into()),
    }
}
