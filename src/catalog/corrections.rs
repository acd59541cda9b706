//! What the catalog knows better than the list it was made from.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::entry::Layer;
use super::id::names;

/// One fact, laid over everything else that is said of the ids it names. Like an entry it stays the text that it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Correction<'a> {
    /// An id, or the beginning of ids followed by `*`. A base id means all its prefixes and regions too.
    id: &'a str,
    field: &'a str,
    #[serde(borrow)]
    value: &'a RawValue,
    /// Not used, but no correction stands without one.
    #[serde(borrow, rename = "source")]
    _source: Cow<'a, str>,
}

impl Correction<'_> {
    /// Whether it speaks of this id, or of the base id behind it.
    pub(super) fn applies_to(&self, id: &str, base: &str) -> bool {
        names(self.id, id, base)
    }

    /// The fact.
    pub(super) fn layer(&self) -> Result<Layer, serde_json::Error> {
        let value = serde_json::from_str(self.value.get())?;
        Layer::deserialize(Value::Object(Map::from_iter([(
            self.field.to_owned(),
            value,
        )])))
    }
}
