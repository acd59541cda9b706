//! What a row counts, as its usage type says. AWS writes these in several grammars: `USE1_CacheReadInputTokenCount_Global`,
//! `USW2_cache_read_tokens_long_ctx_global_standard`, `USE1-Nova2.0Lite-input-tokens-cross-region-global-batch`.

use std::fmt;

use super::offer::OfferRow;
use crate::catalog::RateKind;

/// What is counted and on what terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Meter {
    /// By the global profile; else by any other, or in the region.
    pub is_global: bool,
    pub kind: RateKind,
    /// For prompts beyond the length from which the rates are dearer.
    pub is_long: bool,
    pub tier: Tier,
}

/// The terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Standard,
    Batch,
    Flex,
    Priority,
    Optimized,
}

/// The words with which the name of a meter begins; what stands before is the place and the model.
const FIRST: [&str; 4] = ["input", "output", "cache", "prompt"];

/// All words that may follow. A row with another word counts something else, such as pictures.
const WORDS: [&str; 28] = [
    "input",
    "output",
    "cache",
    "prompt",
    "cached",
    "read",
    "write",
    "token",
    "tokens",
    "count",
    "text",
    "units",
    "unit",
    "global",
    "cross",
    "region",
    "batch",
    "flex",
    "priority",
    "standard",
    "long",
    "l",
    "ctx",
    "context",
    "latency",
    "optimized",
    "1h",
    "5m",
];

/// Words of what is no text, and of Bedrock's other endpoint.
const OTHERS: [&str; 5] = ["image", "video", "audio", "speech", "mantle"];

impl Meter {
    /// The meter of a row; `None`: it counts no tokens of the Bedrock runtime.
    pub(super) fn of(row: &OfferRow<'_>) -> Option<Self> {
        let usage_type = row.attribute("usagetype");
        let usage_type = usage_type.rsplit(':').next().unwrap_or_default();
        let all = words(usage_type);
        if all.iter().any(|word| OTHERS.contains(&word.as_str())) {
            return None;
        }
        let (_, mut named) = split(&all);
        if named.is_empty() {
            named = words(row.attribute("inferenceType"));
        }
        let mut tier = words(row.attribute("service_tier"));
        tier.retain(|word| ["batch", "flex", "priority"].contains(&word.as_str()));
        named.extend(tier);
        Self::named(&named)
    }

    fn named(words: &[String]) -> Option<Self> {
        if words.iter().any(|word| !WORDS.contains(&word.as_str())) {
            return None;
        }
        let has = |word: &str| words.iter().any(|known| known == word);
        let cached = has("cache") || has("cached");
        let kind = match (cached, has("read"), has("write")) {
            (true, true, false) => RateKind::CacheRead,
            (true, false, true) if has("1h") => RateKind::CacheWrite1h,
            (true, false, true) => RateKind::CacheWrite5m,
            (false, false, false) if has("input") && !has("output") => RateKind::Input,
            (false, false, false) if has("output") && !has("input") => RateKind::Output,
            _ => return None,
        };
        let tier = match (has("batch"), has("flex"), has("priority"), has("latency")) {
            (false, false, false, false) => Tier::Standard,
            (true, false, false, false) => Tier::Batch,
            (false, true, false, false) => Tier::Flex,
            (false, false, true, false) => Tier::Priority,
            (false, false, false, true) => Tier::Optimized,
            _ => return None,
        };
        Some(Self {
            is_global: has("global"),
            kind,
            is_long: has("ctx") || has("context"),
            tier,
        })
    }
}

/// The words before the name of a meter, and its own.
pub(super) fn split(words: &[String]) -> (Vec<String>, Vec<String>) {
    let first = words.iter().position(|word| FIRST.contains(&word.as_str()));
    let (before, named) = words.split_at(first.unwrap_or(words.len()));
    (before.to_vec(), named.to_vec())
}

/// The words of a name, in small letters: `Claude4.6Sonnet` is `claude`, `4`, `6`, `sonnet`; `70B` and `v2` stay whole.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for piece in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut word = String::new();
        let mut letters = piece.chars().peekable();
        let mut after_small = false;
        while let Some(letter) = letters.next() {
            let is_capital = letter.is_ascii_uppercase();
            let before_small = letters.peek().is_some_and(char::is_ascii_lowercase);
            let is_after_word = word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
            let begins = is_capital && (after_small || before_small)
                || letter.is_ascii_digit() && is_after_word;
            if begins && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.push(letter.to_ascii_lowercase());
            after_small = letter.is_ascii_lowercase();
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.is_global { "global" } else { "regional" };
        write!(f, "{place} {}", self.kind.name())?;
        if self.is_long {
            f.write_str(" long")?;
        }
        match self.tier {
            Tier::Standard => Ok(()),
            Tier::Batch => f.write_str(" batch"),
            Tier::Flex => f.write_str(" flex"),
            Tier::Priority => f.write_str(" priority"),
            Tier::Optimized => f.write_str(" optimized"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for (name, expected) in [
            (
                "USE1_CacheWrite1hInputTokenCount_Global",
                "use 1 cache write 1h input token count global",
            ),
            ("InputTokenCount_LCtx", "input token count l ctx"),
            ("Claude4.6Sonnet", "claude 4 6 sonnet"),
            ("Llama3-1-70B", "llama 3 1 70b"),
            ("claude-3-5-sonnet-v2", "claude 3 5 sonnet v2"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn every_grammar_names_the_same_meters() {
        let rows = [
            ("USE1_InputTokenCount-Units", Some("regional input")),
            ("USE1_OutputTokenCount_Global-Units", Some("global output")),
            (
                "USE1_CacheReadInputTokenCount_Global_Batch-Units",
                Some("global read batch"),
            ),
            (
                "USE1_CacheWrite1hInputTokenCount-Units",
                Some("regional write_1h"),
            ),
            (
                "USE1_InputTokenCount_LCtx_Global-Units",
                Some("global input long"),
            ),
            (
                "USE1_InputTokenCount_LatencyOptimized-Units",
                Some("regional input optimized"),
            ),
            (
                "USW2_cache_write_tokens_1h_long_ctx_global_standard-Units",
                Some("global write_1h long"),
            ),
            (
                "USW2_output_tokens_batch-Units",
                Some("regional output batch"),
            ),
            (
                "USE1-Nova2.0Lite-input-tokens-cross-region-global",
                Some("global input"),
            ),
            (
                "USE1-NovaPro-cache-read-input-token-count-priority",
                Some("regional read priority"),
            ),
            ("USE1-NovaPro-input-video-tokens", None),
            ("USE1-NovaPro-ProvisionedThroughput-ModelUnits", None),
            ("USE1-Titan-storage", None),
        ];
        for (name, expected) in rows {
            let (_, named) = split(&words(name));
            let found = Meter::named(&named).map(|meter| meter.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
