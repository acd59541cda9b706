//! Paths into a file, as errors print them.

use std::fmt;

use serde_yaml::Value;

/// One step of a path into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum PathStep {
    Key(String),
    Index(usize),
}

/// A path into a file; prints as `model_list[0].litellm_params.rpm`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::config) struct FieldPath(pub Vec<PathStep>);

impl FieldPath {
    pub(in crate::config) fn of(keys: &[&str]) -> Self {
        Self(
            keys.iter()
                .map(|key| PathStep::Key((*key).to_owned()))
                .collect(),
        )
    }

    pub(in crate::config) fn key(&self, key: &str) -> Self {
        self.step(PathStep::Key(key.to_owned()))
    }

    pub(in crate::config) fn index(&self, index: usize) -> Self {
        self.step(PathStep::Index(index))
    }

    /// The path of what it stands in; `None` for the file itself.
    pub(in crate::config) fn parent(&self) -> Option<Self> {
        let (_, steps) = self.0.split_last()?;
        Some(Self(steps.to_vec()))
    }

    /// The value that stands at it.
    pub(in crate::config) fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            PathStep::Key(key) => value.get(key.as_str()),
            PathStep::Index(index) => value.get(*index),
        })
    }

    pub(in crate::config) fn step(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Key(key) if n == 0 => write!(f, "{key}")?,
                PathStep::Key(key) => write!(f, ".{key}")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
