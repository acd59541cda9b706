//! Paths into a file, as errors print them.

use std::fmt;

/// One step of a path into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum Step {
    Key(String),
    Index(usize),
}

/// A path into a file; prints as `model_list[0].litellm_params.rpm`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::config) struct Path(pub Vec<Step>);

impl Path {
    pub(in crate::config) fn of(keys: &[&str]) -> Self {
        Self(
            keys.iter()
                .map(|key| Step::Key((*key).to_owned()))
                .collect(),
        )
    }

    pub(in crate::config) fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    pub(in crate::config) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    pub(in crate::config) fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if n == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
