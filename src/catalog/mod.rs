//! Models: prices, limits and abilities, from `config/models.yml`.
//!
//! A lookup by Bedrock model id; no I/O, no knowledge of requests or configs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

mod corrections;
mod entry;
mod id;
#[cfg(feature = "local")]
pub mod import;
mod model;
mod resolve;

pub use id::ModelId;
pub use model::{Abilities, Caching, Family, Limits, Model, Price, Rates, ThinkingSupport};

/// Every model the gateway knows by name.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalog {
    models: BTreeMap<String, entry::Entry>,
    #[serde(default)]
    corrections: Vec<corrections::Correction>,
}

/// `config/models.yml` as JSON; see `build.rs`.
const BUNDLED: &str = include_str!(concat!(env!("OUT_DIR"), "/models.json"));

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| match Catalog::from_json(BUNDLED) {
    Ok(catalog) => catalog,
    Err(error) => unreachable!("config/models.yml is read by the tests of every build: {error}"),
});

impl Catalog {
    /// The catalog that is part of the binary; read at the first call.
    pub fn bundled() -> &'static Self {
        &CATALOG
    }

    /// Reads a catalog: `config/models.yml` as JSON. Fails on anything it does not know.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

#[cfg(test)]
mod tests;
