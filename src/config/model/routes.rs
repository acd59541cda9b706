//! Reads fallbacks, aliases and the default model, and checks that every name in them is one.

use serde_yaml::Value;

use super::groups::Groups;
use super::pattern;
use super::target::NamedModel;
use crate::config::file::{FieldPath, Findings, YamlDocument, nearest};
use crate::config::schema::{AliasParam, RoutingKeys, WrittenEntry};
use crate::config::{Fallbacks, GroupAlias, Routing};

/// A fallback list as written.
struct WrittenList {
    /// The group that it is for.
    group: String,
    at: FieldPath,
    /// The names in it, each with its place.
    targets: Vec<(String, FieldPath)>,
}

/// Names that exist only once an error elsewhere is mended: those of entries and aliases with errors. That a chain names
/// one of them is no error.
#[derive(Default)]
pub(super) struct UnreadNames {
    names: Vec<String>,
    /// Not even the name could be read: it may be any.
    any: bool,
}

impl UnreadNames {
    /// Adds every name that an entry would have had.
    pub(super) fn of_entry(entry: &WrittenEntry) -> Self {
        let target = entry.target.as_ref();
        let model = target.and_then(|target| NamedModel::parse(target.model.as_ref()?).ok());
        let mut names = model.map_or_else(Vec::new, |model| model.names);
        names.extend(entry.model_name.clone());
        Self {
            names,
            any: entry.model_name.is_none(),
        }
    }

    /// Nothing is known of the names there are.
    pub(super) fn any() -> Self {
        Self {
            names: Vec::new(),
            any: true,
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        self.any |= other.any;
    }

    fn may_have(&self, name: &str) -> bool {
        let mut names = self.names.iter();
        self.any || names.any(|known| known == name || pattern::parts(known, name).is_some())
    }
}

/// Reads the keys about routing, and resolves every name in them.
pub(super) struct RoutingReader<'a> {
    pub document: &'a YamlDocument<'a>,
    pub groups: &'a Groups,
    pub unread: UnreadNames,
    pub findings: &'a mut Findings,
}

