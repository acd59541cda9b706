use rust_decimal::Decimal;

use super::*;
use crate::catalog::{Doubt, Price, RateKind, ServiceTerms};

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
            "3.3 16.5 0.33 4.125 6.6",
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
fn terms(tier: &str, latency: &str) -> ServiceTerms {
    let said = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
    ServiceTerms {
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

/// What AWS and Anthropic publish for the global profiles (September and October 2026): input, output, read, write and
/// one-hour write. Everywhere else each costs a tenth more.
const GLOBAL: [(&str, &str); 15] = [
    ("claude-fable-5-1", "10 50 0.25 12.5 20"),
    ("claude-mythos-5-1", "10 50 0.25 12.5 20"),
    ("claude-fable-5", "10 50 1 12.5 20"),
    ("claude-opus-5-5", "4 20 0.2 5 8"),
    ("claude-opus-5", "5 25 0.5 6.25 10"),
    ("claude-opus-4-8", "5 25 0.5 6.25 10"),
    ("claude-opus-4-7", "5 25 0.5 6.25 10"),
    ("claude-opus-4-6-v1", "5 25 0.5 6.25 10"),
    ("claude-opus-4-5-20251101-v1:0", "5 25 0.5 6.25 10"),
    ("claude-sonnet-5-5", "2 10 0.1 2.5 4"),
    ("claude-sonnet-5", "2 10 0.2 2.5 4"),
    ("claude-sonnet-4-6", "3 15 0.3 3.75 6"),
    ("claude-sonnet-4-5-20250929-v1:0", "3 15 0.3 3.75 6"),
    ("claude-haiku-5-5", "0.1 0.5 0.01 0.125 0.2"),
    ("claude-haiku-4-5-20251001-v1:0", "1 5 0.1 1.25 2"),
];

/// The same for long prompts.
const GLOBAL_LONG: [(&str, u64, &str); 2] = [
    (
        "claude-sonnet-4-5-20250929-v1:0",
        200_000,
        "6 22.5 0.6 7.5 12",
    ),
    ("claude-haiku-5-5", 100_000, "0.5 2.5 0.05 0.625 1"),
];

/// Each rate so many times as high.
fn times(row: &str, factor: &str) -> String {
    let factor: Decimal = factor.parse().unwrap();
    let rates = row.split(' ');
    let rates = rates.map(|rate| (rate.parse::<Decimal>().unwrap() * factor).normalize());
    rates
        .map(|rate| rate.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn global_and_regional_prices_are_those_of_aws() {
    let catalog = Catalog::bundled();
    for (name, global) in GLOBAL {
        let price = |id: &str, region| catalog.resolve(id, region, None).price.unwrap();
        let base = format!("anthropic.{name}");
        let found = price(&format!("global.{base}"), None);
        assert_eq!(row(&found.standard), global, "global.{base}");
        let regional = times(global, "1.1");
        let places = [
            None,
            Some("us-east-1"),
            Some("eu-west-2"),
            Some("sa-east-1"),
        ];
        let places = places.into_iter().chain([Some("ap-northeast-1")]);
        for region in places {
            let found = price(&base, region);
            assert_eq!(row(&found.standard), regional, "{base} {region:?}");
            assert!(!found.from_base, "{base} {region:?}");
        }
        let arn = format!("arn:aws:bedrock:eu-west-1::foundation-model/{base}");
        assert_eq!(row(&price(&arn, None).standard), regional, "{arn}");
        // Whether a geography has a price of its own in the list or not.
        for prefix in ["us", "eu", "apac", "jp", "au", "ca", "in", "xx"] {
            let id = format!("{prefix}.{base}");
            assert_eq!(row(&price(&id, None).standard), regional, "{id}");
        }
    }
    for (name, over, global) in GLOBAL_LONG {
        for (prefix, expected) in [("global.", global.to_owned()), ("", times(global, "1.1"))] {
            let price = resolve(&format!("{prefix}anthropic.{name}")).price.unwrap();
            assert_eq!(row(price.rates(over + 1)), expected, "{prefix}{name}");
            assert_ne!(row(price.rates(over)), expected, "{prefix}{name}");
        }
    }
}

#[test]
fn nova_and_openai_cost_more_in_a_region_too() {
    let rows = [
        (
            "global.amazon.nova-2-lite-v1:0",
            None,
            "0.3 2.5 0.075 - -",
            false,
        ),
        (
            "amazon.nova-2-lite-v1:0",
            None,
            "0.33 2.75 0.0825 - -",
            false,
        ),
        (
            "amazon.nova-2-lite-v1:0",
            Some("us-west-2"),
            "0.33 2.75 0.0825 - -",
            false,
        ),
        (
            "amazon.nova-2-lite-v1:0",
            Some("eu-central-1"),
            "0.429 3.597 0.10725 - -",
            false,
        ),
        (
            "amazon.nova-2-lite-v1:0",
            Some("ap-northeast-1"),
            "0.396 3.311 0.099 - -",
            false,
        ),
        // Geographies differ, and this one is not in the list.
        (
            "amazon.nova-2-lite-v1:0",
            Some("sa-east-1"),
            "0.33 2.75 0.0825 - -",
            true,
        ),
        (
            "amazon.nova-pro-v1:0",
            Some("eu-west-1"),
            "1.05 4.2 0.2625 - -",
            false,
        ),
        (
            "amazon.nova-pro-v1:0",
            Some("us-east-1"),
            "0.8 3.2 0.2 - -",
            false,
        ),
        ("openai.gpt-6-sol", None, "2.2 11 0.22 2.75 -", false),
        ("global.openai.gpt-6-sol", None, "2 10 0.2 2.5 -", false),
        ("in.openai.gpt-6-sol", None, "2.2 11 0.22 2.75 -", true),
        // Up to Opus 4.1 and Sonnet 4 there is one price.
        (
            "anthropic.claude-opus-4-1-20250805-v1:0",
            None,
            "15 75 1.5 18.75 -",
            false,
        ),
        (
            "anthropic.claude-sonnet-4-20250514-v1:0",
            Some("us-east-1"),
            "3 15 0.3 3.75 -",
            false,
        ),
    ];
    for (id, region, expected, from_base) in rows {
        let model = Catalog::bundled().resolve(id, region, None);
        let price = model.price.unwrap();
        assert_eq!(row(&price.standard), expected, "{id} {region:?}");
        assert_eq!(price.from_base, from_base, "{id} {region:?}");
    }
}

#[test]
fn how_much_dearer_a_region_is_is_known() {
    let rows = [
        ("anthropic.claude-opus-5", Some("10")),
        ("eu.anthropic.claude-opus-5", Some("10")),
        ("global.anthropic.claude-opus-5", None),
        ("us-gov.anthropic.claude-opus-5", Some("20")),
        ("us.moonshotai.kimi-k3", Some("10")),
        ("global.moonshotai.kimi-k3", None),
        ("eu.amazon.nova-2-lite-v1:0", Some("43")),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", None),
        ("us.amazon.nova-pro-v1:0", None),
    ];
    for (id, expected) in rows {
        let percent = resolve(id).price.unwrap().percent_over_global;
        assert_eq!(percent, expected.and_then(dollars), "{id}");
    }
}

#[test]
fn govcloud_has_prices_of_its_own() {
    let rows = [
        (
            "us-gov.anthropic.claude-haiku-4-5-20251001-v1:0",
            None,
            "1.2 6 0.12 1.5 2.4",
            false,
        ),
        (
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            Some("us-gov-west-1"),
            "1.2 6 0.12 1.5 2.4",
            false,
        ),
        (
            "us-gov.anthropic.claude-opus-5",
            None,
            "6 30 0.6 7.5 12",
            false,
        ),
        (
            "us-gov.amazon.nova-lite-v1:0",
            None,
            "0.072 0.288 0.018 - -",
            false,
        ),
        (
            "amazon.nova-lite-v1:0",
            Some("us-gov-east-1"),
            "0.072 0.288 0.018 - -",
            false,
        ),
        // Not in the list: the price of another partition, and marked.
        (
            "us-gov.anthropic.claude-sonnet-4-6",
            None,
            "3.3 16.5 0.33 4.125 6.6",
            true,
        ),
        (
            "anthropic.claude-opus-4-7",
            Some("us-gov-west-1"),
            "5.5 27.5 0.55 6.875 11",
            true,
        ),
        (
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-sonnet-5-5",
            None,
            "2.4 12 0.12 3 4.8",
            false,
        ),
    ];
    for (id, region, expected, from_base) in rows {
        let model = Catalog::bundled().resolve(id, region, None);
        let price = model.price.unwrap();
        assert_eq!(row(&price.standard), expected, "{id} {region:?}");
        assert_eq!(price.from_base, from_base, "{id} {region:?}");
    }
}

#[test]
fn a_missing_price_of_an_hour_follows_from_the_five_minute_one() {
    let model = resolve("apac.anthropic.claude-haiku-4-5-20251001-v1:0");
    let price = model.price.unwrap();
    assert_eq!(row(&price.standard), "1.1 5.5 0.11 1.375 2.2");
    assert_eq!(price.doubt(RateKind::CacheWrite1h), Some(Doubt::Computed));
    assert!(model.abilities.caching.unwrap().one_hour);
    let known = resolve("us.anthropic.claude-haiku-4-5-20251001-v1:0").price;
    assert_eq!(known.unwrap().doubts, []);
    // Where no place has one, there are no such writes; if Bedrock bills one all the same, it is not the cheaper one.
    let opus = resolve("us.anthropic.claude-opus-4-1-20250805-v1:0");
    assert!(!opus.abilities.caching.unwrap().one_hour);
    let rates = opus.price.unwrap().standard;
    assert_eq!(
        (rates.cache_write_1h, Some(rates.write_1h())),
        (None, dollars("30"))
    );
    let bare = Rates {
        input: Decimal::from(3),
        ..Rates::default()
    };
    assert_eq!((bare.write_5m(), bare.write_1h()), (bare.input, bare.input));
}

fn moment(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_price_changes_at_midnight_utc() {
    for (prefix, before, after) in [
        ("global.", "0.2", "0.1"),
        ("", "0.22", "0.11"),
        ("us-gov.", "0.24", "0.12"),
    ] {
        let price = resolve(&format!("{prefix}anthropic.claude-sonnet-5-5"))
            .price
            .unwrap();
        let read = |at| price.at(moment(at)).standard.cache_read;
        assert_eq!(
            read("2026-10-07T23:59:59.999Z"),
            dollars(before),
            "{prefix}"
        );
        assert_eq!(read("2026-10-08T00:00:00Z"), dollars(after), "{prefix}");
        // The older one is in AWS's list.
        let doubt = |at| price.at(moment(at)).doubt(RateKind::CacheRead);
        assert_eq!(doubt("2026-10-07T00:00:00Z"), None);
        assert_eq!(doubt("2026-10-08T00:00:00Z"), Some(Doubt::Unconfirmed));
    }
}

#[test]
fn a_change_may_lie_in_the_future_and_end() {
    let json = r#"{"models": {"a.b": {"base": {
        "price": {"input": "2", "output": "10", "read": "0.2"},
        "above": [{"over": 10, "price": {"input": "4", "output": "20"}}],
        "flex": {"input": "1", "output": "5"},
        "changes": [
            {"since": "2030-01-01", "price": {"input": "3"}},
            {"since": "2031-01-01", "until": "2032-01-01", "times": {"input": "2", "read": "0.5"}}
        ]}}}}"#;
    let catalog = Catalog::from_json(json).unwrap();
    let price = catalog.resolve("a.b", None, None).price.unwrap();
    let rows = [
        ("2029-12-31T23:59:59Z", "2 10 0.2 - -", "4", "1"),
        ("2030-01-01T00:00:00Z", "3 10 0.2 - -", "4", "1"),
        ("2031-06-01T00:00:00Z", "6 10 0.1 - -", "8", "2"),
        ("2032-01-01T00:00:00Z", "3 10 0.2 - -", "4", "1"),
    ];
    for (at, standard, long, flex) in rows {
        let then = price.at(moment(at));
        assert_eq!(row(&then.standard), standard, "{at}");
        assert_eq!(Some(then.rates(11).input), dollars(long), "{at}");
        assert_eq!(
            then.flex.as_ref().map(|rates| rates.input),
            dollars(flex),
            "{at}"
        );
    }
    // What a configuration sets stays.
    let mut own = price.clone();
    own.fix(RateKind::Input, Decimal::from(7));
    let then = own.at(moment("2031-06-01T00:00:00Z"));
    assert_eq!(row(&then.standard), "7 10 0.1 - -");
    for wrong in [
        r#"{"since": "soon"}"#,
        r#"{"times": {"inputs": "2"}}"#,
        r#"{"from": "2030-01-01"}"#,
    ] {
        let json = format!(r#"{{"models": {{"a.b": {{"base": {{"changes": [{wrong}]}}}}}}}}"#);
        assert!(Catalog::from_json(&json).is_err(), "{wrong}");
    }
}
