//! Reads fallbacks, aliases and the default model, and checks that every name in them is one.

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::groups::Groups;
use crate::config::file::document::YamlDocument;
use crate::config::file::nearest::nearest;
use crate::config::file::path::FieldPath;
use crate::config::schema::{AliasParam, RoutingKeys};
use crate::config::{ConfigError, Fallbacks, GroupAlias, Routing};

/// A fallback list: the group it is for, and where it stands.
type Lists = Vec<(String, FieldPath, Vec<(String, FieldPath)>)>;

/// The names there are.
pub(in crate::config) struct RoutingReader<'a> {
    document: &'a YamlDocument<'a>,
    groups: &'a Groups,
    aliases: BTreeMap<String, GroupAlias>,
}

impl<'a> RoutingReader<'a> {
    pub(in crate::config) fn new(document: &'a YamlDocument<'a>, groups: &'a Groups) -> Self {
        Self {
            document,
            groups,
            aliases: BTreeMap::new(),
        }
    }

    /// Reads `litellm_settings` and `router_settings`, in this order: what the second says goes first.
    pub(in crate::config) fn routing(
        mut self,
        sections: Vec<(FieldPath, RoutingKeys)>,
    ) -> Result<Routing, ConfigError> {
        for (at, routes) in &sections {
            for (alias, target) in routes.model_group_alias.iter().flatten() {
                self.alias(alias, target, &at.key("model_group_alias").key(alias))?;
            }
        }
        let mut fallbacks = Fallbacks::default();
        let mut default_model = None;
        let mut failover = true;
        for (at, routes) in sections {
            for (key, value, into) in [
                ("fallbacks", &routes.fallbacks, &mut fallbacks.general),
                (
                    "context_window_fallbacks",
                    &routes.context_window_fallbacks,
                    &mut fallbacks.context_window,
                ),
                (
                    "content_policy_fallbacks",
                    &routes.content_policy_fallbacks,
                    &mut fallbacks.content_policy,
                ),
            ] {
                for (group, place, targets) in self.lists(value, &at.key(key))? {
                    let group = if group == "*" || self.groups.is_pattern(&group) {
                        group
                    } else {
                        self.group(&group, &place)?
                    };
                    into.insert(group.clone(), self.targets(&group, targets)?);
                }
            }
            if let Some(names) = routes.default_fallbacks {
                let at = at.key("default_fallbacks");
                let names = names
                    .into_iter()
                    .enumerate()
                    .map(|(n, name)| (name, at.index(n)));
                fallbacks.default = self.targets("*", names.collect())?;
            }
            if let Some(name) = routes.default_model {
                default_model = Some(self.group(&name, &at.key("default_model"))?);
            }
            failover = routes.failover.unwrap_or(failover);
        }
        if !failover {
            fallbacks = Fallbacks::default();
        }
        Ok(Routing {
            fallbacks,
            aliases: self.aliases,
            default_model,
            order: BTreeMap::new(),
        })
    }

    fn alias(
        &mut self,
        alias: &str,
        target: &AliasParam,
        at: &FieldPath,
    ) -> Result<(), ConfigError> {
        if self.model_names().any(|name| name == alias) {
            return Err(self.document.error(
                at,
                format!("the alias {alias:?} is a model_name of model_list already"),
            ));
        }
        let (group, hidden) = match target {
            AliasParam::Name(group) => (group, false),
            AliasParam::Full { model, hidden } => (model, *hidden),
        };
        let group = self.group(group, at)?;
        // A pattern is no name that anybody could ask for.
        let hidden = hidden || alias.contains('*');
        self.aliases
            .insert(alias.to_owned(), GroupAlias { group, hidden });
        Ok(())
    }

    /// The group that a name means.
    fn group(&self, name: &str, at: &FieldPath) -> Result<String, ConfigError> {
        if let Some(alias) = self.aliases.get(name) {
            return Ok(alias.group.clone());
        }
        let group = self.groups.resolve(name);
        group.map(str::to_owned).ok_or_else(|| {
            if self.groups.is_pattern(name) {
                let message = format!("found {name:?}, expected one model of those it stands for");
                return self.document.error(at, message);
            }
            let aliases = self.aliases.keys().map(String::as_str);
            let names = self.model_names().chain(aliases);
            let hint = nearest(name, names);
            let hint = hint.map_or(String::new(), |name| format!(" (did you mean {name:?}?)"));
            let message = format!("found {name:?}, expected a model_name of model_list{hint}");
            self.document.error(at, message)
        })
    }

    /// Every `model_name`, in order.
    fn model_names(&self) -> impl Iterator<Item = &'a str> {
        self.groups.all().iter().map(|group| group.name.as_str())
    }

    fn targets(
        &self,
        group: &str,
        names: Vec<(String, FieldPath)>,
    ) -> Result<Vec<String>, ConfigError> {
        let mut targets = Vec::new();
        for (name, at) in names {
            let target = self.group(&name, &at)?;
            if target == group {
                return Err(self
                    .document
                    .error(&at, format!("{group:?} falls back to itself")));
            }
            // An alias may have named it before.
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// LiteLLM writes `[{group: [next, …]}, …]`; a plain mapping means the same.
    fn lists(&self, value: &Value, at: &FieldPath) -> Result<Lists, ConfigError> {
        let mut lists = Lists::new();
        match value {
            Value::Null => {}
            Value::Sequence(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.mapping(item, &at.index(n), &mut lists)?;
                }
            }
            other => self.mapping(other, at, &mut lists)?,
        }
        Ok(lists)
    }

    fn mapping(&self, value: &Value, at: &FieldPath, lists: &mut Lists) -> Result<(), ConfigError> {
        let wrong = |at: &FieldPath, expected: &str| {
            self.document.error(at, format!("expected {expected}"))
        };
        let Value::Mapping(fields) = value else {
            return Err(wrong(at, "a list of {model_name: [fallback, …]}"));
        };
        for (group, targets) in fields {
            let group = group
                .as_str()
                .ok_or_else(|| wrong(at, "a model_name as the key"))?;
            let at = at.key(group);
            let targets = match targets {
                Value::String(name) => vec![(name.clone(), at.clone())],
                Value::Sequence(items) => items
                    .iter()
                    .enumerate()
                    .map(|(n, item)| {
                        let at = at.index(n);
                        let name = item.as_str().ok_or_else(|| wrong(&at, "a model_name"))?;
                        Ok((name.to_owned(), at))
                    })
                    .collect::<Result<_, _>>()?,
                _ => return Err(wrong(&at, "a list of model_names")),
            };
            lists.push((group.to_owned(), at, targets));
        }
        Ok(())
    }
}
