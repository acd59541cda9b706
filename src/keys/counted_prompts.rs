//! Prompts whose length Bedrock has counted. The next turn of a session begins with one of them, so that only what is
//! new has to be judged by its bytes.
//!
//! Each is known by a hash of its beginning, its owner and its model. This process remembers the latest; the table has
//! them for a day, for the instance that gets the next turn instead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::bedrock::plan::Plan;
use crate::catalog::Family;
use crate::conversation::{Part, Role, ThinkingBlock, Tool};
use crate::store::{Item, StoreError, keys};

use super::Keyring;
use super::bound::turns_tokens;

/// How long the table keeps a count: a session that rests for longer begins with a judgement by its bytes.
const STORED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long reading and writing counts may take. Without them a prompt is judged by its bytes, or counted by Bedrock.
const TABLE_LIMIT: Duration = Duration::from_millis(500);
/// Shorter prompts fit anyhow.
const LEAST_STORED: u64 = 2_000;
/// The most turns that may have come to a prompt since it was counted.
const LATEST_TURNS: usize = 24;
/// Counts in memory: a megabyte or two.
const REMEMBERED: usize = 20_000;

type Hash = [u8; 32];

/// The hashes of a prompt up to the end of each of its turns.
#[derive(Debug, Clone)]
pub(super) struct PromptHashes {
    owner: String,
    after_turn: Vec<Hash>,
    /// What counts for it says nothing of the next turn: the model itself leaves out parts of what is sent.
    is_edited: bool,
}

impl PromptHashes {
    /// The hashes of what `owner` sends to this model. Cache marks change no token and are left out.
    pub(super) fn of(owner: &str, model: &str, plan: &Plan) -> Self {
        let mut hash = Hasher(Sha256::new());
        hash.text(owner);
        hash.text(model);
        plan.system.iter().for_each(|part| hash.part(part));
        hash.text("tools");
        plan.tools.iter().for_each(|tool| hash.tool(tool));
        hash.text(&format!("{:?}", plan.tool_choice));
        hash.fields(Some(&plan.model_fields));
        hash.value(&plan.shape.output_config().unwrap_or_default());
        let after_turn = plan.turns.iter().map(|turn| {
            hash.text(match turn.role {
                Role::Assistant => "assistant",
                Role::User => "user",
                Role::System => "system",
            });
            turn.parts.iter().for_each(|part| hash.part(part));
            hash.fields(turn.native.as_deref());
            hash.so_far()
        });
        Self {
            owner: owner.to_owned(),
            after_turn: after_turn.collect(),
            is_edited: ["context_management", "compaction"]
                .iter()
                .any(|field| plan.model_fields.contains_key(*field)),
        }
    }

    /// The hash of the whole prompt, where its count says anything of the next turn.
    fn full_prompt(&self) -> Option<&Hash> {
        self.after_turn.last().filter(|_| !self.is_edited)
    }

    /// The latest beginnings of the prompt, the longest first: how many turns each has, and its hash.
    fn latest(&self) -> impl Iterator<Item = (usize, &Hash)> {
        let turns = self.after_turn.iter().enumerate().rev();
        turns.map(|(at, hash)| (at + 1, hash)).take(LATEST_TURNS)
    }
}

/// Feeds what a prompt says into a hash, each piece with its kind and length, so that no two prompts feed the same.
struct Hasher(Sha256);

