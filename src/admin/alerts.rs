//! The alerts: what people were told, when, and where it was sent.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::error::PageError;
use super::layout::{Layout, NavPage, render};
use super::numbers::TimeText;
use super::session::Session;
use super::texts::{alert_words, texts};
use crate::alerts::{AlertState, StoredAlert};
use crate::app::AppState;

/// Alerts on the page.
const MOST_SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "alerts.html", config = "src/admin/askama.toml")]
struct AlertsPage {
    layout: Layout,
    /// Where alerts are sent.
    channels: Vec<&'static str>,
    rows: Vec<AlertRow>,
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
) -> Result<Response, PageError> {
    let alerts = app.alerts.newest(MOST_SHOWN).await?;
    let page = AlertsPage {
        layout: Layout::of(NavPage::Alerts, &session),
        channels: app.alerts.channels().names(),
        rows: alerts.into_iter().map(AlertRow::from).collect(),
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
