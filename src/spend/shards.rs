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

/// The numbers of shards that this process knows the table to have for each day. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct AnnouncedShards(Arc<Mutex<HashMap<Date, u16>>>);

/// The item of a day that has more shards than the usual ones.
#[derive(Deserialize)]
struct DayShards {
    shards: u16,
}

/// The field of [`DayShards`].
const FIELD: &str = "shards";

impl AnnouncedShards {
    fn of(&self, day: Date) -> u16 {
        let announced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        announced.get(&day).copied().unwrap_or_default()
    }

    fn keep(&self, day: Date, number: u16) {
        let mut announced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = announced.entry(day).or_default();
        *known = number.max(*known);
    }
}

impl Ledger {
    /// Makes sure that the day names this request's shard before anything is written there. One
    /// call per day and process, and none for the usual shards, which every reader reads.
    pub(super) async fn announce_shard(&self, id: &RequestId) -> Result<(), StoreError> {
        let (day, shard) = (id.day(), id.shard());
        if shard < SHARDS || u16::from(shard) < self.announced_shards.of(day) {
            return Ok(());
        }
        // Not as configured alone: a record from a log may lie where this process would not write.
        let number = u16::from(self.options().shards).max(u16::from(shard) + 1);
        let limit = self.options().write.total;
        let key = keys::shards(day);
        let raised = timeout(limit, self.table().raise(&key, FIELD, number)).await;
        raised.unwrap_or(Err(StoreError::Timeout(limit)))?;
        self.announced_shards.keep(day, number);
        Ok(())
    }
}

/// The shards of a day beyond the usual ones; most days have none.
pub(super) async fn further(
    table: &Table,
    day: Date,
) -> Result<impl Iterator<Item = u8>, StoreError> {
    let found: Option<DayShards> = table.get(&keys::shards(day)).await?;
    let number = found.map_or(0, |day| day.shards);
    Ok((0..=u8::MAX).take(number.into()).skip(SHARDS.into()))
}
