//! Storing the blocks of a turn, and putting them back into a request that replays it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::conversation::{Part, Request, Role, ThinkingBlock, Turn};
use crate::store::{Item, Key, StoreError, Table, keys};

use super::memory::{RememberedTurn, ThinkingMemory};
use super::packed::{pack, unpack};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a turn's thinking is kept after its last use.
const THINKING_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long the table may take to recall blocks. Longer than a write may hold up an answer: without them the loop
/// goes on without thinking, and the whole conversation is written to another cache.
const LONGEST_RECALL: Duration = Duration::from_millis(500);

/// How long it is remembered that the table has nothing for a call.
const MISS_REMEMBERED_FOR: Duration = Duration::from_secs(10 * 60);

/// Bedrock's ids have at most 64 bytes; nothing was ever stored under a longer one.
const LONGEST_ID: usize = 256;

/// The store of thinking. Clones share it.
#[derive(Debug, Clone)]
pub struct ThinkingStore {
    table: Table,
    memory: Arc<ThinkingMemory>,
    tasks: TaskTracker,
}

/// One piece on its way into the table.
#[derive(Serialize)]
struct ThinkingPiece<'a> {
    pieces: usize,
    blocks: &'a str,
}

/// One piece as it comes back.
#[derive(Deserialize)]
struct FoundThinking {
    pk: String,
    sk: String,
    ttl: i64,
    pieces: usize,
    blocks: String,
}

impl ThinkingStore {
    /// The store in this table. What outlives a request is a task of `tasks`.
    pub fn new(table: Table, tasks: TaskTracker) -> Self {
        Self {
            table,
            memory: Arc::default(),
            tasks,
        }
    }

    /// Puts the blocks of replayed turns back, as far as they are found in time. Nothing is looked for in a request
    /// that brings blocks itself: what its client left out was never there.
    pub async fn recall(&self, owner: &str, request: &mut Request) {
        if brings_blocks(request) {
            return;
        }
        let calls: Vec<(usize, Key)> = request
            .turns
            .iter()
            .enumerate()
            .filter_map(|(at, turn)| Some((at, keys::thinking(owner, first_call(turn)?, 0))))
            .collect();
        if calls.is_empty() {
            return;
        }
        let found = self.find(calls.iter().map(|(_, key)| key)).await;
        for (at, key) in calls {
            if let (Some(turn), Some(blocks)) = (request.turns.get_mut(at), found.get(&key.pk)) {
                let parts = blocks.iter().cloned().map(Part::Thinking);
                turn.parts.splice(0..0, parts);
            }
        }
    }

