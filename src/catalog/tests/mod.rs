//! What the bundled catalog says, and how it is asked.

use super::*;

mod abilities;
mod lifecycle;
mod prices;
mod resolution;

fn resolve(id: &str) -> Model {
    Catalog::bundled().resolve(id, None, None)
}

#[test]
fn corrections_hold_for_every_prefix() {
    let v2 = ["", "us.", "eu.", "apac.", "xx."];
    for prefix in v2 {
        let model = resolve(&format!(
            "{prefix}anthropic.claude-3-5-sonnet-20241022-v2:0"
        ));
        assert!(model.known && model.abilities.caching.is_none(), "{prefix}");
        let model = resolve(&format!(
            "{prefix}anthropic.claude-3-7-sonnet-20250219-v1:0"
        ));
        assert_eq!(model.limits.output, Some(64_000), "{prefix}");
        assert!(model.abilities.caching.is_some());
    }
    assert!(!resolve("jp.anthropic.claude-opus-4-7").abilities.effort_max);
}

#[test]
fn every_model_has_a_price_and_limits() {
    let all: Vec<_> = Catalog::bundled().iter().collect();
    assert!(all.len() > 250, "{}", all.len());
    for model in &all {
        assert!(model.known && model.price.is_some(), "{}", model.id);
        assert!(
            model.limits.input.is_some()
                && (model.limits.output.is_some() || model.retrieval.is_some()),
            "{}",
            model.id
        );
        if let Some(caching) = model.abilities.caching {
            assert!(
                matches!(model.family, Family::Claude | Family::Nova),
                "{}",
                model.id
            );
            assert!(
                caching.min_tokens >= 512
                    && model.price.as_ref().unwrap().standard.cache_read.is_some(),
                "{}",
                model.id
            );
        }
    }
    let disorder = all.windows(2).find(|pair| pair[0].id >= pair[1].id);
    assert_eq!(disorder, None, "ids are listed once, in order");
    assert!(
        all.iter()
            .any(|model| model.id == "apac.anthropic.claude-3-5-sonnet-20241022-v2:0")
    );
    assert!(!all.iter().any(|model| model.id == "openai.gpt-5.4"));
}
