//! Writing one item: as it is, or only over the version that its writer has seen.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use bytes::Bytes;
use futures_util::FutureExt;

use crate::sdk::put_body;

use super::body::Put;
use super::{Item, StoreError, Table};

/// One item, with the SDK's own tries.
const PUT: Duration = Duration::from_secs(5);

impl Table {
    /// Puts an item over whatever is there.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn put(&self, item: Item) -> Result<(), StoreError> {
        self.send(&Put::over(&self.name, &item)).await
    }

    /// Puts an item where `version`, a number among its fields, is still the one that was read; `None`: where no item
    /// was. Two writers never overwrite each other unseen.
    ///
    /// # Errors
    /// [`StoreError::ConditionFailed`] when another version is there; else when the table does not take it.
    pub async fn put_over(&self, item: Item, version: Option<u64>) -> Result<(), StoreError> {
        let put = match version {
            None => Put::new(&self.name, &item),
            Some(version) => Put::over_version(&self.name, &item, version),
        };
        self.send(&put).await
    }

    async fn send(&self, put: &Put<'_>) -> Result<(), StoreError> {
        let body = Bytes::from(serde_json::to_vec(put)?);
        let call = self.client.put_item().table_name(&*self.name).customize();
        let call = call.mutate_request(move |request| put_body(request, &body));
        match call.send().boxed().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(refusal))
                if refusal.err().code() == Some("ConditionalCheckFailedException") =>
            {
                Err(StoreError::ConditionFailed { write: 0 })
            }
            Err(error) => Err(StoreError::from_sdk(error, PUT)),
        }
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::{Embedded, keys};

    #[tokio::test]
    async fn a_writer_who_has_not_seen_the_last_version_is_refused() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let item = |version: u64| Item::new(&keys::routing(), &json!({"version": version}));
        table.put_over(item(1).unwrap(), None).await.unwrap();
        table.put_over(item(2).unwrap(), Some(1)).await.unwrap();
        for seen in [None, Some(1)] {
            let late = table.put_over(item(9).unwrap(), seen).await;
            assert!(
                matches!(late, Err(StoreError::ConditionFailed { .. })),
                "{late:?}"
            );
        }
        let there: Option<Value> = table.get(&keys::routing()).await.unwrap();
        assert_eq!(there.unwrap()["version"], 2);
    }
}
