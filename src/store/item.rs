//! Items: JSON objects on this side, DynamoDB attributes on the other.
//!
//! JSON text is the common ground because it carries numbers as digits: a price of 0.1 is the item's `N: "0.1"` and
//! never passes through a float. (`serde_dynamo` and `serde_json::Value` would both make one of it.)

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::{self, DeserializeOwned, MapAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::json;

use super::{Key, StoreError};

pub(super) const PK: &str = "pk";
pub(super) const SK: &str = "sk";
/// Epoch seconds after which the item is gone; DynamoDB itself deletes it days later.
pub(super) const TTL: &str = "ttl";
pub(super) const BY_KEY: &str = "by_key";
pub(super) const BY_SESSION: &str = "by_session";

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// One item on its way into the table. Clones are cheap.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub(super) key: Key,
    /// Becomes attributes for each call: the SDK takes them away.
    json: Arc<str>,
    set: Vec<(&'static str, AttributeValue)>,
}

impl Item {
    /// The item with these fields under this key.
    ///
    /// # Errors
    /// When the value does not serialize to a JSON object.
    pub fn new(key: &Key, value: &impl Serialize) -> Result<Item, StoreError> {
        let json = serde_json::to_string(value)?;
        if !json.starts_with('{') {
            return Err(serde_json::Error::custom("an item is a JSON object").into());
        }
        Ok(Item {
            key: key.clone(),
            json: json.into(),
            set: Vec::new(),
        })
    }

    /// As the table keeps it.
    ///
    /// # Errors
    /// As for any JSON: none that [`Item::new`] lets through.
    pub(super) fn attributes(&self) -> Result<Attributes, StoreError> {
        let Fields(mut attributes) = serde_json::from_str(&self.json)?;
        let set = self.set.iter();
        attributes.extend(set.map(|(name, value)| ((*name).to_owned(), value.clone())));
        attributes.insert(PK.to_owned(), AttributeValue::S(self.key.pk.clone()));
        attributes.insert(SK.to_owned(), AttributeValue::S(self.key.sk.clone()));
        Ok(attributes)
    }

    /// The item is gone from this instant on.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Item {
        let seconds = AttributeValue::N(at.as_second().to_string());
        self.set.push((TTL, seconds));
        self
    }

    /// The item is found in index 1 under [`super::keys::by_key`].
    #[must_use]
    pub fn by_key(mut self, partition: String) -> Item {
        self.set.push((BY_KEY, AttributeValue::S(partition)));
        self
    }

    /// The item is found in index 2 under [`super::keys::by_session`].
    #[must_use]
    pub fn by_session(mut self, partition: String) -> Item {
        self.set.push((BY_SESSION, AttributeValue::S(partition)));
        self
    }
}

/// Reads an item; the table's own attributes (`pk`, `sk`, …) are fields like the others.
pub(super) fn read<T: DeserializeOwned>(attributes: &Attributes) -> Result<T, StoreError> {
    let mut text = String::with_capacity(1024);
    write_object(&mut text, attributes)?;
    Ok(json::parse(&text)?)
}

/// Whether the item's time has passed.
pub(super) fn expired(attributes: &Attributes, now: Timestamp) -> bool {
    let ttl = attributes.get(TTL).and_then(|ttl| ttl.as_n().ok());
    ttl.and_then(|ttl| ttl.parse::<i64>().ok())
        .is_some_and(|ttl| ttl <= now.as_second())
}

/// A JSON object as attributes.
struct Fields(Attributes);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Attributes::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            let value = to_attribute(value.get()).map_err(de::Error::custom)?;
            fields.insert(name, value);
        }
        Ok(Fields(fields))
    }
}

fn to_attribute(json: &str) -> Result<AttributeValue, serde_json::Error> {
    Ok(match json.as_bytes().first() {
        Some(b'{') => AttributeValue::M(serde_json::from_str::<Fields>(json)?.0),
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(json)?;
            let values = values.into_iter().map(|value| to_attribute(value.get()));
            AttributeValue::L(values.collect::<Result<_, _>>()?)
        }
        Some(b'"') => AttributeValue::S(serde_json::from_str(json)?),
        Some(b't' | b'f') => AttributeValue::Bool(serde_json::from_str(json)?),
        Some(b'n') => AttributeValue::Null(true),
        _ => AttributeValue::N(json.to_owned()),
    })
}

fn write_object(json: &mut String, attributes: &Attributes) -> Result<(), serde_json::Error> {
    json.push('{');
    for (i, (name, value)) in attributes.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        json.push_str(&serde_json::to_string(name)?);
        json.push(':');
        write_value(json, value)?;
    }
    json.push('}');
    Ok(())
}

fn write_value(json: &mut String, value: &AttributeValue) -> Result<(), serde_json::Error> {
    match value {
        AttributeValue::S(text) => json.push_str(&serde_json::to_string(text)?),
        AttributeValue::N(number) => match Decimal::from_scientific(number) {
            // Large and small numbers may come back as 1E+2, which is no integer to a JSON reader.
            Ok(plain) if number.contains(['e', 'E']) => json.push_str(&plain.to_string()),
            _ => json.push_str(number),
        },
        AttributeValue::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
        AttributeValue::M(fields) => write_object(json, fields)?,
        AttributeValue::L(values) => {
            json.push('[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    json.push(',');
                }
                write_value(json, value)?;
            }
            json.push(']');
        }
        // Sets and binaries are never written here.
        _ => json.push_str("null"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> Key {
        Key {
            pk: "p".into(),
            sk: "s".into(),
        }
    }

    #[test]
    fn a_number_is_stored_digit_for_digit() {
        let digits = "0.1234567890123456789012345678";
        let value = RawValue::from_string(format!(r#"{{"spend":{digits}}}"#)).unwrap();
        let item = Item::new(&key(), &value).unwrap().attributes().unwrap();
        assert_eq!(item["spend"], AttributeValue::N(digits.into()));
        let back: Box<RawValue> = read(&item).unwrap();
        assert!(back.get().contains(digits), "{back}");
    }

    #[test]
    fn every_kind_of_json_comes_back() {
        let value = json!({
            "text": "a \"quoted\" line\nand a é", "empty": "", "whole": 18446744073709551615u64, "none": null,
            "yes": true, "list": [1, "two", [], {}], "deep": {"er": {"still": -1}},
        });
        let item = Item::new(&key(), &value).unwrap().attributes().unwrap();
        let mut back: serde_json::Value = read(&item).unwrap();
        assert_eq!(back["pk"], "p");
        back.as_object_mut()
            .unwrap()
            .retain(|name, _| name != "pk" && name != "sk");
        assert_eq!(back, value);
    }

    #[test]
    fn a_number_in_scientific_notation_is_read_as_a_plain_one() {
        let item = Attributes::from([("n".to_owned(), AttributeValue::N("1E+2".into()))]);
        let back: HashMap<String, u64> = read(&item).unwrap();
        assert_eq!(back["n"], 100);
    }

    #[test]
    fn only_an_object_is_an_item() {
        assert!(Item::new(&key(), &[1, 2]).is_err());
    }
}
