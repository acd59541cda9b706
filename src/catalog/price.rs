//! What the tokens of one model cost, on what terms, and when.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;

/// US dollars per **million** tokens of each kind, exact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Price {
    /// The ordinary rates.
    pub standard: Rates,
    /// US dollars for putting up to 100 documents in order by a query; `None`: not known, or nothing that it does.
    pub per_query: Option<Decimal>,
    /// Rates for the whole request once its prompt (cache included) is longer than so many tokens, ascending.
    pub above: Vec<(u64, Rates)>,
    /// The rates under the service tier `flex`; `None`: not known.
    pub flex: Option<Rates>,
    /// The rates under the service tier `priority`; `None`: not known.
    pub priority: Option<Rates>,
    /// The rates with optimized latency; `None`: not known.
    pub optimized: Option<Rates>,
    /// The price was taken from another place of the same model, for this id's own is not in the source.
    pub from_base: bool,
    /// How many percent more input costs than by the model's global profile, where there is one and it is cheaper.
    pub percent_over_global: Option<Decimal>,
    /// What is not certain of it.
    pub doubts: Vec<(RateKind, Doubt)>,
    /// Days on which some of the rates are others.
    pub changes: Vec<PriceChange>,
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
    /// Prompt tokens written to the one-hour cache; `None`: see [`Rates::write_1h`].
    pub cache_write_1h: Option<Decimal>,
}

/// The kinds of tokens that have a rate, as the catalog writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RateKind {
    Input,
    Output,
    #[serde(rename = "read")]
    CacheRead,
    #[serde(rename = "write")]
    CacheWrite5m,
    #[serde(rename = "write_1h")]
    CacheWrite1h,
}

/// Why a rate is not certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// A source has it, and AWS's own price list does not.
    Unconfirmed,
    /// No source has it: it was computed from another rate.
    Computed,
}

/// Other rates for some days, which begin at midnight UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceChange {
    /// The first day; `None`: it was ever so.
    pub since: Option<Date>,
    /// The day after the last; `None`: it stays so.
    pub until: Option<Date>,
    /// The ordinary rates that are others then, US dollars per million tokens.
    pub rates: Vec<(RateKind, Decimal)>,
    /// How many times as high rates are then, on all terms and for all lengths.
    pub times: Vec<(RateKind, Decimal)>,
}

/// On what terms an answer is served: what its price depends on beside its tokens. The words are Bedrock's, and its
/// answer says which it served, which may be others than were asked for
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html>).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceTerms {
    /// `serviceTier.type`: `default`, `flex`, `priority` or `reserved`; `None`: not said, which means `default`.
    pub tier: Option<String>,
    /// `performanceConfig.latency`: `standard` or `optimized`; `None`: not said, which means `standard`.
    pub latency: Option<String>,
}

impl ServiceTerms {
    /// These terms, and those of `other` where they say nothing.
    #[must_use]
    pub fn or(self, other: &ServiceTerms) -> ServiceTerms {
        ServiceTerms {
            tier: self.tier.or_else(|| other.tier.clone()),
            latency: self.latency.or_else(|| other.latency.clone()),
        }
    }
}

impl Rates {
    /// How many times the five-minute write a one-hour write costs, wherever both are known
    /// (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>: 1.25 and 2 times the input).
    const HOUR_TO_MINUTES: Decimal = Decimal::from_parts(16, 0, 0, false, 1);

    /// What a prompt token written to the five-minute cache costs.
    pub fn write_5m(&self) -> Decimal {
        self.cache_write_5m.unwrap_or(self.input)
    }

    /// What a prompt token written to the one-hour cache costs. Where that is not known, it follows from the
    /// five-minute write, which is cheaper.
    pub fn write_1h(&self) -> Decimal {
        let known = self.cache_write_1h.or(self.computed_write_1h());
        known.unwrap_or(self.input)
    }

    pub(super) fn computed_write_1h(&self) -> Option<Decimal> {
        let minutes = self.cache_write_5m?;
        Some((minutes * Self::HOUR_TO_MINUTES).normalize())
    }

