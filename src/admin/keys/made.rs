//! A key that an admin or a member has just made: shown once, with the set-ups of clients.

use askama::Template;

use super::super::layout::{Layout, NavPage};
use super::super::session::{OWN_PAGE, Session};
use super::super::texts::texts;
use super::address;
use super::setups::{Setup, setups};
use crate::app::AppState;
use crate::keys::{NewKey, VirtualKey};

#[derive(Template)]
#[template(path = "key_made.html", config = "src/admin/askama.toml")]
pub(in crate::admin) struct MadePage {
    layout: Layout,
    name: String,
    key: String,
    /// Where to go from here: text and address.
    links: Vec<(&'static str, String)>,
    /// What programs are set up with.
    setups: Vec<Setup>,
}

impl MadePage {
    /// For an admin. `base`: under which address this gateway was reached.
    pub(super) fn of_admin(
        app: &AppState,
        session: &Session,
        made: &NewKey,
        base: Option<String>,
    ) -> Self {
        let t = &texts().keys;
        let links = vec![
            (t.to_key, address(&made.stored)),
            (t.back, "/ui/keys".to_owned()),
        ];
        Self::new(app, Layout::of(NavPage::Keys, session), made, base, links)
    }

    /// For a member, who sees their own keys alone. `base`: under which address this gateway was reached.
    pub(in crate::admin) fn of_member(
        app: &AppState,
        session: &Session,
        made: &NewKey,
        base: Option<String>,
    ) -> Self {
        let links = vec![(texts().me.back, OWN_PAGE.to_owned())];
        Self::new(app, Layout::of(NavPage::Me, session), made, base, links)
    }

    fn new(
        app: &AppState,
        layout: Layout,
        made: &NewKey,
        base: Option<String>,
        links: Vec<(&'static str, String)>,
    ) -> Self {
        let base = base.unwrap_or_else(|| texts().keys.this_address.to_owned());
        let model = first_model(app, &made.stored);
        Self {
            layout,
            name: made.stored.label().to_owned(),
            key: made.key.clone(),
            links,
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
