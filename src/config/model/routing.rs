//! From the name in a request to a group, and from a group to its fallbacks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pattern;

/// Which group follows which, and other names for groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routing {
    /// What follows a group that failed.
    pub fallbacks: Fallbacks,
    /// `model_group_alias`. In a name, `*` stands for any text.
    pub aliases: BTreeMap<String, GroupAlias>,
    /// The group of a request that names no model (`default_model`).
    pub default_model: Option<String>,
    /// By group, the ids of its deployments in the order in which they are asked: what people have changed over the
    /// file ([`crate::config::Changes`]).
    pub order: BTreeMap<String, Vec<String>>,
}

/// The four fallback lists. Keys are groups, or `*` for all that are not named. As JSON it is part of
/// what the settings page saves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fallbacks {
    /// `fallbacks`.
    pub general: BTreeMap<String, Vec<String>>,
    /// `context_window_fallbacks`.
    pub context_window: BTreeMap<String, Vec<String>>,
    /// `content_policy_fallbacks`.
    pub content_policy: BTreeMap<String, Vec<String>>,
    /// `default_fallbacks`: for groups without any of their own in `fallbacks`.
    pub default: Vec<String>,
}

/// Why a fallback is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FallbackKind {
    /// Any failure that another model may not have.
    General,
    /// The prompt is too long for the model.
    ContextWindow,
    /// The model, or a guardrail before it, refused the content.
    ContentPolicy,
}

/// Another name for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAlias {
    /// The group.
    pub group: String,
    /// It works, but is not listed.
    pub hidden: bool,
}

impl Routing {
    /// The alias with a `*` that this name fits; where there are several, the one that says most of it.
    pub(super) fn pattern(&self, name: &str) -> Option<&GroupAlias> {
        let fitting = self
            .aliases
            .iter()
            .filter(|(alias, _)| pattern::fits_pattern(alias, name));
        let most = fitting.max_by_key(|(alias, _)| alias.len() - alias.matches('*').count());
        most.map(|(_, alias)| alias)
    }

    /// Whether the name fits an alias with a `*` of which `chosen` is true.
    pub(super) fn fits(&self, name: &str, chosen: impl Fn(&str) -> bool) -> bool {
        let mut aliases = self.aliases.keys();
        aliases.any(|alias| chosen(alias) && pattern::fits_pattern(alias, name))
    }
}

impl Fallbacks {
    /// The groups that follow, in order, without the group itself. A group that was expanded from a pattern has the
    /// lists of the pattern, unless it has its own.
    pub fn of(&self, group: &str, pattern: Option<&str>, kind: FallbackKind) -> Vec<&str> {
        let lists = match kind {
            FallbackKind::General => &self.general,
            FallbackKind::ContextWindow => &self.context_window,
            FallbackKind::ContentPolicy => &self.content_policy,
        };
        let default =
            (kind == FallbackKind::General && !self.default.is_empty()).then_some(&self.default);
        let own = lists.get(group).or_else(|| lists.get(pattern?));
        let list = own.or_else(|| lists.get("*")).or(default);
        let groups = list.into_iter().flatten().map(String::as_str);
        groups.filter(|next| *next != group).collect()
    }
}
