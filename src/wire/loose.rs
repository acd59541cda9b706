//! Fields of content whose kind is known only once all of it was read.
//!
//! A history holds unknown kinds, and they have fields of any form, also under names that a known kind
//! has. Refusing one would end its conversation for good. So such a field is read whatever its form is, and what has
//! the wrong one is refused by the kind that wants the field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::json::FIXED_FORM;

use super::{ApiError, CacheControl, DroppedFields};

/// A field that may have the form of `T`, or any other.
#[derive(Debug, Default)]
pub(crate) enum Loose<T> {
    /// Absent or `null`.
    #[default]
    Missing,
    Given(T),
    /// Of another form: of which.
    Other(&'static str),
}

/// What a [`Loose`] field can hold. A form that is not mentioned is another one.
pub(crate) trait Form: Sized {
    /// What is expected, for errors.
    const EXPECTED: &'static str;

    fn of_text(_: String) -> Option<Self> {
        None
    }

    fn of_bool(_: bool) -> Option<Self> {
        None
    }

    /// Reads all of a list, or none of it.
    fn of_list<'de, A: SeqAccess<'de>>(_: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }

    /// Reads all of an object, or none of it. Its own fields must be loose ones.
    fn of_object<'de, A: MapAccess<'de>>(_: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }
}

impl<T> Loose<T> {
    /// What was given in the right form.
    pub(crate) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Other(_) => None,
        }
    }

    /// What was given in the right form.
    pub(crate) fn as_given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Other(_) => None,
        }
    }

    /// What was given in the right form.
    pub(crate) fn as_given_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Other(_) => None,
        }
    }
}

impl<T: Form> Loose<T> {
    /// The field `name` of a body, where all that its loss changes is bookkeeping: in another form it is left out.
    pub(crate) fn or_dropped(self, name: &str, dropped: &mut DroppedFields) -> Option<T> {
        if matches!(self, Self::Other(_)) {
            dropped.add(name);
        }
        self.given()
    }

    /// The field `name` of what stands at `path`. Refused in another form.
    pub(crate) fn optional(self, path: &str, name: &str) -> Result<Option<T>, ApiError> {
        match self {
            Self::Missing => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::Other(found) => Err(misread::<T>(found, format!("{path}.{name}"))),
        }
    }

    /// The field `name` of what stands at `path`. Refused in another form, and where it is missing.
    pub(crate) fn required(self, path: &str, name: &str) -> Result<T, ApiError> {
        self.optional(path, name)?.ok_or_else(|| {
            let param = format!("{path}.{name}");
            ApiError::missing(param)
        })
    }
}

/// The refusal of a value of the form `found` where a `T` was expected.
pub(crate) fn misread<T: Form>(found: &str, param: String) -> ApiError {
    let message = format!("'{param}': invalid type: {found}, expected {}", T::EXPECTED);
    ApiError::bad_request(message, param)
}

impl<'de, T: Form> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FIXED_FORM, LooseVisitor(PhantomData))
    }
}

struct LooseVisitor<T>(PhantomData<T>);

impl<T> LooseVisitor<T> {
    fn of(read: Option<T>, found: &'static str) -> Loose<T> {
        read.map_or(Loose::Other(found), Loose::Given)
    }
}

impl<'de, T: Form> Visitor<'de> for LooseVisitor<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Loose<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Loose<T>, E> {
        Ok(Loose::Missing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loose<T>, E> {
        Ok(Self::of(T::of_bool(value), "boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Loose<T>, E> {
        Ok(Loose::Other("number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Loose<T>, E> {
        Ok(Loose::Other("number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose<T>, E> {
        Ok(Loose::Other("number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose<T>, E> {
        Ok(Self::of(T::of_text(text.to_owned()), "string"))
    }

    fn visit_string<E>(self, text: String) -> Result<Loose<T>, E> {
        Ok(Self::of(T::of_text(text), "string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose<T>, A::Error> {
        let read = T::of_list(&mut items)?;
        if read.is_none() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(Self::of(read, "sequence"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Loose<T>, A::Error> {
        let read = T::of_object(&mut fields)?;
        if read.is_none() {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        Ok(Self::of(read, "map"))
    }
}

/// Reads an object's fields, which must all be loose ones.
pub(crate) fn object<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    fields: &mut A,
) -> Result<Option<T>, A::Error> {
    T::deserialize(MapAccessDeserializer::new(fields)).map(Some)
}

impl Loose<String> {
    /// A text that must be there and not be empty.
    pub(crate) fn filled(self, path: &str, name: &str) -> Result<String, ApiError> {
        match self {
            Self::Given(text) if text.is_empty() => Self::Missing.required(path, name),
            text => text.required(path, name),
        }
    }
}

impl Form for String {
    const EXPECTED: &'static str = "a string";

    fn of_text(text: String) -> Option<Self> {
        Some(text)
    }
}

impl Form for bool {
    const EXPECTED: &'static str = "a boolean";

    fn of_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl Form for CacheControl {
    const EXPECTED: &'static str = "an object such as {\"type\": \"ephemeral\"}";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Fields {
        text: Loose<String>,
        sure: Loose<bool>,
        mark: Loose<CacheControl>,
    }

    fn texts(json: &str) -> Vec<Result<Option<String>, String>> {
        let fields: Vec<Fields> = crate::json::parse(json).unwrap();
        let texts = fields.into_iter().map(|fields| {
            let text = fields.text.optional("a[0]", "text");
            text.map_err(|error| error.message)
        });
        texts.collect()
    }

    #[test]
    fn a_field_of_any_form_is_read_and_refused_only_where_it_is_wanted() {
        let json = r#"[{"text": "a"}, {}, {"text": null}, {"text": 1}, {"text": [{"text": [2]}]}, {"text": {"b": {}}},
            {"text": true, "sure": "c", "mark": {"ttl": {"x": [1]}}}, {"text": "d", "mark": [1], "sure": {}}]"#;
        let wrong = |found| {
            let message = format!("'a[0].text': invalid type: {found}, expected a string");
            Err(message)
        };
        let expected = [
            Ok(Some("a".to_owned())),
            Ok(None),
            Ok(None),
            wrong("number"),
            wrong("sequence"),
            wrong("map"),
            wrong("boolean"),
            Ok(Some("d".to_owned())),
        ];
        assert_eq!(texts(json), expected);
    }
}
