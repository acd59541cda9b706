//! What the tokens of one model cost, and on what terms.

use std::borrow::Cow;

use rust_decimal::Decimal;

/// US dollars per **million** tokens of each kind, exact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Price {
    /// The ordinary rates.
    pub standard: Rates,
    /// Rates for the whole request once its prompt (cache included) is longer than so many tokens, ascending.
    pub above: Vec<(u64, Rates)>,
    /// The rates under the service tier `flex`; `None`: not known.
    pub flex: Option<Rates>,
    /// The rates under the service tier `priority`; `None`: not known.
    pub priority: Option<Rates>,
    /// The rates with optimized latency; `None`: not known.
    pub optimized: Option<Rates>,
    /// The price was taken from the base id, for this id's own is not in the source.
    pub from_base: bool,
}

/// One row of prices, US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rates {
    /// Prompt tokens outside the cache.
    pub input: Decimal,
    /// Answer tokens.
    pub output: Decimal,
    /// Prompt tokens read from the cache; `None`: billed as `input`.
    pub cache_read: Option<Decimal>,
    /// Prompt tokens written to the five-minute cache; `None`: billed as `input`.
    pub cache_write_5m: Option<Decimal>,
    /// Prompt tokens written to the one-hour cache; `None`: billed as the five-minute write.
    pub cache_write_1h: Option<Decimal>,
}

/// On what terms an answer is served: what its price depends on beside its tokens. The words are Bedrock's, and its
/// answer says which it served, which may be others than were asked for
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html>).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// `serviceTier.type`: `default`, `flex`, `priority` or `reserved`; `None`: not said, which means `default`.
    pub tier: Option<String>,
    /// `performanceConfig.latency`: `standard` or `optimized`; `None`: not said, which means `standard`.
    pub latency: Option<String>,
}

impl Terms {
    /// These terms, and those of `other` where they say nothing.
    #[must_use]
    pub fn or(self, other: &Terms) -> Terms {
        Terms {
            tier: self.tier.or_else(|| other.tier.clone()),
            latency: self.latency.or_else(|| other.latency.clone()),
        }
    }
}

impl Price {
    /// The price on these terms; `None`: not known. Reserved capacity is paid for by the hour, and what goes beyond it
    /// at the ordinary rates.
    pub fn under(&self, terms: &Terms) -> Option<Cow<'_, Self>> {
        let tier = terms.tier.as_deref().unwrap_or("default");
        let latency = terms.latency.as_deref().unwrap_or("standard");
        let rates = match (tier, latency) {
            ("default" | "reserved", "standard") => return Some(Cow::Borrowed(self)),
            ("default" | "reserved", "optimized") => self.optimized.as_ref()?,
            ("flex", "standard") => self.flex.as_ref()?,
            ("priority", "standard") => self.priority.as_ref()?,
            _ => return None,
        };
        Some(Cow::Owned(Self {
            standard: rates.clone(),
            above: Vec::new(),
            ..self.clone()
        }))
    }

    /// This price at the same rates on all terms: what somebody sets who sets a price.
    #[must_use]
    pub fn on_all_terms(self) -> Self {
        Self {
            flex: Some(self.standard.clone()),
            priority: Some(self.standard.clone()),
            optimized: Some(self.standard.clone()),
            ..self
        }
    }

    /// The rates for a prompt of this length.
    pub fn rates(&self, prompt_tokens: u64) -> &Rates {
        let tier = self
            .above
            .iter()
            .rev()
            .find(|(limit, _)| prompt_tokens > *limit);
        tier.map_or(&self.standard, |(_, rates)| rates)
    }
}
