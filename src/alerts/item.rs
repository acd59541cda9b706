//! Alerts in the table: made before they are sent, and marked when they were.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::channels::SendOutcome;
use super::{Alert, AlertKind};
use crate::store::{Item, Order, Range, StoreError, Table, keys};

/// After this long an alert that is still pending was left behind by whoever made it.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);
/// So often an alert is tried where a channel fails.
const MOST_TRIES: u64 = 10;

/// How far an alert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It is being sent, or is to be sent again.
    Pending,
    /// Every channel has it; there may be none.
    Sent,
    /// Some channel has refused it too often.
    Failed,
}

/// An alert as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAlert {
    /// See [`Alert::id`].
    pub id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// Whose budget, or which deployment.
    pub subject: String,
    /// One line.
    pub title: String,
    /// What else there is to say.
    pub text: String,
    /// The alert's fields for programs, which the pages tell in other languages; alerts of version 0.2.0 have none.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub detail: Map<String, Value>,
    /// When it was noticed.
    pub noticed: Timestamp,
    /// How far it has come.
    pub state: AlertState,
    /// When it was last tried.
    pub tried: Timestamp,
    /// Where it was sent.
    #[serde(default)]
    pub sent_to: Vec<String>,
    /// Why it was not sent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Two writers never overwrite each other.
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
}

/// Some of the alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPage {
    /// The newest first.
    pub alerts: Vec<StoredAlert>,
    /// The id that the next page comes after.
    pub next: Option<String>,
}

/// Who sends an alert.
#[derive(Debug)]
pub(super) enum Claim {
    /// This process.
    Ours(Box<StoredAlert>),
    /// Another one is at it.
    Others,
    /// It was sent, or was given up.
    Done,
}

/// Makes the alert's item, or takes over one that was left behind.
pub(super) async fn claim(
    table: &Table,
    alert: &Alert,
    now: Timestamp,
) -> Result<Claim, StoreError> {
    let new = StoredAlert::new(alert, now);
    if put(table, &new, None).await? {
        return Ok(Claim::Ours(Box::new(new)));
    }
    let found: Option<StoredAlert> = table.get(&keys::alert(&alert.id)).await?;
    let Some(found) = found else {
        return Ok(Claim::Others);
    };
    let abandoned = found.tried.checked_add(ABANDONED_AFTER);
    if found.state != AlertState::Pending {
        return Ok(Claim::Done);
    }
    if abandoned.is_ok_and(|at| at > now) {
        return Ok(Claim::Others);
    }
    let seen = found.version;
    let ours = StoredAlert {
        tried: now,
        version: seen + 1,
        ..found
    };
    Ok(match put(table, &ours, Some(seen)).await? {
        true => Claim::Ours(Box::new(ours)),
        false => Claim::Others,
    })
}

impl StoredAlert {
    /// An alert that was noticed just now.
    pub(crate) fn new(alert: &Alert, now: Timestamp) -> Self {
        Self {
            id: alert.id.clone(),
            kind: alert.kind,
            subject: alert.subject.clone(),
            title: alert.title.clone(),
            text: alert.text.clone(),
            detail: alert.detail.clone(),
            noticed: now,
            state: AlertState::Pending,
            tried: now,
            sent_to: Vec::new(),
            error: None,
            version: 1,
            expires: alert.expires,
        }
    }

    /// Marks what has become of it; false: it is to be tried again.
    pub(super) async fn finish(
        self,
        table: &Table,
        outcomes: &[SendOutcome],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut errors = Vec::new();
        let mut sent_to = self.sent_to.clone();
        for (channel, outcome) in outcomes {
            match outcome {
                Ok(()) => sent_to.push((*channel).to_owned()),
                Err(error) => errors.push(format!("{channel}: {error}")),
            }
        }
        let state = match errors.is_empty() {
            true => AlertState::Sent,
            // A try makes two versions: it begins and it ends.
            false if self.version.div_ceil(2) >= MOST_TRIES => AlertState::Failed,
            false => AlertState::Pending,
        };
        let seen = self.version;
        let finished = StoredAlert {
            state,
            tried: now,
            sent_to,
            error: (!errors.is_empty()).then(|| errors.join("; ")),
            version: seen + 1,
            ..self
        };
        put(table, &finished, Some(seen)).await?;
        Ok(state != AlertState::Pending)
    }
}

/// False: another version is there.
async fn put(table: &Table, alert: &StoredAlert, seen: Option<u64>) -> Result<bool, StoreError> {
    let item = Item::new(&keys::alert(&alert.id), alert)?;
    let item = match alert.expires {
        Some(at) => item.expires(at),
        None => item,
    };
    match table.put_over(item, seen).await {
        Ok(()) => Ok(true),
        Err(StoreError::ConditionFailed { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Alerts of the newest windows and hours, or of those before the page that ended with the alert of this id.
pub(super) async fn page(
    table: &Table,
    most: usize,
    after: Option<&str>,
) -> Result<AlertPage, StoreError> {
    let range = match after {
        // The key of an item is never empty.
        Some(after) => Range::Between(" ".to_owned(), after.to_owned()),
        None => Range::All,
    };
    // The one that the page before ended with, and one that says that there are more.
    let wanted = most.saturating_add(2);
    let found = table.query(keys::ALERTS, &range, Order::Descending, wanted);
    let mut alerts: Vec<StoredAlert> = found.await?;
    alerts.retain(|alert| after != Some(&alert.id));
    let has_more = alerts.len() > most;
    alerts.truncate(most);
    let last = alerts.last().map(|alert| alert.id.clone());
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.noticed));
    Ok(AlertPage {
        next: last.filter(|_| has_more),
        alerts,
    })
}
