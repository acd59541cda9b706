//! Settling budgets that many share: after the record was written, each by an update of its own, once.
//!
//! The record lists what it does to which account, and the account has the request's marker until that is done. So
//! whoever finds a marker and the record can finish what a process that died has left: the gateway itself, when it meets
//! a marker whose time is over, and a replay.

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Deserialize;

use super::counter_deltas::CounterDeltas;
use super::{Ledger, RequestId};
use crate::store::{Account, StoreError, Table};

/// As much of a record as is needed to settle it.
#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    pub(super) request_id: RequestId,
    #[serde(default, rename = "movement")]
    pub(super) deltas: Option<CounterDeltas>,
}

/// Markers that are looked after at a time.
const MOST_OVERDUE: usize = 10;

/// Settles what a record does to accounts that many share. What fails is logged: the marker stays, and what it holds
/// counts as spent when its time is over, until it is settled.
pub(super) async fn settle(table: &Table, id: RequestId, deltas: &CounterDeltas) {
    let marker = id.marker();
    let settled = deltas.shared().iter();
    let settled = settled.map(|settled| table.settle_shared(settled.settlement(&marker)));
    for (settled, outcome) in deltas.shared().iter().zip(join_all(settled).await) {
        if let Err(error) = outcome {
            let account = &settled.account().pk;
            tracing::warn!(%error, %id, account, "a budget is settled later");
        }
    }
}

/// Settles the requests of an account whose time is over and that have a record. Those that have none wait for a replay.
///
/// # Errors
/// When the table does not answer.
pub async fn settle_overdue(
    table: &Table,
    account: &Account,
    now: Timestamp,
) -> Result<(), StoreError> {
    let ids = account.overdue(now);
    let ids = ids.filter_map(|(_, marker)| RequestId::from_marker(marker));
    let keys: Vec<_> = ids.take(MOST_OVERDUE).map(|id| id.key()).collect();
    let found: Vec<Recorded> = table.get_many(&keys).await?;
    for Recorded { request_id, deltas } in found {
        if let Some(deltas) = deltas {
            settle(table, request_id, &deltas).await;
        }
    }
    Ok(())
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
