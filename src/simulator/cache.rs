//! The prompt cache's accounts: which part of a prompt was read from it, which was written to it.
//!
//! As on the real service the key is the prompt's prefix, block by block in the order tools → system → messages; a
//! point stores the prefix before it when that is long enough; and a point also finds what an earlier request stored
//! up to twenty blocks before it (recorded: one point that moves with the conversation reads what it wrote a turn
//! earlier). `toolChoice` is no part of the key (recorded), thinking is.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    Tokens,
    json::{at, list},
};
use crate::catalog::Caching;

/// How many blocks before a point are looked at for something stored.
const LOOK_BACK: usize = 20;

/// Prefixes that are stored, by hash, and until when.
#[derive(Debug, Default)]
pub(super) struct PromptCache(HashMap<u64, (Instant, Duration)>);

/// A prompt up to the end of one of its blocks.
struct CachedPrefix {
    hash: u64,
    tokens: u64,
    /// The life of the point behind it, where there is one.
    point: Option<Duration>,
}

pub(super) const FIVE_MINUTES: Duration = Duration::from_secs(300);
pub(super) const ONE_HOUR: Duration = Duration::from_secs(3600);

/// A block of a prompt, as the cache sees it.
#[derive(Debug)]
pub(super) struct PromptBlock {
    /// What it belongs to: the tools, the system prompt, a turn with its thinking.
    pub(super) owner: String,
    /// All that it says.
    pub(super) text: String,
    pub(super) tokens: u64,
    /// The life of the point behind it, where there is one.
    pub(super) point: Option<Duration>,
}

impl PromptCache {
    /// The prompt's tokens by kind; stores what the request asks to store. `key` is the model and whatever else the
    /// cache is kept apart by; `caching` is `None` for a model that has no cache.
    pub(super) fn account(
        &mut self,
        key: &str,
        blocks: &[PromptBlock],
        caching: Option<Caching>,
        now: Instant,
    ) -> Tokens {
        let prefixes = prefixes(key, blocks);
        let total = prefixes.last().map_or(0, |prefix| prefix.tokens);
        let mut tokens = Tokens {
            input: total.max(1),
            ..Tokens::default()
        };
        let Some(caching) = caching else {
            return tokens;
        };
        self.0.retain(|_, (until, _)| *until > now);
        let minimum = u64::from(caching.min_tokens);
        let points: Vec<usize> = prefixes
            .iter()
            .enumerate()
            .filter(|(_, prefix)| prefix.point.is_some() && prefix.tokens >= minimum)
            .map(|(at, _)| at)
            .collect();
        for (at, prefix) in prefixes.iter().enumerate() {
            let near = |point: &usize| (at..=at + LOOK_BACK).contains(point);
            if points.iter().any(near)
                && let Some((until, life)) = self.0.get_mut(&prefix.hash)
            {
                *until = now + *life;
                tokens.cache_read = prefix.tokens;
            }
        }
        let mut covered = tokens.cache_read;
        for prefix in points.iter().filter_map(|at| prefixes.get(*at)) {
            let life = prefix.point.unwrap_or(FIVE_MINUTES);
            let new = prefix.tokens.saturating_sub(covered);
            if life == ONE_HOUR {
                tokens.cache_write_1h += new;
            } else {
                tokens.cache_write_5m += new;
            }
            covered = covered.max(prefix.tokens);
            self.0.insert(prefix.hash, (now + life, life));
        }
        tokens.input = total.saturating_sub(covered);
        tokens
    }
}

/// The size of a prompt in tokens, estimated.
pub(super) fn size(blocks: &[PromptBlock]) -> u64 {
    blocks.iter().map(|block| block.tokens).sum()
}

fn prefixes(key: &str, blocks: &[PromptBlock]) -> Vec<CachedPrefix> {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let mut tokens = 0;
    let prefixes = blocks.iter().map(|block| {
        block.owner.hash(&mut hasher);
        block.text.hash(&mut hasher);
        tokens += block.tokens;
        CachedPrefix {
            hash: hasher.finish(),
            tokens,
            point: block.point,
        }
    });
    prefixes.collect()
}

/// The blocks of a Converse request's prompt.
pub(super) fn converse_blocks(body: &Value) -> Vec<PromptBlock> {
    let mut found: Vec<PromptBlock> = Vec::new();
    let mut add = |owner: &str, blocks: &[Value]| {
        for block in blocks {
            if let Some(point) = block.get("cachePoint") {
                if let Some(last) = found.last_mut() {
                    let hour = at(point, "/ttl") == "1h";
                    last.point = Some(if hour { ONE_HOUR } else { FIVE_MINUTES });
                }
                continue;
            }
            let text = block.to_string();
            found.push(PromptBlock {
                owner: owner.to_owned(),
                tokens: weigh(block, &text),
                text,
                point: None,
            });
        }
    };
    add("tools", list(at(body, "/toolConfig/tools")));
    add("system", list(at(body, "/system")));
    let thinking = at(body, "/additionalModelRequestFields/thinking").to_string();
    for message in list(at(body, "/messages")) {
        let role = at(message, "/role").as_str().unwrap_or_default();
        add(&format!("{role} {thinking}"), list(at(message, "/content")));
    }
    found
}

/// Four bytes of JSON are taken for a token; a picture or a document counts by what it is, not by its base64.
fn weigh(block: &Value, json: &str) -> u64 {
    let of_text = |text: &str| (text.len() as u64).div_ceil(4);
    if block.get("image").is_some() {
        return PICTURE;
    }
    if block.get("document").is_some() {
        return DOCUMENT;
    }
    of_text(block.get("text").and_then(Value::as_str).unwrap_or(json))
}

/// What a picture and a document count.
pub(super) const PICTURE: u64 = 1500;
pub(super) const DOCUMENT: u64 = 3000;
