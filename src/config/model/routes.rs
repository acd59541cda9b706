//! Reads fallbacks, aliases and the default model, and checks that every name in them is one.

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::groups::Groups;
use super::pattern;
use crate::config::file::{FieldPath, Findings, Stake, YamlDocument, nearest};
use crate::config::schema::{AliasParam, RoutingKeys};
use crate::config::{Fallbacks, GroupAlias, Routing};

/// A fallback list as written.
struct WrittenList {
    /// The group that it is for.
    group: String,
    at: FieldPath,
    /// The names in it, each with its place.
    targets: Vec<(String, FieldPath)>,
}

/// Names that no group has, though the file has an entry or an alias for them.
#[derive(Default)]
pub(super) struct AbsentNames {
    /// Those of entries and aliases with errors: they exist once the error is mended, and that a chain names one of them
    /// is no error of its own.
    unread: Vec<String>,
    /// Not even the name could be read: it may be any.
    unread_any: bool,
    /// Those of entries of other providers, with the model that each stands for.
    left_out: BTreeMap<String, String>,
}

impl AbsentNames {
    /// Nothing is known of the names there are.
    pub(super) fn any() -> Self {
        Self {
            unread_any: true,
            ..Self::default()
        }
    }

    /// Adds a name of an entry with errors; `None`: not even that could be read.
    pub(super) fn add_unread(&mut self, name: Option<String>, others: Vec<String>) {
        self.unread_any |= name.is_none();
        self.unread.extend(name);
        self.unread.extend(others);
    }

    /// Adds the name of an entry of another provider.
    pub(super) fn add_left_out(&mut self, name: &str, model: &str) {
        let model = model.to_owned();
        self.left_out.entry(name.to_owned()).or_insert(model);
    }

    fn may_be_unread(&self, name: &str) -> bool {
        let mut names = self.unread.iter();
        self.unread_any || names.any(|known| known == name || pattern::parts(known, name).is_some())
    }

    /// Whether an entry of another provider has this name.
    fn is_left_out(&self, name: &str) -> bool {
        left_out_model(&self.left_out, name).is_some()
    }
}

/// The model of another provider that a name stands for in the file: by the entry's name, or by its pattern.
pub(super) fn left_out_model<'l>(
    left_out: &'l BTreeMap<String, String>,
    name: &str,
) -> Option<&'l str> {
    let mut patterns = left_out.iter();
    let model = left_out.get(name).or_else(|| {
        patterns
            .find(|(known, _)| pattern::parts(known, name).is_some())
            .map(|(_, model)| model)
    });
    model.map(String::as_str)
}

/// Why a name means no group.
enum NoGroup {
    /// There will be one once an error elsewhere is mended.
    Unread,
    /// It is that of an entry of another provider.
    LeftOut,
    /// There is no such name; the nearest one there is.
    Unknown(Option<String>),
    /// It is a pattern of `model_list`, and no model.
    Pattern,
}

impl NoGroup {
    /// The name and why it means nothing, for a list of what a chain loses. `None`: an error says it.
    fn loss(&self, name: &str) -> Option<String> {
        match self {
            Self::Unread | Self::Pattern => None,
            Self::LeftOut => Some(format!("{name:?} (left out)")),
            Self::Unknown(None) => Some(format!("{name:?} (no model_name of model_list)")),
            Self::Unknown(Some(nearest)) => Some(format!(
                "{name:?} (no model_name of model_list; did you mean {nearest:?}?)"
            )),
        }
    }
}

/// Reads the keys about routing, and resolves every name in them.
pub(super) struct RoutingReader<'a> {
    pub document: &'a YamlDocument<'a>,
    pub groups: &'a Groups,
    pub absent: AbsentNames,
    pub findings: &'a mut Findings,
}

