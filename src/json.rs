//! Reading JSON: one reader for each type, which knows where a value stands that could not be read.
//!
//! It hands everything on and counts: an object's fields, a list's items. What can be read costs the counting alone; only
//! after an error are the counts followed through the text, for the names. serde_json's own calls would be a second
//! reader of each type in the binary, with the reading of a field's type at every field.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::de::SliceRead;

/// Why a text could not be read.
#[derive(Debug)]
pub(crate) struct JsonReadError {
    pub(crate) error: serde_json::Error,
    /// `messages[0].content`; empty for the whole.
    pub(crate) path: String,
}

/// How much a text may hold. A value takes some hundred times the memory of its text, so the text's length is no bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonLimits {
    /// Items of lists and fields of objects, in all.
    pub(crate) values: usize,
    /// Values of no fixed form, which are kept as trees, in all.
    pub(crate) free: usize,
}

impl JsonLimits {
    /// For texts that the gateway has written itself.
    const NONE: Self = Self {
        values: usize::MAX,
        free: usize::MAX,
    };
}

/// How a type says, as the name of a newtype around it, that its values have a fixed form although they are of several
/// kinds.
pub(crate) const FIXED_FORM: &str = "$bedrock-sidecar::fixed-form";

/// JSON that is read with its counts.
pub(crate) type JsonReader<'t, 'de> = Traced<'t, &'t mut serde_json::Deserializer<SliceRead<'de>>>;

/// Reads all of `json`.
pub(crate) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, JsonReadError> {
    read_with(json, JsonLimits::NONE, |json| T::deserialize(json))
}

/// Reads all of `json`, where its place does not matter.
pub(crate) fn parse<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, serde_json::Error> {
    read(json.as_bytes()).map_err(|misread| misread.error)
}

/// Reads all of `json` with `value`, within `limits`.
pub(crate) fn read_with<'de, T>(
    json: &'de [u8],
    limits: JsonLimits,
    value: impl for<'t> FnOnce(JsonReader<'t, 'de>) -> Result<T, serde_json::Error>,
) -> Result<T, JsonReadError> {
    let mut trail = Trail {
        places: Vec::new(),
        limits,
        values: 0,
        free: 0,
    };
    let mut inner = serde_json::Deserializer::from_slice(json);
    let traced = Traced {
        inner: &mut inner,
        trail: &mut trail,
    };
    value(traced)
        .and_then(|value| inner.end().map(|()| value))
        .map_err(|error| JsonReadError {
            error,
            path: path(json, trail.places),
        })
}

/// The counts as a path. They were noted from the inside.
fn path(json: &[u8], mut trail: Vec<usize>) -> String {
    trail.reverse();
    let mut path = String::new();
    let follow = Follow {
        trail: &trail,
        path: &mut path,
    };
    // It stops where the trail ends, which is no end of JSON: that it fails says nothing.
    let _ = follow.deserialize(&mut serde_json::Deserializer::from_slice(json));
    path
}

/// How many JSON values a text holds at most, without reading them: one stands at its beginning, and one behind each
/// comma and each bracket that opens.
pub(crate) fn count_values(json: &[u8]) -> usize {
    let (mut values, mut in_string, mut is_escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values
}

/// What is known on the way through a text.
struct Trail {
    /// The numbers of the fields and items in which an error stands, the innermost first.
    places: Vec<usize>,
    limits: JsonLimits,
    /// Items and fields so far.
    values: usize,
    /// Values of no fixed form so far.
    free: usize,
}

impl Trail {
    fn count_value<E: Error>(&mut self) -> Result<(), E> {
        self.values += 1;
        let most = self.limits.values;
        if self.values <= most {
            return Ok(());
        }
        let message = format!("the request has more than {most} JSON values, which is the limit");
        Err(E::custom(message))
    }

    fn count_free<E: Error>(&mut self) -> Result<(), E> {
        self.free = self.free.wrapping_add(1);
        let most = self.limits.free;
        if self.free <= most {
            return Ok(());
        }
        let message = format!(
            "the request has more than {most} JSON values in its schemas, arguments, metadata and other fields of free \
             form, which is the limit"
        );
        Err(E::custom(message))
    }
}

/// A deserializer, visitor or seed, and the trail.
pub(crate) struct Traced<'t, I> {
    inner: I,
    trail: &'t mut Trail,
}

