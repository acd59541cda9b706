//! What tokens cost: pure arithmetic, exact.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money;
use crate::catalog::Price;
use crate::conversation::Usage;

/// What one answer cost, US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Prompt tokens outside the cache, and searches.
    #[serde(with = "money")]
    pub input: Decimal,
    /// The answer, thinking included.
    #[serde(with = "money")]
    pub output: Decimal,
    /// Prompt tokens read from the cache.
    #[serde(with = "money", default, skip_serializing_if = "Decimal::is_zero")]
    pub cache_read: Decimal,
    /// Prompt tokens written to the cache, of either lifetime.
    #[serde(with = "money", default, skip_serializing_if = "Decimal::is_zero")]
    pub cache_write: Decimal,
    /// The four together.
    #[serde(with = "money")]
    pub total: Decimal,
    /// How much dearer the prompt would have been without a cache. Negative where more was paid for writing than
    /// reading has saved yet.
    #[serde(with = "money", default, skip_serializing_if = "Decimal::is_zero")]
    pub cache_saving: Decimal,
}

/// What this usage costs at this price. The whole request is billed at the rates for its prompt's length, cache
/// included; a cache rate that the price does not have is the input rate, the one-hour write's follows from the
/// five-minute one's.
pub fn cost(usage: &Usage, price: &Price) -> Cost {
    let rates = price.rates(usage.prompt());
    let searches = per_query(price.per_query.unwrap_or_default(), usage.search_units);
    let input = (at(rates.input, usage.input) + searches).normalize();
    let output = at(rates.output, usage.output);
    let cache_read = at(rates.cache_read.unwrap_or(rates.input), usage.cache_read);
    let cache_write =
        at(rates.write_5m(), usage.cache_write_5m) + at(rates.write_1h(), usage.cache_write_1h);
    let uncached = at(rates.input, usage.cache_read) + at(rates.input, usage.cache_write());
    Cost {
        input,
        output,
        cache_read,
        cache_write,
        total: (input + output + cache_read + cache_write).normalize(),
        cache_saving: (uncached - cache_read - cache_write).normalize(),
    }
}

/// What these searches cost at this price of one.
fn per_query(price: Decimal, units: u64) -> Decimal {
    at(price.saturating_mul(MILLION), units)
}

const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// What these tokens cost at a rate per million. Saturates far beyond any bill, so that no count can stop a request.
fn at(rate: Decimal, tokens: u64) -> Decimal {
    const HIGHEST_COST: Decimal = Decimal::from_parts(u32::MAX, u32::MAX, 0, false, 0);
    let millionths = rate.saturating_mul(Decimal::from(tokens));
    (millionths * Decimal::new(1, 6))
        .normalize()
        .min(HIGHEST_COST)
}

