//! The expansion of an entry with stars: the deployment that it is for one name.

use jiff::civil::Date;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::pattern;
use super::target::NamedModel;
use super::warnings::foreign_prefix;
use crate::catalog::Catalog;
use crate::config::{Config, Deployment, Group, PatternSource};

impl Group {
    /// Its name has a star: it stands for every name that fits.
    pub fn is_pattern(&self) -> bool {
        pattern::is_pattern(&self.name)
    }
}

impl Deployment {
    /// Whether there is a model behind what the stars stand for.
    pub(super) fn serves(&self, parts: &[&str]) -> bool {
        self.named(parts).is_some()
    }

    /// The deployment that this entry with stars is for a name; `None`: there is no such model.
    pub(super) fn expand_for(&self, name: &str, parts: &[&str]) -> Option<Deployment> {
        let (configured_model, id) = self.named(parts)?;
        let mut expanded = Deployment {
            group: name.to_owned(),
            pattern: Some(PatternSource {
                group: self.group.clone(),
                id: self.id.clone(),
            }),
            ..self.clone()
        };
        if !pattern::is_pattern(&self.configured_model) {
            return Some(expanded);
        }
        let mut hash = Sha256::new();
        hash.update(format!("{}\0{id}", self.id));
        expanded.id = hex::encode(hash.finalize());
        expanded.model = self.overrides.model(&id, &self.region);
        expanded
            .params
            .insert("model".to_owned(), Value::from(configured_model.as_str()));
        expanded.configured_model = configured_model;
        expanded.model_id = id;
        Some(expanded)
    }

    /// Its model with the stars replaced, as written and as Bedrock is asked for it. The file decides which region is
    /// called, never the caller.
    fn named(&self, parts: &[&str]) -> Option<(String, String)> {
        if !pattern::is_pattern(&self.configured_model) {
            return Some((self.configured_model.clone(), self.model_id.clone()));
        }
        let written = pattern::fill(&self.configured_model, parts);
        let named = NamedModel::parse(&written).ok()?;
        let own = NamedModel::parse(&self.configured_model).ok()?;
        let elsewhere = named
            .own_region()
            .is_some_and(|region| region != self.region && Some(region) != own.own_region());
        // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html, `modelId`
        let valid = named
            .id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte));
        (valid && !elsewhere).then_some((written, named.id))
    }
}

impl Config {
    /// The names that are listed: groups in the file's order, the catalog's living models that a pattern serves in its
    /// region, then the aliases that are not hidden.
    pub fn listed_names(&self, today: Date) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for group in self.groups() {
            if group.is_pattern() {
                names.extend(self.names_behind(group, today));
            } else {
                names.push(group.name.clone());
            }
        }
        let aliases = self.routing.aliases.iter();
        let shown = aliases.filter(|(_, alias)| !alias.hidden);
        names.extend(shown.map(|(name, _)| name.clone()));
        names
    }

    /// The names of the catalog's living models that a pattern serves. An entry whose stars are not those of its
    /// pattern serves names that cannot be listed.
    pub(in crate::config) fn names_behind(&self, group: &Group, today: Date) -> Vec<String> {
        let mut names = Vec::new();
        for entry in &group.deployments {
            if pattern::stars(&entry.configured_model) != pattern::stars(&group.name) {
                continue;
            }
            let living = Catalog::bundled().iter().filter(|model| {
                !model.lifecycle.is_over(today)
                    && foreign_prefix(&model.id, &entry.region).is_none()
            });
            names.extend(living.filter_map(|model| {
                let parts = pattern::parts(&entry.model_id, &model.id)?;
                Some(pattern::fill(&group.name, &parts))
            }));
        }
        names.sort();
        names.dedup();
        names.retain(|name| self.groups.pattern_of(name) == Some(&group.name));
        names
    }
}
