//! What people are told without having asked: that a budget has reached a share of its limit, that a deployment rests
//! for long, that many requests fail, that spend is in no record.
//!
//! An alert is told once, however many processes notice it: its item in the table is made before it is sent (`pending`)
//! and marked afterwards (`sent`). A process that dies in between leaves a pending item, which the next one that notices
//! the same sends again, under the same id. Nothing here is on the way of an answer: noticing is arithmetic, and all else
//! is a task of its own, for which the end of the process or of the invocation waits.

mod alert;
mod budgets;
mod channels;
mod failing;
mod item;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::store::{StoreError, Table};

pub use alert::{Alert, AlertKind};
pub use budgets::BudgetUse;
pub use channels::{AlertChannels, EventBus, NotAWebhook, NotAnArn, SlackWebhook, SnsTopic};
pub use item::{AlertPage, AlertState, StoredAlert};

use failing::FailureRate;
use item::Claim;

/// Ids of which it is known that they need no more: they are 5 MB at most.
const MOST_DONE: usize = 20_000;

/// Of which shares of a budget people are told where the configuration does not say: percent of its limit.
pub const USUAL_PERCENTS: [u32; 3] = [50, 80, 100];

/// What is told, and where.
#[derive(Debug, Clone, Default)]
pub struct AlertOptions {
    /// Shares of a budget's limit, in percent.
    pub budget_percents: Vec<u32>,
    /// Where alerts are sent.
    pub channels: AlertChannels,
}

/// Notices what is worth an alert. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Alerts(Arc<AlertsInner>);

#[derive(Debug)]
struct AlertsInner {
    table: Table,
    clock: Clock,
    tasks: TaskTracker,
    options: AlertOptions,
    /// Alerts that were sent, by whomever.
    done: Mutex<HashSet<String>>,
    failing: Mutex<FailureRate>,
}

impl Alerts {
    /// Alerts with these options, marked in this table.
    pub fn new(table: Table, clock: Clock, tasks: TaskTracker, options: AlertOptions) -> Self {
        Self(Arc::new(AlertsInner {
            table,
            clock,
            tasks,
            options,
            done: Mutex::default(),
            failing: Mutex::default(),
        }))
    }

    /// Where alerts are sent.
    pub fn channels(&self) -> &AlertChannels {
        &self.0.options.channels
    }

    /// A budget is spent so far.
    pub fn budget(&self, used: &BudgetUse) {
        for alert in used.alerts(&self.0.options.budget_percents) {
            self.raise(alert);
        }
    }

    /// A request has ended. `failed`: by a fault of the gateway, of Bedrock, or of the way there.
    pub fn request_ended(&self, failed: bool) {
        let now = self.0.clock.now();
        let failing = lock(&self.0.failing).add(failed, now);
        if let Some(failing) = failing {
            self.raise(failing.alert(now));
        }
    }

    /// A deployment rests, and not for a moment.
    pub fn deployment_rests(&self, deployment: &str, group: &str, class: &str, until: Timestamp) {
        let now = self.0.clock.now();
        self.raise(Alert::deployment_rests(
            deployment, group, class, until, now,
        ));
    }

    /// A record is in the log instead of the table.
    pub fn spend_unrecorded(&self, spend: Decimal) {
        let now = self.0.clock.now();
        self.raise(Alert::spend_unrecorded(spend, now));
    }

    /// The newest alerts, as they stand in the table, or those after the page that ended with this id.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn page(&self, most: usize, after: Option<&str>) -> Result<AlertPage, StoreError> {
        item::page(&self.0.table, most, after).await
    }

    /// Sends an alert in a task of its own, if it was not sent before.
    fn raise(&self, alert: Alert) {
        if lock(&self.0.done).contains(&alert.id) {
            return;
        }
        let shared = Arc::clone(&self.0);
        self.0.tasks.spawn(async move { shared.send(alert).await });
    }
}

impl AlertsInner {
    async fn send(&self, alert: Alert) {
        let now = self.clock.now();
        let claimed = match in_time(item::claim(&self.table, &alert, now)).await {
            Ok(Claim::Ours(claimed)) => Some(claimed),
            Ok(Claim::Done) => return self.remember(alert.id),
            // Whoever notices it next looks again whether the other one has sent it.
            Ok(Claim::Others) => return,
            Err(error) if alert.kind.needs_no_table() => {
                tracing::warn!(%error, id = alert.id, "an alert could not be marked in the table");
                // Once for each process: the table cannot say what the others have sent.
                self.remember(alert.id.clone());
                None
            }
            Err(error) => {
                tracing::warn!(%error, id = alert.id, "an alert could not be marked in the table, and waits");
                return;
            }
        };
        tracing::warn!(
            target: "alert", id = alert.id, kind = alert.kind.as_str(), subject = alert.subject, "{}", alert.title
        );
        let had_it = claimed.as_ref().map(|claimed| claimed.sent_to.as_slice());
        let channels = &self.options.channels;
        let outcomes = channels.send(&alert, had_it.unwrap_or_default()).await;
        for (channel, outcome) in &outcomes {
            if let Err(error) = outcome {
                tracing::error!(%error, channel, id = alert.id, "an alert could not be sent");
            }
        }
        let Some(claimed) = claimed else { return };
        match in_time(claimed.finish(&self.table, &outcomes, self.clock.now())).await {
            Ok(true) => self.remember(alert.id),
            // It is tried again.
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, id = alert.id, "a sent alert could not be marked: it may come again");
            }
        }
    }

    fn remember(&self, id: String) {
        let mut done = lock(&self.done);
        if done.len() >= MOST_DONE {
            done.clear();
        }
        done.insert(id);
    }
}

/// How long the table may take to mark an alert: the end of an invocation waits for it.
const TABLE_LIMIT: Duration = Duration::from_millis(500);

/// What the table says within its time.
async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
    match tokio::time::timeout(TABLE_LIMIT, call).await {
        Ok(said) => said.map_err(|error| error.to_string()),
        Err(_) => Err("the table is silent".to_owned()),
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
