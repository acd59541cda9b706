//! Writing one item: as it is, or only over the version that its writer has seen.

use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use futures_util::FutureExt;

use super::attributes::number;
use super::write::{IS_ABSENT, IS_VERSION};
use super::{Item, StoreError, Table};

impl Table {
    /// Puts an item over whatever is there.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn put(&self, item: Item) -> Result<(), StoreError> {
        send(self.put_item(item)).await
    }

    /// Puts an item where `version`, a number among its fields, is still the one that was read; `None`: where no item
    /// was. Two writers never overwrite each other unseen.
    ///
    /// # Errors
    /// [`StoreError::ConditionFailed`] when another version is there; else when the table does not take it.
    pub async fn put_over(&self, item: Item, version: Option<u64>) -> Result<(), StoreError> {
        let put = self.put_item(item);
        let put = match version {
            None => put.condition_expression(IS_ABSENT),
            Some(version) => put
                .condition_expression(IS_VERSION)
                .expression_attribute_values(":version", number(version)),
        };
        send(put).await
    }

    fn put_item(&self, item: Item) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(Arc::unwrap_or_clone(item.attributes)))
    }
}

async fn send(put: PutItemFluentBuilder) -> Result<(), StoreError> {
    match put.send().boxed().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Err(StoreError::ConditionFailed { write: 0 })
            }
            _ => Err(error.into()),
        },
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
        table.delete(&keys::routing()).await.unwrap();
        let there: Option<Value> = table.get(&keys::routing()).await.unwrap();
        assert_eq!(there, None);
        table.delete(&keys::routing()).await.unwrap();
    }
}
