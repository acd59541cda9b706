//! Settling budgets that many share: after the record was written, each by an update of its own, once.
//!
//! The record lists what it does to which account, and the account has the request's marker until that is done. So
//! whoever finds a marker and the record can finish what was left, by a process that died or for a table that was away:
//! the gateway itself, when a budget has no room or a marker's time is over, and a replay.

use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;
use tokio::time::timeout;

use super::counter_deltas::CounterDeltas;
use super::{Ledger, RequestId};
use crate::store::{StoreError, Table};

/// As much of a record as is needed to settle it.
#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    pub(super) request_id: RequestId,
    #[serde(default, rename = "movement")]
    pub(super) deltas: Option<CounterDeltas>,
}

/// How long a settlement is tried. The client has its answer, and what is not settled is room that the others of a team
/// lack: so it is tried for longer than a record.
pub const SETTLING_LIMIT: Duration = Duration::from_secs(15);
/// Markers that are looked after at a time, the oldest first: as many records as one call of the table reads. Those of
/// lost requests, which have no record, take places among them until a replay.
const MOST_LEFT: usize = 100;
/// How long looking after them may take: a request waits for that.
const LONGEST_CLEARING: Duration = Duration::from_secs(3);

/// Settles what a record does to accounts that many share. What fails is logged: the marker stays, and what it holds
/// counts as spent when its time is over, until it is settled.
pub(super) async fn settle(table: &Table, id: RequestId, deltas: &CounterDeltas) {
    let marker = id.marker();
    let settled = deltas.shared().iter();
    let settled =
        settled.map(|settled| table.settle_shared(settled.settlement(&marker), SETTLING_LIMIT));
    for (settled, outcome) in deltas.shared().iter().zip(join_all(settled).await) {
        if let Err(error) = outcome {
            let account = &settled.account().pk;
            tracing::warn!(%error, %id, account, "a budget is settled later");
        }
    }
}

/// Settles the requests of these markers that have a record, and returns whether there were any. Of those that have
/// none, one is under way, or waits for a replay.
///
/// # Errors
/// When the table does not answer.
pub async fn settle_left(
    table: &Table,
    markers: impl Iterator<Item = &str>,
) -> Result<bool, StoreError> {
    let mut ids: Vec<_> = markers.filter_map(RequestId::from_marker).collect();
    ids.sort_unstable();
    let keys: Vec<_> = ids.iter().take(MOST_LEFT).map(RequestId::key).collect();
    let clearing = async {
        let found: Vec<Recorded> = table.get_many(&keys).await?;
        for Recorded { request_id, deltas } in &found {
            if let Some(deltas) = deltas {
                settle(table, *request_id, deltas).await;
            }
        }
        Ok(!found.is_empty())
    };
    match timeout(LONGEST_CLEARING, clearing).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Timeout(LONGEST_CLEARING)),
    }
}

impl Ledger {
    /// Settles what records do to accounts that many share, where a process that died has not.
    ///
    /// # Errors
    /// When the table does not answer.
    #[cfg(feature = "local")]
    pub(super) async fn settle_recorded(&self, recorded: &[Recorded]) -> Result<(), StoreError> {
        use std::collections::HashMap;
        let mut accounts = HashMap::new();
        for Recorded { request_id, deltas } in recorded {
            let Some(deltas) = deltas else { continue };
            let marker = request_id.marker();
            let mut is_open = false;
            for settled in deltas.shared() {
                let key = settled.account();
                if !accounts.contains_key(key) {
                    let account = self.table.account(key).await?;
                    accounts.insert(key.clone(), account.unwrap_or_default());
                }
                let account = accounts.get(key);
                is_open |= account.is_some_and(|account| settled.is_open(account, &marker));
            }
            if is_open {
                settle(&self.table, *request_id, deltas).await;
            }
        }
        Ok(())
    }
}
