//! Making the table where nothing else does: tests, and the first local use. On AWS the template makes it.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    PointInTimeRecoverySpecification, Projection, ProjectionType, ScalarAttributeType,
    TableDescription, TableStatus, TimeToLiveSpecification,
};
use futures_util::FutureExt;

use super::item::{BY_KEY, BY_SESSION, PK, SK, TTL};
use super::{StoreError, Table};

/// How long a new table may take until it can be used. AWS takes some ten seconds.
const ACTIVE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often it is looked whether a new table can be used.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

impl Table {
    /// Creates the table unless it exists, and waits until it can be used: string keys `pk` and `sk`, on demand, TTL
    /// on `ttl`, point-in-time recovery where there is such a thing, and two sparse indexes that are named after
    /// their partition keys, `by_key` and `by_session`, sort by the table's own `sk` and hold keys alone.
    ///
    /// # Errors
    /// When the table cannot be made, or one of that name has other keys.
    pub async fn create_if_missing(&self) -> Result<(), StoreError> {
        if let Some(found) = self.describe().await? {
            self.check_form(&found)?;
            return self.until_active().await;
        }
        self.create().await?;
        self.until_active().await?;
        self.expire_items().await?;
        self.recover_to_any_time().await;
        Ok(())
    }

    async fn describe(&self) -> Result<Option<TableDescription>, StoreError> {
        let call = self
            .client
            .describe_table()
            .table_name(&*self.name)
            .send()
            .boxed();
        match call.await {
            Ok(answer) => Ok(answer.table),
            Err(error) if has_code(&error, "ResourceNotFoundException") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn create(&self) -> Result<(), StoreError> {
        let call = self
            .client
            .create_table()
            .table_name(&*self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(
                [PK, SK, BY_KEY, BY_SESSION]
                    .into_iter()
                    .map(text)
                    .collect::<Result<_, _>>()?,
            ))
            .set_key_schema(Some(keys(PK)?))
            .global_secondary_indexes(index(BY_KEY)?)
            .global_secondary_indexes(index(BY_SESSION)?)
            .send()
            .boxed();
        match call.await {
            Ok(_) => Ok(()),
            // Another process was quicker.
            Err(error) if has_code(&error, "ResourceInUseException") => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn check_form(&self, found: &TableDescription) -> Result<(), StoreError> {
        let keys: Vec<&str> = found
            .key_schema()
            .iter()
            .map(|k| k.attribute_name())
            .collect();
        let indexes = found.global_secondary_indexes();
        let has_index = |name| indexes.iter().any(|i| i.index_name() == Some(name));
        if keys == [PK, SK] && has_index(BY_KEY) && has_index(BY_SESSION) {
            return Ok(());
        }
        Err(StoreError::Refused {
            code: "another table".to_owned(),
            message: format!(
                "the table {:?} exists with the keys {keys:?}; expected {PK} and {SK}, and the indexes {BY_KEY} and \
                 {BY_SESSION}: choose another TABLE_NAME",
                self.name
            ),
        })
    }

    async fn until_active(&self) -> Result<(), StoreError> {
        let wait = async {
            loop {
                let found = self.describe().await?;
                if found.and_then(|t| t.table_status) == Some(TableStatus::Active) {
                    return Ok(());
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(ACTIVE_TIMEOUT, wait)
            .await
            .unwrap_or(Err(StoreError::Timeout(ACTIVE_TIMEOUT)))
    }

    async fn expire_items(&self) -> Result<(), StoreError> {
        let ttl = TimeToLiveSpecification::builder()
            .attribute_name(TTL)
            .enabled(true)
            .build()?;
        let call = self
            .client
            .update_time_to_live()
            .table_name(&*self.name)
            .time_to_live_specification(ttl)
            .send()
            .boxed();
        match call.await {
            Ok(_) => Ok(()),
            // "TimeToLive is already enabled": by the process that was quicker.
            Err(error) if has_code(&error, "ValidationException") => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Emulators have none: that is logged, and nothing more.
    async fn recover_to_any_time(&self) {
        let on = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(true)
            .build();
        let Ok(on) = on else { return };
        let call = self
            .client
            .update_continuous_backups()
            .table_name(&*self.name)
            .point_in_time_recovery_specification(on)
            .send()
            .boxed();
        if let Err(error) = call.await {
            let error = StoreError::from(error);
            tracing::debug!(%error, "no point-in-time recovery");
        }
    }
}

fn text(name: &str) -> Result<AttributeDefinition, StoreError> {
    let attribute = AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S);
    Ok(attribute.build()?)
}

fn keys(partition: &str) -> Result<Vec<KeySchemaElement>, StoreError> {
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    Ok(vec![
        key(partition, KeyType::Hash)?,
        key(SK, KeyType::Range)?,
    ])
}

fn index(partition: &str) -> Result<GlobalSecondaryIndex, StoreError> {
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly);
    let index = GlobalSecondaryIndex::builder()
        .index_name(partition)
        .set_key_schema(Some(keys(partition)?))
        .projection(keys_only.build());
    Ok(index.build()?)
}

fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E>, code: &str) -> bool {
    error
        .as_service_error()
        .is_some_and(|refusal| refusal.code() == Some(code))
}
