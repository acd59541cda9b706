//! What can be wrong with a file, each with the place where it is wrong.

use std::fmt;

use serde::Serialize;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// What the user should know besides, the most important first.
    pub warnings: Vec<Warning>,
}

/// One reason why a configuration cannot be used.
///
/// Prints as `file:line:column: field: what was found and what was expected`, and names the further places where the same
/// is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as it was asked for.
    pub file: String,
    /// Where, if it can be said.
    pub place: Option<FilePosition>,
    /// Where the same is wrong, too.
    pub also_at: Vec<FilePosition>,
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
    /// Where the same holds, too.
    pub also_at: Vec<FilePosition>,
    /// What is at stake.
    pub stake: Stake,
    /// The field's path; empty where the message is about something else.
    pub field: String,
    /// What the message is about, where that is no field: models.
    pub subjects: Vec<String>,
    /// What the user should know.
    pub message: String,
}

/// What is at stake when a warning is not heeded, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stake {
    /// The file asks for a protection that is not there.
    Protection,
    /// A model or a part of a chain of the file is not there.
    LeftOut,
    /// A model is there, and calling it will fail or costs an unknown amount.
    Call,
    /// Something works in another way than in LiteLLM, or is not done.
    Difference,
    /// A key has no effect, and nothing is lost.
    NoEffect,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        location(f, &self.file, self.place)?;
        statement(f, &self.field, &self.message, &[], &self.also_at)
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigProblems {}

impl From<Warning> for ConfigError {
    /// What is said of a missing protection stops the start, as an error does.
    fn from(warning: Warning) -> Self {
        Self {
            file: warning.file,
            place: warning.place,
            also_at: warning.also_at,
            field: warning.field,
            message: warning.message,
        }
    }
}

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
        f.write_str(&self.text())
    }
}

impl Warning {
    /// The last key of the field's path, as [`last_key`] gives it.
    pub fn key(&self) -> &str {
        last_key(&self.field)
    }

    /// All that it prints but the file and the first place.
    pub fn text(&self) -> String {
        struct WarningText<'w>(&'w Warning);
        impl fmt::Display for WarningText<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Warning {
                    field,
                    message,
                    subjects,
                    also_at,
                    ..
                } = self.0;
                statement(f, field, message, subjects, also_at)
            }
        }
        WarningText(self).to_string()
    }
}

/// `rpm` of `model_list[0].litellm_params.rpm`, `model_list` of `model_list[0]`.
pub(super) fn last_key(field: &str) -> &str {
    let last = field.rsplit_once('.').map_or(field, |(_, key)| key);
    last.split_once('[').map_or(last, |(list, _)| list)
}

fn statement(
    f: &mut fmt::Formatter<'_>,
    field: &str,
    message: &str,
    subjects: &[String],
    also_at: &[FilePosition],
) -> fmt::Result {
    if !field.is_empty() {
        write!(f, "{field}: ")?;
    }
    f.write_str(message)?;
    if !subjects.is_empty() {
        write!(f, ": {}", subjects.join(", "))?;
    }
    if let Some((first, others)) = also_at.split_first() {
        write!(f, " (also at {first}")?;
        for place in others {
            write!(f, ", {place}")?;
        }
        f.write_str(")")?;
    }
    Ok(())
}

impl fmt::Display for FilePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

fn location(f: &mut fmt::Formatter<'_>, file: &str, place: Option<FilePosition>) -> fmt::Result {
    match place {
        Some(place) => write!(f, "{file}:{place}: "),
        None => write!(f, "{file}: "),
    }
}
