//! Items: JSON objects on this side, DynamoDB attributes on the other.
//!
//! JSON text is the common ground because it carries numbers as digits: a price of 0.1 is the item's `N: "0.1"` and
//! never passes through a float. (`serde_dynamo` and `serde_json::Value` would both make one of it.) What is written
//! stays text all the way: the SDK's types would be a hash map for each object and a string for each name, made to be
//! written out at once.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::ser::{self, Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json;

use super::{Key, StoreError, attributes};

pub(super) const PK: &str = "pk";
pub(super) const SK: &str = "sk";
/// Room for a small item, in bytes.
const ROOM: usize = 2048;
/// Epoch seconds after which the item is gone; DynamoDB itself deletes it days later.
pub(super) const TTL: &str = "ttl";
pub(super) const BY_KEY: &str = "by_key";
pub(super) const BY_SESSION: &str = "by_session";

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// One item on its way into the table. Clones are cheap.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub(super) key: Key,
    /// The fields as attributes, `"name":{"S":"text"}` and so on.
    fields: Arc<str>,
    set: Vec<(&'static str, Attribute)>,
}

/// What the table has of its own, beside an item's fields.
const OWN: [&str; 5] = [PK, SK, TTL, BY_KEY, BY_SESSION];

/// One attribute, as DynamoDB's JSON has it
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html>).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) enum Attribute {
    S(String),
    N(String),
}

impl Item {
    /// The item with these fields under this key.
    ///
    /// # Errors
    /// When the value does not serialize to a JSON object, or a field is named as one of the table's own.
    pub fn new(key: &Key, value: &impl Serialize) -> Result<Item, StoreError> {
        let mut json = Vec::with_capacity(ROOM);
        serde_json::to_writer(&mut json, value)?;
        let json = String::from_utf8(json).map_err(serde_json::Error::custom)?;
        Ok(Item {
            key: key.clone(),
            fields: attributes::of_object(&json, &OWN)?.into(),
            set: Vec::new(),
        })
    }

    /// The item is gone from this instant on.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Item {
        let seconds = Attribute::N(at.as_second().to_string());
        self.set.push((TTL, seconds));
        self
    }

    /// The item is found in index 1 under [`super::keys::by_key`].
    #[must_use]
    pub fn by_key(mut self, partition: String) -> Item {
        self.set.push((BY_KEY, Attribute::S(partition)));
        self
    }

    /// The item is found in index 2 under [`super::keys::by_session`].
    #[must_use]
    pub fn by_session(mut self, partition: String) -> Item {
        self.set.push((BY_SESSION, Attribute::S(partition)));
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

/// A number as attributes spell it.
pub(super) fn digits(number: Decimal) -> String {
    number.normalize().to_string()
}

/// As the table keeps it.
impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = self.json().map_err(ser::Error::custom)?;
        RawValue::from_string(json)
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

impl Item {
    fn json(&self) -> Result<String, serde_json::Error> {
        let mut json = serde_json::to_string(&KeyAttributes(&self.key))?;
        json.reserve(self.fields.len() + ROOM);
        json.pop();
        for (name, attribute) in &self.set {
            let attribute = serde_json::to_string(attribute)?;
            json.extend([",\"", name, "\":", &attribute]);
        }
        if !self.fields.is_empty() {
            json.extend([",", &self.fields]);
        }
        json.push('}');
        Ok(json)
    }
}

/// A key as attributes.
pub(super) struct KeyAttributes<'a>(pub(super) &'a Key);

impl Serialize for KeyAttributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attributes = serializer.serialize_map(Some(2))?;
        attributes.serialize_entry(PK, &Text { s: &self.0.pk })?;
        attributes.serialize_entry(SK, &Text { s: &self.0.sk })?;
        attributes.end()
    }
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "S")]
    s: &'a str,
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

    /// The item as it is sent.
    fn sent(value: &impl Serialize) -> String {
        serde_json::to_string(&Item::new(&key(), value).unwrap()).unwrap()
    }

    #[test]
    fn a_number_is_stored_digit_for_digit() {
        let digits = "0.1234567890123456789012345678";
        let value = RawValue::from_string(format!(r#"{{"spend":{digits}}}"#)).unwrap();
        let sent = sent(&value);
        assert!(
            sent.contains(&format!(r#""spend":{{"N":"{digits}"}}"#)),
            "{sent}"
        );
        let item = Attributes::from([("spend".to_owned(), AttributeValue::N(digits.into()))]);
        let back: Box<RawValue> = read(&item).unwrap();
        assert!(back.get().contains(digits), "{back}");
    }

    #[test]
    fn every_kind_of_json_has_its_attribute() {
        let value = json!({
            "text": "a \"quoted\" line\nand a é", "empty": "", "whole": 18446744073709551615u64, "none": null,
            "yes": true, "list": [1, "two", [], {}], "deep": {"er": {"still": -1}}, "a \"name\"": "t",
        });
        let attributes = json!({
            "pk": {"S": "p"},
            "sk": {"S": "s"},
            "text": {"S": "a \"quoted\" line\nand a é"},
            "empty": {"S": ""},
            "whole": {"N": "18446744073709551615"},
            "none": {"NULL": true},
            "yes": {"BOOL": true},
            "list": {"L": [{"N": "1"}, {"S": "two"}, {"L": []}, {"M": {}}]},
            "deep": {"M": {"er": {"M": {"still": {"N": "-1"}}}}},
            "a \"name\"": {"S": "t"},
        });
        assert_eq!(sent(&value), attributes.to_string());
    }

    #[test]
    fn what_the_table_has_of_its_own_stands_beside_the_fields() {
        let item = Item::new(&key(), &json!({"n": 1})).unwrap();
        let item = item
            .expires(Timestamp::from_second(9).unwrap())
            .by_key("k \"quoted\"".into())
            .by_session("s".into());
        let attributes = json!({
            "pk": {"S": "p"}, "sk": {"S": "s"}, "ttl": {"N": "9"}, "by_key": {"S": "k \"quoted\""},
            "by_session": {"S": "s"}, "n": {"N": "1"},
        });
        assert_eq!(
            serde_json::to_string(&item).unwrap(),
            attributes.to_string()
        );
        let empty = sent(&json!({}));
        assert_eq!(empty, r#"{"pk":{"S":"p"},"sk":{"S":"s"}}"#);
    }

    #[test]
    fn no_field_is_named_as_one_of_the_tables_own() {
        for name in OWN {
            let error = Item::new(&key(), &json!({name: 1})).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(Item::new(&key(), &json!({"deep": {"pk": 1}})).is_ok());
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