    /// The rate of a kind, where it is known.
    pub fn of(&self, kind: RateKind) -> Option<Decimal> {
        match kind {
            RateKind::Input => Some(self.input),
            RateKind::Output => Some(self.output),
            RateKind::CacheRead => self.cache_read,
            RateKind::CacheWrite5m => self.cache_write_5m,
            RateKind::CacheWrite1h => self.cache_write_1h,
        }
    }

    fn set(&mut self, kind: RateKind, rate: Decimal) {
        match kind {
            RateKind::Input => self.input = rate,
            RateKind::Output => self.output = rate,
            RateKind::CacheRead => self.cache_read = Some(rate),
            RateKind::CacheWrite5m => self.cache_write_5m = Some(rate),
            RateKind::CacheWrite1h => self.cache_write_1h = Some(rate),
        }
    }
}

impl RateKind {
    /// All kinds, in the order in which they are written.
    pub const ALL: [RateKind; 5] = [
        RateKind::Input,
        RateKind::Output,
        RateKind::CacheRead,
        RateKind::CacheWrite5m,
        RateKind::CacheWrite1h,
    ];

    /// As the catalog writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "read",
            Self::CacheWrite5m => "write",
            Self::CacheWrite1h => "write_1h",
        }
    }
}

impl PriceChange {
    fn holds(&self, day: Date) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day < until)
    }

    fn apply(&self, price: &mut Price) {
        for (kind, rate) in &self.rates {
            price.standard.set(*kind, *rate);
        }
        let rows = std::iter::once(&mut price.standard);
        let rows = rows.chain(price.above.iter_mut().map(|(_, rates)| rates));
        let terms = [&mut price.flex, &mut price.priority, &mut price.optimized];
        for row in rows.chain(terms.into_iter().flatten()) {
            for (kind, times) in &self.times {
                if let Some(rate) = row.of(*kind) {
                    row.set(*kind, (rate * times).normalize());
                }
            }
        }
        let changed = |kind| {
            let mut changed = self.rates.iter().chain(&self.times);
            changed.any(|(other, _)| *other == kind)
        };
        price.doubts.retain(|(kind, _)| !changed(*kind));
    }
}

impl Price {
    /// The price at this moment.
    pub fn at(&self, moment: Timestamp) -> Cow<'_, Self> {
        if self.changes.is_empty() {
            return Cow::Borrowed(self);
        }
        self.on(TimeZone::UTC.to_datetime(moment).date())
    }

    /// The price on this day.
    pub fn on(&self, day: Date) -> Cow<'_, Self> {
        let mut then = Cow::Borrowed(self);
        for change in self.changes.iter().filter(|change| change.holds(day)) {
            change.apply(then.to_mut());
        }
        then
    }

    /// The price on these terms; `None`: not known. Reserved capacity is paid for by the hour, and what goes beyond it
    /// at the ordinary rates.
    pub fn under(&self, terms: &ServiceTerms) -> Option<Cow<'_, Self>> {
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

    /// Sets an ordinary rate, for good: nothing is doubtful about it, and no day changes it.
    pub fn fix(&mut self, kind: RateKind, rate: Decimal) {
        self.standard.set(kind, rate);
        self.doubts.retain(|(other, _)| *other != kind);
        for change in &mut self.changes {
            change.rates.retain(|(other, _)| *other != kind);
            change.times.retain(|(other, _)| *other != kind);
        }
    }

    /// Computes the rates of one-hour writes where a row has none but the five-minute one.
    pub(super) fn compute_hours(&mut self) {
        let above = self.above.iter_mut().map(|(_, rates)| rates);
        let terms = [&mut self.flex, &mut self.priority, &mut self.optimized];
        for row in above.chain(terms.into_iter().flatten()) {
            row.cache_write_1h = row.cache_write_1h.or(row.computed_write_1h());
        }
        let row = &mut self.standard;
        if row.cache_write_1h.is_none()
            && let Some(rate) = row.computed_write_1h()
        {
            row.cache_write_1h = Some(rate);
            self.doubts.push((RateKind::CacheWrite1h, Doubt::Computed));
        }
    }

    /// What is not certain of the rate of a kind.
    pub fn doubt(&self, kind: RateKind) -> Option<Doubt> {
        let mut doubts = self.doubts.iter();
        doubts
            .find(|(other, _)| *other == kind)
            .map(|(_, doubt)| *doubt)
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
