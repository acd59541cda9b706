//! The fields that a body, or an object of settings in it, has and its type has not.
//!
//! Only the root's are looked at and those of [`SettingsObject`], so only these are read in a special way: what stands in a
//! field is read as everywhere else, at its speed.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::DroppedFields;
use super::loose::{Form, object};

/// An object of settings, with those of its fields that its type does not have.
#[derive(Debug, Default)]
pub(crate) struct SettingsObject<T> {
    value: T,
    unknown: Map<String, Value>,
}

impl<T> SettingsObject<T> {
    /// What its type has. The rest is named in `dropped` by its place: `path` is the object's.
    pub(crate) fn known(self, path: &str, dropped: &mut DroppedFields) -> T {
        self.parted(path, dropped).0
    }

    /// What its type has, and the rest, which is named in `dropped` too.
    pub(crate) fn parted(self, path: &str, dropped: &mut DroppedFields) -> (T, Map<String, Value>) {
        for name in self.unknown.keys() {
            dropped.add(&format!("{path}.{name}"));
        }
        (self.value, self.unknown)
    }

    /// What its type has.
    pub(crate) fn as_known(&self) -> &T {
        &self.value
    }

    /// What its type has.
    pub(crate) fn as_known_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// What its type has, and the rest.
    pub(crate) fn whole(self) -> (T, Map<String, Value>) {
        (self.value, self.unknown)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for SettingsObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unknown = Map::new();
        let value = T::deserialize(Root {
            deserializer,
            unknown: &mut unknown,
        })?;
        Ok(Self { value, unknown })
    }
}

impl<T: Form + for<'de> Deserialize<'de>> Form for SettingsObject<T> {
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

/// What becomes of a field that the type does not have.
trait UnknownFields {
    /// Notes it. True: its value was read too.
    fn note<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

impl UnknownFields for Vec<String> {
    fn note<'de, A: MapAccess<'de>>(&mut self, name: &str, _: &mut A) -> Result<bool, A::Error> {
        self.push(name.to_owned());
        Ok(false)
    }
}

impl UnknownFields for Map<String, Value> {
    fn note<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        self.insert(name.to_owned(), map.next_value()?);
        Ok(true)
    }
}

struct Root<'a, D, U> {
    deserializer: D,
    unknown: &'a mut U,
}

impl<'de, D: Deserializer<'de>, U: UnknownFields> Deserializer<'de> for Root<'_, D, U> {
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
struct FieldsReader<'a, R, U> {
    read: R,
    fields: &'static [&'static str],
    unknown: &'a mut U,
}

impl<'de, V: Visitor<'de>, U: UnknownFields> Visitor<'de> for FieldsReader<'_, V, U> {
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

impl<'de, A: MapAccess<'de>, U: UnknownFields> MapAccess<'de> for FieldsReader<'_, A, U> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.read.next_key::<String>()? {
            let is_known = self.fields.contains(&key.as_str());
            if is_known || !self.unknown.note(&key, &mut self.read)? {
                return seed.deserialize(key.as_str().into_deserializer()).map(Some);
            }
        }
        Ok(None)
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
    struct BodyFields {
        #[serde(alias = "called")]
        name: Option<String>,
        inner: Option<Box<BodyFields>>,
        #[serde(skip)]
        hidden: bool,
    }

    fn body(json: &str) -> Result<(BodyFields, Vec<String>), serde_json::Error> {
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
            let plain = serde_json::from_str::<BodyFields>(json).unwrap_err();
            assert_eq!(body(json).unwrap_err().to_string(), plain.to_string());
        }
    }
}
