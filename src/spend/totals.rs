//! The day's totals: counters that every record moves, so that a question about a period reads no record.

use std::ops::AddAssign;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Cost, money};
use crate::conversation::Usage;
pub use crate::store::keys::TotalOf;

/// What one row of totals counts. As a delta, what one record adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Requests, failed ones included. A request that several models worked on counts for the last of them.
    pub requests: u64,
    /// Those that failed, or were lost.
    pub failures: u64,
    /// Those with tokens whose price is unknown, and so missing in `spend`.
    pub unpriced: u64,
    /// US dollars.
    #[serde(with = "money")]
    pub spend: Decimal,
    /// US dollars saved by prompt caching: [`Cost::cache_saving`].
    #[serde(with = "money")]
    pub cache_saving: Decimal,
    /// Prompt tokens outside the cache.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// Prompt tokens read from the cache.
    pub cache_read: u64,
    /// Prompt tokens written to the five-minute cache.
    pub cache_write_5m: u64,
    /// Prompt tokens written to the one-hour cache.
    pub cache_write_1h: u64,
}

/// One row of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTotal {
    /// The UTC day on which the requests began.
    pub day: Date,
    /// Whose.
    pub of: TotalOf,
    /// How much.
    pub counters: Counters,
}

impl Counters {
    /// The tokens and the money of one usage.
    pub(super) fn bill(&mut self, usage: Usage, cost: Option<Cost>) {
        let cost = cost.unwrap_or_default();
        *self += Counters {
            spend: cost.total,
            cache_saving: cost.cache_saving,
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write_5m: usage.cache_write_5m,
            cache_write_1h: usage.cache_write_1h,
            ..Counters::default()
        };
    }

    /// Tokens written to either cache.
    pub fn cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }

    /// Prompt tokens, cached or not.
    pub fn prompt_tokens(&self) -> u64 {
        (self.input)
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write())
    }

    /// Prompt and answer tokens.
    pub fn total_tokens(&self) -> u64 {
        self.prompt_tokens().saturating_add(self.output)
    }

    /// Field names, as stored, and amounts other than 0.
    pub(super) fn amounts(&self) -> Vec<(String, Decimal)> {
        let all = [
            ("requests", self.requests.into()),
            ("failures", self.failures.into()),
            ("unpriced", self.unpriced.into()),
            ("spend", self.spend),
            ("cache_saving", self.cache_saving),
            ("input", self.input.into()),
            ("output", self.output.into()),
            ("cache_read", self.cache_read.into()),
            ("cache_write_5m", self.cache_write_5m.into()),
            ("cache_write_1h", self.cache_write_1h.into()),
        ];
        let moved = all.into_iter().filter(|(_, amount)| !amount.is_zero());
        moved
            .map(|(name, amount)| (name.to_owned(), amount))
            .collect()
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        let add = |sum: &mut u64, n| *sum = sum.saturating_add(n);
        add(&mut self.requests, other.requests);
        add(&mut self.failures, other.failures);
        add(&mut self.unpriced, other.unpriced);
        self.spend = self.spend.saturating_add(other.spend);
        self.cache_saving = self.cache_saving.saturating_add(other.cache_saving);
        add(&mut self.input, other.input);
        add(&mut self.output, other.output);
        add(&mut self.cache_read, other.cache_read);
        add(&mut self.cache_write_5m, other.cache_write_5m);
        add(&mut self.cache_write_1h, other.cache_write_1h);
    }
}
