//! Message content: a string, a list of parts, or nothing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::conversation::Part;
use crate::json::FIXED_FORM;

use super::limits::{self, MOST_PARTS};
use super::loose::Form;
use super::{ApiError, CacheControl, DroppedFields};

/// `content` of a message.
#[derive(Debug, Default)]
pub(crate) enum Content<P> {
    #[default]
    Empty,
    Text(String),
    Parts(Vec<P>),
}

impl<'de, P: Deserialize<'de>> Deserialize<'de> for Content<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor<P>(PhantomData<P>);
        impl<'de, P: Deserialize<'de>> Visitor<'de> for ContentVisitor<P> {
            type Value = Content<P>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string or a list of content parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content<P>, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content<P>, E> {
                Ok(Content::Text(text))
            }

            fn visit_unit<E>(self) -> Result<Content<P>, E> {
                Ok(Content::Empty)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Content<P>, A::Error> {
                limits::items_of(seq, "parts", MOST_PARTS).map(Content::Parts)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Content<P>, D::Error> {
                deserializer.deserialize_any(self)
            }
        }
        let visitor = ContentVisitor(PhantomData);
        deserializer.deserialize_newtype_struct(FIXED_FORM, visitor)
    }
}

impl<P: for<'de> Deserialize<'de>> Form for Content<P> {
    const EXPECTED: &'static str = "a string or a list of content parts";

    fn of_text(text: String) -> Option<Self> {
        Some(Self::Text(text))
    }

    fn of_list<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<Option<Self>, A::Error> {
        let parts = limits::items_of(items, "parts", MOST_PARTS)?;
        Ok(Some(Self::Parts(parts)))
    }
}

/// Content of a message or of a tool's result, where an object may stand in its place.
#[derive(Debug)]
pub(crate) enum LooseContent<P> {
    /// As it should be. An object with a type is its one part.
    Parts(Content<P>),
    /// Any other object: what a tool has answered, as JSON text.
    Object(String),
}

impl<P> Default for LooseContent<P> {
    fn default() -> Self {
        Self::Parts(Content::Empty)
    }
}

impl<P> LooseContent<P> {
    /// The content; of an object, its JSON text.
    pub(crate) fn into_content(self) -> Content<P> {
        match self {
            Self::Parts(content) => content,
            Self::Object(text) => Content::Text(text),
        }
    }

    /// The content, where it is no object.
    pub(crate) fn as_content_mut(&mut self) -> Option<&mut Content<P>> {
        match self {
            Self::Parts(content) => Some(content),
            Self::Object(_) => None,
        }
    }
}

impl<P: for<'de> Deserialize<'de>> Form for LooseContent<P> {
    const EXPECTED: &'static str = Content::<P>::EXPECTED;

    fn of_text(text: String) -> Option<Self> {
        Some(Self::Parts(Content::Text(text)))
    }

    fn of_list<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<Option<Self>, A::Error> {
        Content::of_list(items).map(|content| content.map(Self::Parts))
    }

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let object = Value::deserialize(MapAccessDeserializer::new(fields))?;
        if !object.get("type").is_some_and(Value::is_string) {
            return Ok(Some(Self::Object(object.to_string())));
        }
        let part = P::deserialize(object).map_err(A::Error::custom)?;
        Ok(Some(Self::Parts(Content::Parts(vec![part]))))
    }
}

/// One part of a content, as a wire writes it.
pub(crate) trait ContentPart: Sized {
    /// What it is in the domain, possibly nothing, with its cache mark behind it. An unknown kind is a
    /// note and named in `dropped`. `path` names the part in errors.
    fn convert(self, path: &str, dropped: &mut DroppedFields) -> Result<Vec<Part>, ApiError>;
}

impl<P: ContentPart> Content<P> {
    /// The parts, each with its cache mark behind it. `path` names the content in errors.
    pub(crate) fn into_parts(
        self,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<Vec<Part>, ApiError> {
        let parts = match self {
            Content::Empty => return Ok(Vec::new()),
            Content::Text(text) => return Ok(vec![Part::Text(text)]),
            Content::Parts(parts) => parts,
        };
        let mut converted = Vec::with_capacity(parts.len());
        for (at, part) in parts.into_iter().enumerate() {
            converted.extend(part.convert(&format!("{path}[{at}]"), dropped)?);
        }
        Ok(converted)
    }
}

/// Parts with the client's wish behind them to cache the prompt up to here.
pub(crate) fn with_mark(mut parts: Vec<Part>, control: Option<CacheControl>) -> Vec<Part> {
    parts.extend(control.map(|control| Part::CacheMark(control.ttl())));
    parts
}
