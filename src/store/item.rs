//! Items: JSON objects on this side, DynamoDB attributes on the other.
//!
//! JSON text is the common ground because it carries numbers as digits: a price of 0.1 is the item's `N: "0.1"` and
//! never passes through a float. (`serde_dynamo` and `serde_json::Value` would both make one of it.) What is written
//! stays text all the way: the SDK's types would be a hash map for each object and a string for each name, made to be
//! written out at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::{self, DeserializeOwned, MapAccess, Visitor};
use serde::ser::{self, Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
    json: Arc<str>,
    set: Vec<(&'static str, Attribute)>,
}

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

/// As the table keeps it.
impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attributes = serializer.serialize_map(None)?;
        self.key.write(&mut attributes)?;
        for (name, attribute) in &self.set {
            attributes.serialize_entry(name, attribute)?;
        }
        let here = |name: &str| {
            let mut set = self.set.iter();
            name == PK || name == SK || set.any(|(set, _)| *set == name)
        };
        write_fields(&self.json, &mut attributes, here)?;
        attributes.end()
    }
}

impl Key {
    fn write<M: SerializeMap>(&self, attributes: &mut M) -> Result<(), M::Error> {
        attributes.serialize_entry(PK, &Text { s: &self.pk })?;
        attributes.serialize_entry(SK, &Text { s: &self.sk })
    }
}

/// A key as attributes.
pub(super) struct KeyAttributes<'a>(pub(super) &'a Key);

impl Serialize for KeyAttributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attributes = serializer.serialize_map(Some(2))?;
        self.0.write(&mut attributes)?;
        attributes.end()
    }
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "S")]
    s: &'a str,
}

/// A JSON value as an attribute: `{"S": …}`. Text, digits and truth values stay as they are spelled.
struct Value<'a>(&'a RawValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = self.0.get();
        let mut attribute = serializer.serialize_map(Some(1))?;
        match json.as_bytes().first() {
            Some(b'{') => attribute.serialize_entry("M", &Fields(json))?,
            Some(b'[') => {
                let values: Vec<&RawValue> =
                    serde_json::from_str(json).map_err(ser::Error::custom)?;
                let values: Vec<Value<'_>> = values.into_iter().map(Value).collect();
                attribute.serialize_entry("L", &values)?;
            }
            Some(b'"') => attribute.serialize_entry("S", self.0)?,
            Some(b't' | b'f') => attribute.serialize_entry("BOOL", self.0)?,
            Some(b'n') => attribute.serialize_entry("NULL", &true)?,
            _ => attribute.serialize_entry("N", json)?,
        }
        attribute.end()
    }
}

/// A JSON object's fields as attributes.
struct Fields<'a>(&'a str);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attributes = serializer.serialize_map(None)?;
        write_fields(self.0, &mut attributes, |_| false)?;
        attributes.end()
    }
}

/// Writes the fields of a JSON object, as attributes, without those that are here already.
fn write_fields<M: SerializeMap>(
    json: &str,
    attributes: &mut M,
    here: impl Fn(&str) -> bool,
) -> Result<(), M::Error> {
    let fields = FieldsVisitor { attributes, here };
    let mut json = serde_json::Deserializer::from_str(json);
    json.deserialize_map(fields).map_err(ser::Error::custom)
}

struct FieldsVisitor<'a, M, H> {
    attributes: &'a mut M,
    here: H,
}

impl<'de, M: SerializeMap, H: Fn(&str) -> bool> Visitor<'de> for FieldsVisitor<'_, M, H> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some((Name(name), value)) = fields.next_entry::<_, &RawValue>()? {
            if !(self.here)(&name) {
                let written = self.attributes.serialize_entry(&name, &Value(value));
                written.map_err(de::Error::custom)?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

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
    fn what_the_table_has_of_its_own_goes_before_fields_of_the_same_name() {
        let value = json!({"pk": "other", "ttl": "a text", "by_key": 5, "n": 1});
        let item = Item::new(&key(), &value).unwrap();
        let item = item
            .expires(Timestamp::from_second(9).unwrap())
            .by_key("k".into())
            .by_session("s".into());
        let attributes = json!({
            "pk": {"S": "p"}, "sk": {"S": "s"}, "ttl": {"N": "9"}, "by_key": {"S": "k"}, "by_session": {"S": "s"},
            "n": {"N": "1"},
        });
        assert_eq!(
            serde_json::to_string(&item).unwrap(),
            attributes.to_string()
        );
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
