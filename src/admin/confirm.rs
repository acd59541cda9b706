//! The question before something is ended for good.

use askama::Template;

use super::layout::Layout;

/// A page that asks once more.
#[derive(Template)]
#[template(path = "confirm.html", config = "src/admin/askama.toml")]
pub(super) struct ConfirmPage {
    pub(super) layout: Layout,
    pub(super) title: &'static str,
    /// What it is about.
    pub(super) name: String,
    pub(super) text: &'static str,
    /// Where the form goes.
    pub(super) action: String,
    pub(super) button: &'static str,
    /// Where one goes who does not want it.
    pub(super) back: String,
}
