use jiff::civil::{Date, date};

use super::*;
use crate::catalog::LifecycleState::{Active, Legacy, Retired};

const TODAY: Date = date(2026, 11, 29);

fn day(text: &str) -> Option<Date> {
    (text != "-").then(|| text.parse().unwrap())
}

#[test]
fn a_model_is_active_legacy_or_retired_as_aws_says() {
    let legacy = |since, until| Legacy {
        since: day(since),
        until: day(until),
    };
    let retired = |on| Retired { on: day(on) };
    let rows = [
        ("us.anthropic.claude-sonnet-5-5", Active),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", Active),
        (
            "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
            legacy("2026-10-08", "2027-04-08"),
        ),
        (
            "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
            legacy("2026-10-08", "2027-04-08"),
        ),
        (
            "anthropic.claude-opus-4-1-20250805-v1:0",
            legacy("2026-07-08", "2027-01-08"),
        ),
        // The list has their ends, and no source the day of the notice.
        ("us.deepseek.r1-v1:0", legacy("-", "2027-03-30")),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.writer.palmyra-x5-v1:0",
            legacy("-", "2027-03-21"),
        ),
        (
            "apac.anthropic.claude-3-haiku-20240307-v1:0",
            retired("2026-09-10"),
        ),
        (
            "anthropic.claude-3-sonnet-20240229-v1:0",
            retired("2026-07-30"),
        ),
        ("cohere.command-r-v1:0", retired("2026-08-19")),
        (
            "us.anthropic.claude-3-opus-20240229-v1:0",
            retired("2026-01-15"),
        ),
        ("anthropic.claude-instant-v1", retired("2025-07-21")),
        ("anthropic.claude-v2", retired("2025-07-21")),
        ("anthropic.claude-v2:1", retired("2025-07-21")),
        ("anthropic.claude-v2:1:200k", retired("2025-07-21")),
        ("anthropic.claude-v1", retired("2024-02-28")),
        ("amazon.titan-text-express-v1", retired("-")),
        ("amazon.titan-text-lite-v1", retired("-")),
        ("amazon.titan-text-premier-v1:0", retired("-")),
        ("ai21.j2-ultra-v1", retired("-")),
        (
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            retired("2026-04-28"),
        ),
        (
            "apac.anthropic.claude-3-5-sonnet-20241022-v2:0",
            retired("2026-07-30"),
        ),
        ("us.amazon.nova-premier-v1:0", retired("2026-09-14")),
        // No chat models, and so no entries.
        ("us.amazon.nova-canvas-v1:0", retired("2026-09-30")),
        (
            "twelvelabs.marengo-embed-2-7-v1:0",
            legacy("2026-05-29", "2026-11-30"),
        ),
    ];
    for (id, expected) in rows {
        let known = Catalog::bundled().lifecycle(id).unwrap();
        assert_eq!(known.on(TODAY), expected, "{id}");
        assert_eq!(resolve(id).lifecycle, known, "{id}");
        assert!(!known.source.is_empty(), "{id}");
    }
    for id in [
        "someone.new-v1:0",
        "amazon.titan-embed-text-v9:0",
        "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
        "",
    ] {
        assert_eq!(Catalog::bundled().lifecycle(id), None, "{id}");
    }
}

#[test]
fn a_state_begins_with_its_day() {
    let known = Lifecycle {
        legacy: day("2026-10-08"),
        end: EndOfLife::On(date(2027, 4, 8)),
        source: String::new(),
    };
    let announced = Legacy {
        since: day("2026-10-08"),
        until: day("2027-04-08"),
    };
    let rows = [
        ("2026-10-07", Active),
        ("2026-10-08", announced),
        ("2027-04-07", announced),
        (
            "2027-04-08",
            Retired {
                on: day("2027-04-08"),
            },
        ),
    ];
    for (today, expected) in rows {
        assert_eq!(known.on(day(today).unwrap()), expected, "{today}");
    }
    let undated = Lifecycle {
        legacy: None,
        ..known
    };
    let expected = Legacy {
        since: None,
        until: day("2027-04-08"),
    };
    assert_eq!(undated.on(TODAY), expected);
}

#[test]
fn every_entry_says_who_says_so() {
    for model in Catalog::bundled().iter() {
        assert!(!model.lifecycle.source.is_empty(), "{}", model.id);
    }
}

#[test]
fn an_id_tells_what_its_model_is_for() {
    use ModelKind as K;
    let rows = [
        ("us.anthropic.claude-sonnet-5-5", K::Chat),
        ("anthropic.claude-3-haiku-20240307-v1:0", K::Chat),
        ("amazon.titan-embed-text-v2:0", K::Embedding),
        ("amazon.titan-embed-image-v1", K::Embedding),
        ("us.cohere.embed-v4:0", K::Embedding),
        ("amazon.nova-2-multimodal-embeddings-v1:0", K::Embedding),
        ("eu.twelvelabs.marengo-embed-3-0-v1:0", K::Embedding),
        ("amazon.rerank-v1:0", K::Rerank),
        ("cohere.rerank-v3-5:0", K::Rerank),
        ("us.stability.stable-image-inpaint-v1:0", K::Image),
        ("stability.sd3-5-large-v1:0", K::Image),
        ("amazon.titan-image-generator-v2:0", K::Image),
        ("amazon.nova-canvas-v1:0", K::Image),
        ("amazon.nova-reel-v1:1", K::Video),
        ("luma.ray-v2:0", K::Video),
        ("global.twelvelabs.pegasus-1-2-v1:0", K::Video),
        ("amazon.nova-2-sonic-v1:0", K::Speech),
        (
            "arn:aws:bedrock:eu-west-1::foundation-model/cohere.embed-english-v3",
            K::Embedding,
        ),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.cohere.embed-v4:0",
            K::Embedding,
        ),
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/embed",
            K::Unknown,
        ),
        ("someone.new-v1:0", K::Unknown),
        ("", K::Unknown),
    ];
    for (id, expected) in rows {
        assert_eq!(Catalog::bundled().kind(id), expected, "{id}");
        let model = resolve(id);
        assert_eq!(model.kind, expected, "{id}");
        if expected.is_no_chat() {
            assert_eq!(model.abilities, Abilities::default(), "{id}");
        }
    }
}

#[test]
fn what_converse_does_not_serve_is_marked() {
    for (id, expected) in [
        ("global.openai.gpt-5.4", false),
        ("us.openai.gpt-5.5", false),
        ("us.openai.gpt-5.6-sol", true),
        ("openai.gpt-oss-120b-1:0", true),
        ("someone.new-v1:0", true),
        ("cohere.rerank-v3-5:0", false),
    ] {
        assert_eq!(resolve(id).converse, expected, "{id}");
    }
}
