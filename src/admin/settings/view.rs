//! The settings as the page shows them: a draft, what is wrong with it, and what it means.

use std::sync::Arc;

use askama::Template;

use super::super::layout::{Layout, NavPage};
use super::super::numbers::{TimeText, today};
use super::super::session::Session;
use super::super::texts::{Told, texts};
use super::action::{new_first, new_for};
use super::capability_diff::{Lacks, lacks};
use super::conflict::{ConflictingList, differences};
use super::draft::{ListKind, ListName, SettingsDraft};
use crate::app::AppState;
use crate::catalog::Model;
use crate::chain::SavedSettings;
use crate::config::{Changes, Config, Group, Warning};

#[derive(Template)]
#[template(path = "settings.html", config = "src/admin/askama.toml")]
pub(super) struct SettingsPage {
    layout: Layout,
    file: String,
    saved: Option<SavedView>,
    seen: String,
    is_saved_now: bool,
    is_unsaved: bool,
    /// What another admin has saved meanwhile, where it differs from the draft.
    conflict: Option<Vec<ConflictingList>>,
    error: Option<String>,
    /// Why what was saved is not in force, where it is not.
    misfit: Option<String>,
    warnings: Vec<String>,
    sections: Vec<ListSection>,
    orders: Vec<ChainList>,
    yaml: String,
    storing: StoringView,
}

/// What is stored of prompts and replies.
struct StoringView {
    /// As it is in force.
    is_on: bool,
    days: String,
    /// What the file says; nothing is laid over it.
    is_of_file: bool,
    /// The version that the form was made from.
    seen: String,
}

/// What happened before the page was made.
pub(super) enum Notice {
    Saved,
    Conflict,
}

struct SavedView {
    version: u64,
    at: TimeText,
}

/// All lists of a kind.
struct ListSection {
    title: &'static str,
    lead: &'static str,
    kind: &'static str,
    lists: Vec<ChainList>,
    /// The groups for which a list can be begun, each with its field, and the fields of the row that begins it.
    beginners: Vec<(String, String)>,
    new_for: String,
    new_first: String,
    groups: Vec<String>,
}

/// One list.
struct ChainList {
    title: String,
    anchor: String,
    field: String,
    /// The list is in the draft; an order that is not, is the file's.
    is_there: bool,
    members: Vec<ListMember>,
    /// What its removal is called.
    drop: &'static str,
    choice: String,
    choices: Vec<String>,
}

struct ListMember {
    value: String,
    name: String,
    detail: String,
    place: usize,
    is_first: bool,
    is_last: bool,
    lacks: Lacks,
}

impl SettingsPage {
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        draft: SettingsDraft,
        saved: Option<SavedSettings>,
        notice: Option<Notice>,
    ) -> Self {
        let config = &app.config;
        let t = &texts().settings;
        let there = SettingsDraft::of(config, saved.as_ref());
        let changed = config.changed(&draft.changes(config));
        let misfit = saved
            .as_ref()
            .and_then(|saved| config.changed(&saved.changes).err())
            .map(|wrong| wrong.told());
        let conflict = matches!(notice, Some(Notice::Conflict));
        let kinds = [
            (ListKind::General, t.general, t.general_lead),
            (ListKind::ContextWindow, t.context, t.context_lead),
            (ListKind::ContentPolicy, t.content, t.content_lead),
        ];
        let several = config
            .groups()
            .iter()
            .filter(|group| group.deployments.len() > 1 && !group.is_pattern());
        Self {
            layout: Layout::of(NavPage::Settings, session),
            file: config.name.clone(),
            misfit,
            saved: saved.as_ref().and_then(SavedView::of),
            seen: draft.seen.map(|seen| seen.to_string()).unwrap_or_default(),
            is_saved_now: matches!(notice, Some(Notice::Saved)),
            is_unsaved: draft.lists != there.lists,
            conflict: conflict.then(|| differences(config, &there, &draft)),
            warnings: changed
                .as_ref()
                .map_or_else(|_| Vec::new(), |config| config.warnings(today()))
                .iter()
                .map(Warning::text)
                .collect(),
            yaml: changed
                .as_ref()
                .map(Config::routing_yaml)
                .unwrap_or_default(),
            storing: StoringView::new(config, saved.as_ref()),
            error: changed.err().map(|wrong| wrong.told()),
            sections: kinds
                .map(|(kind, title, lead)| ListSection::new(config, &draft, kind, title, lead))
                .into(),
            orders: several
                .map(|group| ChainList::order(config, &draft, &group.name))
                .collect(),
        }
    }
}

impl StoringView {
    fn new(config: &Config, saved: Option<&SavedSettings>) -> Self {
        let laid_over = saved.and_then(|saved| saved.changes.storing);
        let days = laid_over.and_then(|storing| storing.days);
        let days = days.or(config.general.content_retention_days);
        Self {
            is_on: laid_over.map_or(config.general.store_prompts, |storing| storing.prompts),
            days: days.map(|days| days.to_string()).unwrap_or_default(),
            is_of_file: laid_over.is_none(),
            seen: saved
                .map(|saved| saved.version.to_string())
                .unwrap_or_default(),
        }
    }
}

