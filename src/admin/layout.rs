//! What all pages have in common: the head, the navigation, the way out.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::assets;
use super::session::Session;
use super::texts::{Texts, texts};

/// The common part of every view.
pub(super) struct Layout {
    pub(super) t: &'static Texts,
    pub(super) title: &'static str,
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
    pub(super) version: &'static str,
    /// Empty outside a session.
    pub(super) pages: Vec<Link>,
    /// What every form carries; `None` outside a session.
    pub(super) csrf: Option<String>,
}

/// A page in the navigation.
pub(super) struct Link {
    pub(super) address: &'static str,
    pub(super) name: &'static str,
    pub(super) is_current: bool,
}

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NavPage {
    Models,
    Usage,
    Logs,
    Keys,
    Settings,
}

impl NavPage {
    const ALL: [NavPage; 5] = [
        NavPage::Models,
        NavPage::Usage,
        NavPage::Logs,
        NavPage::Keys,
        NavPage::Settings,
    ];

    fn address(self) -> &'static str {
        match self {
            NavPage::Models => "/ui/models",
            NavPage::Usage => "/ui/usage",
            NavPage::Logs => "/ui/logs",
            NavPage::Keys => "/ui/keys",
            NavPage::Settings => "/ui/settings",
        }
    }

    fn name(self) -> &'static str {
        let t = texts();
        match self {
            NavPage::Models => t.models.title,
            NavPage::Usage => t.usage.title,
            NavPage::Logs => t.logs.title,
            NavPage::Keys => t.keys.title,
            NavPage::Settings => t.settings.title,
        }
    }
}

impl Layout {
    /// Around a page of the navigation.
    pub(super) fn of(page: NavPage, session: &Session) -> Self {
        let pages = NavPage::ALL.map(|other| Link {
            address: other.address(),
            name: other.name(),
            is_current: other == page,
        });
        Self {
            pages: pages.into(),
            csrf: Some(session.csrf.clone()),
            ..Self::outside(page.name())
        }
    }

    /// Around a page that is no part of the navigation.
    pub(super) fn outside(title: &'static str) -> Self {
        Self {
            t: texts(),
            title,
            style: assets::address("style.css"),
            script: assets::address("page.js"),
            icon: assets::address("icon.svg"),
            version: env!("CARGO_PKG_VERSION"),
            pages: Vec::new(),
            csrf: None,
        }
    }

    /// What the page's forms carry, or nothing.
    pub(super) fn token(&self) -> &str {
        self.csrf.as_deref().unwrap_or_default()
    }
}

/// The page as a reply.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, texts().error.fault).into_response()
        }
    }
}
