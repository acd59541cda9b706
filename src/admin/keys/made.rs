//! A key that was just made: shown once, with what a client has to be told.

use askama::Template;

use super::super::layout::{Layout, NavPage};
use super::super::session::Session;
use super::super::texts::texts;
use super::address;
use crate::app::AppState;
use crate::keys::{NewKey, VirtualKey};

#[derive(Template)]
#[template(path = "key_made.html", config = "src/admin/askama.toml")]
pub(super) struct MadePage {
    layout: Layout,
    name: String,
    key: String,
    address: String,
    /// What Cline asks for: the field's name, the value, and where it can be copied from.
    settings: Vec<(&'static str, String, &'static str)>,
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
        let mut settings = vec![
            (t.cline_provider, "LiteLLM".to_owned(), "provider"),
            (t.cline_url, base, "url"),
            (t.cline_key, made.key.clone(), "key-again"),
        ];
        if let Some(model) = model(app, &made.stored) {
            settings.push((t.cline_model, model, "model"));
        }
        Self {
            layout: Layout::of(NavPage::Keys, session),
            name: made.stored.label().to_owned(),
            key: made.key.clone(),
            address: address(&made.stored),
            settings,
        }
    }
}

/// The model to begin with: the default one, else the first that the key may ask for.
fn model(app: &AppState, key: &VirtualKey) -> Option<String> {
    let default = app.config.routing.default_model.iter();
    let groups = app.config.groups().iter();
    let groups = groups.filter(|group| !group.is_pattern());
    default
        .chain(groups.map(|group| &group.name))
        .find(|name| key.may_use(name, name, &app.config))
        .cloned()
}