impl Hasher {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        self.text(&value.to_string());
    }

    fn kind(&mut self, kind: u8) {
        self.0.update([kind]);
    }

    fn tool(&mut self, tool: &Tool) {
        self.text(&tool.name);
        self.text(&tool.description);
        self.value(&tool.schema);
        self.text(tool.kind.as_deref().unwrap_or_default());
        self.fields(tool.native.as_deref());
    }

    fn fields(&mut self, fields: Option<&Map<String, Value>>) {
        for (name, value) in fields.into_iter().flatten() {
            self.text(name);
            self.value(value);
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::CacheMark(_) => {}
            Part::Text(text) => {
                self.kind(1);
                self.text(text);
            }
            Part::Image(image) => {
                self.kind(2);
                self.bytes(&image.bytes);
            }
            Part::Document(document) => {
                self.kind(3);
                self.text(&document.name);
                self.text(document.format.as_str());
                self.bytes(&document.bytes);
            }
            Part::ToolCall(call) => {
                self.kind(4);
                self.text(&call.name);
                self.value(&call.input);
                self.fields(call.native.as_deref());
            }
            Part::ToolResult(result) => {
                self.kind(5);
                self.0.update((result.content.len() as u64).to_le_bytes());
                result.content.iter().for_each(|part| self.part(part));
                self.fields(result.native.as_deref());
            }
            Part::Thinking(ThinkingBlock::Signed { text, signature }) => {
                self.kind(6);
                self.text(text);
                self.text(signature);
            }
            Part::Thinking(ThinkingBlock::Redacted(data)) => {
                self.kind(7);
                self.bytes(data);
            }
            Part::Native(block) => {
                self.kind(8);
                block.part.iter().for_each(|part| self.part(part));
                self.fields(Some(&block.fields));
            }
        }
    }

    fn so_far(&self) -> Hash {
        self.0.clone().finalize().into()
    }
}

/// The counts that this process knows, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct CountedPrompts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    tokens: HashMap<Hash, u64>,
    order: VecDeque<Hash>,
}

impl CountedPrompts {
    /// The most tokens of this prompt, by the count of its longest beginning that is known; `None`: none is.
    pub(super) fn remembered(
        &self,
        hashes: &PromptHashes,
        plan: &Plan,
        family: Family,
    ) -> Option<u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = hashes
            .latest()
            .find_map(|(turns, hash)| Some((turns, *counts.tokens.get(hash)?)));
        drop(counts);
        let (turns, counted) = found?;
        Some(counted + added_since(turns, plan, family))
    }

    /// Keeps what Bedrock has counted for this prompt, as long as there is room.
    pub(super) fn remember(&self, hashes: &PromptHashes, tokens: u64) {
        if let Some(hash) = hashes.full_prompt() {
            self.insert(*hash, tokens);
        }
    }

    fn insert(&self, hash: Hash, tokens: u64) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &mut *guard;
        if counts.tokens.insert(hash, tokens).is_none() {
            counts.order.push_back(hash);
        }
        while counts.order.len() > REMEMBERED
            && let Some(oldest) = counts.order.pop_front()
        {
            counts.tokens.remove(&oldest);
        }
    }
}

/// What stands behind the first so many turns.
fn added_since(turns: usize, plan: &Plan, family: Family) -> u64 {
    let added = plan.turns.get(turns..).unwrap_or_default();
    turns_tokens(added, family)
}

/// A count in the table.
#[derive(Serialize, Deserialize)]
struct StoredCount {
    tokens: u64,
}

#[derive(Deserialize)]
struct FoundCount {
    pk: String,
    tokens: u64,
}

impl Keyring {
    /// Keeps what Bedrock has counted for this prompt, here and in the table.
    pub(super) async fn remember_count(&self, hashes: &PromptHashes, tokens: u64) {
        self.counted_prompts.remember(hashes, tokens);
        let stored = hashes.full_prompt().filter(|_| tokens >= LEAST_STORED);
        let Some(hash) = stored else {
            return;
        };
        let key = keys::counted_prompt(&hashes.owner, &hex::encode(hash));
        let item = Item::new(&key, &StoredCount { tokens });
        let expires = self.clock.now() + STORED_FOR;
        let written = async { self.table.put(item?.expires(expires)).await };
        let failed = match timeout(TABLE_LIMIT, written).await {
            Ok(written) => written.err(),
            Err(_) => Some(StoreError::Timeout(TABLE_LIMIT)),
        };
        if let Some(error) = failed {
            tracing::debug!(%error, "a prompt's count was not stored");
        }
    }

