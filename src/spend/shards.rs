//! Over how many partitions a day is spread. A process spreads what it writes as it is configured, and a day of which
//! more than the usual [`SHARDS`] were ever used says so itself: its readers find everything, whatever number they are
//! configured for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use serde::Deserialize;
use tokio::time::timeout;

use super::{Ledger, RequestId};
use crate::store::keys::{self, SHARDS};
use crate::store::{StoreError, Table};

/// What days are known to say, as far as this process has seen to it. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct AnnouncedShards(Arc<Mutex<HashMap<Date, u16>>>);

/// What a day says.
#[derive(Deserialize)]
struct Said {
    shards: u16,
}

/// The field of [`Said`].
const FIELD: &str = "shards";

impl AnnouncedShards {
    fn of(&self, day: Date) -> u16 {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(&day).copied().unwrap_or_default()
    }

    fn keep(&self, day: Date, number: u16) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = told.entry(day).or_default();
        *known = number.max(*known);
    }
}

impl Ledger {
    /// Sees to it that the day says that this request's shard is one of its own, before anything is written there. One
    /// call per day and process, and none for the usual shards, at which everybody looks.
    pub(super) async fn tell_shard(&self, id: &RequestId) -> Result<(), StoreError> {
        let (day, shard) = (id.day(), id.shard());
        if shard < SHARDS || u16::from(shard) < self.told.of(day) {
            return Ok(());
        }
        // Not as configured alone: a record from a log may lie where this process would not write.
        let number = u16::from(self.options().shards).max(u16::from(shard) + 1);
        let limit = self.options().write.total;
        let key = keys::shards(day);
        let raised = timeout(limit, self.table().raise(&key, FIELD, number)).await;
        raised.unwrap_or(Err(StoreError::Timeout(limit)))?;
        self.told.keep(day, number);
        Ok(())
    }
}

/// The shards of a day beyond the usual ones; most days have none.
pub(super) async fn further(
    table: &Table,
    day: Date,
) -> Result<impl Iterator<Item = u8>, StoreError> {
    let said: Option<Said> = table.get(&keys::shards(day)).await?;
    let number = said.map_or(0, |said| said.shards);
    Ok((0..=u8::MAX).take(number.into()).skip(SHARDS.into()))
}
