//! Which entry of the catalog a price list means. It names models in words of its own: `Claude Sonnet 5.5 (Amazon
//! Bedrock Edition)`, `Nova 2.0 Lite`.

use std::collections::{BTreeMap, BTreeSet};

use super::offer::OfferRow;
use super::usage_type::{split, words};
use crate::catalog::Catalog;

/// The base ids by the words of their names.
#[derive(Debug)]
pub(super) struct ModelNames<'a> {
    /// `None`: several have the same words.
    by_words: BTreeMap<Vec<String>, Option<&'a str>>,
    vendors: BTreeSet<&'a str>,
}

impl<'a> ModelNames<'a> {
    pub(super) fn of(catalog: &Catalog<'a>) -> Self {
        let mut names = Self {
            by_words: BTreeMap::new(),
            vendors: BTreeSet::new(),
        };
        for base in catalog.bases() {
            let Some((vendor, name)) = base.split_once('.') else {
                continue;
            };
            // `-v1:0` and the like is the version of the packaging, up to a second one.
            let name = name.split(':').next().unwrap_or(name);
            let mut words = normal(name);
            words.retain(|word| word != vendor);
            names
                .by_words
                .entry(words)
                .and_modify(|known| *known = None)
                .or_insert(Some(base));
            names.vendors.insert(vendor);
        }
        names
    }

    /// The base id of the model that a row is about.
    pub(super) fn find(&self, row: &OfferRow<'_>) -> Option<&'a str> {
        let service = row.attribute("servicename");
        let service = service.split('(').next().unwrap_or_default();
        let usage_type = row.attribute("usagetype");
        let usage_type = usage_type.rsplit(':').next().unwrap_or_default();
        // What stands between the place and the meter.
        let (before, _) = split(&words(
            usage_type.split_once('-').map_or("", |(_, rest)| rest),
        ));
        let named = [row.attribute("model"), service].map(normal);
        let mut named = named.into_iter().chain([normal(&before.join(" "))]);
        named.find_map(|words| self.with_words(words))
    }

    fn with_words(&self, words: Vec<String>) -> Option<&'a str> {
        if words.is_empty() {
            return None;
        }
        if let Some(found) = self.by_words.get(&words) {
            return *found;
        }
        self.vendors.iter().find_map(|vendor| {
            let mut fewer = words.clone();
            fewer.retain(|word| word != vendor);
            let found = (fewer.len() < words.len()).then(|| self.by_words.get(&fewer))?;
            *found?
        })
    }
}

/// The words of a model's name, sorted, without what only some names have: days, the first version, `.0`.
fn normal(name: &str) -> Vec<String> {
    let is_day = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit());
    let mut words = words(name);
    words.retain(|word| !is_day(word) && !["v0", "v1", "0"].contains(&word.as_str()));
    words.sort();
    words
}
