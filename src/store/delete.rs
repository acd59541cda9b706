//! Deleting an item, or some of its fields.

use futures_util::FutureExt;

use super::item::key_attributes;
use super::{Key, StoreError, Table, update};

impl Table {
    /// Deletes the item at this key, if there is one.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let call = self
            .client
            .delete_item()
            .table_name(&*self.name)
            .set_key(Some(key_attributes(key)));
        call.send().boxed().await?;
        Ok(())
    }

    /// Removes fields of the item at this key, if there is one.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn remove_fields(&self, key: &Key, fields: &[&str]) -> Result<(), StoreError> {
        let names: Vec<_> = (0..fields.len()).map(|i| format!("#{i}")).collect();
        let mut update = self
            .update(key)
            .update_expression(format!("REMOVE {}", names.join(", ")))
            .condition_expression("attribute_exists(pk)");
        for (name, field) in names.into_iter().zip(fields) {
            update = update.expression_attribute_names(name, *field);
        }
        update::send(update).await.map(drop)
    }
}
