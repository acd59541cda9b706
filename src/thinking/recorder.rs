//! Records the thinking of an answer, which Bedrock wants back with the next request.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::conversation::{Event, Fold, Request, ThinkingBlock};

use super::ThinkingStore;
use super::store::brings_blocks;

/// How long an answer's end waits for its thinking to be stored: the client's next request may reach another instance
/// a few milliseconds later.
const LONGEST_STORE_WAIT: Duration = Duration::from_millis(300);

/// Keeps the thinking of one answer, if it calls tools.
#[derive(Debug)]
pub struct ThinkingRecorder {
    thinking_store: ThinkingStore,
    owner: String,
    /// The client loses blocks, as far as its request shows.
    client_loses_blocks: bool,
    /// A model answers whose blocks are signed.
    is_recording: bool,
    /// The blocks under way.
    fold: Fold,
    /// The complete ones.
    blocks: Vec<ThinkingBlock>,
    first_call: Option<String>,
    /// How many of `blocks` the write below stores.
    blocks_in_write: usize,
    write: Option<JoinHandle<()>>,
}

impl ThinkingRecorder {
    /// A recorder for the answer to this request of this owner (the hash of its key), as it came from the client.
    pub fn new(thinking_store: &ThinkingStore, owner: &str, request: &Request) -> Self {
        Self {
            thinking_store: thinking_store.clone(),
            owner: owner.to_owned(),
            client_loses_blocks: !brings_blocks(request),
            is_recording: false,
            fold: Fold::default(),
            blocks: Vec::new(),
            first_call: None,
            blocks_in_write: 0,
            write: None,
        }
    }

    /// An answer begins, and everything before it is void. `signs`: its model takes its blocks back.
    pub fn begin(&mut self, signs: bool) {
        self.is_recording = self.client_loses_blocks && signs;
        self.fold = Fold::default();
        self.blocks.clear();
        self.first_call = None;
        self.blocks_in_write = 0;
    }

    /// Notes an event. With the first tool call's id known, storing begins.
    pub fn push(&mut self, event: &Event) {
        if !self.is_recording {
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
    pub async fn finish_storing(&mut self) {
        if self.is_recording {
            self.store();
        }
        let Some(write) = self.write.take() else {
            return;
        };
        if timeout(LONGEST_STORE_WAIT, write).await.is_err() {
            tracing::warn!(limit = ?LONGEST_STORE_WAIT, "thinking was not stored before the answer's end");
        }
    }

    /// Stores all blocks so far, unless they are being stored already.
    fn store(&mut self) {
        let thought = std::mem::take(&mut self.fold).finish();
        self.blocks.extend(thought.thinking_blocks());
        let Some(call) = self.first_call.as_deref() else {
            return;
        };
        if self.blocks.len() > self.blocks_in_write {
            self.blocks_in_write = self.blocks.len();
            let before = self.write.take();
            let (thinking_store, owner, call) = (
                self.thinking_store.clone(),
                self.owner.clone(),
                call.to_owned(),
            );
            let blocks = self.blocks.clone();
            self.write = Some(match before {
                None => thinking_store.store_in_background(&owner, &call, blocks),
                Some(before) => tokio::spawn(async move {
                    // In order, or the fewer blocks would overwrite the more.
                    before.await.ok();
                    thinking_store
                        .store_in_background(&owner, &call, blocks)
                        .await
                        .ok();
                }),
            });
        }
    }
}
