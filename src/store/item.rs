//! Items on their way into the table, and the attributes that the table has of its own.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::Error as _;

use super::attributes::{Attributes, seconds, text, to_attributes};
use super::{Key, StoreError};

pub(super) const PK: &str = "pk";
pub(super) const SK: &str = "sk";
/// Epoch seconds after which the item is gone; DynamoDB itself deletes it days later.
pub(super) const TTL: &str = "ttl";
pub(super) const BY_KEY: &str = "by_key";
pub(super) const BY_SESSION: &str = "by_session";

/// What the table has of its own, beside a record's fields.
const TABLE_ATTRIBUTES: [&str; 5] = [PK, SK, TTL, BY_KEY, BY_SESSION];

/// One item on its way into the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The key once more: writes are merged by it.
    pub(super) key: Key,
    /// All of them, the key's included. Shared: a write of a record waits in a queue, in a group, and for a second try.
    pub(super) attributes: Arc<Attributes>,
}

impl Item {
    /// The item with the fields of this record under this key.
    ///
    /// # Errors
    /// When the record does not serialize to a JSON object, or a field is named as one of the table's own.
    pub fn new(key: &Key, record: &impl Serialize) -> Result<Item, StoreError> {
        let mut attributes = to_attributes(record)?;
        let mut reserved = TABLE_ATTRIBUTES.iter();
        if let Some(name) = reserved.find(|name| attributes.contains_key(**name)) {
            let error = format!("an item's field cannot be '{name}': the table has one");
            return Err(serde_json::Error::custom(error).into());
        }
        attributes.extend(key_attributes(key));
        Ok(Item {
            key: key.clone(),
            attributes: Arc::new(attributes),
        })
    }

    /// The item is gone from this instant on.
    #[must_use]
    pub fn expires(self, at: Timestamp) -> Item {
        self.with(TTL, seconds(at))
    }

    /// The item is found in index 1 under [`super::keys::by_key`].
    #[must_use]
    pub fn by_key(self, partition: String) -> Item {
        self.with(BY_KEY, text(partition))
    }

    /// The item is found in index 2 under [`super::keys::by_session`].
    #[must_use]
    pub fn by_session(self, partition: String) -> Item {
        self.with(BY_SESSION, text(partition))
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Item {
        Arc::make_mut(&mut self.attributes).insert(name.to_owned(), value);
        self
    }
}

/// A key as attributes.
pub(super) fn key_attributes(key: &Key) -> Attributes {
    Attributes::from([
        (PK.to_owned(), text(&key.pk)),
        (SK.to_owned(), text(&key.sk)),
    ])
}

/// Whether the item's time has passed.
pub(super) fn expired(attributes: &Attributes, now: Timestamp) -> bool {
    let ttl = attributes.get(TTL).and_then(|ttl| ttl.as_n().ok());
    ttl.and_then(|ttl| ttl.parse::<i64>().ok())
        .is_some_and(|ttl| ttl <= now.as_second())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::attributes::number;
    use super::*;

    fn key() -> Key {
        Key {
            pk: "p".into(),
            sk: "s".into(),
        }
    }

    #[test]
    fn what_the_table_has_of_its_own_stands_beside_the_fields() {
        let item = Item::new(&key(), &json!({"n": 1})).unwrap();
        let item = item
            .expires(Timestamp::from_second(9).unwrap())
            .by_key("k \"quoted\"".into())
            .by_session("s".into());
        let attributes = [
            ("pk", text("p")),
            ("sk", text("s")),
            ("ttl", number(9)),
            ("by_key", text("k \"quoted\"")),
            ("by_session", text("s")),
            ("n", number(1)),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(*item.attributes, Attributes::from(attributes));
        let empty = Item::new(&key(), &json!({})).unwrap();
        assert_eq!(*empty.attributes, key_attributes(&key()));
    }

    #[test]
    fn no_field_is_named_as_one_of_the_tables_own() {
        for name in TABLE_ATTRIBUTES {
            let error = Item::new(&key(), &json!({name: 1})).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(Item::new(&key(), &json!({"deep": {"pk": 1}})).is_ok());
    }
}
