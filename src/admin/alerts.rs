//! The alerts: what people were told, when, and where it was sent.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::error::PageError;
use super::layout::{Layout, NavPage, render};
use super::links;
use super::numbers::TimeText;
use super::session::Session;
use super::texts::{alert_words, texts};
use crate::alerts::{AlertState, StoredAlert};
use crate::app::AppState;

const ADDRESS: &str = "/ui/alerts";
/// Alerts on a page.
const PAGE: usize = 80;

#[derive(Template)]
#[template(path = "alerts.html", config = "src/admin/askama.toml")]
struct AlertsPage {
    layout: Layout,
    /// Where alerts are sent.
    channels: Vec<&'static str>,
    rows: Vec<AlertRow>,
    /// The page of older ones.
    older: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct AlertsQuery {
    /// The alert that the page before ended with.
    #[serde(default)]
    after: String,
}

struct AlertRow {
    noticed: TimeText,
    title: String,
    text: String,
    tone: &'static str,
    state: &'static str,
    sent_to: String,
    error: Option<String>,
}

/// `GET /ui/alerts`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    Query(asked): Query<AlertsQuery>,
) -> Result<Response, PageError> {
    let after = Some(asked.after.as_str()).filter(|after| !after.is_empty());
    let found = app.alerts.page(PAGE, after).await?;
    let page = AlertsPage {
        layout: Layout::of(NavPage::Alerts, &session),
        channels: app.alerts.channels().names(),
        older: found
            .next
            .map(|next| links::to(ADDRESS, &[("after", &next)])),
        rows: found.alerts.into_iter().map(AlertRow::from).collect(),
    };
    Ok(render(StatusCode::OK, &page))
}

impl From<StoredAlert> for AlertRow {
    fn from(alert: StoredAlert) -> Self {
        let t = &texts().alerts;
        let (tone, state) = match alert.state {
            AlertState::Sent if alert.sent_to.is_empty() => ("", t.noticed_only),
            AlertState::Sent => ("good", t.sent),
            AlertState::Pending => ("warn", t.pending),
            AlertState::Failed => ("bad", t.failed),
        };
        let words = alert_words(&alert);
        Self {
            noticed: alert.noticed.into(),
            title: words.title,
            text: words.text,
            tone,
            state,
            sent_to: alert.sent_to.join(", "),
            error: alert.error,
        }
    }
}
