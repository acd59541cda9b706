//! A number that only grows, whichever instance writes it and in whatever order.

use super::attributes::number;
use super::update::send;
use super::{Key, StoreError, Table};

impl Table {
    /// Makes a number of an item at least this large. The item and the number need not be there.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn raise(&self, key: &Key, field: &str, least: u16) -> Result<(), StoreError> {
        let update = self
            .update(key)
            .update_expression("SET #field = :least")
            .condition_expression("attribute_not_exists(#field) OR #field < :least")
            .expression_attribute_names("#field", field)
            .expression_attribute_values(":least", number(least));
        // Where the condition does not hold, the number is as large already.
        send(update).await.map(|_| ())
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