    /// What memory and table have, by partition key.
    async fn find<'a>(
        &self,
        keys: impl Iterator<Item = &'a Key>,
    ) -> HashMap<String, Arc<[ThinkingBlock]>> {
        let now = Timestamp::now();
        let mut found = HashMap::new();
        let mut missing = BTreeSet::new();
        for key in keys {
            match self.memory.get(&key.pk, now) {
                Some(entry) => {
                    self.renew(&key.pk, &entry, now);
                    found.insert(key.pk.clone(), entry.blocks);
                }
                None => {
                    missing.insert(key.clone());
                }
            }
        }
        if missing.is_empty() {
            return found;
        }
        let missing: Vec<Key> = missing.into_iter().collect();
        let read = match timeout(LONGEST_RECALL, self.read(&missing)).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                tracing::warn!(%error, "thinking was not recalled");
                return found;
            }
            Err(_) => {
                tracing::warn!(limit = ?LONGEST_RECALL, "thinking was not recalled in time");
                return found;
            }
        };
        let nothing = RememberedTurn {
            blocks: Arc::default(),
            until: now + MISS_REMEMBERED_FOR,
        };
        for key in missing {
            let entry = read.get(&key.pk).unwrap_or(&nothing).clone();
            self.renew(&key.pk, &entry, now);
            found.insert(key.pk.clone(), Arc::clone(&entry.blocks));
            self.memory.put(key.pk, entry);
        }
        found
    }

    async fn read(&self, keys: &[Key]) -> Result<HashMap<String, RememberedTurn>, StoreError> {
        let firsts: Vec<FoundThinking> = self.table.get_many(keys).await?;
        let further: Vec<Key> = firsts
            .iter()
            .flat_map(|first| (1..first.pieces).map(|n| keys::thinking_piece(first.pk.clone(), n)))
            .collect();
        let further: Vec<FoundThinking> = self.table.get_many(&further).await?;
        let mut texts: HashMap<(String, String), String> = further
            .into_iter()
            .map(|piece| ((piece.pk, piece.sk), piece.blocks))
            .collect();
        let mut entries = HashMap::new();
        for first in firsts {
            let mut text = first.blocks;
            for n in 1..first.pieces {
                let key = keys::thinking_piece(first.pk.clone(), n);
                text.push_str(&texts.remove(&(key.pk, key.sk)).unwrap_or_default());
            }
            match (unpack(&text), Timestamp::from_second(first.ttl)) {
                (Ok(blocks), Ok(until)) => {
                    let blocks = blocks.into();
                    entries.insert(first.pk, RememberedTurn { blocks, until });
                }
                // An item that cannot be read is as good as none.
                _ => tracing::warn!("an item of thinking blocks does not have the expected form"),
            }
        }
        Ok(entries)
    }

    /// Keeps what is used for another week. Once a day is enough.
    fn renew(&self, pk: &str, entry: &RememberedTurn, now: Timestamp) {
        if entry.blocks.is_empty() || entry.until > now + (THINKING_KEPT_FOR - DAY) {
            return;
        }
        let (store, pk, blocks) = (self.clone(), pk.to_owned(), Arc::clone(&entry.blocks));
        self.tasks
            .spawn(async move { store.store(pk, blocks).await });
    }

    /// Starts to store the blocks of the turn whose first tool call this is. The task ends when they are stored, or
    /// with a line in the log.
    pub(super) fn store_in_background(
        &self,
        owner: &str,
        call: &str,
        blocks: Vec<ThinkingBlock>,
    ) -> tokio::task::JoinHandle<()> {
        let pk = keys::thinking(owner, call, 0).pk;
        let store = self.clone();
        self.tasks
            .spawn(async move { store.store(pk, blocks.into()).await })
    }

    /// Into memory at once, so that this process knows them however slow the table is; then into the table.
    async fn store(&self, pk: String, blocks: Arc<[ThinkingBlock]>) {
        let until = Timestamp::now() + THINKING_KEPT_FOR;
        let entry = RememberedTurn {
            blocks: Arc::clone(&blocks),
            until,
        };
        self.memory.put(pk.clone(), entry);
        if let Err(error) = self.write(pk, &blocks, until).await {
            tracing::warn!(%error, "thinking was not stored");
        }
    }

    async fn write(
        &self,
        pk: String,
        blocks: &[ThinkingBlock],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let texts = pack(blocks).map_err(serde_json::Error::io)?;
        // The first piece last: a reader that finds it finds the others.
        for (n, text) in texts.iter().enumerate().rev() {
            let piece = ThinkingPiece {
                pieces: texts.len(),
                blocks: text,
            };
            let item = Item::new(&keys::thinking_piece(pk.clone(), n), &piece)?;
            self.table.put(item.expires(until)).await?;
        }
        Ok(())
    }
}

/// Whether the client keeps thinking blocks itself.
pub(super) fn brings_blocks(request: &Request) -> bool {
    let mut parts = request.turns.iter().flat_map(|turn| &turn.parts);
    parts.any(|part| matches!(part, Part::Thinking(_)))
}

/// The id by which a turn's blocks are kept.
fn first_call(turn: &Turn) -> Option<&str> {
    if turn.role != Role::Assistant {
        return None;
    }
    let first = turn.parts.iter().find_map(|part| match part {
        Part::ToolCall(call) => Some(call.id.as_str()),
        _ => None,
    });
    first.filter(|id| id.len() <= LONGEST_ID)
}
