//! One write of a transaction: how it becomes a part of the SDK's call, and how two writes of one item become one.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::attributes::{Attributes, decimal, number, seconds, text};
use super::item::{TTL, key_attributes};
use super::{Item, Key, Settlement, StoreError};

/// The condition that no item is there.
pub(super) const IS_ABSENT: &str = "attribute_not_exists(pk)";
/// The condition that the item there has the version `:version`.
pub(super) const IS_VERSION: &str = "version = :version";

/// One write of a transaction. No two of a transaction may meet the same item.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Puts an item that must not be there yet.
    Create(Item),
    /// Puts an item over the one of this version, a number among its fields.
    Replace(Item, u64),
    /// Puts an item where none is, or one whose time is over, or one that belongs to one of these holders.
    Claim(Claimed),
    /// Adds to the numbers of an item, each of which, and the item itself, begins at 0.
    Add {
        /// The item.
        key: Key,
        /// Field and what is added to it; not empty.
        amounts: Vec<(String, Decimal)>,
    },
    /// Replaces what an account holds by what was spent.
    Settle(Settlement),
}

/// A name that only one holder may have at a time. A name that was given up is an item whose time is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The item, whose field [`Claimed::HOLDER`] names the holder.
    pub item: Item,
    /// Holders from whom the name may be taken; not empty.
    pub holders: Vec<String>,
    /// The present: an item whose time is over by now may be replaced.
    pub now: Timestamp,
}

impl Claimed {
    /// The field of the item that names the holder.
    pub const HOLDER: &str = "holder";

    /// The put, on the condition that the name is free or its holder is one of these.
    fn put(&self, table: &str) -> Result<Put, StoreError> {
        let mut put = put(table, &self.item);
        let mut names = Vec::with_capacity(self.holders.len());
        for (i, holder) in self.holders.iter().enumerate() {
            let name = format!(":{i}");
            put = put.expression_attribute_values(&name, text(holder));
            names.push(name);
        }
        let put = put
            .condition_expression(format!(
                "{IS_ABSENT} OR #ttl <= :now OR #holder IN ({})",
                names.join(", ")
            ))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_names("#holder", Claimed::HOLDER)
            .expression_attribute_values(":now", seconds(self.now));
        Ok(put.build()?)
    }
}

impl Write {
    /// The write as a part of a transaction, in the table of this name.
    pub(super) fn to_part(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let part = TransactWriteItem::builder();
        let part = match self {
            Write::Create(item) => {
                let put = put(table, item).condition_expression(IS_ABSENT);
                part.put(put.build()?)
            }
            Write::Replace(item, version) => {
                let put = put(table, item)
                    .condition_expression(IS_VERSION)
                    .expression_attribute_values(":version", number(version));
                part.put(put.build()?)
            }
            Write::Claim(claimed) => part.put(claimed.put(table)?),
            Write::Add { key, amounts } => part.update(add(table, key, amounts)?),
            Write::Settle(settlement) => part.update(settlement.update(table)?),
        };
        Ok(part.build())
    }

    fn key(&self) -> &Key {
        match self {
            Write::Create(item) | Write::Replace(item, _) => &item.key,
            Write::Claim(claimed) => &claimed.item.key,
            Write::Add { key, .. } => key,
            Write::Settle(settlement) => &settlement.key,
        }
    }

    /// Whether both write the same item.
    pub(super) fn is_of_same_item(&self, other: &Write) -> bool {
        self.key() == other.key()
    }

    /// Both writes of one item as one; `None`: they cannot be merged.
    pub(super) fn merged_with(&self, other: &Write) -> Option<Write> {
        match (self, other) {
            (
                Write::Add { key, amounts },
                Write::Add {
                    amounts: others, ..
                },
            ) => {
                let mut sums: BTreeMap<&String, Decimal> = BTreeMap::new();
                for (field, amount) in amounts.iter().chain(others) {
                    let sum = sums.entry(field).or_default();
                    *sum = sum.checked_add(*amount)?;
                }
                let sums = sums.into_iter().map(|(field, sum)| (field.clone(), sum));
                Some(Write::Add {
                    key: key.clone(),
                    amounts: sums.collect(),
                })
            }
            (Write::Settle(one), Write::Settle(other)) => one.merged_with(other).map(Write::Settle),
            _ => None,
        }
    }
}

fn put(table: &str, item: &Item) -> PutBuilder {
    Put::builder()
        .table_name(table)
        .set_item(Some(Attributes::clone(&item.attributes)))
}

fn add(table: &str, key: &Key, amounts: &[(String, Decimal)]) -> Result<Update, StoreError> {
    let mut update = Update::builder()
        .table_name(table)
        .set_key(Some(key_attributes(key)));
    let mut terms = Vec::with_capacity(amounts.len());
    for (i, (field, amount)) in amounts.iter().enumerate() {
        terms.push(format!("#{i} :{i}"));
        update = update
            .expression_attribute_names(format!("#{i}"), field)
            .expression_attribute_values(format!(":{i}"), decimal(*amount));
    }
    let update = update.update_expression(format!("ADD {}", terms.join(", ")));
    Ok(update.build()?)
}
