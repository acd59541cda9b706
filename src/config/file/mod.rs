//! How a YAML file is read: with a line and a column for everything that is wrong in it.

pub(super) mod document;
pub(super) mod error;
pub(super) mod keys;
pub(super) mod lenient;
pub(super) mod locate;
pub(super) mod nearest;
pub(super) mod path;
pub(super) mod read;
pub(super) mod section;
