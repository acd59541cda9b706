//! Updates of one item on a condition.

use std::time::Duration;

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use futures_util::FutureExt;

use super::attributes::Attributes;
use super::item::key_attributes;
use super::table::CONNECT_TIMEOUT;
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
    outcome(update.send().boxed().await)
}

/// Makes the update in one attempt, which may take so long: its caller tries again.
pub(super) async fn send_once(
    update: UpdateItemFluentBuilder,
    limit: Duration,
) -> Result<Updated, StoreError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(limit)
        .operation_timeout(limit)
        .build();
    let once = Builder::new()
        .timeout_config(timeouts)
        .retry_config(RetryConfig::disabled());
    outcome(
        update
            .customize()
            .config_override(once)
            .send()
            .boxed()
            .await,
    )
}

fn outcome(
    answer: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Updated, StoreError> {
    match answer {
        Ok(done) => Ok(Updated::Done(done.attributes)),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Updated::Refused(refused.item.clone()))
            }
            _ => Err(error.into()),
        },
    }
}
