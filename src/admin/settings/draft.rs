//! Chains that are being edited. The whole draft travels in the form: every button sends it, one of them saves it, and
//! nothing of it is kept here.

use std::collections::BTreeMap;

use super::super::form::Fields;
use super::action::Edit;
use crate::chain::Saved;
use crate::config::{Changes, Config, Fallbacks};
/// The field with the version that the draft was made from.
pub(super) const SEEN: &str = "seen";

/// Chains that are being edited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Draft {
    /// The version that was in the table when the draft was begun; `None`: none.
    pub(super) seen: Option<u64>,
    /// Of orders, only those that were changed.
    pub(super) lists: BTreeMap<Which, Vec<String>>,
}

/// One list: its kind, and the group that it is for; the default one is for none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Which {
    pub(super) kind: Kind,
    pub(super) group: String,
}

/// Which kind of list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
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

impl Kind {
    const NAMES: [(Kind, &'static str); 5] = [
        (Kind::General, "fallbacks"),
        (Kind::Default, "default"),
        (Kind::ContextWindow, "context"),
        (Kind::ContentPolicy, "content"),
        (Kind::Order, "order"),
    ];

    /// Its name in fields.
    pub(super) fn as_str(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(kind, _)| *kind == self);
        known.map_or("", |(_, name)| name)
    }
}

impl Which {
    pub(super) fn new(kind: Kind, group: impl Into<String>) -> Self {
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
        let (kind, _) = Kind::NAMES.iter().find(|(_, known)| *known == name)?;
        Some(Self::new(*kind, group))
    }
}

impl Draft {
    /// What holds now.
    pub(super) fn of(config: &Config, saved: Option<&Saved>) -> Self {
        let changes = saved.map(|saved| &saved.changes);
        let fallbacks = changes.and_then(|changes| changes.fallbacks.as_ref());
        let fallbacks = fallbacks.unwrap_or(&config.routing.fallbacks);
        let order = changes.map(|changes| changes.order.clone());
        let maps = [
            (Kind::General, fallbacks.general.clone()),
            (Kind::ContextWindow, fallbacks.context_window.clone()),
            (Kind::ContentPolicy, fallbacks.content_policy.clone()),
            (Kind::Order, order.unwrap_or_default()),
        ];
        let lists = maps.into_iter().flat_map(|(kind, map)| {
            map.into_iter()
                .map(move |(group, list)| (Which::new(kind, group), list))
        });
        let default = (Which::new(Kind::Default, ""), fallbacks.default.clone());
        let default = Some(default).filter(|(_, list)| !list.is_empty());
        Self {
            seen: saved.map(|saved| saved.version),
            lists: lists.chain(default).collect(),
        }
    }

    /// The draft that a form carries.
    pub(super) fn read(fields: &Fields) -> Self {
        let mut lists = BTreeMap::<Which, Vec<String>>::new();
        for (name, value) in &fields.0 {
            if let Some(which) = Which::parse(name) {
                let list = lists.entry(which).or_default();
                list.extend(Some(value.clone()).filter(|value| !value.is_empty()));
            }
        }
        Self {
            seen: fields.get(SEEN).parse().ok(),
            lists,
        }
    }

    /// What would be saved. Fallbacks that are those of the file are not laid over it.
    pub(super) fn changes(&self, config: &Config) -> Changes {
        let of = |wanted: Kind| {
            let lists = self.lists.iter();
            lists
                .filter(move |(which, _)| which.kind == wanted)
                .map(|(which, list)| (which.group.clone(), list.clone()))
        };
        let fallbacks = Fallbacks {
            general: of(Kind::General).collect(),
            context_window: of(Kind::ContextWindow).collect(),
            content_policy: of(Kind::ContentPolicy).collect(),
            default: of(Kind::Default).flat_map(|(_, list)| list).collect(),
        };
        Changes {
            fallbacks: Some(fallbacks).filter(|fallbacks| *fallbacks != config.routing.fallbacks),
            order: of(Kind::Order).collect(),
        }
    }

    /// The list; an order that was not changed is the file's.
    pub(super) fn list(&self, config: &Config, which: &Which) -> Vec<String> {
        let mut list = self.lists.get(which).cloned().unwrap_or_default();
        if which.kind == Kind::Order
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
    pub(super) fn apply(&mut self, config: &Config, edit: Edit) {
        let (Edit::Up(_, which)
        | Edit::Down(_, which)
        | Edit::Remove(_, which)
        | Edit::Add(_, which)
        | Edit::Drop(which)) = &edit;
        let which = which.clone();
        let mut list = self.list(config, &which);
        match edit {
            Edit::Up(place, _) if 0 < place && place < list.len() => list.swap(place - 1, place),
            Edit::Down(place, _) if place.saturating_add(1) < list.len() => {
                list.swap(place, place + 1);
            }
            Edit::Remove(place, _) if place < list.len() => {
                list.remove(place);
            }
            Edit::Add(name, _) if !name.is_empty() && !list.contains(&name) => list.push(name),
            Edit::Drop(_) => {
                self.lists.remove(&which);
                return;
            }
            _ => return,
        }
        self.lists.insert(which, list);
    }
}
