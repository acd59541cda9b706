//! `general_settings.web_search`: who searches the web, and what that may cost.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use crate::config::file::lenient;

/// What one search costs where the file does not say it: AWS's list price
/// (<https://aws.amazon.com/bedrock/agentcore/pricing/>).
const LIST_PRICE: Decimal = Decimal::from_parts(7, 0, 0, false, 3);
/// A region that has the service.
const REGION: &str = "us-east-1";

/// Searching the web by Amazon Bedrock AgentCore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSearchSettings {
    /// The region that is called.
    pub region: String,
    /// Only results of these domains. Empty: all.
    pub allowed_domains: Vec<String>,
    /// No results of these.
    pub blocked_domains: Vec<String>,
    /// US dollars of one search.
    pub price: Decimal,
    /// Searches a day of a key that has no number of its own; `None`: as many as its budget pays for.
    pub searches_per_day: Option<u32>,
}

impl Default for WebSearchSettings {
    fn default() -> Self {
        Self {
            region: REGION.to_owned(),
            allowed_domains: Vec::new(),
            blocked_domains: Vec::new(),
            price: LIST_PRICE,
            searches_per_day: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Provider {
    Agentcore,
}

/// The keys as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenSearch {
    #[serde(rename = "provider")]
    _provider: Provider,
    #[serde(default, deserialize_with = "lenient::text")]
    region: Option<String>,
    #[serde(default, deserialize_with = "lenient::texts")]
    allowed_domains: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient::texts")]
    blocked_domains: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient::dollars")]
    price: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::whole")]
    searches_per_day: Option<u32>,
}

/// The settings; `None`, or `null`: the web is not searched.
pub(super) fn optional<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<WebSearchSettings>, D::Error> {
    let written = Option::<WrittenSearch>::deserialize(d)?;
    Ok(written.map(|written| {
        let usual = WebSearchSettings::default();
        WebSearchSettings {
            region: written.region.unwrap_or(usual.region),
            allowed_domains: written.allowed_domains.unwrap_or_default(),
            blocked_domains: written.blocked_domains.unwrap_or_default(),
            price: written.price.unwrap_or(usual.price),
            searches_per_day: written.searches_per_day,
        }
    }))
}
