//! What the run of a request sends to the side that answers its client.

use std::sync::Arc;

use rust_decimal::Decimal;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::bedrock::plan::DroppedForTarget;
use crate::catalog::Dialect;
use crate::chain::{AnswerStarted, Target};
use crate::conversation::{Event, Fold, Reply, Usage};
use crate::keys::KeyUsage;
use crate::spend::Attempt;
use crate::wire::ApiError;

/// What is sent, in this order: `Compacted` where the conversation was summed up, `KeyUsage` where the key has limits
/// (with a budget: once an attempt can be paid for), `Begin`, then events, then `End`; `Failed` may come at any point
/// and is the last. `Begin` again means that another target answers: from the beginning where the answer goes out as a
/// whole, from where the client stands where it streams.
#[derive(Debug)]
pub(in crate::http) enum StreamItem {
    Compacted(String),
    KeyUsage(KeyUsage),
    Begin(AnswerStarted),
    Event(Event),
    End(AnswerEnd),
    Failed(Box<ApiError>, Vec<Attempt>),
}

/// The end of an answer that is complete, streamed or not.
#[derive(Debug)]
pub(in crate::http) struct AnswerEnd {
    /// Tokens of the answering attempt.
    pub(in crate::http) usage: Usage,
    /// US dollars of all attempts; `None` where a price is unknown.
    pub(in crate::http) cost: Option<Decimal>,
    /// Every attempt, the answering one last.
    pub(in crate::http) attempts: Vec<Attempt>,
}

/// All that was sent, for a client that waits for the end.
#[derive(Debug)]
pub(in crate::http) struct FinalReply {
    /// The summary from which the answer goes on.
    pub(in crate::http) compacted: Option<String>,
    pub(in crate::http) key_usage: KeyUsage,
    /// The target that answered, if one did.
    pub(in crate::http) target: Option<Arc<Target>>,
    /// See [`AnswerStarted::dropped`].
    pub(in crate::http) dropped_for_target: DroppedForTarget,
    /// See [`AnswerStarted::dialect`].
    pub(in crate::http) dialect: Dialect,
    pub(in crate::http) reply: Reply,
    /// When the first piece of the answer came.
    pub(in crate::http) first_piece: Option<Instant>,
    pub(in crate::http) end: Result<AnswerEnd, (Box<ApiError>, Vec<Attempt>)>,
}

impl FinalReply {
    /// Collects in a task of its own, which ends with its caller: each event would wake a handler's every layer.
    pub(in crate::http) async fn collect_in_task(items: Receiver<StreamItem>) -> Self {
        let task = AbortOnDropHandle::new(tokio::spawn(Self::collect(items)));
        task.await.unwrap_or_else(|_| Self::unfinished())
    }

    /// Waits for the end. A run always says how it ended; only the end of the process can keep it from that, which is
    /// an internal error here.
    pub(in crate::http) async fn collect(mut items: Receiver<StreamItem>) -> Self {
        let mut fold = Fold::default();
        let mut final_reply = Self::unfinished();
        while let Some(item) = items.recv().await {
            match item {
                StreamItem::Compacted(summary) => final_reply.compacted = Some(summary),
                StreamItem::KeyUsage(key_usage) => final_reply.key_usage = key_usage,
                StreamItem::Begin(started) => {
                    fold = Fold::begun(started.native.as_deref());
                    final_reply.target = Some(started.target);
                    final_reply.dropped_for_target = started.dropped;
                    final_reply.dialect = started.dialect;
                }
                StreamItem::Event(event) => {
                    final_reply.first_piece.get_or_insert_with(Instant::now);
                    fold.push(event);
                }
                StreamItem::End(end) => final_reply.end = Ok(end),
                StreamItem::Failed(error, attempts) => final_reply.end = Err((error, attempts)),
            }
        }
        final_reply.reply = fold.finish();
        final_reply
    }

    /// What an answer is until its end is known.
    fn unfinished() -> Self {
        Self {
            compacted: None,
            key_usage: KeyUsage::default(),
            target: None,
            dropped_for_target: DroppedForTarget::default(),
            dialect: Dialect::default(),
            reply: Reply::default(),
            first_piece: None,
            end: Err((Box::new(ApiError::internal()), Vec::new())),
        }
    }
}
