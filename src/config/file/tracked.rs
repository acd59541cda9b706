//! Values that know where in the file they stand while they are read into a type: of one that is wrong its place is
//! known, and of one that nobody reads too.

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_yaml::{Error, Mapping, Sequence, Value};

use super::path::{FieldPath, PathStep};

/// What is found on the way through a value.
#[derive(Debug)]
pub(in crate::config) struct Track {
    here: FieldPath,
    /// Where the value is that could not be read.
    pub wrong: Option<FieldPath>,
    /// The keys that no type knows.
    pub unknown: Vec<FieldPath>,
}

impl Track {
    pub(in crate::config) fn from(start: &FieldPath) -> Self {
        Self {
            here: start.clone(),
            wrong: None,
            unknown: Vec::new(),
        }
    }

    fn leave(&mut self, is_wrong: bool) {
        if is_wrong && self.wrong.is_none() {
            self.wrong = Some(self.here.clone());
        }
        self.here.0.pop();
    }
}

/// A value on its way into a type.
pub(in crate::config) struct Tracked<'t> {
    pub value: Value,
    pub track: &'t mut Track,
}

impl Tracked<'_> {
    /// A tag says nothing to a type that is no enum.
    fn untagged(mut self) -> Self {
        while let Value::Tagged(tagged) = self.value {
            self.value = tagged.value;
        }
        self
    }

    fn visit_sequence<'de, V: Visitor<'de>>(
        items: Sequence,
        track: &mut Track,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let length = items.len();
        let mut items = Items {
            left: items.into_iter(),
            index: 0,
            track,
        };
        let read = visitor.visit_seq(&mut items)?;
        if items.left.len() > 0 {
            return Err(Error::invalid_length(length, &"fewer elements in sequence"));
        }
        Ok(read)
    }

    fn visit_mapping<'de, V: Visitor<'de>>(
        fields: Mapping,
        track: &mut Track,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields {
            left: fields.into_iter(),
            value: None,
            track,
        })
    }
}

/// Scalars, whose types look past a tag.
macro_rules! scalars {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.untagged().deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracked<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(value) => value.deserialize_any(visitor),
            Value::String(value) => visitor.visit_string(value),
            Value::Sequence(items) => Self::visit_sequence(items, self.track, visitor),
            Value::Mapping(fields) => Self::visit_mapping(fields, self.track, visitor),
            Value::Tagged(tagged) => visitor.visit_enum(*tagged),
        }
    }

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Nothing is an empty list.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { value, track } = self.untagged();
        match value {
            Value::Null => Self::visit_sequence(Sequence::new(), track, visitor),
            value => Tracked { value, track }.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    /// Nothing is an empty mapping. A list is none: a struct would take it for its fields in their order.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { value, track } = self.untagged();
        match value {
            Value::Null => Self::visit_mapping(Mapping::new(), track, visitor),
            Value::Sequence(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            value => Tracked { value, track }.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.track.unknown.push(self.track.here.clone());
        visitor.visit_unit()
    }
}

struct Items<'t> {
    left: std::vec::IntoIter<Value>,
    index: usize,
    track: &'t mut Track,
}

impl Items<'_> {
    fn enter(&mut self) -> Option<Value> {
        let value = self.left.next()?;
        self.track.here.0.push(PathStep::Index(self.index));
        self.index += 1;
        Some(value)
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(value) = self.enter() else {
            return Ok(None);
        };
        let track = &mut *self.track;
        let read = seed.deserialize(Tracked { value, track });
        self.track.leave(read.is_err());
        read.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Fields<'t> {
    left: <Mapping as IntoIterator>::IntoIter,
    /// Of the key that was read last.
    value: Option<(String, Value)>,
    track: &'t mut Track,
}

impl Fields<'_> {
    fn enter_key(&mut self) -> Option<Value> {
        let (key, value) = self.left.next()?;
        let name = match &key {
            Value::String(name) => name.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => String::new(),
        };
        self.track.here.0.push(PathStep::Key(name.clone()));
        self.value = Some((name, value));
        Some(key)
    }

    fn enter_value(&mut self) -> Result<Value, Error> {
        let Some((name, value)) = self.value.take() else {
            return Err(Error::custom("a value was asked for before its key"));
        };
        self.track.here.0.push(PathStep::Key(name));
        Ok(value)
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(key) = self.enter_key() else {
            return Ok(None);
        };
        let read = seed.deserialize(key);
        self.track.leave(read.is_err());
        read.map(Some)
    }

    // Once for each type, not for each key of it.
    #[inline(never)]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let value = self.enter_value()?;
        let track = &mut *self.track;
        let read = seed.deserialize(Tracked { value, track });
        self.track.leave(read.is_err());
        read
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}
