//! Message content: a string, a list of parts, or nothing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::conversation::Part;
use crate::json::FIXED_FORM;

use super::limits::{self, MOST_PARTS};
use super::{ApiError, CacheControl};

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

/// One part of a content, as a wire writes it.
pub(crate) trait ContentPart: Sized {
    /// The client's wish to cache the prompt up to here.
    fn cache_control(&self) -> Option<&CacheControl>;

    /// What it is in the domain, possibly nothing. `path` names it in errors.
    fn convert(self, path: &str) -> Result<Vec<Part>, ApiError>;
}

impl<P: ContentPart> Content<P> {
    /// The parts, each with its cache mark behind it. `path` names the content in errors.
    pub(crate) fn into_parts(self, path: &str) -> Result<Vec<Part>, ApiError> {
        let parts = match self {
            Content::Empty => return Ok(Vec::new()),
            Content::Text(text) => return Ok(vec![Part::Text(text)]),
            Content::Parts(parts) => parts,
        };
        let mut converted = Vec::with_capacity(parts.len());
        for (at, part) in parts.into_iter().enumerate() {
            let mark = part.cache_control().map(CacheControl::ttl);
            converted.extend(part.convert(&format!("{path}[{at}]"))?);
            converted.extend(mark.map(Part::CacheMark));
        }
        Ok(converted)
    }
}
