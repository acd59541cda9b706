//! Compares the catalog's prices with AWS's own price lists.
//!
//! For maintainers, and for whoever wants to know before the bill does. The lists are public
//! (`https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<offer>/current/<region>/index.json`): the offer
//! `AmazonBedrockFoundationModels` has the models that AWS sells for others by its Marketplace, such as Claude,
//! `AmazonBedrock` the rest. Nothing is downloaded here.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::place::PricePlace;
use super::{Catalog, Price, RateKind, Rates};

mod models;
mod offer;
mod usage_type;

use models::ModelNames;
use offer::{Offer, OfferRow};
use usage_type::{Meter, Tier};

/// Why price lists cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file is not a price list as AWS writes them.
    #[error("{file}: not a price list of AWS: {error}")]
    Offer {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A price of the list is not a number.
    #[error("{file}: the price of {sku} is not a number: {value:?}")]
    Price {
        /// The file.
        file: String,
        /// Its product.
        sku: String,
        /// What stands there.
        value: String,
    },
}

/// What the comparison found.
#[derive(Debug, Default, PartialEq)]
pub struct Verification {
    compared: usize,
    differing: BTreeSet<Difference>,
    /// Rows that are no price of tokens on the Bedrock runtime.
    other_rows: usize,
    unknown_models: BTreeSet<String>,
    /// Of rows whose usage type counts tokens.
    unknown_units: BTreeSet<String>,
}

/// A price that the list has otherwise than the catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    base: String,
    region: String,
    meter: Meter,
    /// US dollars per million tokens; `None`: the catalog has no such price.
    catalog: Option<Decimal>,
    list: Decimal,
}

impl Verification {
    /// Reads one more price list and compares with it. `file` is what errors call it.
    ///
    /// # Errors
    /// When it is no price list, or a price is no number.
    pub fn add(
        &mut self,
        catalog: &Catalog<'_>,
        file: &str,
        text: &str,
    ) -> Result<(), VerifyError> {
        let offer = Offer::parse(file, text)?;
        let names = ModelNames::of(catalog);
        for row in offer.rows(file)? {
            self.compare(catalog, &names, &row, offer.published);
        }
        Ok(())
    }

    /// Whether there was something to compare, and nothing differs.
    pub fn agrees(&self) -> bool {
        self.compared > 0 && self.differing.is_empty()
    }

    fn compare(
        &mut self,
        catalog: &Catalog<'_>,
        names: &ModelNames<'_>,
        row: &OfferRow<'_>,
        published: Option<Date>,
    ) {
        let Some(meter) = Meter::of(row) else {
            self.other_rows += 1;
            return;
        };
        let Some(list) = row.per_million else {
            self.unknown_units.insert(row.unit.to_owned());
            return;
        };
        let Some(base) = names.find(row) else {
            self.unknown_models.insert(row.model_name());
            return;
        };
        let profiles = if meter.is_global {
            &["global"]
        } else {
            PricePlace::Region(row.region).neighbours()
        };
        let profiles = profiles.iter().map(|prefix| format!("{prefix}.{base}"));
        // In its region a model costs what the region's profile does, which may be all that can be called.
        let in_region = (!meter.is_global).then(|| base.to_owned());
        let known = in_region.into_iter().chain(profiles).find_map(|id| {
            let price = catalog.resolve(&id, Some(row.region), None).price?;
            match published {
                Some(day) => meter.rate(&price.on(day)),
                None => meter.rate(&price),
            }
        });
        self.compared += 1;
        // The list has a price of 0 for what a model does not do.
        if known == Some(list) || (known.is_none() && list.is_zero()) {
            return;
        }
        self.differing.insert(Difference {
            base: base.to_owned(),
            region: row.region.to_owned(),
            meter,
            catalog: known,
            list,
        });
    }
}

impl Meter {
    /// What this costs in the catalog; `None`: it is not there.
    fn rate(&self, price: &Price) -> Option<Decimal> {
        let half = Decimal::new(5, 1);
        let standard = || -> Option<&Rates> {
            if self.is_long {
                price.above.last().map(|(_, rates)| rates)
            } else {
                Some(&price.standard)
            }
        };
        let of = |rates: Option<&Rates>| rates?.of(self.kind);
        match self.tier {
            Tier::Standard => of(standard()),
            Tier::Batch if self.kind <= RateKind::Output => {
                of(standard()).map(|rate| (rate * half).normalize())
            }
            _ if self.is_long => None,
            Tier::Batch => None,
            Tier::Flex => of(price.flex.as_ref()),
            Tier::Priority => of(price.priority.as_ref()),
            Tier::Optimized => of(price.optimized.as_ref()),
        }
        .map(|rate| rate.normalize())
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in &self.differing {
            writeln!(f, "{found}")?;
        }
        for (what, names) in [
            ("not in the catalog", &self.unknown_models),
            (
                "not compared, for the unit is none of tokens",
                &self.unknown_units,
            ),
        ] {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>();
            if !names.is_empty() {
                writeln!(f, "{what}: {}", names.join(", "))?;
            }
        }
        write!(
            f,
            "{} prices compared, {} differ; {} rows are no prices of tokens on the Bedrock runtime",
            self.compared,
            self.differing.len(),
            self.other_rows
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: catalog ", self.base, self.region, self.meter)?;
        match self.catalog {
            Some(rate) => write!(f, "{rate}")?,
            None => write!(f, "none")?,
        }
        write!(f, ", list {}", self.list)
    }
}

#[cfg(test)]
mod tests;
