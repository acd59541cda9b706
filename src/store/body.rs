//! Bodies of calls that write, as DynamoDB's JSON
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>).

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::item::{Attribute, KeyAttributes, TTL, digits};
use super::{Claimed, Item, Key};

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Transaction<'a> {
    pub(super) client_request_token: &'a str,
    pub(super) transact_items: Vec<Part<'a>>,
}

/// One write of a transaction.
#[derive(Debug, Serialize)]
pub(super) enum Part<'a> {
    Put(Put<'a>),
    Update(Update<'a>),
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>, and a part of a transaction.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put<'a> {
    table_name: &'a str,
    item: &'a Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_expression: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expression_attribute_names: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Values::is_empty")]
    expression_attribute_values: Values,
}

/// A part of a transaction.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update<'a> {
    pub(super) table_name: &'a str,
    #[serde(serialize_with = "key")]
    pub(super) key: &'a Key,
    pub(super) update_expression: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition_expression: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) expression_attribute_names: BTreeMap<String, &'a str>,
    pub(super) expression_attribute_values: Values,
}

/// Values that an expression names.
pub(super) type Values = BTreeMap<String, Attribute>;

impl<'a> Put<'a> {
    /// Over whatever is there.
    pub(super) fn over(table_name: &'a str, item: &'a Item) -> Self {
        Self {
            table_name,
            item,
            condition_expression: None,
            expression_attribute_names: BTreeMap::new(),
            expression_attribute_values: Values::new(),
        }
    }

    /// Where no item is.
    pub(super) fn new(table_name: &'a str, item: &'a Item) -> Self {
        Self {
            condition_expression: Some("attribute_not_exists(pk)".into()),
            ..Self::over(table_name, item)
        }
    }

    /// Over the item of this version, a number among its fields.
    pub(super) fn over_version(table_name: &'a str, item: &'a Item, version: u64) -> Self {
        let version = Attribute::N(version.to_string());
        Self {
            condition_expression: Some("version = :version".into()),
            expression_attribute_values: Values::from([(":version".to_owned(), version)]),
            ..Self::over(table_name, item)
        }
    }

    /// Where the name is free, or its holder is one of these.
    pub(super) fn claim(table_name: &'a str, claimed: &'a Claimed) -> Self {
        let now = Attribute::N(claimed.now.as_second().to_string());
        let holders = claimed.holders.iter().enumerate();
        let holders = holders.map(|(i, holder)| (format!(":{i}"), Attribute::S(holder.clone())));
        let values: Values = holders.collect();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        let condition = format!(
            "attribute_not_exists(pk) OR #ttl <= :now OR #holder IN ({})",
            names.join(", ")
        );
        Self {
            condition_expression: Some(condition.into()),
            expression_attribute_names: BTreeMap::from([
                ("#ttl", TTL),
                ("#holder", Claimed::HOLDER),
            ]),
            expression_attribute_values: values
                .into_iter()
                .chain([(":now".to_owned(), now)])
                .collect(),
            ..Self::over(table_name, &claimed.item)
        }
    }
}

/// A number as an attribute.
pub(super) fn number(amount: Decimal) -> Attribute {
    Attribute::N(digits(amount))
}

fn key<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
    KeyAttributes(key).serialize(serializer)
}
