//! Items of the table that this folder keeps: each has a version, and is changed over the one that was read.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{IdentityError, InvalidSetting};
use crate::store::{Index, Item, Key, Query, StoreError, Table, Write, WriteLimits};

/// A change that others' changes have overtaken is made anew so often.
const TRIES: usize = 4;
/// How many items are read at once, a hundred in a call.
const READ_AT_ONCE: usize = 1_000;

/// One item.
pub(super) trait Row: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Its address.
    fn key(&self) -> Key;
    /// Counts up by one with every change.
    fn version(&self) -> u64;
    /// Where index 1 lists it.
    fn listed_under(&self) -> String;
    /// When it is gone; `None`: never.
    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

fn item(row: &impl Row) -> Result<Item, StoreError> {
    let item = Item::new(&row.key(), row)?.by_key(row.listed_under());
    Ok(match row.expires() {
        Some(at) => item.expires(at),
        None => item,
    })
}

/// Writes an item that must not be there yet. False: it is.
pub(super) async fn create(table: &Table, row: &impl Row) -> Result<bool, StoreError> {
    let writes = [Write::Create(item(row)?)];
    match table.transact(&writes, WriteLimits::default()).await {
        Ok(()) => Ok(true),
        Err(StoreError::ConditionFailed { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Changes the item at a key; `None`: there is none.
pub(super) async fn change<R: Row>(
    table: &Table,
    key: &Key,
    change: impl Fn(&R) -> Result<R, InvalidSetting>,
) -> Result<Option<Arc<R>>, IdentityError> {
    for _ in 0..TRIES {
        let Some(old) = table.get::<R>(key).await? else {
            return Ok(None);
        };
        let new = change(&old)?;
        let writes = [Write::Replace(item(&new)?, old.version())];
        match table.transact(&writes, WriteLimits::default()).await {
            Ok(()) => return Ok(Some(Arc::new(new))),
            Err(StoreError::ConditionFailed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(IdentityError::Contended)
}

/// Every item that index 1 lists under a name. One that was made within the last second may be missing.
pub(super) async fn listed<R: Row>(table: &Table, under: &str) -> Result<Vec<R>, StoreError> {
    let all = Query {
        index: Some(Index::ByKey),
        ..Query::all(under.to_owned())
    };
    let places: Vec<Key> = table.run(&all, usize::MAX).await?;
    let mut found = Vec::with_capacity(places.len());
    for some in places.chunks(READ_AT_ONCE) {
        found.extend(table.get_many::<R>(some).await?);
    }
    Ok(found)
}
