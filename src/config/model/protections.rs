//! Protections that a file asks for and that are not there.

use std::fmt;

use crate::config::{Config, Warning};

/// What a file asks for to protect somebody, and is not done here. A server does not start with it until the file says that
/// it is known (`general_settings.accept_missing`).
///
/// Prints each on a line of its own, and then what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingProtections {
    /// At least one, with its place.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Whether the file asks for no protection that is missing here, but for those that it accepts as missing.
    pub fn require_protections(&self) -> Result<(), MissingProtections> {
        if self.missing_protections.is_empty() {
            return Ok(());
        }
        Err(MissingProtections {
            warnings: self.missing_protections.clone(),
        })
    }
}

impl MissingProtections {
    /// The line of the file that accepts all of them.
    pub fn acceptance(&self) -> String {
        format!(
            "general_settings.accept_missing: [{}]",
            self.keys().join(", ")
        )
    }

    /// The names of the keys that ask for it.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for warning in &self.warnings {
            if !keys.contains(&warning.key()) {
                keys.push(warning.key());
            }
        }
        keys
    }
}

impl fmt::Display for MissingProtections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "{warning}")?;
        }
        write!(
            f,
            "The file asks for protection that is not there. If you know that and want to start without it, write {}",
            self.acceptance()
        )
    }
}

impl std::error::Error for MissingProtections {}
