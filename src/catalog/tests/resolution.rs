use super::*;

#[test]
fn an_id_is_found_by_itself_by_its_base_or_by_the_base_model() {
    const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const OWN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
    let rows = [
        // id, base model; entry found, known, price from base
        (
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            true,
            false,
        ),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            true,
            false,
        ),
        (
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            true,
            false,
        ),
        (
            "apac.anthropic.claude-3-5-sonnet-20241022-v2:0",
            None,
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            true,
            true,
        ),
        (
            "apac.anthropic.claude-3-7-sonnet-20250219-v1:0",
            None,
            "anthropic.claude-3-7-sonnet-20250219-v1:0",
            true,
            true,
        ),
        (
            "apac.anthropic.claude-sonnet-4-20250514-v1:0",
            None,
            "apac.anthropic.claude-sonnet-4-20250514-v1:0",
            true,
            false,
        ),
        (
            "xx.amazon.nova-pro-v1:0",
            None,
            "amazon.nova-pro-v1:0",
            true,
            true,
        ),
        (
            "amazon.nova-pro-v1:0:300k",
            None,
            "amazon.nova-pro-v1:0",
            true,
            false,
        ),
        (
            PROFILE,
            None,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            true,
            false,
        ),
        (
            "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0",
            None,
            "amazon.nova-pro-v1:0",
            true,
            false,
        ),
        (
            OWN,
            Some("us.amazon.nova-pro-v1:0"),
            "us.amazon.nova-pro-v1:0",
            true,
            false,
        ),
        (OWN, None, OWN, false, false),
        (OWN, Some("nobody.knows"), "nobody.knows", false, false),
        (
            "amazon.nova-pro-v1:0",
            Some("amazon.nova-lite-v1:0"),
            "amazon.nova-pro-v1:0",
            true,
            false,
        ),
        (
            "eu.anthropic.anthropic.claude-opus-4-20250514-v1:0",
            None,
            "eu.anthropic.anthropic.claude-opus-4-20250514-v1:0",
            false,
            false,
        ),
    ];
    for (id, base, found, known, from_base) in rows {
        let model = Catalog::bundled().resolve(id, None, base);
        assert_eq!((model.id.as_str(), model.known), (found, known), "{id}");
        assert_eq!(
            model.price.is_some_and(|price| price.from_base),
            from_base,
            "{id}"
        );
    }
}

#[test]
fn an_unknown_model_costs_an_unknown_sum() {
    let model = resolve("someone.new-v1:0");
    assert!(!model.known);
    assert_eq!(model.price, None);
    assert!(
        model.abilities.tools
            && model.abilities.tools_while_streaming
            && model.abilities.caching.is_none()
    );
    assert_eq!(
        Catalog::bundled()
            .nearest("us.anthropic.claude-sonet-5-5")
            .as_deref(),
        Some("us.anthropic.claude-sonnet-5-5")
    );
    assert_eq!(Catalog::bundled().nearest("someone.new-v1:0"), None);
}

#[test]
fn a_file_with_an_unknown_word_is_refused() {
    for json in [
        r#"{"models": {"a.b": {"base": {"can": ["fly"]}}}}"#,
        r#"{"models": {"a.b": {"base": {"colour": 1}}}}"#,
        r#"{"models": {}, "corrections": [{"id": "a", "field": "colour", "value": 1, "source": "x"}]}"#,
        r#"{"models": {}, "corrections": [{"id": "a", "field": "output", "value": 1}]}"#,
    ] {
        assert!(Catalog::from_json(json).is_err(), "{json}");
    }
}

/// `cargo test --release --lib catalog -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn how_long_reading_takes() {
    let start = std::time::Instant::now();
    for _ in 0..100 {
        Catalog::from_json(BUNDLED).unwrap();
    }
    eprintln!("{} bytes in {:?}", BUNDLED.len(), start.elapsed() / 100);
}

#[test]
fn what_is_known_is_what_is_found() {
    let catalog = Catalog::bundled();
    let listed = catalog.iter().map(|model| model.id);
    let named = [
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
        "xx.anthropic.claude-haiku-4-5-20251001-v1:0",
        "anthropic.claude-haiku-4-5-20251001-v1:0:200k",
        "anthropic.claude-of-another-day",
        "gpt-5",
        "",
    ];
    for id in listed.chain(named.map(str::to_owned)) {
        let found = catalog.resolve(&id, None, None).known;
        assert_eq!(catalog.knows(&id), found, "{id}");
    }
}
