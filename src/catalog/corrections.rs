//! What the catalog knows better than the list it was made from.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::entry::Layer;

/// One fact, laid over everything else that is said of the ids it names.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    /// An id, or the beginning of ids followed by `*`. A base id means all its prefixes and regions too.
    id: String,
    /// The fact.
    pub layer: Layer,
}

impl Correction {
    /// Whether it speaks of this id, or of the base id behind it.
    pub(super) fn applies_to(&self, id: &str, base: &str) -> bool {
        match self.id.strip_suffix('*') {
            Some(start) => id.starts_with(start) || base.starts_with(start),
            None => self.id == id || self.id == base,
        }
    }
}

impl<'de> Deserialize<'de> for Correction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct WrittenCorrection {
            id: String,
            field: String,
            value: Value,
            /// Not used, but no correction stands without one.
            #[serde(rename = "source")]
            _source: String,
        }
        let written = WrittenCorrection::deserialize(deserializer)?;
        let fields = Map::from_iter([(written.field, written.value)]);
        Ok(Self {
            id: written.id,
            layer: Layer::deserialize(Value::Object(fields)).map_err(D::Error::custom)?,
        })
    }
}
