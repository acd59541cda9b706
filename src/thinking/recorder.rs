//! Watches one answer for thinking that will have to come back.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::conversation::{Event, Fold, Request, ThinkingBlock};

use super::ThinkingStore;
use super::store::brings_blocks;

/// How long an answer's end waits for its thinking to be stored: the client's next request may reach another instance
/// a few milliseconds later.
const HOLD_UP: Duration = Duration::from_millis(300);

/// Keeps the thinking of one answer, if it calls tools.
#[derive(Debug)]
pub struct ThinkingRecorder {
    vault: ThinkingStore,
    owner: String,
    /// The client loses blocks, as far as its request shows.
    wanted: bool,
    /// A model answers whose blocks are signed.
    on: bool,
    /// The blocks under way.
    fold: Fold,
    /// The whole ones.
    blocks: Vec<ThinkingBlock>,
    first_call: Option<String>,
    /// How many of `blocks` the write below stores.
    storing: usize,
    write: Option<JoinHandle<()>>,
}

impl ThinkingRecorder {
    /// A keeper for the answer to this request of this owner (the hash of its key), as it came from the client.
    pub fn new(vault: &ThinkingStore, owner: &str, request: &Request) -> Self {
        Self {
            vault: vault.clone(),
            owner: owner.to_owned(),
            wanted: !brings_blocks(request),
            on: false,
            fold: Fold::default(),
            blocks: Vec::new(),
            first_call: None,
            storing: 0,
            write: None,
        }
    }

    /// An answer begins, and everything before it is void. `signs`: its model takes its blocks back.
    pub fn begin(&mut self, signs: bool) {
        self.on = self.wanted && signs;
        self.fold = Fold::default();
        self.blocks.clear();
        self.first_call = None;
        self.storing = 0;
    }

    /// Notes an event. With the first tool call's id known, storing begins.
    pub fn see(&mut self, event: &Event) {
        if !self.on {
            return;
        }
        match event {
            Event::Thinking(_) | Event::Signature(_) | Event::RedactedThinking(_) => {
                self.fold.push(event.clone());
            }
            Event::ToolCall { id, .. } if self.first_call.is_none() => {
                self.first_call = Some(id.clone());
                self.store();
            }
            _ => {}
        }
    }

    /// Waits until the blocks are stored, for a moment; then storing goes on by itself.
    pub async fn settle(&mut self) {
        if self.on {
            self.store();
        }
        let Some(write) = self.write.take() else {
            return;
        };
        if timeout(HOLD_UP, write).await.is_err() {
            tracing::warn!(limit = ?HOLD_UP, "thinking was not stored before the answer's end");
        }
    }

    /// Stores all blocks so far, unless they are being stored already.
    fn store(&mut self) {
        let thought = std::mem::take(&mut self.fold).finish();
        self.blocks.extend(thought.thinking_blocks());
        let Some(call) = self.first_call.as_deref() else {
            return;
        };
        if self.blocks.len() > self.storing {
            self.storing = self.blocks.len();
            let before = self.write.take();
            let (vault, owner, call) = (self.vault.clone(), self.owner.clone(), call.to_owned());
            let blocks = self.blocks.clone();
            self.write = Some(match before {
                None => vault.keep(&owner, &call, blocks),
                Some(before) => tokio::spawn(async move {
                    // In order, or the fewer blocks would overwrite the more.
                    before.await.ok();
                    vault.keep(&owner, &call, blocks).await.ok();
                }),
            });
        }
    }
}
