//! Updates of one item on a condition.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use futures_util::FutureExt;

use super::attributes::Attributes;
use super::item::key_attributes;
use super::{Key, StoreError, Table};

/// The result of an update on a condition.
pub(super) enum Updated {
    /// The update was made. The item as it is now, where the update asks for it to be returned.
    Done(Option<Attributes>),
    /// The update's condition does not hold. The item as it is, if there is one.
    Refused(Option<Attributes>),
}

impl Table {
    /// An update of the item at this key. Its caller adds the expressions.
    pub(super) fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&*self.name)
            .set_key(Some(key_attributes(key)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// Makes the update, with the SDK's own retries.
pub(super) async fn send(update: UpdateItemFluentBuilder) -> Result<Updated, StoreError> {
    match update.send().boxed().await {
        Ok(done) => Ok(Updated::Done(done.attributes)),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Updated::Refused(refused.item.clone()))
            }
            _ => Err(error.into()),
        },
    }
}