impl RoutingReader<'_> {
    /// Reads `litellm_settings` and `router_settings`, in this order: what the second says goes first. Beside the routing
    /// come the names that are left out, aliases included, with the model of another provider that each stands for.
    pub(super) fn routing(
        mut self,
        sections: [(FieldPath, RoutingKeys); 2],
    ) -> (Routing, BTreeMap<String, String>) {
        let mut routing = Routing::default();
        for (at, keys) in &sections {
            for (alias, target) in keys.model_group_alias.iter().flatten() {
                let at = at.key("model_group_alias").key(alias);
                if let Some(target) = self.alias(&routing, alias, target, &at) {
                    routing.aliases.insert(alias.to_owned(), target);
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
                    lists.extend(self.chain(&routing, list));
                }
            }
            if let Some(names) = keys.default_fallbacks {
                let at = at.key("default_fallbacks");
                let names = names.into_iter().enumerate();
                let names = names.map(|(n, name)| (name, at.index(n))).collect();
                fallbacks.default = self.targets(&routing, Some("*"), names, &at);
            }
            if let Some(name) = keys.default_model {
                let group = self.default_model(&routing, &name, &at.key("default_model"));
                routing.default_model = group.or(routing.default_model);
            }
            failover = keys.failover.unwrap_or(failover);
        }
        if failover {
            routing.fallbacks = fallbacks;
        }
        (routing, self.absent.left_out)
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
        let meant = match self.group(routing, group) {
            Ok(group) => group,
            Err(none) => {
                if let Some(loss) = none.loss(group) {
                    let message = format!("the alias means nothing: {loss}");
                    self.findings.remove(at, message.clone());
                    let warning = self.document.warning(Stake::LeftOut, at, message);
                    self.findings.warn(warning);
                }
                match none {
                    NoGroup::LeftOut => {
                        let model = left_out_model(&self.absent.left_out, group);
                        let model = model.unwrap_or(group).to_owned();
                        self.absent.add_left_out(alias, &model);
                    }
                    NoGroup::Unknown(_) => {}
                    NoGroup::Unread => self.absent.add_unread(Some(alias.to_owned()), Vec::new()),
                    NoGroup::Pattern => {
                        self.is_a_pattern(group, at);
                        self.absent.add_unread(Some(alias.to_owned()), Vec::new());
                    }
                }
                return None;
            }
        };
        Some(GroupAlias {
            group: meant,
            // A pattern is not a name that a request can have.
            hidden: hidden || alias.contains('*'),
        })
    }

    /// The chain of a list, under the group that it is for. `None`: there is no such group.
    fn chain(&mut self, routing: &Routing, list: WrittenList) -> Option<(String, Vec<String>)> {
        let is_for_many = list.group == "*" || self.groups.is_pattern(&list.group);
        let group = match self.group(routing, &list.group) {
            _ if is_for_many => Some(list.group),
            Ok(group) => Some(group),
            Err(NoGroup::LeftOut) => {
                self.findings.remove(&list.at, "left out with its model");
                None
            }
            Err(NoGroup::Unread | NoGroup::Pattern) => None,
            Err(NoGroup::Unknown(nearest)) => {
                let hint =
                    nearest.map_or(String::new(), |name| format!(" (did you mean {name:?}?)"));
                let message = format!(
                    "{:?} is no model_name of model_list{hint}: its chain is left out",
                    list.group
                );
                self.findings.remove(&list.at, message.clone());
                let warning = self.document.warning(Stake::LeftOut, &list.at, message);
                self.findings.warn(warning);
                return None;
            }
        };
        let was_empty = list.targets.is_empty();
        let targets = self.targets(routing, group.as_deref(), list.targets, &list.at);
        // A chain that has lost everything is none: the chain for all models then holds.
        let is_lost = targets.is_empty() && !was_empty;
        group.filter(|_| !is_lost).map(|group| (group, targets))
    }

    /// The group of requests that name no model.
    fn default_model(&mut self, routing: &Routing, name: &str, at: &FieldPath) -> Option<String> {
        match self.group(routing, name) {
            Ok(group) => return Some(group),
            Err(NoGroup::Unread) => {}
            Err(NoGroup::Pattern) => self.is_a_pattern(name, at),
            Err(NoGroup::LeftOut) => {
                let message = format!("{name:?} is left out: a request must name its model");
                self.findings.remove(at, message.clone());
                let warning = self.document.warning(Stake::LeftOut, at, message);
                self.findings.warn(warning);
            }
            Err(NoGroup::Unknown(nearest)) => {
                let hint =
                    nearest.map_or(String::new(), |name| format!(" (did you mean {name:?}?)"));
                let message = format!("found {name:?}, expected a model_name of model_list{hint}");
                self.error(at, message);
            }
        }
        None
    }

    fn is_a_pattern(&mut self, name: &str, at: &FieldPath) {
        let message = format!("found {name:?}, expected one model of those it stands for");
        self.error(at, message);
    }

    /// The group that a name means.
    fn group(&self, routing: &Routing, name: &str) -> Result<String, NoGroup> {
        if let Some(alias) = routing.aliases.get(name) {
            return Ok(alias.group.clone());
        }
        if let Some(group) = self.groups.resolve(name) {
            return Ok(group.to_owned());
        }
        Err(if self.groups.is_pattern(name) {
            NoGroup::Pattern
        } else if self.absent.is_left_out(name) {
            NoGroup::LeftOut
        } else if self.absent.may_be_unread(name) {
            NoGroup::Unread
        } else {
            let aliases = routing.aliases.keys().map(String::as_str);
            let nearest = nearest(name, self.model_names().chain(aliases));
            NoGroup::Unknown(nearest.map(str::to_owned))
        })
    }

    /// Every `model_name`, in order.
    fn model_names(&self) -> impl Iterator<Item = &str> {
        self.groups.all().iter().map(|group| group.name.as_str())
    }

    /// The groups that a list names, each once: an alias may have named one before. What the list at this path loses is
    /// told. `group`: whose list it is, where that is known.
    fn targets(
        &mut self,
        routing: &Routing,
        group: Option<&str>,
        names: Vec<(String, FieldPath)>,
        list_at: &FieldPath,
    ) -> Vec<String> {
        let mut targets = Vec::new();
        let mut lost = Vec::new();
        for (name, at) in names {
            match self.group(routing, &name) {
                Ok(target) if Some(target.as_str()) == group => {
                    self.findings.remove(&at, "the same model again");
                    lost.push(format!("{name:?} (the same model again)"));
                }
                Ok(target) if targets.contains(&target) => {}
                Ok(target) => targets.push(target),
                Err(NoGroup::Pattern) => self.is_a_pattern(&name, &at),
                Err(none) => {
                    if let Some(loss) = none.loss(&name) {
                        self.findings.remove(&at, format!("the chain loses {loss}"));
                        lost.push(loss);
                    }
                }
            }
        }
        if !lost.is_empty() {
            let rest = if targets.is_empty() {
                ", and nothing is left of it"
            } else {
                ""
            };
            let message = format!("this chain loses {}{rest}", lost.join(", "));
            let warning = self.document.warning(Stake::LeftOut, list_at, message);
            self.findings.warn(warning);
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
