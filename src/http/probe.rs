//! A request of the gateway's own: to see whether a target or a chain answers. It runs, is billed and is recorded like
//! any other.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::time::Instant;

use crate::app::AppState;
use crate::chain::{ChainOptions, Target};
use crate::conversation::{Reply, Request, Usage};
use crate::keys::Caller;
use crate::openai::Chat;
use crate::spend::{Attempt, RequestId};
use crate::wire::{ApiError, Labels, Wire};

use super::chat::{ChatRun, FinalReply};

/// A request to try something with.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Who tries.
    pub(crate) caller: Caller,
    pub(crate) request: Request,
    pub(crate) ask: ChainOptions,
    /// The tag that its record carries.
    pub(crate) tag: &'static str,
}

/// What came of a [`Probe`].
#[derive(Debug)]
pub(crate) struct ProbeResult {
    /// Where its record is.
    pub(crate) id: RequestId,
    /// Who answered, if anyone did.
    pub(crate) target: Option<Arc<Target>>,
    pub(crate) reply: Reply,
    /// Until the first piece of the answer.
    pub(crate) first_piece: Option<Duration>,
    /// Until the end.
    pub(crate) whole: Duration,
    pub(crate) usage: Usage,
    /// US dollars; `None` where a price is unknown.
    pub(crate) cost: Option<Decimal>,
    /// Every attempt, in order.
    pub(crate) attempts: Vec<Attempt>,
    /// What a client would have been told instead of an answer.
    pub(crate) error: Option<ApiError>,
}

impl Probe {
    /// Sends it and waits for its end.
    pub(crate) async fn run(self, app: &AppState) -> ProbeResult {
        let started = Instant::now();
        let id = app.ledger.new_id(Timestamp::now());
        let items = ChatRun {
            id,
            call_type: Chat.call_type(),
            caller: self.caller,
            request: self.request,
            model_asked: self.ask.group.clone(),
            ask: self.ask,
            labels: Labels {
                tags: vec![self.tag.to_owned()],
                ..Labels::default()
            },
            content: None,
        }
        .start(app);
        let answered = FinalReply::collect(items).await;
        let found = ProbeResult {
            id,
            target: answered.target,
            reply: answered.reply,
            first_piece: answered.first_piece.map(|at| at - started),
            whole: started.elapsed(),
            usage: Usage::default(),
            cost: None,
            attempts: Vec::new(),
            error: None,
        };
        match answered.end {
            Ok(end) => ProbeResult {
                usage: end.usage,
                cost: end.cost,
                attempts: end.attempts,
                ..found
            },
            Err((error, attempts)) => ProbeResult {
                attempts,
                error: Some(*error),
                ..found
            },
        }
    }
}
