//! The pair of functions between records and DynamoDB's attributes: [`to_attributes`] and [`from_attributes`].
//!
//! A number is its digits on both ways: a price of 0.1 is the item's `N: "0.1"` and never passes through a float.
//! Records write amounts as `RawValue`s, of which `serde_dynamo` knows nothing: so attributes are made by an
//! [`AttributeSerializer`] of our own, and read by way of JSON text.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer, ser};
use serde_json::value::RawValue;

use self::serializer::AttributeSerializer;

mod serializer;

/// Attributes by name: an item, a key, or an attribute of several fields.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The fields of a record. `null` is an attribute too; a field that its record leaves out is none.
///
/// # Errors
/// When the record does not serialize to a JSON object.
pub(super) fn to_attributes(record: &impl Serialize) -> Result<Attributes, serde_json::Error> {
    match record.serialize(AttributeSerializer)? {
        AttributeValue::M(fields) => Ok(fields),
        _ => Err(ser::Error::custom("a record that is no object")),
    }
}

/// The record with these fields. Numbers have the digits that DynamoDB gives.
///
/// # Errors
/// When the fields are not those of a `T`.
pub(super) fn from_attributes<T: DeserializeOwned>(
    attributes: &Attributes,
) -> Result<T, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(&JsonObject(attributes))?)
}

/// A text as an attribute.
pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A whole number as an attribute.
pub(super) fn number(number: impl Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// An amount as an attribute, without zeros at its end.
pub(super) fn decimal(amount: Decimal) -> AttributeValue {
    number(amount.normalize())
}

/// An instant in epoch seconds, as `ttl` has it.
pub(super) fn seconds(at: Timestamp) -> AttributeValue {
    number(at.as_second())
}

/// The decimal that an attribute is, in plain or in scientific notation.
pub(super) fn to_decimal(attribute: &AttributeValue) -> Option<Decimal> {
    let digits = attribute.as_n().ok()?;
    digits
        .parse()
        .or_else(|_| Decimal::from_scientific(digits))
        .ok()
}

/// Attributes as a JSON object.
struct JsonObject<'a>(&'a Attributes);

/// An attribute as JSON.
struct Json<'a>(&'a AttributeValue);

impl Serialize for JsonObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Json(value))))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValue::S(text) => serializer.serialize_str(text),
            AttributeValue::N(number) => RawValue::from_string(plain(number))
                .map_err(ser::Error::custom)?
                .serialize(serializer),
            AttributeValue::Bool(flag) => serializer.serialize_bool(*flag),
            AttributeValue::M(fields) => JsonObject(fields).serialize(serializer),
            AttributeValue::L(values) => serializer.collect_seq(values.iter().map(Json)),
            // Records have no sets and binaries.
            _ => serializer.serialize_none(),
        }
    }
}

/// A number without an exponent, where a decimal can say it: `1E+2`, as a large or small number may come back, is no
/// integer to a JSON reader.
fn plain(number: &str) -> String {
    match Decimal::from_scientific(number) {
        Ok(plain) if number.contains(['e', 'E']) => plain.to_string(),
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn a_number_is_stored_digit_for_digit() {
        let digits = "0.1234567890123456789012345678";
        let spend = RawValue::from_string(digits.to_owned()).unwrap();
        let item = to_attributes(&HashMap::from([("spend", spend)])).unwrap();
        assert_eq!(item["spend"], AttributeValue::N(digits.to_owned()));
        let back: Box<RawValue> = from_attributes(&item).unwrap();
        assert!(back.get().contains(digits), "{back}");
    }

    #[test]
    fn every_kind_of_json_has_its_attribute() {
        let value = json!({
            "text": "a \"quoted\" line\nand a é", "empty": "", "whole": 18446744073709551615u64, "none": null,
            "yes": true, "list": [1, "two", [], {}], "deep": {"er": {"still": -1}}, "a \"name\"": "t",
        });
        let map =
            |name: &str, value| AttributeValue::M(Attributes::from([(name.to_owned(), value)]));
        let list = vec![
            number(1),
            text("two"),
            AttributeValue::L(Vec::new()),
            AttributeValue::M(Attributes::new()),
        ];
        let attributes = [
            ("text", text("a \"quoted\" line\nand a é")),
            ("empty", text("")),
            ("whole", number(u64::MAX)),
            ("none", AttributeValue::Null(true)),
            ("yes", AttributeValue::Bool(true)),
            ("list", AttributeValue::L(list)),
            ("deep", map("er", map("still", number(-1)))),
            ("a \"name\"", text("t")),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(to_attributes(&value).unwrap(), Attributes::from(attributes));
    }

    #[test]
    fn a_number_in_scientific_notation_is_read_as_a_plain_one() {
        let item = Attributes::from([("n".to_owned(), AttributeValue::N("1E+2".into()))]);
        let back: HashMap<String, u64> = from_attributes(&item).unwrap();
        assert_eq!(back["n"], 100);
    }

    #[test]
    fn only_an_object_is_an_item() {
        assert!(to_attributes(&[1, 2]).is_err());
    }

    fn any_json(number: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            any::<String>().prop_map(Value::from),
            r#"[\[\]{}",:\\\n]{0,9}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The attribute of a JSON value.
    fn attribute_of(value: &Value) -> AttributeValue {
        match value {
            Value::Null => AttributeValue::Null(true),
            Value::Bool(value) => AttributeValue::Bool(*value),
            Value::Number(digits) => number(digits),
            Value::String(value) => text(value),
            Value::Array(values) => AttributeValue::L(values.iter().map(attribute_of).collect()),
            Value::Object(fields) => AttributeValue::M(attributes_of(fields)),
        }
    }

    fn attributes_of(fields: &Map<String, Value>) -> Attributes {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (name.clone(), attribute_of(value)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_value_becomes_its_attribute(value in any_json(any::<f64>().prop_map(Value::from))) {
            let attributes = to_attributes(&json!({"a": value})).unwrap();
            prop_assert_eq!(&attributes["a"], &attribute_of(&value));
        }

        #[test]
        fn what_was_written_is_read_back(value in any_json(any::<i64>().prop_map(Value::from))) {
            let record = json!({"a": value});
            let back: Value = from_attributes(&to_attributes(&record).unwrap()).unwrap();
            prop_assert_eq!(back, record);
        }
    }
}
