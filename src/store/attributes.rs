//! JSON as DynamoDB's attributes, text to text: `{"n":1}` becomes `"n":{"N":"1"}`
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html>).
//!
//! Text, names and digits stay as they are spelled. The JSON is this program's own, as serde_json writes it: without
//! white space.

use memchr::memchr2;
use serde::ser::Error as _;

/// The fields of a JSON object as attributes, without the braces.
///
/// # Errors
/// When it is no object, or one of its own fields has one of these names.
pub(super) fn of_object(json: &str, taken: &[&str]) -> Result<String, serde_json::Error> {
    let mut writer = Writer {
        rest: json,
        out: String::with_capacity(json.len() * 2),
    };
    let object = writer.rest.strip_prefix('{');
    writer.rest = object.ok_or_else(|| error("an item is a JSON object"))?;
    writer.fields(taken)?;
    Ok(writer.out)
}

struct Writer<'a> {
    rest: &'a str,
    out: String,
}

impl<'a> Writer<'a> {
    /// The fields of the object that has begun, and its end.
    fn fields(&mut self, taken: &[&str]) -> Result<(), serde_json::Error> {
        while !self.skip('}') {
            if self.skip(',') {
                self.out.push(',');
            }
            let name = self.string()?;
            let plain = name.trim_matches('"');
            if taken.contains(&plain) {
                return Err(error(format!(
                    "an item's field cannot be '{plain}': the table has one"
                )));
            }
            self.out.push_str(name);
            if !self.skip(':') {
                return Err(unexpected());
            }
            self.out.push(':');
            self.value()?;
        }
        Ok(())
    }

    fn value(&mut self) -> Result<(), serde_json::Error> {
        if self.skip('{') {
            self.out.push_str("{\"M\":{");
            self.fields(&[])?;
            self.out.push_str("}}");
        } else if self.skip('[') {
            self.out.push_str("{\"L\":[");
            while !self.skip(']') {
                if self.skip(',') {
                    self.out.push(',');
                }
                self.value()?;
            }
            self.out.push_str("]}");
        } else if self.rest.starts_with('"') {
            let text = self.string()?;
            self.out.extend(["{\"S\":", text, "}"]);
        } else {
            match self.word()? {
                "null" => self.out.push_str("{\"NULL\":true}"),
                word @ ("true" | "false") => self.out.extend(["{\"BOOL\":", word, "}"]),
                digits => self.out.extend(["{\"N\":\"", digits, "\"}"]),
            }
        }
        Ok(())
    }

    fn skip(&mut self, what: char) -> bool {
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> Result<&'a str, serde_json::Error> {
        let bytes = self.rest.as_bytes();
        let mut from = 1;
        loop {
            let ahead = bytes.get(from..).unwrap_or_default();
            let at = from + memchr2(b'"', b'\\', ahead).ok_or_else(unexpected)?;
            if bytes.get(at) == Some(&b'"') {
                return self.take(at + 1);
            }
            // Whatever is escaped does not end the string.
            from = at + 2;
        }
    }

    /// Digits, or one of the three words.
    fn word(&mut self) -> Result<&'a str, serde_json::Error> {
        let end = self.rest.find([',', '}', ']']).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(unexpected());
        }
        self.take(end)
    }

    fn take(&mut self, length: usize) -> Result<&'a str, serde_json::Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(unexpected)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn unexpected() -> serde_json::Error {
    error("an item's JSON is not as serde_json writes it")
}

fn error(message: impl std::fmt::Display) -> serde_json::Error {
    serde_json::Error::custom(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    /// The same by way of values.
    fn attribute(value: &Value) -> Value {
        match value {
            Value::Null => json!({"NULL": true}),
            Value::Bool(value) => json!({"BOOL": value}),
            Value::Number(number) => json!({"N": number.to_string()}),
            Value::String(text) => json!({"S": text}),
            Value::Array(values) => {
                json!({"L": values.iter().map(attribute).collect::<Vec<_>>()})
            }
            Value::Object(fields) => json!({"M": attributes(fields)}),
        }
    }

    fn attributes(fields: &Map<String, Value>) -> Map<String, Value> {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect()
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_value_becomes_its_attribute(value in any_json()) {
            let json = json!({"a": value}).to_string();
            let written = format!("{{{}}}", of_object(&json, &[]).unwrap());
            let expected = json!({"a": attribute(&value)}).to_string();
            prop_assert_eq!(written, expected);
        }

        #[test]
        fn what_is_no_json_is_refused_or_made_into_something(text in r#"[\[\]{}",:a1 \\]{0,20}"#) {
            of_object(&format!("{{{text}"), &[]).ok();
        }
    }
}
