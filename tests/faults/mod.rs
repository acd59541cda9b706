//! The card: what becomes of eighteen faults that a gateway must survive, each through HTTP, streaming and not, where
//! Bedrock is asked by Converse and where it is asked in Claude's own format.
//!
//! *pass*: the caller has a whole answer (or, where there can be none, exactly the right error) and all conduct was
//! clean. *partial*: an answer, but unclean conduct. *safe*: no answer, but a bounded, clean error. *fail*: a hang, a
//! broken rule, or a part of an answer shown as the whole. Of streaming and not, the worse one counts.
//!
//! `make faults` prints it.

mod judge;
mod scenarios;

use futures_util::{StreamExt, stream};

use bedrock_sidecar::catalog::Dialect;
use judge::Score;
use scenarios::{ALL, Recovery, Setting};

/// Scenarios at the same time: most of them wait.
const AT_ONCE: usize = 8;

async fn card(setting: Setting) -> Vec<(&'static str, Score)> {
    let rows = ALL.iter().map(async |scenario| {
        let whole = (scenario.run)(setting, false).await;
        let streamed = (scenario.run)(setting, true).await;
        (scenario, whole, streamed)
    });
    let rows: Vec<_> = stream::iter(rows).buffered(AT_ONCE).collect().await;
    println!("\n{}", setting.title());
    println!(
        "  {:<4} {:<44} {:<9} {:<9} score",
        "#", "fault", "whole", "streamed"
    );
    let mut scores = Vec::new();
    for (scenario, whole, streamed) in rows {
        let score = whole.min(streamed);
        println!(
            "  {:<4} {:<44} {:<9} {:<9} {}",
            scenario.id,
            scenario.fault,
            whole.word(),
            streamed.word(),
            score.word()
        );
        scores.push((scenario.id, score));
    }
    let count = |wanted| scores.iter().filter(|(_, score)| *score == wanted).count();
    println!(
        "  {} pass, {} partial, {} safe, {} fail",
        count(Score::Pass),
        count(Score::Partial),
        count(Score::Safe),
        count(Score::Fail)
    );
    scores
}

/// Every fault is survived where streams are continued.
async fn survived(dialect: Dialect) {
    let recovery = Recovery::Continue;
    for (id, score) in card(Setting { recovery, dialect }).await {
        assert_eq!(score, Score::Pass, "{id}");
    }
}

/// By default a stream that breaks is told, and all else is survived.
async fn told_or_survived(dialect: Dialect) {
    let recovery = Recovery::Error;
    for (id, score) in card(Setting { recovery, dialect }).await {
        // The broken frame of S10 stands with S08: text has gone out.
        let least = match id {
            "S08" | "S09" | "S10" | "S14" | "S18" => Score::Safe,
            _ => Score::Pass,
        };
        assert!(score >= least, "{id}: {}", score.word());
    }
}

#[tokio::test]
async fn every_fault_is_survived_where_streams_are_continued() {
    survived(Dialect::Converse).await;
}

#[tokio::test]
async fn every_fault_is_survived_in_claude_s_own_format_where_streams_are_continued() {
    survived(Dialect::Messages).await;
}

#[tokio::test]
async fn by_default_a_stream_that_breaks_is_told_and_all_else_is_survived() {
    told_or_survived(Dialect::Converse).await;
}

#[tokio::test]
async fn by_default_a_stream_that_breaks_in_claude_s_own_format_is_told_and_all_else_is_survived() {
    told_or_survived(Dialect::Messages).await;
}