    /// Does what [`CountedPrompts::remembered`] does, by what other instances have counted.
    pub(super) async fn stored_count(
        &self,
        hashes: &PromptHashes,
        plan: &Plan,
        family: Family,
    ) -> Option<u64> {
        let latest: Vec<_> = hashes.latest().collect();
        let keys: Vec<_> = latest
            .iter()
            .map(|(_, hash)| keys::counted_prompt(&hashes.owner, &hex::encode(hash)))
            .collect();
        let found: Vec<FoundCount> = match timeout(TABLE_LIMIT, self.table.get_many(&keys)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "counts of prompts were not read");
                return None;
            }
            Err(_) => return None,
        };
        let tokens: HashMap<_, _> = found
            .into_iter()
            .map(|found| (found.pk, found.tokens))
            .collect();
        let known = latest.iter().zip(&keys);
        let (turns, counted) = known
            .filter_map(|((turns, _), key)| Some((*turns, *tokens.get(&key.pk)?)))
            .next()?;
        Some(counted + added_since(turns, plan, family))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::plan::{UnsupportedFeatures, plan};
    use crate::catalog::Catalog;
    use crate::config::Defaults;
    use crate::conversation::{CacheTtl, Request, Turn};

    const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

    fn planned(texts: &[&str]) -> Plan {
        let turns = texts.iter().enumerate().map(|(at, text)| Turn {
            role: if at % 2 == 0 {
                Role::User
            } else {
                Role::Assistant
            },
            parts: vec![Part::Text((*text).to_owned())],
            native: None,
        });
        let request = Request {
            system: vec![Part::Text("You are a test.".to_owned())],
            turns: turns.collect(),
            ..Request::default()
        };
        let model = Catalog::bundled().resolve(MODEL, None, None);
        plan(
            &request,
            &model,
            &Defaults::default(),
            UnsupportedFeatures::default(),
        )
    }

    #[test]
    fn the_next_turn_costs_what_was_counted_and_a_token_a_byte_of_what_is_new() {
        let known = CountedPrompts::default();
        let first = planned(&["Hello there."]);
        let hashes = PromptHashes::of("k", MODEL, &first);
        known.remember(&hashes, 4_711);
        let next = planned(&["Hello there.", "Hi.", "How are you?"]);
        let of = |owner: &str, model: &str, plan: &Plan| {
            let hashes = PromptHashes::of(owner, model, plan);
            known.remembered(&hashes, plan, Family::Claude)
        };
        let added = turns_tokens(&next.turns[1..], Family::Claude);
        assert!(added >= "Hi.How are you?".len() as u64);
        assert_eq!(of("k", MODEL, &next), Some(4_711 + added));
        assert_eq!(of("k", MODEL, &first), Some(4_711));
        assert_eq!(
            of("other", MODEL, &next),
            None,
            "another's counts are not known"
        );
        assert_eq!(of("k", "another-model", &next), None);
        let other = planned(&["Hello there!", "Hi.", "How are you?"]);
        assert_eq!(of("k", MODEL, &other), None);
    }

    #[test]
    fn a_cache_mark_is_no_difference_and_a_tool_is() {
        let plain = planned(&["Hello."]);
        let hash = |plan: &Plan| PromptHashes::of("k", MODEL, plan).after_turn;
        let mut marked = plain.clone();
        marked.turns[0]
            .parts
            .push(Part::CacheMark(CacheTtl::OneHour));
        assert_eq!(hash(&plain), hash(&marked));
        let mut with_tool = plain.clone();
        with_tool.tools.push(Tool {
            name: "t".into(),
            description: String::new(),
            schema: Value::Null.into(),
            strict: false,
            cache: None,
            kind: None,
            native: None,
        });
        assert_ne!(hash(&plain), hash(&with_tool));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let known = CountedPrompts::default();
        for n in 0..2 * REMEMBERED as u64 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_le_bytes());
            known.insert(hash, n);
        }
        assert_eq!(known.0.lock().unwrap().tokens.len(), REMEMBERED);
    }
}
