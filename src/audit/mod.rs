//! The audit log: who changed which key, team, user or setting, and who read what was stored of a request; when, and from
//! where. An entry is kept for 400 days.
//!
//! A change is noted once it was made. The log of the process has the same line, so that an entry is not lost where the
//! table does not take it.

mod entry;
mod noted;

use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::store::{Item, Order, Query, Range, StoreError, Table, keys, time};

pub use entry::{AuditActor, AuditEntry};
pub(crate) use noted::{NotedRequest, changed_fields, json_fields, names_target, target_of};

/// How long an entry is kept.
const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Months that are looked through for one page: as many as entries are kept, and one that has begun.
const MONTHS: usize = 15;
/// Entries on a page.
const MOST_ENTRIES: usize = 200;
/// How long an entry may take to be written.
const LONGEST_WRITE: Duration = Duration::from_secs(5);

/// The audit log. Clones share it.
#[derive(Debug, Clone)]
pub struct AuditLog {
    table: Table,
    clock: Clock,
    tasks: TaskTracker,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<String>,
}

impl AuditLog {
    /// The log in this table. What is still to be written is a task of `tasks`.
    pub fn new(table: Table, clock: Clock, tasks: TaskTracker) -> Self {
        Self {
            table,
            clock,
            tasks,
        }
    }

    /// Notes what somebody has done.
    pub fn note(&self, actor: AuditActor, action: &str, target: String, changes: String) {
        let entry = AuditEntry::new(self.clock.now(), actor, action, target, changes);
        tracing::info!(
            by = entry.actor.name,
            from = entry.actor.from,
            action = entry.action,
            target_of_action = entry.target,
            changes = entry.changes,
            "audit"
        );
        let table = self.table.clone();
        self.tasks.spawn(async move {
            let written = tokio::time::timeout(LONGEST_WRITE, write(&table, &entry)).await;
            match written {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, id = entry.id, "an entry of the audit log was not written"),
                Err(_) => tracing::error!(id = entry.id, "an entry of the audit log was not written in time"),
            }
        });
    }

    /// A page of the log, the newest first, or what follows the cursor of the page before.
    ///
    /// # Errors
    /// When the table fails. A cursor that is none is as if there were none.
    pub async fn page(&self, after: Option<&str>, most: usize) -> Result<AuditPage, StoreError> {
        let most = most.clamp(1, MOST_ENTRIES);
        let after = after.filter(|after| AuditEntry::time_of(after).is_some());
        let newest = after.and_then(AuditEntry::time_of);
        let newest = newest.unwrap_or_else(|| self.clock.now() + SignedDuration::from_hours(1));
        let mut month = time::day(newest).first_of_month();
        let mut entries: Vec<AuditEntry> = Vec::new();
        for _ in 0..MONTHS {
            let wanted = most + 1 - entries.len();
            entries.extend(self.of_month(month, after, wanted).await?);
            if entries.len() > most {
                break;
            }
            month = month.yesterday().unwrap_or(month).first_of_month();
        }
        let has_more = entries.len() > most;
        entries.truncate(most);
        let last = entries.last().map(|entry| entry.id.clone());
        Ok(AuditPage {
            next: last.filter(|_| has_more),
            entries,
        })
    }

    async fn of_month(
        &self,
        month: Date,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let range = match after {
            // The entry itself is the first of its month that comes, and is taken out again.
            Some(after) => Range::Between(" ".to_owned(), after.to_owned()),
            None => Range::All,
        };
        let query = Query {
            range,
            order: Order::Descending,
            consistent: true,
            ..Query::all(keys::audit_month(month))
        };
        let mut found: Vec<AuditEntry> = self.table.run(&query, most + 1).await?;
        found.retain(|entry| Some(entry.id.as_str()) != after);
        found.truncate(most);
        Ok(found)
    }
}

async fn write(table: &Table, entry: &AuditEntry) -> Result<(), StoreError> {
    let item = Item::new(&keys::audit(entry.time, &entry.id), entry)?;
    // By the present: the table deletes by it.
    table.put(item.expires(Timestamp::now() + RETENTION)).await
}
