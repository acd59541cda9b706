//! The fields that a body, or an object of settings in it, has and its type has not.
//!
//! Only the root's are looked at and those of [`Settings`], so only these are read in a special way: what stands in a
//! field is read as everywhere else, at its speed.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::LeftOut;
use super::loose::{Form, object};

/// An object of settings, with the names of its fields that its type does not have.
#[derive(Debug, Default)]
pub(crate) struct Settings<T> {
    value: T,
    unknown: Vec<String>,
}

impl<T> Settings<T> {
    /// What its type has. The rest is named in `left_out` by its place: `path` is the object's.
    pub(crate) fn known(self, path: &str, left_out: &mut LeftOut) -> T {
        for name in self.unknown {
            left_out.add(&format!("{path}.{name}"));
        }
        self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Settings<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer).map(|(value, unknown)| Self { value, unknown })
    }
}

impl<T: Form + for<'de> Deserialize<'de>> Form for Settings<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// Reads a struct. Beside it, the names that its fields do not have.
pub(super) fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(T, Vec<String>), D::Error> {
    let mut unknown = Vec::new();
    let root = Root {
        deserializer,
        unknown: &mut unknown,
    };
    let value = T::deserialize(root)?;
    Ok((value, unknown))
}

struct Root<'a, D> {
    deserializer: D,
    unknown: &'a mut Vec<String>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Root<'_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let fields_of = FieldsReader {
            read: visitor,
            fields,
            unknown: self.unknown,
        };
        self.deserializer
            .deserialize_struct(name, fields, fields_of)
    }

    // What is no struct has no fields.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserializer.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A struct's own reader, or its fields one after the other, with those that it knows and those that it does not.
struct FieldsReader<'a, R> {
    read: R,
    fields: &'static [&'static str],
    unknown: &'a mut Vec<String>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for FieldsReader<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.read.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.read.visit_map(FieldsReader {
            read: map,
            fields: self.fields,
            unknown: self.unknown,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for FieldsReader<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.read.next_key::<String>()? else {
            return Ok(None);
        };
        let known = seed.deserialize(key.as_str().into_deserializer())?;
        if !self.fields.contains(&key.as_str()) {
            self.unknown.push(key);
        }
        Ok(Some(known))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.read.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.read.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(expecting = "an object")]
    struct Body {
        #[serde(alias = "called")]
        name: Option<String>,
        inner: Option<Box<Body>>,
        #[serde(skip)]
        hidden: bool,
    }

    fn body(json: &str) -> Result<(Body, Vec<String>), serde_json::Error> {
        read(&mut serde_json::Deserializer::from_str(json))
    }

    #[test]
    fn the_root_s_unknown_fields_are_named_in_order_and_no_others() {
        let (read, unknown) = body(
            r#"{"z": [1], "called": "n", "inner": {"name": "m", "deep": 1}, "hidden": true, "a": null}"#,
        )
        .unwrap();
        assert_eq!(unknown, ["z", "hidden", "a"]);
        assert_eq!(read.name.as_deref(), Some("n"));
        assert_eq!(read.inner.unwrap().name.as_deref(), Some("m"));
    }

    #[test]
    fn errors_are_the_type_s_own() {
        for json in [
            "7",
            "\"text\"",
            "null",
            r#"{"name": 7}"#,
            r#"{"name": "a", "called": "b"}"#,
            r#"{"inner": {"inner": []}}"#,
            "{",
            "{7: 1}",
        ] {
            let plain = serde_json::from_str::<Body>(json).unwrap_err();
            assert_eq!(body(json).unwrap_err().to_string(), plain.to_string());
        }
    }
}
