//! The groups of `model_list`, and which of them a name means.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::pattern;
use crate::catalog::Catalog;
use crate::config::{Deployment, Group};
use crate::conversation::Thinking;

/// All groups, and what they may be called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Groups {
    /// In the file's order.
    all: Vec<Arc<Group>>,
    /// By `model_name`, and by a deployment's model; patterns have no other names.
    names: HashMap<String, usize>,
    /// Those with a star in their name, the most specific first.
    patterns: Vec<usize>,
    /// A deployment asks its model to think where a request says nothing of it.
    think: bool,
}

impl Groups {
    /// Deployments by `model_name`, in the order of its first, and what each group may be called. A `model_name` is
    /// always its own group, whatever models others are made of; ids that agree are told apart.
    pub(super) fn new(read: Vec<(Deployment, Vec<String>)>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut known = HashMap::new();
        let mut called: Vec<(String, usize)> = Vec::new();
        let mut ids = BTreeSet::new();
        for (mut deployment, names) in read {
            let written = deployment.id.clone();
            let mut n = 1;
            while !ids.insert(deployment.id.clone()) {
                n += 1;
                deployment.id = format!("{written}-{n}");
            }
            let name = deployment.group.clone();
            let index = *known.entry(name.clone()).or_insert(groups.len());
            called.extend(names.into_iter().map(|name| (name, index)));
            match groups.get_mut(index) {
                Some(group) => group.deployments.push(Arc::new(deployment)),
                None => groups.push(Group {
                    name,
                    deployments: vec![Arc::new(deployment)],
                }),
            }
        }
        let mut names = HashMap::new();
        let mut patterns = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            if group.is_pattern() {
                patterns.push((pattern::rank(&group.name), index));
            } else {
                names.insert(group.name.clone(), index);
            }
        }
        for (name, index) in called {
            names.entry(name).or_insert(index);
        }
        let mut deployments = groups.iter().flat_map(|group| &group.deployments);
        let think = deployments.any(|deployment| {
            let wish = deployment.defaults.thinking;
            wish.is_some_and(Thinking::is_wanted)
        });
        // Equals in the file's order.
        patterns.sort_by(|(one, _), (other, _)| other.cmp(one));
        Self {
            all: groups.into_iter().map(Arc::new).collect(),
            names,
            patterns: patterns.into_iter().map(|(_, index)| index).collect(),
            think,
        }
    }

    /// In the file's order, patterns included.
    pub(super) fn all(&self) -> &[Arc<Group>] {
        &self.all
    }

    pub(super) fn think(&self) -> bool {
        self.think
    }

    /// The name of the group that is meant: a `model_name`, or the name itself where only a pattern serves it.
    pub(super) fn resolve<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        match self.known(name) {
            Some(group) => Some(&group.name),
            None => self.serves(name).then_some(name),
        }
    }

    /// The group that is meant. One that only a pattern serves is expanded for the name.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Group>> {
        if let Some(group) = self.known(name) {
            return Some(Arc::clone(group));
        }
        let (pattern, parts) = self.fitting(name)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let entries = pattern.deployments.iter();
        let expanded = entries.filter_map(|entry| entry.expand_for(name, &parts));
        let deployments: Vec<_> = expanded.map(Arc::new).collect();
        (!deployments.is_empty()).then(|| {
            let name = name.to_owned();
            Arc::new(Group { name, deployments })
        })
    }

    /// The pattern that a name falls under; `None` for the name of a group.
    pub(super) fn pattern_of(&self, name: &str) -> Option<&str> {
        if self.known(name).is_some() {
            return None;
        }
        self.fitting(name).map(|(group, _)| group.name.as_str())
    }

    /// Whether this is a `model_name` with a star.
    pub(super) fn is_pattern(&self, name: &str) -> bool {
        self.all
            .iter()
            .any(|group| group.name == name && group.is_pattern())
    }

    /// Whether a group has this name, or a deployment this model.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    fn known(&self, name: &str) -> Option<&Arc<Group>> {
        let index = self.names.get(name)?;
        self.all.get(*index)
    }

    fn serves(&self, name: &str) -> bool {
        self.fitting(name).is_some_and(|(pattern, parts)| {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let mut entries = pattern.deployments.iter();
            entries.any(|entry| entry.serves(&parts))
        })
    }

    /// The most specific pattern that a name fits, and what its stars stand for. A model that the catalog knows is
    /// also found under `bedrock/`, as in LiteLLM. A name beyond [`pattern::LONGEST_NAME`] fits none.
    fn fitting(&self, name: &str) -> Option<(&Arc<Group>, Vec<String>)> {
        if name.len() > pattern::LONGEST_NAME {
            return None;
        }
        let fit = |name: &str| {
            let mut patterns = self
                .patterns
                .iter()
                .filter_map(|&index| self.all.get(index));
            patterns.find_map(|group| {
                let parts = pattern::parts(&group.name, name)?;
                Some((group, parts.into_iter().map(str::to_owned).collect()))
            })
        };
        fit(name).or_else(|| {
            let known = !self.patterns.is_empty() && Catalog::bundled().knows(name);
            known.then(|| fit(&format!("bedrock/{name}"))).flatten()
        })
    }
}
