//! A key that was just made: shown once, with the settings of clients.

use askama::Template;

use super::super::layout::{Layout, NavPage};
use super::super::session::Session;
use super::super::texts::texts;
use super::address;
use super::setups::{Setup, setups};
use crate::app::AppState;
use crate::keys::{NewKey, VirtualKey};

#[derive(Template)]
#[template(path = "key_made.html", config = "src/admin/askama.toml")]
pub(super) struct MadePage {
    layout: Layout,
    name: String,
    key: String,
    address: String,
    /// What programs are set up with.
    setups: Vec<Setup>,
}

impl MadePage {
    /// `base`: under which address this gateway was reached.
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        made: &NewKey,
        base: Option<String>,
    ) -> Self {
        let t = &texts().keys;
        let base = base.unwrap_or_else(|| t.this_address.to_owned());
        let model = first_model(app, &made.stored);
        Self {
            layout: Layout::of(NavPage::Keys, session),
            name: made.stored.label().to_owned(),
            key: made.key.clone(),
            address: address(&made.stored),
            setups: model.map_or_else(Vec::new, |model| setups(&base, &made.key, &model)),
        }
    }
}

/// The model to begin with: the default one, else the first that the key may ask for.
pub(super) fn first_model(app: &AppState, key: &VirtualKey) -> Option<String> {
    let default = app.config.routing.default_model.iter();
    let groups = app.config.groups().iter();
    let groups = groups.filter(|group| !group.is_pattern());
    default
        .chain(groups.map(|group| &group.name))
        .find(|name| key.may_use(name, name, &app.config))
        .cloned()
}
