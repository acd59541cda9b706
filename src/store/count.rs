//! Counters that stop at a limit. All instances share them, and each change is one conditional update.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;

use super::attributes::{Attributes, number, seconds};
use super::item::TTL;
use super::update::{Updated, send};
use super::{Key, StoreError, Table};

/// One number of an item, which begins at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter<'a> {
    /// The field.
    pub field: &'a str,
    /// What is added; may be negative.
    pub amount: i64,
    /// Nothing is added to any counter of the item when this one has reached so much already.
    pub limit: Option<u64>,
}

/// The result of counting: the counters' values, in the order in which they were named, none of them below 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tally {
    /// As they are now.
    Counted(Vec<u64>),
    /// As they stand: one of them has reached its limit, and nothing was added.
    Full(Vec<u64>),
}

impl Table {
    /// Adds to the counters of one item, all or none. False: one of them has reached its limit. The item is gone
    /// from `expires` on.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn count(
        &self,
        key: &Key,
        counters: &[Counter<'_>],
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        let tally = self.tally(key, counters, expires).await?;
        Ok(matches!(tally, Tally::Counted(_)))
    }

    /// As [`Table::count`], with the counters' values.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn tally(
        &self,
        key: &Key,
        counters: &[Counter<'_>],
        expires: Timestamp,
    ) -> Result<Tally, StoreError> {
        let mut update = self.update(key);
        let mut terms = Vec::with_capacity(counters.len());
        let mut conditions = Vec::new();
        for (i, counter) in counters.iter().enumerate() {
            terms.push(format!("#{i} :{i}"));
            update = update
                .expression_attribute_names(format!("#{i}"), counter.field)
                .expression_attribute_values(format!(":{i}"), number(counter.amount));
            if let Some(limit) = counter.limit {
                conditions.push(format!("(attribute_not_exists(#{i}) OR #{i} < :most{i})"));
                update = update.expression_attribute_values(format!(":most{i}"), number(limit));
            }
        }
        let conditions = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        let update = update
            .update_expression(format!("ADD {} SET #ttl = :ttl", terms.join(", ")))
            .set_condition_expression(conditions)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", seconds(expires))
            .return_values(ReturnValue::AllNew);
        Ok(match send(update).await? {
            Updated::Done(item) => Tally::Counted(values(counters, item)),
            Updated::Refused(item) => Tally::Full(values(counters, item)),
        })
    }
}

/// The counters' values in this item.
fn values(counters: &[Counter<'_>], item: Option<Attributes>) -> Vec<u64> {
    let item = item.unwrap_or_default();
    let value = |counter: &Counter<'_>| {
        let digits = item.get(counter.field)?.as_n().ok()?;
        u64::try_from(digits.parse::<i64>().ok()?).ok()
    };
    let values = counters.iter().map(|counter| value(counter).unwrap_or(0));
    values.collect()
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::store::{Embedded, keys};

    #[tokio::test]
    async fn a_counter_stops_at_its_limit_and_takes_the_others_with_it() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let now = Timestamp::now();
        let key = keys::rate("d", now);
        let later = now + Duration::from_secs(60);
        let add = async |tokens: i64| {
            let requests = Counter {
                field: "requests",
                amount: 1,
                limit: Some(2),
            };
            let tokens = Counter {
                field: "tokens",
                amount: tokens,
                limit: None,
            };
            table.count(&key, &[requests, tokens], later).await.unwrap()
        };
        assert!(add(10).await && add(-4).await);
        assert!(!add(10).await);
        let there: Value = table.get(&key).await.unwrap().unwrap();
        assert_eq!(
            (&there["requests"], &there["tokens"]),
            (&2.into(), &6.into())
        );
    }
}
