//! The price list file: products, and the terms on which they are sold.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::VerifyError;

/// A price list of one service.
#[derive(Debug)]
pub(super) struct Offer {
    /// The day on which AWS published it.
    pub published: Option<Date>,
    file: OfferFile,
}

/// One product with its price.
#[derive(Debug)]
pub(super) struct OfferRow<'a> {
    attributes: &'a HashMap<String, String>,
    /// The region's code, such as `us-east-1`.
    pub region: &'a str,
    /// US dollars per million tokens; `None`: the unit is none of tokens.
    pub per_million: Option<Decimal>,
    /// The unit, as it is written.
    pub unit: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferFile {
    publication_date: Option<String>,
    products: BTreeMap<String, Product>,
    terms: OfferTerms,
}

#[derive(Debug, Deserialize)]
struct Product {
    #[serde(default)]
    attributes: HashMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct OfferTerms {
    #[serde(rename = "OnDemand", default)]
    on_demand: HashMap<String, HashMap<String, OfferTerm>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferTerm {
    /// As ISO 8601 has it, so that text order is time order.
    #[serde(default)]
    effective_date: String,
    price_dimensions: BTreeMap<String, PriceDimension>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceDimension {
    #[serde(default)]
    unit: String,
    price_per_unit: HashMap<String, String>,
}

impl Offer {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, VerifyError> {
        let read: OfferFile = serde_json::from_str(text).map_err(|error| VerifyError::Offer {
            file: file.to_owned(),
            error,
        })?;
        let day = read.publication_date.as_ref().and_then(|at| at.get(..10));
        Ok(Self {
            published: day.and_then(|day| day.parse().ok()),
            file: read,
        })
    }

    /// The products that are sold on demand, with their prices at the time of publication.
    pub(super) fn rows(&self, file: &str) -> Result<Vec<OfferRow<'_>>, VerifyError> {
        let mut rows = Vec::new();
        for (sku, product) in &self.file.products {
            let Some(dimension) = self.dimension(sku) else {
                continue;
            };
            let attributes = &product.attributes;
            let region = attributes.get("regionCode").map_or("", String::as_str);
            rows.push(OfferRow {
                attributes,
                region,
                per_million: dimension.per_million(file, sku)?,
                unit: &dimension.unit,
            });
        }
        Ok(rows)
    }

    /// The price that holds: of the last term that has begun, as far as that is said.
    fn dimension(&self, sku: &str) -> Option<&PriceDimension> {
        let terms = self.file.terms.on_demand.get(sku)?;
        let published = self.file.publication_date.as_deref().unwrap_or("9999");
        let begun = terms
            .values()
            .filter(|term| term.effective_date.as_str() <= published)
            .max_by(|a, b| a.effective_date.cmp(&b.effective_date));
        let term = begun.or_else(|| {
            terms
                .values()
                .min_by(|a, b| a.effective_date.cmp(&b.effective_date))
        })?;
        term.price_dimensions.values().next()
    }
}

impl PriceDimension {
    /// The two services count in different units: a price without its unit is off by a thousand.
    fn per_million(&self, file: &str, sku: &str) -> Result<Option<Decimal>, VerifyError> {
        let Some(value) = self.price_per_unit.get("USD") else {
            return Ok(None);
        };
        let unit = self.unit.to_ascii_lowercase().replace(',', "");
        let Some(of) = unit.strip_suffix("tokens").or(unit.strip_suffix("token")) else {
            return Ok(None);
        };
        let units_of_a_million = match of.trim() {
            "1m" | "m" | "million" | "1 million" | "1000000" => 1,
            "1k" | "k" | "thousand" | "1 thousand" | "1000" => 1_000,
            "" | "1" => 1_000_000,
            _ => return Ok(None),
        };
        let price: Decimal = value.parse().map_err(|_| VerifyError::Price {
            file: file.to_owned(),
            sku: sku.to_owned(),
            value: value.clone(),
        })?;
        let million = price.checked_mul(Decimal::from(units_of_a_million));
        Ok(million.map(|price| price.normalize()))
    }
}

impl OfferRow<'_> {
    /// An attribute; empty where there is none.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The model as the list calls it.
    pub(super) fn model_name(&self) -> String {
        let names = ["model", "servicename", "usagetype"].into_iter();
        let mut names = names.map(|name| self.attribute(name));
        names
            .find(|name| !name.is_empty())
            .unwrap_or("?")
            .to_owned()
    }
}
