//! Reading: one item by its key, or a run of items of one partition. What has expired is not there.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::item::{self, Attributes, BY_KEY, PK, SK};
use super::table::READ;
use super::{Key, StoreError, Table};

/// Which sort keys of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    All,
    /// From the first to the second, both included.
    Between(String, String),
}

/// In which order of their sort keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the first.
    Ascending,
    /// From the last.
    Descending,
}

impl Table {
    /// The item at this key, as it was after the last finished write.
    ///
    /// # Errors
    /// When the table does not answer, or the item does not read as a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let found = self.attributes(key).await?;
        found.as_ref().map(item::read).transpose()
    }

    pub(super) async fn attributes(&self, key: &Key) -> Result<Option<Attributes>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&*self.name)
            .key(PK, AttributeValue::S(key.pk.clone()))
            .key(SK, AttributeValue::S(key.sk.clone()))
            .consistent_read(true)
            .send();
        let answer = call.await.map_err(|e| StoreError::from_sdk(e, READ))?;
        Ok(answer
            .item
            .filter(|attributes| !item::expired(attributes, Timestamp::now())))
    }

    /// At most `most` items of one partition. Items written within the last second may be missing.
    ///
    /// # Errors
    /// When the table does not answer, or an item does not read as a `T`.
    pub async fn query<T: DeserializeOwned>(
        &self,
        partition: &str,
        range: &Range,
        order: Order,
        most: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut from = None;
        while found.len() < most {
            let (page, next) = self
                .page(partition, range, order, most - found.len(), from)
                .await?;
            let now = Timestamp::now();
            for attributes in page.iter().filter(|item| !item::expired(item, now)) {
                found.push(item::read(attributes)?);
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The keys of all items in a partition of index 1. Items written within the last second may be missing.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn indexed_by_key(&self, partition: &str) -> Result<Vec<Key>, StoreError> {
        let pages = self
            .client
            .query()
            .table_name(&*self.name)
            .index_name(BY_KEY)
            .key_condition_expression("by_key = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .into_paginator()
            .items()
            .send();
        let found = pages
            .collect::<Result<Vec<Attributes>, _>>()
            .await
            .map_err(|e| StoreError::from_sdk(e, READ))?;
        found.iter().map(item::read).collect()
    }

    async fn page(
        &self,
        partition: &str,
        range: &Range,
        order: Order,
        most: usize,
        from: Option<Attributes>,
    ) -> Result<(Vec<Attributes>, Option<Attributes>), StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&*self.name)
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from)
            .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()));
        query = match range {
            Range::All => query.key_condition_expression("pk = :pk"),
            Range::Between(first, last) => query
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":first", AttributeValue::S(first.clone()))
                .expression_attribute_values(":last", AttributeValue::S(last.clone())),
        };
        let answer = query
            .send()
            .await
            .map_err(|e| StoreError::from_sdk(e, READ))?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((answer.items.unwrap_or_default(), next))
    }
}
