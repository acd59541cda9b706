use super::*;

const FOUNDATION_MODELS: &str =
    include_str!("../../../tests/fixtures/offers/foundation_models.json");
const BEDROCK: &str = include_str!("../../../tests/fixtures/offers/bedrock.json");

fn verified(texts: &[&str]) -> Verification {
    let mut found = Verification::default();
    for text in texts {
        found.add(Catalog::bundled(), "offer.json", text).unwrap();
    }
    found
}

#[test]
fn lists_that_agree_are_counted_and_what_is_no_price_of_tokens_is_left_out() {
    let found = verified(&[FOUNDATION_MODELS, BEDROCK]);
    assert_eq!(
        found.to_string(),
        "not in the catalog: Claude Of Another Day (Amazon Bedrock Edition)\n\
         18 prices compared, 0 differ; 3 rows are no prices of tokens on the Bedrock runtime"
    );
    assert!(found.agrees());
}

/// The fixture with a word in it replaced, wherever it stands.
fn with(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replace(old, new)
}

#[test]
fn what_differs_is_named_by_model_region_level_and_kind() {
    let rows = [
        (
            with(FOUNDATION_MODELS, "\"3.3000000000\"", "\"3\""),
            "anthropic.claude-sonnet-4-5-20250929-v1:0 us-east-1 regional input: catalog 3.3, list 3\n",
        ),
        (
            with(FOUNDATION_MODELS, "\"6.0000000000\"", "\"6.6\""),
            "anthropic.claude-sonnet-4-5-20250929-v1:0 us-east-1 global input long: catalog 6, list 6.6\n",
        ),
        (
            with(FOUNDATION_MODELS, "\"5.0000000000\"", "\"10\""),
            "anthropic.claude-sonnet-5-5 us-east-1 global output batch: catalog 5, list 10\n",
        ),
        // The catalog at the day of the list.
        (
            with(FOUNDATION_MODELS, "2026-09-30", "2026-11-01"),
            "anthropic.claude-sonnet-5-5 us-east-1 global read: catalog 0.1, list 0.2\n",
        ),
        // The other service's unit.
        (
            with(BEDROCK, "\"1M tokens\"", "\"1K tokens\""),
            "meta.llama3-3-70b-instruct-v1:0 us-east-1 regional input: catalog 0.72, list 720\n",
        ),
        (
            with(
                BEDROCK,
                "NovaPro-input-tokens-latency",
                "NovaPro-output-tokens-flex-latency",
            ),
            "",
        ),
        (
            with(
                BEDROCK,
                "NovaPro-input-tokens-batch",
                "NovaPro-cache-read-input-token-count-batch",
            ),
            "amazon.nova-pro-v1:0 us-east-1 regional read batch: catalog none, list 0.4\n",
        ),
    ];
    for (text, expected) in rows {
        let found = verified(&[&text]);
        let differing: String = found
            .differing
            .iter()
            .map(|one| format!("{one}\n"))
            .collect();
        assert_eq!(differing, expected);
        assert_eq!(found.agrees(), expected.is_empty());
    }
}

#[test]
fn a_price_has_the_unit_that_its_row_names() {
    let in_thousands = with(FOUNDATION_MODELS, "1M tokens", "1K tokens");
    let in_thousands = with(&in_thousands, "\"2.2000000000\"", "\"0.0022\"");
    let found = verified(&[&in_thousands]).to_string();
    assert!(
        !found.contains("claude-sonnet-5-5 us-east-1 regional input:"),
        "{found}"
    );
    assert!(
        found.contains("claude-sonnet-5-5 us-east-1 global input: catalog 2, list 2000\n"),
        "{found}"
    );
}

#[test]
fn a_unit_that_is_none_of_tokens_is_said() {
    let price = "\"0.0003300000\"";
    for (unit, price_then) in [
        ("1M tokens", "\"0.33\""),
        ("1000 tokens", price),
        ("1,000 Tokens", price),
        ("Million tokens", "\"0.33\""),
        ("tokens", "\"0.00000033\""),
    ] {
        let mut offer: serde_json::Value =
            serde_json::from_str(&with(BEDROCK, price, price_then)).unwrap();
        let dimensions = &mut offer["terms"]["OnDemand"]["SKU01"]["SKU01.T"]["priceDimensions"];
        dimensions["SKU01.T.D"]["unit"] = unit.into();
        let found = verified(&[&offer.to_string()]);
        assert!(found.agrees(), "{unit}: {found}");
        assert_eq!(found.compared, 8, "{unit}");
    }
    let found = verified(&[&with(BEDROCK, "\"1M tokens\"", "\"characters\"")]);
    let said = "not compared, for the unit is none of tokens: characters\n7 prices compared";
    assert!(found.to_string().starts_with(said), "{found}");
}

#[test]
fn nothing_to_compare_is_no_agreement() {
    let found = verified(&[r#"{"products": {}, "terms": {"OnDemand": {}}}"#]);
    assert!(!found.agrees());
    assert!(!Verification::default().agrees());
}

#[test]
fn what_is_no_price_list_is_refused() {
    let broken = with(BEDROCK, "\"0.0010500000\"", "\"much\"");
    for (text, expected) in [
        ("[]", "offer.json: not a price list of AWS: "),
        (
            "{\"products\": {}}",
            "offer.json: not a price list of AWS: missing field `terms`",
        ),
        (
            &*broken,
            "offer.json: the price of SKU03 is not a number: \"much\"",
        ),
    ] {
        let error = Verification::default().add(Catalog::bundled(), "offer.json", text);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