macro_rules! deserialize {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method($($argument,)* Traced { inner: visitor, trail: self.trail })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Traced<'_, D> {
    type Error = D::Error;

    deserialize! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let trail = self.trail;
        trail.count_free::<D::Error>()?;
        self.inner.deserialize_any(Traced {
            inner: visitor,
            trail,
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let trail = self.trail;
        if name == FIXED_FORM {
            // The value inside is about to be counted.
            trail.free = trail.free.wrapping_sub(1);
        }
        self.inner.deserialize_newtype_struct(
            name,
            Traced {
                inner: visitor,
                trail,
            },
        )
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = ObjectVisitor {
            inner: visitor,
            trail: self.trail,
        };
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Traced<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Traced {
            inner: deserializer,
            trail: self.trail,
        })
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Traced<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.inner.expecting(f)
    }

    // Those that JSON has.
    visit! {
        visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str) visit_borrowed_str(&'de str)
        visit_string(String)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let trail = self.trail;
        self.inner.visit_some(Traced { inner, trail })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let trail = self.trail;
        self.inner.visit_newtype_struct(Traced { inner, trail })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(CountedAccess::new(items, self.trail))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(CountedAccess::new(fields, self.trail))
    }

    /// Enums are words here: nothing stands in them.
    fn visit_enum<A: EnumAccess<'de>>(self, word: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(word)
    }
}

/// A struct's visitor. A list is no object: the struct would take it for its fields in their order.
struct ObjectVisitor<'t, V> {
    inner: V,
    trail: &'t mut Trail,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(CountedAccess::new(fields, self.trail))
    }
}

/// An object's fields or a list's items, one after the other.
struct CountedAccess<'t, A> {
    inner: A,
    /// How many have been read.
    read: usize,
    trail: &'t mut Trail,
}

impl<'t, A> CountedAccess<'t, A> {
    fn new(inner: A, trail: &'t mut Trail) -> Self {
        Self {
            inner,
            read: 0,
            trail,
        }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for CountedAccess<'_, A> {
    type Error = A::Error;

    // Once for each type, not for each list of it.
    #[inline(never)]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let trail = &mut *self.trail;
        let item = self.inner.next_element_seed(Traced { inner: seed, trail });
        let item = item.and_then(|item| {
            if item.is_some() {
                self.trail.count_value::<A::Error>()?;
            }
            Ok(item)
        });
        if item.is_err() {
            self.trail.places.push(self.read);
        }
        self.read += 1;
        item
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for CountedAccess<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let key = self.inner.next_key_seed(seed);
        if key.is_err() {
            self.trail.places.push(self.read);
        }
        key
    }

    // Once for each type, not for each field of it.
    #[inline(never)]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let trail = &mut *self.trail;
        let value = self.inner.next_value_seed(Traced { inner: seed, trail });
        let value = value.and_then(|value| self.trail.count_value().map(|()| value));
        if value.is_err() {
            self.trail.places.push(self.read);
        }
        self.read += 1;
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// Goes where the counts lead, and writes the names on the way.
struct Follow<'a> {
    /// The outermost first.
    trail: &'a [usize],
    path: &'a mut String,
}

impl<'de> DeserializeSeed<'de> for Follow<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.trail.is_empty() {
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Follow<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("what was counted")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((&before, trail)) = self.trail.split_first() else {
            return Ok(());
        };
        for _ in 0..before {
            items.next_element::<IgnoredAny>()?;
        }
        self.path.push_str(&format!("[{before}]"));
        let path = self.path;
        items.next_element_seed(Follow { trail, path }).map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((&before, trail)) = self.trail.split_first() else {
            return Ok(());
        };
        for _ in 0..before {
            fields.next_entry::<IgnoredAny, IgnoredAny>()?;
        }
        let Some(name) = fields.next_key::<String>()? else {
            return Ok(());
        };
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(&name);
        let path = self.path;
        fields.next_value_seed(Follow { trail, path })
    }
}

#[cfg(test)]
mod tests;
