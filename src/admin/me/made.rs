//! A key that a member has just made: shown once, with the set-ups of clients.

use askama::Template;

use super::super::keys::setups::{Setup, setups};
use super::super::layout::{Layout, NavPage};
use super::super::session::Session;
use super::super::texts::texts;
use crate::app::AppState;
use crate::keys::{NewKey, VirtualKey};

#[derive(Template)]
#[template(path = "me_made.html", config = "src/admin/askama.toml")]
pub(super) struct OwnMadePage {
    layout: Layout,
    name: String,
    key: String,
    /// What programs are set up with.
    setups: Vec<Setup>,
}

impl OwnMadePage {
    /// `base`: where browsers find this gateway.
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        made: &NewKey,
        base: Option<String>,
    ) -> Self {
        let base = base.unwrap_or_else(|| texts().keys.this_address.to_owned());
        let model = first_model(app, &made.stored);
        Self {
            layout: Layout::of(NavPage::Me, session),
            name: made.stored.label().to_owned(),
            key: made.key.clone(),
            setups: model.map_or_else(Vec::new, |model| setups(&base, &made.key, &model)),
        }
    }
}

/// The model to begin with: the default one, else the first that the key may ask for.
fn first_model(app: &AppState, key: &VirtualKey) -> Option<String> {
    let default = app.config.routing.default_model.iter();
    let groups = app.config.groups().iter();
    let groups = groups.filter(|group| !group.is_pattern());
    default
        .chain(groups.map(|group| &group.name))
        .find(|name| key.may_use(name, name, &app.config))
        .cloned()
}
