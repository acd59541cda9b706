//! Chains that are being edited. The whole draft travels in the form: every button sends it, one of them saves it, and
//! nothing of it is kept here.

use std::collections::BTreeMap;

use super::super::form::FormFields;
use super::action::ListEdit;
use crate::chain::SavedSettings;
use crate::config::{Changes, Config, Fallbacks};
/// The field with the version that the draft was made from.
pub(super) const SEEN: &str = "seen";

/// Chains that are being edited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SettingsDraft {
    /// The version that was in the table when the draft was begun; `None`: none.
    pub(super) seen: Option<u64>,
    /// Of orders, only those that were changed.
    pub(super) lists: BTreeMap<ListName, Vec<String>>,
}

/// One list: its kind, and the group that it is for; the default one is for none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListName {
    pub(super) kind: ListKind,
    pub(super) group: String,
}

/// Which kind of list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ListKind {
    /// `fallbacks`.
    General,
    /// `default_fallbacks`.
    Default,
    /// `context_window_fallbacks`.
    ContextWindow,
    /// `content_policy_fallbacks`.
    ContentPolicy,
    /// The order of a group's deployments, by their ids.
    Order,
}

impl ListKind {
    const NAMES: [(ListKind, &'static str); 5] = [
        (ListKind::General, "fallbacks"),
        (ListKind::Default, "default"),
        (ListKind::ContextWindow, "context"),
        (ListKind::ContentPolicy, "content"),
        (ListKind::Order, "order"),
    ];

    /// Its name in fields.
    pub(super) fn as_str(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(kind, _)| *kind == self);
        known.map_or("", |(_, name)| name)
    }
}

impl ListName {
    pub(super) fn new(kind: ListKind, group: impl Into<String>) -> Self {
        let group = group.into();
        Self { kind, group }
    }

    /// The name of its fields: each holds one member; one that holds nothing says that the list is there.
    pub(super) fn field(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.group)
    }

    /// The name of the field that chooses what is added to it.
    pub(super) fn choice(&self) -> String {
        format!("add-{}", self.field())
    }

    pub(super) fn parse(field: &str) -> Option<Self> {
        let (name, group) = field.split_once(':')?;
        let (kind, _) = ListKind::NAMES.iter().find(|(_, known)| *known == name)?;
        Some(Self::new(*kind, group))
    }
}

impl SettingsDraft {
    /// What holds now.
    pub(super) fn of(config: &Config, saved: Option<&SavedSettings>) -> Self {
        let changes = saved.map(|saved| &saved.changes);
        let fallbacks = changes.and_then(|changes| changes.fallbacks.as_ref());
        let fallbacks = fallbacks.unwrap_or(&config.routing.fallbacks);
        let order = changes.map(|changes| changes.order.clone());
        let maps = [
            (ListKind::General, fallbacks.general.clone()),
            (ListKind::ContextWindow, fallbacks.context_window.clone()),
            (ListKind::ContentPolicy, fallbacks.content_policy.clone()),
            (ListKind::Order, order.unwrap_or_default()),
        ];
        let lists = maps.into_iter().flat_map(|(kind, map)| {
            map.into_iter()
                .map(move |(group, list)| (ListName::new(kind, group), list))
        });
        let default = (
            ListName::new(ListKind::Default, ""),
            fallbacks.default.clone(),
        );
        let default = Some(default).filter(|(_, list)| !list.is_empty());
        Self {
            seen: saved.map(|saved| saved.version),
            lists: lists.chain(default).collect(),
        }
    }

    /// The draft that a form carries.
    pub(super) fn read(fields: &FormFields) -> Self {
        let mut lists = BTreeMap::<ListName, Vec<String>>::new();
        for (name, value) in &fields.0 {
            if let Some(which) = ListName::parse(name) {
                let list = lists.entry(which).or_default();
                list.extend(Some(value.clone()).filter(|value| !value.is_empty()));
            }
        }
        Self {
            seen: fields.get(SEEN).parse().ok(),
            lists,
        }
    }

    /// What would be saved of the chains. Fallbacks that are those of the file are not laid over it.
    pub(super) fn changes(&self, config: &Config) -> Changes {
        let of = |wanted: ListKind| {
            let lists = self.lists.iter();
            lists
                .filter(move |(which, _)| which.kind == wanted)
                .map(|(which, list)| (which.group.clone(), list.clone()))
        };
        let fallbacks = Fallbacks {
            general: of(ListKind::General).collect(),
            context_window: of(ListKind::ContextWindow).collect(),
            content_policy: of(ListKind::ContentPolicy).collect(),
            default: of(ListKind::Default).flat_map(|(_, list)| list).collect(),
        };
        Changes {
            fallbacks: Some(fallbacks).filter(|fallbacks| *fallbacks != config.routing.fallbacks),
            order: of(ListKind::Order).collect(),
            storing: None,
        }
    }

    /// The list; an order that was not changed is the file's.
    pub(super) fn list(&self, config: &Config, which: &ListName) -> Vec<String> {
        let mut list = self.lists.get(which).cloned().unwrap_or_default();
        if which.kind == ListKind::Order
            && let Some(group) = config.group(&which.group)
        {
            let ids: Vec<_> = group.deployments.iter().map(|one| one.id.clone()).collect();
            list.retain(|id| ids.contains(id));
            let missing: Vec<_> = ids.into_iter().filter(|id| !list.contains(id)).collect();
            list.extend(missing);
        }
        list
    }

    /// Makes a change. One that does not fit the draft changes nothing.
    pub(super) fn apply(&mut self, config: &Config, edit: ListEdit) {
        let (ListEdit::Up(_, which)
        | ListEdit::Down(_, which)
        | ListEdit::Remove(_, which)
        | ListEdit::Add(_, which)
        | ListEdit::Drop(which)) = &edit;
        let which = which.clone();
        let mut list = self.list(config, &which);
        match edit {
            ListEdit::Up(place, _) if 0 < place && place < list.len() => {
                list.swap(place - 1, place)
            }
            ListEdit::Down(place, _) if place.saturating_add(1) < list.len() => {
                list.swap(place, place + 1);
            }
            ListEdit::Remove(place, _) if place < list.len() => {
                list.remove(place);
            }
            ListEdit::Add(name, _) if !name.is_empty() && !list.contains(&name) => list.push(name),
            ListEdit::Drop(_) => {
                self.lists.remove(&which);
                return;
            }
            _ => return,
        }
        self.lists.insert(which, list);
    }
}