impl Cost {
    /// Both together: a request's cost is the sum over its attempts.
    pub(super) fn plus(self, other: Cost) -> Cost {
        Cost {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
            total: self.total + other.total,
            cache_saving: self.cache_saving + other.cache_saving,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Rates, ServiceTerms};

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// us.anthropic.claude-sonnet-4-5: 3.3 / 16.5, read .33, writes 4.125 and 6.6; above 200,000 doubled input and 1.5
    /// times output.
    fn sonnet_45() -> Price {
        let rates = |input, output, read, write_5m, write_1h| Rates {
            input: d(input),
            output: d(output),
            cache_read: Some(d(read)),
            cache_write_5m: Some(d(write_5m)),
            cache_write_1h: Some(d(write_1h)),
        };
        Price {
            standard: rates("3.3", "16.5", "0.33", "4.125", "6.6"),
            above: vec![(200_000, rates("6.6", "24.75", "0.66", "8.25", "13.2"))],
            from_base: false,
            ..Price::default()
        }
    }

    fn usage(input: u64, output: u64, read: u64, write_5m: u64, write_1h: u64) -> Usage {
        Usage {
            input,
            output,
            cache_read: read,
            cache_write_5m: write_5m,
            cache_write_1h: write_1h,
            ..Usage::default()
        }
    }

    #[test]
    fn costs_are_what_a_hand_computes() {
        // input, output, read, 5m, 1h → input, output, read, write, total, saving
        let table = [
            // LiteLLM's row for the same exchange says 0.0013068 in all, 0.0001155, 0.00033 and 0.000825.
            (
                (11, 7, 1000, 200, 0),
                [
                    "0.0000363",
                    "0.0001155",
                    "0.00033",
                    "0.000825",
                    "0.0013068",
                    "0.002805",
                ],
            ),
            ((0, 0, 0, 0, 0), ["0", "0", "0", "0", "0", "0"]),
            (
                (1, 1, 0, 0, 0),
                ["0.0000033", "0.0000165", "0", "0", "0.0000198", "0"],
            ),
            // 500 × 4.125 + 500 × 6.6 = 5362.5 millionths; uncached 1000 × 3.3 = 3300.
            (
                (0, 0, 0, 500, 500),
                ["0", "0", "0", "0.0053625", "0.0053625", "-0.0020625"],
            ),
            // Exactly 200,000 prompt tokens is still the ordinary rate …
            (
                (199_000, 10, 1000, 0, 0),
                ["0.6567", "0.000165", "0.00033", "0", "0.657195", "0.00297"],
            ),
            // … and one more changes all of it, the answer too.
            (
                (199_001, 10, 1000, 0, 0),
                [
                    "1.3134066",
                    "0.0002475",
                    "0.00066",
                    "0",
                    "1.3143141",
                    "0.00594",
                ],
            ),
            (
                (1_000_000, 1_000_000, 0, 0, 0),
                ["6.6", "24.75", "0", "0", "31.35", "0"],
            ),
        ];
        for ((input, output, read, write_5m, write_1h), expected) in table {
            let cost = cost(
                &usage(input, output, read, write_5m, write_1h),
                &sonnet_45(),
            );
            let expected = expected.map(d);
            let found = [
                cost.input,
                cost.output,
                cost.cache_read,
                cost.cache_write,
                cost.total,
                cost.cache_saving,
            ];
            // The saving is counted against the input rate: (1000 + 200) × 3.3 − 330 − 825 in the first row.
            assert_eq!(
                found, expected,
                "{input} {output} {read} {write_5m} {write_1h}"
            );
        }
    }

    #[test]
    fn the_catalog_s_prices_give_what_a_hand_computes() {
        let sonnet = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let haiku = "us.anthropic.claude-haiku-5-5";
        let nova = "us.amazon.nova-pro-v1:0";
        // id, tier, (input, output, read, 5m, 1h) → total, from the price list by hand.
        let table = [
            // LiteLLM's own figures for these three.
            (sonnet, None, (11, 7, 1000, 200, 0), "0.0013068"),
            (sonnet, None, (8, 1, 0, 0, 0), "0.0000429"),
            (
                "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
                None,
                (11, 7, 1000, 200, 0),
                "0.001188",
            ),
            // A geographic profile costs a tenth more than the global one, GovCloud a fifth.
            (
                "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
                None,
                (1000, 100, 0, 0, 0),
                "0.0045",
            ),
            (sonnet, None, (1000, 100, 0, 0, 0), "0.00495"),
            (
                "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
                None,
                (1000, 100, 0, 0, 0),
                "0.0054",
            ),
            // Above 200,000: 200000 × 6.6 + 1000 × 13.2.
            (sonnet, None, (200_000, 0, 0, 0, 1000), "1.3332"),
            // A limit at 100,000: 99000 × .11 + 1000 × .011 + 1000 × .55, then 99001 × .55 + 1000 × .055 + 1000 × 2.75.
            (haiku, None, (99_000, 1000, 1000, 0, 0), "0.011451"),
            (haiku, None, (99_001, 1000, 1000, 0, 0), "0.05725555"),
            // Nova has no price for writing to the cache: 100 × .8 + 10 × 3.2 + 1000 × .2 + 500 × .8.
            (nova, None, (100, 10, 1000, 500, 0), "0.000712"),
            (nova, Some("flex"), (100, 10, 1000, 500, 0), "0.000356"),
            (nova, Some("priority"), (100, 10, 1000, 500, 0), "0.001246"),
            (
                "openai.gpt-oss-120b-1:0",
                Some("flex"),
                (1000, 1000, 0, 0, 0),
                "0.000375",
            ),
            (sonnet, Some("reserved"), (1000, 100, 0, 0, 0), "0.00495"),
        ];
        for (id, tier, (input, output, read, write_5m, write_1h), total) in table {
            let model = Catalog::bundled().resolve(id, None, None);
            let price = model.price.unwrap();
            let usage = usage(input, output, read, write_5m, write_1h);
            let terms = ServiceTerms {
                tier: tier.map(str::to_owned),
                ..ServiceTerms::default()
            };
            let cost = cost(&usage, &price.under(&terms).unwrap());
            assert_eq!(cost.total, d(total), "{id} {tier:?} {usage:?}");
        }
    }

    #[test]
    fn rates_that_are_missing_fall_back() {
        let mut price = sonnet_45();
        price.standard.cache_write_1h = None;
        assert_eq!(cost(&usage(0, 0, 0, 0, 1000), &price).total, d("0.0066"));
        price.standard.cache_write_5m = Some(d("4"));
        assert_eq!(cost(&usage(0, 0, 0, 0, 1000), &price).total, d("0.0064"));
        price.standard.cache_write_5m = None;
        assert_eq!(cost(&usage(0, 0, 0, 1000, 0), &price).total, d("0.0033"));
        assert_eq!(cost(&usage(0, 0, 0, 0, 1000), &price).total, d("0.0033"));
        price.standard.cache_read = None;
        let cost = cost(&usage(0, 0, 1000, 0, 0), &price);
        assert_eq!((cost.total, cost.cache_saving), (d("0.0033"), d("0")));
    }

    #[test]
    fn no_usage_overflows() {
        let all = usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX);
        let mut price = sonnet_45();
        assert!(cost(&all, &price).total > d("1000000000"));
        price.standard.output = Decimal::MAX;
        price.above.clear();
        assert!(cost(&all, &price).total > d("1000000000"));
    }
}
