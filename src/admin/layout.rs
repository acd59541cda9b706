//! What all pages have in common: the head, the navigation, the logout.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::assets;
use super::language::{self, Language};
use super::session::{OWN_PAGE, Session, SignedIn};
use super::texts::{Texts, texts};
use crate::identity::Access;

/// The common part of every view.
pub(super) struct Layout {
    pub(super) t: &'static Texts,
    pub(super) title: &'static str,
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
    pub(super) version: &'static str,
    /// The other languages: tag, and what each calls itself.
    pub(super) languages: Vec<(&'static str, &'static str)>,
    /// Empty outside a session.
    pub(super) pages: Vec<Link>,
    /// Whether everything may be changed.
    pub(super) is_admin: bool,
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
    Overview,
    Models,
    Usage,
    Logs,
    Sessions,
    Keys,
    Teams,
    Alerts,
    Settings,
    Playground,
    Docs,
    Audit,
    Me,
}

impl NavPage {
    const ALL: [NavPage; 12] = [
        NavPage::Overview,
        NavPage::Usage,
        NavPage::Logs,
        NavPage::Sessions,
        NavPage::Models,
        NavPage::Playground,
        NavPage::Keys,
        NavPage::Teams,
        NavPage::Alerts,
        NavPage::Audit,
        NavPage::Settings,
        NavPage::Docs,
    ];

    /// Those that a session may see.
    fn of(session: &Session) -> Vec<NavPage> {
        let mut pages = match session.access {
            Access::Admin | Access::Viewer => NavPage::ALL.to_vec(),
            Access::Member => vec![NavPage::Playground, NavPage::Docs],
        };
        match (session.access, &session.who) {
            (_, SignedIn::Password) => {}
            // It is the first page of members.
            (Access::Member, _) => pages.insert(0, NavPage::Me),
            (Access::Admin | Access::Viewer, _) => pages.push(NavPage::Me),
        }
        pages
    }

    fn address(self) -> &'static str {
        match self {
            NavPage::Overview => "/ui",
            NavPage::Models => "/ui/models",
            NavPage::Usage => "/ui/usage",
            NavPage::Logs => "/ui/logs",
            NavPage::Sessions => "/ui/sessions",
            NavPage::Keys => "/ui/keys",
            NavPage::Teams => "/ui/teams",
            NavPage::Alerts => "/ui/alerts",
            NavPage::Settings => "/ui/settings",
            NavPage::Playground => "/ui/playground",
            NavPage::Docs => "/ui/docs",
            NavPage::Audit => "/ui/audit",
            NavPage::Me => OWN_PAGE,
        }
    }

    fn name(self) -> &'static str {
        let t = texts();
        match self {
            NavPage::Overview => t.overview.title,
            NavPage::Models => t.models.title,
            NavPage::Usage => t.usage.title,
            NavPage::Logs => t.logs.title,
            NavPage::Sessions => t.logs.sessions,
            NavPage::Keys => t.keys.title,
            NavPage::Teams => t.teams.title,
            NavPage::Alerts => t.alerts.title,
            NavPage::Settings => t.settings.title,
            NavPage::Playground => t.playground.title,
            NavPage::Docs => t.docs.title,
            NavPage::Audit => t.audit.nav,
            NavPage::Me => t.me.nav,
        }
    }
}

impl Layout {
    /// Around a page of the navigation.
    pub(super) fn of(page: NavPage, session: &Session) -> Self {
        Self::within(page.name(), Some(page), session)
    }

    /// Around a page within a session that is no part of the navigation.
    pub(super) fn beside(title: &'static str, session: &Session) -> Self {
        Self::within(title, None, session)
    }

    fn within(title: &'static str, page: Option<NavPage>, session: &Session) -> Self {
        let pages = NavPage::of(session).into_iter().map(|other| Link {
            address: other.address(),
            name: other.name(),
            is_current: Some(other) == page,
        });
        Self {
            pages: pages.collect(),
            is_admin: session.is_admin(),
            csrf: Some(session.csrf.clone()),
            ..Self::outside(title)
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
            languages: Language::ALL
                .into_iter()
                .filter(|language| *language != language::current())
                .map(|language| (language.tag(), language.name()))
                .collect(),
            pages: Vec::new(),
            is_admin: false,
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
