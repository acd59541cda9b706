//! A number that only grows, whoever writes it and in whatever order.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::FutureExt;

use super::item::{PK, SK};
use super::{Key, StoreError, Table};

/// One update, with the SDK's own tries.
const UPDATE: Duration = Duration::from_secs(5);

impl Table {
    /// Makes a number of an item at least this large. The item and the number need not be there.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn raise(&self, key: &Key, field: &str, number: u16) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&*self.name)
            .key(PK, AttributeValue::S(key.pk.clone()))
            .key(SK, AttributeValue::S(key.sk.clone()))
            .update_expression("SET #field = :number")
            .condition_expression("attribute_not_exists(#field) OR #field < :number")
            .expression_attribute_names("#field", field)
            .expression_attribute_values(":number", AttributeValue::N(number.to_string()));
        match update.send().boxed().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // It is as large already.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::from_sdk(error, UPDATE)),
            },
        }
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use serde_json::Value;

    use crate::store::{Embedded, keys};

    #[tokio::test]
    async fn a_number_never_becomes_smaller() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let key = keys::shards("2026-11-23".parse().unwrap());
        for (number, becomes) in [(8, 8), (5, 8), (8, 8), (16, 16), (9, 16), (255, 255)] {
            table.raise(&key, "shards", number).await.unwrap();
            let there: Value = table.get(&key).await.unwrap().unwrap();
            assert_eq!(there["shards"], becomes, "{number}");
        }
    }
}
