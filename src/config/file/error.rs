//! What can be wrong with a file, each with the place where it is wrong.

use std::fmt;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePosition {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// What one reading found in a configuration that cannot be used. It stops the start.
///
/// Prints its errors, each on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems {
    /// At least one, in the file's order.
    pub errors: Vec<ConfigError>,
    /// What the user should know besides, in the file's order.
    pub warnings: Vec<Warning>,
}

/// One reason why a configuration cannot be used.
///
/// Prints as `file:line:column: field: what was found and what was expected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as it was asked for.
    pub file: String,
    /// Where, if it can be said.
    pub place: Option<FilePosition>,
    /// The field's path, as `model_list[0].litellm_params.rpm`; empty for the file as a whole.
    pub field: String,
    /// What was found and what was expected. Never the value of a credential or of an environment variable.
    pub message: String,
}

/// Something that does not stop the start but that the user should know. Prints like [`ConfigError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file's name as it was asked for.
    pub file: String,
    /// Where, if it can be said.
    pub place: Option<FilePosition>,
    /// What the user should know; begins with the field's path where there is one.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        location(f, &self.file, self.place)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigProblems {}

impl From<ConfigError> for ConfigProblems {
    fn from(error: ConfigError) -> Self {
        Self {
            errors: vec![error],
            warnings: Vec::new(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        location(f, &self.file, self.place)?;
        f.write_str(&self.message)
    }
}

fn location(f: &mut fmt::Formatter<'_>, file: &str, place: Option<FilePosition>) -> fmt::Result {
    match place {
        Some(FilePosition { line, column }) => write!(f, "{file}:{line}:{column}: "),
        None => write!(f, "{file}: "),
    }
}
