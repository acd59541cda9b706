use rust_decimal::Decimal;

use super::*;
use crate::catalog::{Price, Terms};

fn dollars(text: &str) -> Option<Decimal> {
    Some(text.parse().unwrap())
}

/// Input, output, cache read, five-minute and one-hour write; `-` is none.
fn row(rates: &Rates) -> String {
    let optional = |rate: Option<Decimal>| rate.map_or("-".to_owned(), |rate| rate.to_string());
    [
        rates.input.to_string(),
        rates.output.to_string(),
        optional(rates.cache_read),
        optional(rates.cache_write_5m),
        optional(rates.cache_write_1h),
    ]
    .join(" ")
}

#[test]
fn prices_are_exact() {
    let rows = [
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "3.3 16.5 0.33 4.125 6.6",
        ),
        (
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "3 15 0.3 3.75 6",
        ),
        (
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "3 15 0.3 3.75 6",
        ),
        (
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "1.1 5.5 0.11 1.375 2.2",
        ),
        ("us.anthropic.claude-opus-4-8", "5.5 27.5 0.55 6.875 11"),
        (
            "us.anthropic.claude-opus-4-1-20250805-v1:0",
            "15 75 1.5 18.75 -",
        ),
        (
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            "3 15 0.3 3.75 -",
        ),
        (
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            "3 15 0.3 3.75 -",
        ),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", "0.8 4 0.08 1 -"),
        (
            "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "3.6 18 0.36 4.5 7.2",
        ),
        ("amazon.nova-micro-v1:0", "0.035 0.14 0.00875 - -"),
        ("meta.llama4-scout-17b-instruct-v1:0", "0.17 0.66 - - -"),
    ];
    for (id, expected) in rows {
        assert_eq!(row(&resolve(id).price.unwrap().standard), expected, "{id}");
    }
}

#[test]
fn a_long_prompt_and_a_service_tier_have_their_own_rates() {
    let price = resolve("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
        .price
        .unwrap();
    assert_eq!(row(price.rates(200_000)), "3.3 16.5 0.33 4.125 6.6");
    assert_eq!(row(price.rates(200_001)), "6.6 24.75 0.66 8.25 13.2");
    let price = resolve("openai.gpt-oss-120b-1:0").price.unwrap();
    assert_eq!(row(&price.flex.unwrap()), "0.075 0.3 - - -");
    assert_eq!(row(&price.priority.unwrap()), "0.2625 1.05 - - -");
}

#[test]
fn a_region_may_cost_more() {
    let catalog = Catalog::bundled();
    let input = |region| {
        catalog
            .resolve("deepseek.v3.2", region, None)
            .price
            .unwrap()
            .standard
            .input
    };
    assert_eq!(Some(input(None)), dollars("0.62"));
    assert_eq!(Some(input(Some("us-east-1"))), dollars("0.62"));
    assert_eq!(Some(input(Some("eu-north-1"))), dollars("0.74"));
    // An ARN's own region counts where nothing else is said.
    let arn = "arn:aws:bedrock:eu-north-1::foundation-model/deepseek.v3.2";
    assert_eq!(
        Some(
            catalog
                .resolve(arn, None, None)
                .price
                .unwrap()
                .standard
                .input
        ),
        dollars("0.74")
    );
}

/// What is said of the terms, none of it by an empty word.
fn terms(tier: &str, latency: &str) -> Terms {
    let said = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
    Terms {
        tier: said(tier),
        latency: said(latency),
    }
}

#[test]
fn other_terms_have_their_own_price_or_an_unknown_one() {
    let rates = |input: i64| Rates {
        input: Decimal::from(input),
        ..Rates::default()
    };
    let price = Price {
        standard: rates(3),
        above: vec![(10, rates(6))],
        flex: Some(rates(1)),
        ..Price::default()
    };
    for (tier, latency, expected) in [
        ("", "", Some(6)),
        ("default", "standard", Some(6)),
        ("reserved", "", Some(6)),
        ("flex", "", Some(1)),
        ("flex", "standard", Some(1)),
        ("flex", "optimized", None),
        ("priority", "", None),
        ("", "optimized", None),
        ("something new", "", None),
        ("", "something new", None),
    ] {
        let under = price.under(&terms(tier, latency));
        let input = under.map(|price| price.rates(11).input);
        assert_eq!(input, expected.map(Decimal::from), "{tier} {latency}");
    }
    let own = Price {
        standard: rates(3),
        ..Price::default()
    }
    .on_all_terms();
    for (tier, latency) in [("flex", ""), ("priority", ""), ("", "optimized")] {
        let under = own.under(&terms(tier, latency));
        assert_eq!(under.unwrap().standard, rates(3), "{tier} {latency}");
    }
}

#[test]
fn optimized_latency_has_its_rates_where_aws_s_list_has_them() {
    for (id, expected) in [
        ("us.amazon.nova-pro-v1:0", Some("1 4 - - -")),
        ("us.meta.llama3-1-70b-instruct-v1:0", Some("0.9 0.9 - - -")),
        ("us.meta.llama3-1-405b-instruct-v1:0", Some("3 3 - - -")),
        ("eu.amazon.nova-pro-v1:0", None),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
    ] {
        let price = resolve(id).price.unwrap();
        let under = price.under(&terms("", "optimized"));
        let found = under.map(|price| row(&price.standard));
        assert_eq!(found.as_deref(), expected, "{id}");
    }
}
