//! Scalars the way people write them: `30`, `"30"`, `true`, `"true"`, `3e-06`.
//!
//! Every function is a `deserialize_with` for an optional field, and says in its error what it would have taken.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rust_decimal::Decimal;
use serde::de::{DeserializeSeed, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

struct Scalar<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Clone for Scalar<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Scalar<T> {}

impl<'de, T> DeserializeSeed<'de> for Scalar<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<T> Scalar<T> {
    fn read<E: Error>(self, text: &str, found: Unexpected<'_>) -> Result<Option<T>, E> {
        match (self.parse)(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(E::invalid_value(found, &self)),
        }
    }
}

impl<'de, T> Visitor<'de> for Scalar<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.read(text, Unexpected::Str(text))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        self.read(&value.to_string(), Unexpected::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.read(&value.to_string(), Unexpected::Signed(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.read(&value.to_string(), Unexpected::Unsigned(value))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        self.read(&value.to_string(), Unexpected::Float(value))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// One value, `None` where there is nothing.
pub(in crate::config) fn scalar<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    Scalar { expected, parse }.deserialize(deserializer)
}

/// A whole number of at least 0.
pub(in crate::config) fn whole<'de, T: FromStr, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<T>, D::Error> {
    scalar(d, "a whole number, 0 or more", |text| text.parse().ok())
}

/// A number of at least 0.
pub(in crate::config) fn number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    scalar(d, "a number, 0 or more", not_negative)
}

/// `true` or `false`.
pub(in crate::config) fn boolean<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<bool>, D::Error> {
    scalar(d, "true or false", |text| {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    })
}

/// Seconds, fractions allowed; 0 would be no time at all and is refused.
pub(in crate::config) fn seconds<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Duration>, D::Error> {
    scalar(d, "a number of seconds above 0", |text| {
        let seconds = not_negative(text).filter(|seconds| *seconds > 0.0)?;
        Duration::try_from_secs_f64(seconds).ok()
    })
}

/// Seconds, fractions allowed; 0 switches off what they limit.
pub(in crate::config) fn seconds_or_zero<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Duration>, D::Error> {
    scalar(d, "a number of seconds, 0 or more", |text| {
        Duration::try_from_secs_f64(not_negative(text)?).ok()
    })
}

/// Dollars, exact: the shortest decimal that the float in the file stands for.
pub(in crate::config) fn dollars<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Decimal>, D::Error> {
    scalar(d, "an amount of dollars, 0 or more", |text| {
        let amount = text
            .parse()
            .or_else(|_| Decimal::from_scientific(text))
            .ok()?;
        (!Decimal::is_sign_negative(&amount)).then(|| amount.normalize())
    })
}

/// The HTTP status of an error that is the caller's.
pub(in crate::config) fn client_error<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<u16>, D::Error> {
    scalar(d, "an HTTP status from 400 to 499", |text| {
        text.parse()
            .ok()
            .filter(|status| (400..500).contains(status))
    })
}

/// A text; numbers are taken for the text they look like.
pub(in crate::config) fn text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    scalar(d, "a text", |text| Some(text.to_owned()))
}

/// A list of texts, or one text alone.
pub(in crate::config) fn texts<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let one = |text: &str| Some(text.to_owned());
    list(d, "a list of texts", "a text", one)
}

/// A list of values, or one of them alone.
pub(in crate::config) fn list<'de, T, D: Deserializer<'de>>(
    d: D,
    expected: &'static str,
    expected_item: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, D::Error> {
    let item = Scalar {
        expected: expected_item,
        parse,
    };
    d.deserialize_any(ScalarList { expected, item })
}

struct ScalarList<T> {
    expected: &'static str,
    item: Scalar<T>,
}

impl<'de, T> Visitor<'de> for ScalarList<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match (self.item.parse)(text) {
            Some(value) => Ok(Some(vec![value])),
            None => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(item) = list.next_element_seed(self.item)? {
            values.extend(item);
        }
        Ok(Some(values))
    }
}

/// [`text`] as a type, for lists and maps.
#[derive(Debug)]
pub(in crate::config) struct LenientText(pub(in crate::config) Option<String>);

impl<'de> Deserialize<'de> for LenientText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        text(d).map(Self)
    }
}

fn not_negative(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
}
