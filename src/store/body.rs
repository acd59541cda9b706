//! Bodies of calls that write, as DynamoDB's JSON
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::item::{Attribute, KeyAttributes, digits};
use super::{Item, Key};

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
    condition_expression: Option<&'static str>,
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
            expression_attribute_values: Values::new(),
        }
    }

    /// Where no item is.
    pub(super) fn new(table_name: &'a str, item: &'a Item) -> Self {
        Self {
            condition_expression: Some("attribute_not_exists(pk)"),
            ..Self::over(table_name, item)
        }
    }

    /// Over the item of this version, a number among its fields.
    pub(super) fn over_version(table_name: &'a str, item: &'a Item, version: u64) -> Self {
        let version = Attribute::N(version.to_string());
        Self {
            condition_expression: Some("version = :version"),
            expression_attribute_values: Values::from([(":version".to_owned(), version)]),
            ..Self::over(table_name, item)
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