impl SavedView {
    /// `None`: nothing of what was saved differs from the file, whose chains are in force.
    fn of(saved: &SavedSettings) -> Option<Self> {
        let chains = Changes {
            storing: None,
            ..saved.changes.clone()
        };
        (chains != Changes::default()).then(|| Self {
            version: saved.version,
            at: TimeText::from(saved.at),
        })
    }
}

impl ListSection {
    fn new(
        config: &Config,
        draft: &SettingsDraft,
        kind: ListKind,
        title: &'static str,
        lead: &'static str,
    ) -> Self {
        let names = |group: &Arc<Group>| group.name.clone();
        let groups = config.groups().iter();
        // A pattern itself cannot be asked.
        let askable = groups.clone().filter(|group| !group.is_pattern());
        let askable: Vec<String> = askable.map(names).collect();
        // In the file's order; what is for all others comes last.
        let mut possible: Vec<ListName> = groups
            .map(|group| ListName::new(kind, &group.name))
            .collect();
        possible.push(ListName::new(kind, "*"));
        if kind == ListKind::General {
            possible.push(ListName::new(ListKind::Default, ""));
        }
        let unknown = draft.lists.keys().filter(|which| which.kind == kind);
        let unknown: Vec<ListName> = unknown
            .filter(|which| !possible.contains(which))
            .cloned()
            .collect();
        possible.extend(unknown);
        let (there, missing): (Vec<_>, Vec<_>) = possible
            .into_iter()
            .partition(|which| draft.lists.contains_key(which));
        Self {
            title,
            lead,
            kind: kind.as_str(),
            lists: there
                .iter()
                .map(|which| ChainList::fallbacks(config, draft, which, &askable))
                .collect(),
            beginners: missing
                .iter()
                // One list for all others is enough; the file may have two.
                .filter(|which| !(kind == ListKind::General && which.group == "*"))
                .map(|which| (which.field(), title_of(which)))
                .collect(),
            new_for: new_for(kind.as_str()),
            new_first: new_first(kind.as_str()),
            groups: askable,
        }
    }
}

impl ChainList {
    fn fallbacks(
        config: &Config,
        draft: &SettingsDraft,
        which: &ListName,
        groups: &[String],
    ) -> Self {
        let list = draft.list(config, which);
        let first = model_of(config, &which.group);
        let members = list.iter().enumerate().map(|(place, name)| ListMember {
            value: name.clone(),
            name: name.clone(),
            detail: String::new(),
            place,
            is_first: place == 0,
            is_last: place + 1 == list.len(),
            lacks: match (&first, model_of(config, name)) {
                (Some(first), Some(next)) => lacks(first, &next),
                _ => Lacks::default(),
            },
        });
        let choices = groups
            .iter()
            .filter(|name| **name != which.group && !list.contains(name));
        Self {
            members: members.collect(),
            choices: choices.cloned().collect(),
            ..Self::empty(config, draft, which)
        }
    }

    fn order(config: &Config, draft: &SettingsDraft, group: &str) -> Self {
        let which = ListName::new(ListKind::Order, group);
        let ids = draft.list(config, &which);
        let group = config.group(group);
        let deployments = group.as_ref().map(|group| group.deployments.as_slice());
        let deployments = deployments.unwrap_or_default();
        let members = ids.iter().enumerate().filter_map(|(place, id)| {
            let deployment = deployments.iter().find(|deployment| deployment.id == *id)?;
            Some(ListMember {
                value: id.clone(),
                name: deployment.model_id.clone(),
                detail: deployment.region.clone(),
                place,
                is_first: place == 0,
                is_last: place + 1 == ids.len(),
                lacks: Lacks::default(),
            })
        });
        Self {
            members: members.collect(),
            ..Self::empty(config, draft, &which)
        }
    }

    fn empty(config: &Config, draft: &SettingsDraft, which: &ListName) -> Self {
        let place = config
            .groups()
            .iter()
            .position(|group| group.name == which.group);
        let place = place.map_or_else(|| "others".to_owned(), |place| place.to_string());
        Self {
            title: title_of(which),
            anchor: format!("{}-{place}", which.kind.as_str()),
            field: which.field(),
            is_there: draft.lists.contains_key(which),
            members: Vec::new(),
            drop: if which.kind == ListKind::Order {
                texts().settings.as_file
            } else {
                texts().settings.drop
            },
            choice: which.choice(),
            choices: Vec::new(),
        }
    }
}

pub(super) fn title_of(which: &ListName) -> String {
    match (which.kind, which.group.as_str()) {
        (ListKind::Default, _) | (_, "*") => texts().settings.all_others.to_owned(),
        (_, group) => group.to_owned(),
    }
}

fn model_of(config: &Config, group: &str) -> Option<Model> {
    let group = config.group(group)?;
    let first = group.deployments.first();
    first.map(|deployment| deployment.model.clone())
}
