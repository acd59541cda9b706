//! Two people who edit at once: what the other admin has saved meanwhile.

use std::collections::BTreeSet;

use super::super::texts::texts;
use super::draft::{ListKind, ListName, SettingsDraft};
use super::view::title_of;
use crate::config::Config;

/// A list that another admin has saved otherwise.
pub(super) struct ConflictingList {
    pub(super) title: String,
    pub(super) theirs: String,
    pub(super) yours: String,
}

/// The lists in which two drafts differ.
pub(super) fn differences(
    config: &Config,
    theirs: &SettingsDraft,
    yours: &SettingsDraft,
) -> Vec<ConflictingList> {
    let both = theirs.lists.keys().chain(yours.lists.keys());
    let which: BTreeSet<&ListName> = both.collect();
    let differing = which
        .into_iter()
        .filter(|which| theirs.lists.get(which) != yours.lists.get(which));
    differing
        .map(|which| ConflictingList {
            title: title_of(which),
            theirs: in_words(config, theirs, which),
            yours: in_words(config, yours, which),
        })
        .collect()
}

fn in_words(config: &Config, draft: &SettingsDraft, which: &ListName) -> String {
    let Some(list) = draft.lists.get(which) else {
        return texts().settings.no_list.to_owned();
    };
    let name = |member: &String| {
        let mut deployments = config.deployments();
        match deployments.find(|deployment| deployment.id == *member) {
            Some(deployment) if which.kind == ListKind::Order => {
                format!("{} {}", deployment.model_id, deployment.region)
            }
            _ => member.clone(),
        }
    };
    list.iter().map(name).collect::<Vec<_>>().join(" → ")
}
