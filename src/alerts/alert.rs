//! One alert: its id, which is the same whoever notices it, and what it says.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::store::time;

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A budget has reached a share of its limit.
    ThresholdCrossed,
    /// A budget is spent.
    BudgetCrossed,
    /// A budget's soft limit is spent.
    SoftBudgetCrossed,
    /// A deployment rests for long.
    DeploymentRests,
    /// Many requests fail.
    RequestsFail,
    /// Spend is in the log instead of the table.
    SpendUnrecorded,
    /// Of a later version.
    #[serde(other)]
    Other,
}

impl AlertKind {
    /// Its word, LiteLLM's where it has one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ThresholdCrossed => "threshold_crossed",
            Self::BudgetCrossed => "budget_crossed",
            Self::SoftBudgetCrossed => "soft_budget_crossed",
            Self::DeploymentRests => "deployment_rests",
            Self::RequestsFail => "requests_fail",
            Self::SpendUnrecorded => "spend_unrecorded",
            Self::Other => "other",
        }
    }

    /// The type of its event on an event bus.
    pub(super) fn detail_type(self) -> &'static str {
        match self {
            Self::ThresholdCrossed | Self::BudgetCrossed | Self::SoftBudgetCrossed => {
                "Budget Threshold Crossed"
            }
            Self::DeploymentRests => "Deployment Resting",
            Self::RequestsFail => "Requests Failing",
            Self::SpendUnrecorded => "Spend Unrecorded",
            Self::Other => "Alert",
        }
    }

    /// Whether it is sent although the table, in which it would be marked, is away: it says so itself.
    pub(super) fn needs_no_table(self) -> bool {
        self == Self::SpendUnrecorded
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Made of its subject, the window and the threshold: a receiver that gets an alert twice knows it by this.
    pub id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// Whose budget, or which deployment.
    pub subject: String,
    /// One line.
    pub title: String,
    /// What else there is to say, in sentences.
    pub text: String,
    /// The alert's fields for programs.
    pub detail: Map<String, Value>,
    /// When its item may be forgotten; `None`: never.
    pub(super) expires: Option<Timestamp>,
}

/// Alerts that are not of a budget's window are kept so long.
const RETENTION: std::time::Duration = std::time::Duration::from_secs(400 * 24 * 60 * 60);

impl Alert {
    /// Once a day for each deployment and class of failure.
    pub(crate) fn deployment_rests(
        deployment: &str,
        group: &str,
        class: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Alert {
        let day = time::day(now);
        Alert {
            id: format!("{day}#deployment#{deployment}#{class}"),
            kind: AlertKind::DeploymentRests,
            subject: group.to_owned(),
            title: format!("A deployment of {group} is not called: {class}"),
            text: format!(
                "It cools down until {}, and again while it fails: {deployment}. The Models page shows why.",
                time::sortable(until)
            ),
            detail: fields(&[
                ("deployment", deployment.into()),
                ("model_group", group.into()),
                ("failure_class", class.into()),
                ("rests_until", time::sortable(until).into()),
            ]),
            expires: Some(now + RETENTION),
        }
    }

    /// Once an hour.
    pub(crate) fn requests_fail(
        failures: u64,
        requests: u64,
        minutes: u64,
        now: Timestamp,
    ) -> Alert {
        Alert {
            id: format!("{}#failing", hour(now)),
            kind: AlertKind::RequestsFail,
            subject: "all requests".to_owned(),
            title: format!("{failures} of {requests} requests failed within {minutes} minutes"),
            text: "One process has counted them. The Logs page shows which, and why.".to_owned(),
            detail: fields(&[
                ("failures", failures.into()),
                ("requests", requests.into()),
                ("minutes", minutes.into()),
            ]),
            expires: Some(now + RETENTION),
        }
    }

    /// Once an hour.
    pub(crate) fn spend_unrecorded(spend: Decimal, now: Timestamp) -> Alert {
        let spend = spend.normalize();
        Alert {
            id: format!("{}#unrecorded", hour(now)),
            kind: AlertKind::SpendUnrecorded,
            subject: "the table".to_owned(),
            title: "Spend is in the log instead of the table".to_owned(),
            text: format!(
                "The table did not take the record of a request that cost ${spend}, and maybe of others. They are in the \
                 log as spend_unrecorded: `bedrock-sidecar replay` writes each of them once."
            ),
            detail: fields(&[("spend", spend.to_string().into())]),
            expires: Some(now + RETENTION),
        }
    }

    /// For programs: the detail, and by what the alert is known.
    pub(super) fn event(&self) -> Value {
        let mut event = self.detail.clone();
        event.insert("id".to_owned(), json!(self.id));
        event.insert("event".to_owned(), json!(self.kind.as_str()));
        event.insert("subject".to_owned(), json!(self.subject));
        event.insert("event_message".to_owned(), json!(self.title));
        event.into()
    }
}

/// The hour of an instant, as ids have it.
fn hour(at: Timestamp) -> String {
    let text = time::sortable(at);
    text.get(..13).unwrap_or_default().to_owned()
}

pub(super) fn fields(fields: &[(&str, Value)]) -> Map<String, Value> {
    let fields = fields.iter();
    fields
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}
