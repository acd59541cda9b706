//! The secret that all instances of a gateway share, to know again what they have given to clients.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::store::{Item, StoreError, Table, keys};

/// How long the table may take, once in a process's life.
const LIMIT: Duration = Duration::from_millis(500);

/// How long nobody asks again where the table did not answer: without this every request would wait for it.
const PAUSE: Duration = Duration::from_secs(10);

/// The secret: made by whoever needs it first, read by all others, kept for the life of the process.
#[derive(Debug)]
pub struct Secret {
    table: Table,
    held: Mutex<Held>,
}

enum Held {
    Nothing,
    Bytes([u8; 32]),
    /// The table did not answer. Wall time: a frozen process ages too.
    Failed(Timestamp),
}

/// As the table keeps it: in hex.
#[derive(Serialize, Deserialize)]
struct Stored {
    secret: String,
}

impl Secret {
    /// The secret in this table. Nothing is read yet.
    pub fn new(table: Table) -> Self {
        Self {
            table,
            held: Mutex::new(Held::Nothing),
        }
    }

    /// The secret's bytes; `None` while the table cannot be reached.
    pub async fn get(&self) -> Option<[u8; 32]> {
        let mut held = self.held.lock().await;
        match &*held {
            Held::Bytes(bytes) => return Some(*bytes),
            Held::Failed(at) if Timestamp::now() < *at + PAUSE => return None,
            Held::Failed(_) | Held::Nothing => {}
        }
        let failed = match timeout(LIMIT, self.read_or_make()).await {
            Ok(Ok(bytes)) => {
                *held = Held::Bytes(bytes);
                return Some(bytes);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the table did not answer within {LIMIT:?}"),
        };
        tracing::warn!(
            error = failed,
            "without the shared secret no thinking is sealed or taken back"
        );
        *held = Held::Failed(Timestamp::now());
        None
    }

    async fn read_or_make(&self) -> Result<[u8; 32], StoreError> {
        if let Some(found) = self.read().await? {
            return Ok(found);
        }
        let mut made = [0; 32];
        getrandom::fill(&mut made).map_err(|error| broken(error.to_string()))?;
        let stored = Stored {
            secret: hex::encode(made),
        };
        let item = Item::new(&keys::secret(), &stored)?;
        match self.table.put_over(item, None).await {
            Ok(()) => Ok(made),
            // Another instance was faster.
            Err(StoreError::ConditionFailed { .. }) => {
                let found = self.read().await?;
                found.ok_or_else(|| broken("the item of the secret came and went"))
            }
            Err(error) => Err(error),
        }
    }

    async fn read(&self) -> Result<Option<[u8; 32]>, StoreError> {
        let Some(stored) = self.table.get::<Stored>(&keys::secret()).await? else {
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

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Bytes(_) => "Bytes",
            Self::Failed(_) => "Failed",
        })
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use futures_util::future::join_all;

    use crate::store::Embedded;

    use super::*;

    #[tokio::test]
    async fn all_instances_have_one_secret_whoever_made_it() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let instances: Vec<Secret> = (0..8).map(|_| Secret::new(table.clone())).collect();
        let found = join_all(instances.iter().map(Secret::get)).await;
        assert!(found[0].is_some_and(|bytes| bytes != [0; 32]));
        assert!(found.iter().all(|bytes| *bytes == found[0]));
    }

    #[tokio::test]
    async fn an_item_that_is_no_secret_is_never_one() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let stored = Stored {
            secret: "abc".to_owned(),
        };
        let item = Item::new(&keys::secret(), &stored).unwrap();
        table.put(item).await.unwrap();
        assert_eq!(Secret::new(table).get().await, None);
    }
}
