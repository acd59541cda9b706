//! The day's totals: counters that every record moves, so that a question about a period reads no record.

use std::fmt;
use std::ops::AddAssign;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Cost;
use super::failure_cause::CausesCounted;
use super::histogram::Histogram;
use super::money::Dollars;
use crate::conversation::Usage;
pub use crate::store::keys::{CountedBy, TotalOf};

/// What one row of totals counts. As a delta, what one record adds to it. In the table, and in a day's roll-up, only
/// what is not 0 has a field; fields of later versions are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests, failed ones included. A request that several models worked on counts for the last of them.
    pub requests: u64,
    /// Those that failed, or were lost.
    pub failures: u64,
    /// Those with tokens whose price is unknown, and so missing in `spend`.
    pub unpriced: u64,
    /// US dollars.
    pub spend: Decimal,
    /// US dollars saved by prompt caching: [`Cost::cache_saving`].
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
    /// Milliseconds from the first piece of whole answers to their end.
    pub answer_ms: u64,
    /// The tokens of these answers.
    pub answer_tokens: u64,
    /// Milliseconds that whole answers took.
    pub duration_ms: u64,
    /// Whole answers by the time until their first piece. Requests before version 0.2 are in no bucket.
    pub first_token: Histogram,
    /// Whole answers by the time until their end; see `first_token`.
    pub duration: Histogram,
    /// The failures by their causes; see `first_token`.
    pub causes: CausesCounted,
}

/// How the counters of the histograms begin.
const FIRST_TOKEN: &str = "first";
const DURATION: &str = "whole";

/// One row of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTotal {
    /// The UTC day on which the requests began.
    pub day: Date,
    /// What it is the total of.
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

    /// Tokens that whole answers came with in a second; `None`: that was not measured.
    pub fn tokens_per_second(&self) -> Option<Decimal> {
        let tokens = Decimal::from(self.answer_tokens).checked_mul(Decimal::ONE_THOUSAND)?;
        let rate = tokens.checked_div(Decimal::from(self.answer_ms))?;
        Some(rate.round_dp(1).normalize())
    }

    /// Requests for which no model was called.
    pub fn refusals(&self) -> u64 {
        let causes = self.causes.counted();
        let refusals = causes.filter(|(cause, _)| cause.is_refusal());
        refusals.map(|(_, requests)| u64::from(requests)).sum()
    }

    /// Field names, as stored, and amounts other than 0.
    pub(super) fn amounts(&self) -> Vec<(String, Decimal)> {
        let plain = [
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
            ("answer_ms", self.answer_ms.into()),
            ("answer_tokens", self.answer_tokens.into()),
            ("duration_ms", self.duration_ms.into()),
        ];
        let plain = plain.into_iter().filter(|(_, amount)| !amount.is_zero());
        let plain = plain.map(|(name, amount)| (name.to_owned(), amount));
        let requests = (self.first_token.amounts(FIRST_TOKEN))
            .chain(self.duration.amounts(DURATION))
            .chain(self.causes.amounts());
        let requests = requests.map(|(name, requests)| (name, requests.into()));
        plain.chain(requests).collect()
    }

    /// The field of this name; `None`: it is of a later version, or no counter.
    fn field(&mut self, name: &str) -> Option<CounterField<'_>> {
        let count = match name {
            "spend" => return Some(CounterField::Money(&mut self.spend)),
            "cache_saving" => return Some(CounterField::Money(&mut self.cache_saving)),
            "requests" => &mut self.requests,
            "failures" => &mut self.failures,
            "unpriced" => &mut self.unpriced,
            "input" => &mut self.input,
            "output" => &mut self.output,
            "cache_read" => &mut self.cache_read,
            "cache_write_5m" => &mut self.cache_write_5m,
            "cache_write_1h" => &mut self.cache_write_1h,
            "answer_ms" => &mut self.answer_ms,
            "answer_tokens" => &mut self.answer_tokens,
            "duration_ms" => &mut self.duration_ms,
            name => {
                let requests = match name.split_once('_')? {
                    (FIRST_TOKEN, bucket) => self.first_token.bucket(bucket),
                    (DURATION, bucket) => self.duration.bucket(bucket),
                    _ => self.causes.counter(name),
                };
                return requests.map(CounterField::Requests);
            }
        };
        Some(CounterField::Count(count))
    }
}

/// A field of [`Counters`].
enum CounterField<'a> {
    Money(&'a mut Decimal),
    Count(&'a mut u64),
    Requests(&'a mut u32),
}

impl CounterField<'_> {
    /// Reads its value in JSON.
    fn read(self, value: &RawValue) -> Result<(), serde_json::Error> {
        let json = value.get();
        match self {
            CounterField::Money(money) => *money = serde_json::from_str::<Dollars>(json)?.0,
            CounterField::Count(count) => *count = serde_json::from_str(json)?,
            CounterField::Requests(requests) => *requests = serde_json::from_str(json)?,
        }
        Ok(())
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
        add(&mut self.answer_ms, other.answer_ms);
        add(&mut self.answer_tokens, other.answer_tokens);
        add(&mut self.duration_ms, other.duration_ms);
        self.first_token.add_all(&other.first_token);
        self.duration.add_all(&other.duration);
        self.causes.add_all(&other.causes);
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let amounts = self.amounts();
        serializer.collect_map((amounts.iter()).map(|(name, amount)| (name, Dollars(*amount))))
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Counters, D::Error> {
        struct CountersVisitor;

        impl<'de> Visitor<'de> for CountersVisitor {
            type Value = Counters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("counters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Counters, A::Error> {
                let mut counters = Counters::default();
                while let Some(name) = fields.next_key::<String>()? {
                    match counters.field(&name) {
                        Some(field) => {
                            let value: Box<RawValue> = fields.next_value()?;
                            field.read(&value).map_err(de::Error::custom)?;
                        }
                        None => drop(fields.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(counters)
            }
        }

        deserializer.deserialize_map(CountersVisitor)
    }
}
