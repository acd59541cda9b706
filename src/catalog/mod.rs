//! Models: prices, limits and abilities, from `config/models.yml`.
//!
//! A lookup by Bedrock model id; no I/O, no knowledge of requests or configs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;

mod corrections;
mod dialect;
mod entry;
mod family;
mod id;
#[cfg(feature = "local")]
pub mod import;
mod kind;
mod lifecycle;
mod model;
mod place;
mod price;
mod resolve;
mod retrieval;
#[cfg(feature = "local")]
pub mod verify;

pub use dialect::Dialect;
pub use family::Family;
pub use id::ModelId;
pub use kind::ModelKind;
pub use lifecycle::{EndOfLife, Lifecycle, LifecycleState};
pub use model::{Abilities, Caching, LONG_WINDOW, Limits, Model, ThinkingSupport};
pub use price::{Doubt, Price, PriceChange, RateKind, Rates, ServiceTerms};
pub use retrieval::{Embedding, EmbeddingBody, Rerank, Retrieval};

/// Every model the gateway knows by name.
///
/// An entry stays the text that it is until its model is asked for: a configuration names a dozen of them, and all,
/// read, would be a quarter of a new process's heap.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalog<'a> {
    #[serde(borrow)]
    models: BTreeMap<&'a str, &'a RawValue>,
    /// Models that the list of `models` lacks; an entry here goes before one there.
    #[serde(borrow, default)]
    added: BTreeMap<&'a str, &'a RawValue>,
    #[serde(borrow, default)]
    corrections: Vec<corrections::Correction<'a>>,
    #[serde(default)]
    lifecycle: lifecycle::Lifecycles,
}

/// `config/models.yml` as JSON; see `build.rs`.
const BUNDLED: &str = include_str!(concat!(env!("OUT_DIR"), "/models.json"));

static CATALOG: LazyLock<Catalog<'static>> = LazyLock::new(|| match json::parse(BUNDLED) {
    Ok(catalog) => catalog,
    Err(error) => {
        unreachable!("config/models.yml is read by the tests of every build: {error}")
    }
});

impl Catalog<'static> {
    /// The catalog that is part of the binary; read at the first call. That every entry can be read, its tests know.
    pub fn bundled() -> &'static Self {
        &CATALOG
    }
}

impl<'a> Catalog<'a> {
    /// Reads a catalog: `config/models.yml` as JSON. Fails on anything it does not know.
    pub fn from_json(json: &'a str) -> Result<Self, serde_json::Error> {
        let catalog: Self = json::parse(json)?;
        for entry in catalog.models.values().chain(catalog.added.values()) {
            json::parse::<entry::CatalogEntry>(entry.get())?;
        }
        for correction in &catalog.corrections {
            correction.layer()?;
        }
        Ok(catalog)
    }

    /// The base ids, in order.
    fn bases(&self) -> BTreeSet<&'a str> {
        self.models
            .keys()
            .chain(self.added.keys())
            .copied()
            .collect()
    }

    fn entry(&self, base: &str) -> Option<entry::CatalogEntry> {
        let written = self.added.get(base).or_else(|| self.models.get(base))?;
        match json::parse(written.get()) {
            Ok(entry) => Some(entry),
            Err(error) => unreachable!("no catalog has an entry that cannot be read: {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
