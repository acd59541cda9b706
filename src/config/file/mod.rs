//! How a YAML file is read: with a line and a column for everything that is wrong in it.
//!
//! A [`YamlDocument`] is the file with its references to the environment replaced. A [`FileSection`] is one of its
//! mappings: it is read into the structs of the schema, and says which of its keys no struct knows. What is found on the
//! way goes into [`Findings`].

mod document;
mod error;
mod findings;
mod keys;
pub(super) mod lenient;
mod locate;
mod nearest;
mod path;
mod read;
mod section;
mod yaml_text;

pub(super) use document::{YamlDocument, not_replaced};
pub use error::{ConfigError, ConfigProblems, FilePosition, Stake, Warning};
pub(super) use findings::{Edit, EditKind, Findings, SortedFindings, merge_warnings};
#[cfg(test)]
pub(super) use keys::fields_of;
pub(super) use nearest::nearest;
pub use nearest::nearest_model;
pub(super) use path::{FieldPath, PathStep};
pub(super) use section::FileSection;
pub(super) use yaml_text::{YamlBlock, YamlText};
