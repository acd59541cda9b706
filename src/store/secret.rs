//! The secret that all instances of a gateway share: with it they recognize what they gave to clients and wrote to logs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Item, StoreError, Table, keys};

/// How long reading or making the secret may take. It happens once in a process's life.
const TABLE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the table is not asked again after a failure: without this every request would wait for it.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// The secret: made by the first instance that needs it, read by all others, kept for the life of the process. Clones
/// share it.
#[derive(Debug, Clone)]
pub struct TableSecret(Arc<SecretState>);

struct SecretState {
    table: Table,
    /// Once it is known, nothing waits for it any more.
    bytes: OnceLock<[u8; 32]>,
    /// When the table last did not answer, in wall time: a frozen process ages too. Locked while the table is asked.
    failed: Mutex<Option<Timestamp>>,
}

/// The secret as the table keeps it: in hex.
#[derive(Serialize, Deserialize)]
struct StoredSecret {
    secret: String,
}

impl TableSecret {
    /// The secret in this table. Nothing is read yet.
    pub fn new(table: Table) -> Self {
        Self(Arc::new(SecretState {
            table,
            bytes: OnceLock::new(),
            failed: Mutex::new(None),
        }))
    }

    /// The secret's bytes; `None` while the table cannot be reached.
    pub async fn get(&self) -> Option<[u8; 32]> {
        if let Some(known) = self.0.bytes.get() {
            return Some(*known);
        }
        let mut failed = self.0.failed.lock().await;
        if let Some(known) = self.0.bytes.get() {
            return Some(*known);
        }
        if failed.is_some_and(|at| Timestamp::now() < at + RETRY_PAUSE) {
            return None;
        }
        let error = match timeout(TABLE_TIMEOUT, self.read_or_make()).await {
            Ok(Ok(bytes)) => {
                let bytes = *self.0.bytes.get_or_init(|| bytes);
                tracing::info!("the shared secret is known: the log's lines for replay are signed");
                return Some(bytes);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the table did not answer within {TABLE_TIMEOUT:?}"),
        };
        tracing::warn!(
            error,
            "without the shared secret no thinking is sealed or taken back, and the log's lines for replay are unsigned"
        );
        *failed = Some(Timestamp::now());
        None
    }

    /// The secret's bytes, if they come within this time. The reading goes on in a task of its own, for the next caller.
    pub async fn within(&self, limit: Duration) -> Option<[u8; 32]> {
        if let Some(known) = self.0.bytes.get() {
            return Some(*known);
        }
        let secret = self.clone();
        let asking = tokio::spawn(async move { secret.get().await });
        timeout(limit, asking).await.ok()?.ok()?
    }

    async fn read_or_make(&self) -> Result<[u8; 32], StoreError> {
        if let Some(found) = self.stored().await? {
            return Ok(found);
        }
        let mut made = [0; 32];
        getrandom::fill(&mut made).map_err(|error| broken(error.to_string()))?;
        let stored = StoredSecret {
            secret: hex::encode(made),
        };
        let item = Item::new(&keys::secret(), &stored)?;
        match self.0.table.put_over(item, None).await {
            Ok(()) => Ok(made),
            // Another instance was faster.
            Err(StoreError::ConditionFailed { .. }) => {
                let found = self.stored().await?;
                found.ok_or_else(|| broken("the item of the secret came and went"))
            }
            Err(error) => Err(error),
        }
    }

    /// The secret as it stands in the table now; `None`: no instance has made one yet, and none is made here.
    ///
    /// # Errors
    /// When the table fails, or holds something else there.
    pub async fn stored(&self) -> Result<Option<[u8; 32]>, StoreError> {
        let Some(stored) = self.0.table.get::<StoredSecret>(&keys::secret()).await? else {
            return Ok(None);
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(stored.secret, &mut bytes)
            .map_err(|error| broken(format!("the secret is not 32 bytes in hex: {error}")))?;
        Ok(Some(bytes))
    }
}

fn broken(what: impl Into<String>) -> StoreError {
    serde_json::Error::io(std::io::Error::other(what.into())).into()
}

impl std::fmt::Debug for SecretState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretState")
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use futures_util::future::join_all;

    use super::super::Embedded;
    use super::*;

    #[tokio::test]
    async fn all_instances_have_one_secret_whoever_made_it() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let instances: Vec<TableSecret> = (0..8).map(|_| TableSecret::new(table.clone())).collect();
        let found = join_all(instances.iter().map(TableSecret::get)).await;
        assert!(found[0].is_some_and(|bytes| bytes != [0; 32]));
        assert!(found.iter().all(|bytes| *bytes == found[0]));
    }

    #[tokio::test]
    async fn an_item_that_is_no_secret_is_never_one() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let stored = StoredSecret {
            secret: "abc".to_owned(),
        };
        let item = Item::new(&keys::secret(), &stored).unwrap();
        table.put(item).await.unwrap();
        assert_eq!(TableSecret::new(table).get().await, None);
    }
}