impl RoutingReader<'_> {
    /// Reads `litellm_settings` and `router_settings`, in this order: what the second says goes first.
    pub(super) fn routing(mut self, sections: [(FieldPath, RoutingKeys); 2]) -> Routing {
        let mut routing = Routing::default();
        for (at, keys) in &sections {
            for (alias, target) in keys.model_group_alias.iter().flatten() {
                let at = at.key("model_group_alias").key(alias);
                match self.alias(&routing, alias, target, &at) {
                    Some(target) => {
                        routing.aliases.insert(alias.to_owned(), target);
                    }
                    None => self.unread.names.push(alias.to_owned()),
                }
            }
        }
        let mut failover = true;
        let mut fallbacks = Fallbacks::default();
        for (at, keys) in sections {
            for (key, value, lists) in [
                ("fallbacks", &keys.fallbacks, &mut fallbacks.general),
                (
                    "context_window_fallbacks",
                    &keys.context_window_fallbacks,
                    &mut fallbacks.context_window,
                ),
                (
                    "content_policy_fallbacks",
                    &keys.content_policy_fallbacks,
                    &mut fallbacks.content_policy,
                ),
            ] {
                for list in self.lists(value, &at.key(key)) {
                    let group = if list.group == "*" || self.groups.is_pattern(&list.group) {
                        Some(list.group)
                    } else {
                        self.group(&routing, &list.group, &list.at)
                    };
                    let targets = self.targets(&routing, group.as_deref(), list.targets);
                    lists.extend(group.map(|group| (group, targets)));
                }
            }
            if let Some(names) = keys.default_fallbacks {
                let at = at.key("default_fallbacks");
                let names = names.into_iter().enumerate();
                let names = names.map(|(n, name)| (name, at.index(n))).collect();
                fallbacks.default = self.targets(&routing, Some("*"), names);
            }
            if let Some(name) = keys.default_model {
                let group = self.group(&routing, &name, &at.key("default_model"));
                routing.default_model = group.or(routing.default_model);
            }
            failover = keys.failover.unwrap_or(failover);
        }
        if failover {
            routing.fallbacks = fallbacks;
        }
        routing
    }

    fn error(&mut self, at: &FieldPath, message: impl Into<String>) {
        self.findings.error(self.document.error(at, message));
    }

    fn alias(
        &mut self,
        routing: &Routing,
        alias: &str,
        target: &AliasParam,
        at: &FieldPath,
    ) -> Option<GroupAlias> {
        if self.model_names().any(|name| name == alias) {
            let message = format!("the alias {alias:?} is a model_name of model_list already");
            self.error(at, message);
            return None;
        }
        let (group, hidden) = match target {
            AliasParam::Name(group) => (group, false),
            AliasParam::Full { model, hidden } => (model, *hidden),
        };
        Some(GroupAlias {
            group: self.group(routing, group, at)?,
            // A pattern is not a name that a request can have.
            hidden: hidden || alias.contains('*'),
        })
    }

    /// The group that a name means.
    fn group(&mut self, routing: &Routing, name: &str, at: &FieldPath) -> Option<String> {
        if let Some(alias) = routing.aliases.get(name) {
            return Some(alias.group.clone());
        }
        if let Some(group) = self.groups.resolve(name) {
            return Some(group.to_owned());
        }
        if self.groups.is_pattern(name) {
            let message = format!("found {name:?}, expected one model of those it stands for");
            self.error(at, message);
        } else if !self.unread.may_have(name) {
            let aliases = routing.aliases.keys().map(String::as_str);
            let hint = nearest(name, self.model_names().chain(aliases));
            let hint = hint.map_or(String::new(), |name| format!(" (did you mean {name:?}?)"));
            let message = format!("found {name:?}, expected a model_name of model_list{hint}");
            self.error(at, message);
        }
        None
    }

    /// Every `model_name`, in order.
    fn model_names(&self) -> impl Iterator<Item = &str> {
        self.groups.all().iter().map(|group| group.name.as_str())
    }

    /// The groups that a list names, each once: an alias may have named one before. `group`: whose list it is, where that
    /// is known.
    fn targets(
        &mut self,
        routing: &Routing,
        group: Option<&str>,
        names: Vec<(String, FieldPath)>,
    ) -> Vec<String> {
        let mut targets = Vec::new();
        for (name, at) in names {
            let Some(target) = self.group(routing, &name, &at) else {
                continue;
            };
            if Some(target.as_str()) == group {
                self.error(&at, format!("{target:?} falls back to itself"));
            } else if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }

    /// LiteLLM writes `[{group: [next, …]}, …]`; a plain mapping means the same.
    fn lists(&mut self, value: &Value, at: &FieldPath) -> Vec<WrittenList> {
        let mut lists = Vec::new();
        match value {
            Value::Null => {}
            Value::Sequence(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.lists_of_mapping(item, &at.index(n), &mut lists);
                }
            }
            other => self.lists_of_mapping(other, at, &mut lists),
        }
        lists
    }

    fn lists_of_mapping(&mut self, value: &Value, at: &FieldPath, lists: &mut Vec<WrittenList>) {
        let Value::Mapping(fields) = value else {
            return self.error(at, "expected a list of {model_name: [fallback, …]}");
        };
        for (group, names) in fields {
            let Some(group) = group.as_str() else {
                self.error(at, "expected a model_name as the key");
                continue;
            };
            let at = at.key(group);
            let mut targets = Vec::new();
            match names {
                Value::String(name) => targets.push((name.clone(), at.clone())),
                Value::Sequence(items) => {
                    for (n, item) in items.iter().enumerate() {
                        let at = at.index(n);
                        match item.as_str() {
                            Some(name) => targets.push((name.to_owned(), at)),
                            None => self.error(&at, "expected a model_name"),
                        }
                    }
                }
                _ => {
                    self.error(&at, "expected a list of model_names");
                    continue;
                }
            }
            lists.push(WrittenList {
                group: group.to_owned(),
                at,
                targets,
            });
        }
    }
}
