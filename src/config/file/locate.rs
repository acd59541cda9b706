//! From a path to a line and a column.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::FilePosition;
use super::path::{FieldPath, PathStep};

/// Which end of `key: value` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    Key,
    Value,
}

/// Where a path leads in the text, or the nearest value above it that the text has (a merged or an absent field
/// stands nowhere).
///
/// The parser tells places only in errors. So the text is read once more, straight to the value in question, and
/// that value fails.
pub(super) fn locate(source: &str, path: &FieldPath, aim: Aim) -> Option<FilePosition> {
    let mut steps = path.0.as_slice();
    let mut aim = aim;
    loop {
        let parser = serde_yaml::Deserializer::from_str(source);
        if let Err(error) = (PathWalk { steps, aim }).deserialize(parser) {
            return error.location().map(place);
        }
        (_, steps) = steps.split_last()?;
        aim = Aim::Value;
    }
}

/// The parser's place as ours.
pub(super) fn place(location: serde_yaml::Location) -> FilePosition {
    FilePosition {
        line: location.line(),
        column: location.column(),
    }
}

/// Walks down the text along a path and fails at its end.
#[derive(Clone, Copy)]
struct PathWalk<'p> {
    steps: &'p [PathStep],
    aim: Aim,
}

impl<'de> DeserializeSeed<'de> for PathWalk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.steps.is_empty() {
            deserializer.deserialize_any(FailHere)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for PathWalk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest of a path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((PathStep::Key(wanted), rest)) = self.steps.split_first() else {
            return Ok(());
        };
        let fail = rest.is_empty() && self.aim == Aim::Key;
        while let Some(found) = map.next_key_seed(KeySeed { wanted, fail })? {
            if found {
                map.next_value_seed(PathWalk {
                    steps: rest,
                    ..self
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((PathStep::Index(wanted), rest)) = self.steps.split_first() else {
            return Ok(());
        };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(PathWalk {
            steps: rest,
            ..self
        })?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key of a mapping: is it the wanted one?
struct KeySeed<'p> {
    wanted: &'p str,
    fail: bool,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        let found = key == self.wanted;
        if found && self.fail {
            return Err(E::custom("here"));
        }
        Ok(found)
    }
}

/// Fails, whatever stands there.
struct FailHere;

impl<'de> Visitor<'de> for FailHere {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}
