//! The client's side of an exchange: what it is told, and when.

use std::sync::Arc;

use rust_decimal::Decimal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::bedrock::plan::NotSent;
use crate::chain::{Begun, Target};
use crate::conversation::{Event, Fold, Reply, Usage};
use crate::keys::Standing;
use crate::spend::Attempt;
use crate::wire::ApiError;

/// What the client's side is told, in this order: `Admitted` where the key has limits, `Begin`, then events, then
/// `End`; `Failed` may come at any point and is the last. `Begin` again means that another target answers: from the
/// beginning where the answer goes out as a whole, from where the client stands where it streams.
#[derive(Debug)]
pub(super) enum Step {
    Admitted(Standing),
    Begin(Begun),
    Event(Event),
    End(Ending),
    Failed(Box<ApiError>, Vec<Attempt>),
}

/// The end of a whole answer.
#[derive(Debug)]
pub(super) struct Ending {
    /// Tokens of the answering attempt.
    pub(super) usage: Usage,
    /// US dollars of all attempts; `None` where a price is unknown.
    pub(super) cost: Option<Decimal>,
    /// Every attempt, the answering one last.
    pub(super) attempts: Vec<Attempt>,
}

/// What a client is told that waits for the end.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) standing: Standing,
    /// Who answered, if anyone did.
    pub(super) target: Option<Arc<Target>>,
    /// See [`Begun::not_sent`].
    pub(super) not_sent: NotSent,
    pub(super) reply: Reply,
    /// When its first piece came.
    pub(super) first_piece: Option<Instant>,
    pub(super) ending: Result<Ending, (Box<ApiError>, Vec<Attempt>)>,
}

/// The client's side. One that has gone is told nothing.
pub(super) enum Listener {
    /// Hears of each step.
    Steps(mpsc::Sender<Step>),
    /// Hears at the end. To wake it for each piece of an answer costs more than the piece.
    End(Box<Collected>),
}

/// What is kept for the end.
pub(super) struct Collected {
    standing: Standing,
    target: Option<Arc<Target>>,
    not_sent: NotSent,
    fold: Fold,
    first_piece: Option<Instant>,
    /// Until it is told.
    tell: Option<oneshot::Sender<Told>>,
}

impl Listener {
    /// One that is told at the end.
    pub(super) fn at_the_end() -> (Self, oneshot::Receiver<Told>) {
        let (tell, told) = oneshot::channel();
        let collected = Collected {
            standing: Standing::default(),
            target: None,
            not_sent: NotSent::default(),
            fold: Fold::default(),
            first_piece: None,
            tell: Some(tell),
        };
        (Self::End(Box::new(collected)), told)
    }

    pub(super) async fn tell(&mut self, step: Step) {
        match self {
            Self::Steps(steps) => {
                steps.send(step).await.ok();
            }
            Self::End(collected) => collected.take(step),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Steps(steps) => steps.is_closed(),
            Self::End(collected) => {
                let mut tell = collected.tell.iter();
                tell.all(oneshot::Sender::is_closed)
            }
        }
    }

    /// Waits until it is gone.
    pub(super) async fn gone(&mut self) {
        match self {
            Self::Steps(steps) => steps.closed().await,
            Self::End(collected) => {
                if let Some(tell) = &mut collected.tell {
                    tell.closed().await;
                }
            }
        }
    }
}

impl Collected {
    fn take(&mut self, step: Step) {
        match step {
            Step::Admitted(standing) => self.standing = standing,
            Step::Begin(begun) => {
                self.fold = Fold::default();
                self.target = Some(begun.target);
                self.not_sent = begun.not_sent;
            }
            Step::Event(event) => {
                self.first_piece.get_or_insert_with(Instant::now);
                self.fold.push(event);
            }
            Step::End(ending) => self.end(Ok(ending)),
            Step::Failed(error, attempts) => self.end(Err((error, attempts))),
        }
    }

    fn end(&mut self, ending: Result<Ending, (Box<ApiError>, Vec<Attempt>)>) {
        if let Some(tell) = self.tell.take() {
            let told = Told {
                standing: self.standing,
                target: self.target.take(),
                not_sent: std::mem::take(&mut self.not_sent),
                reply: std::mem::take(&mut self.fold).finish(),
                first_piece: self.first_piece,
                ending,
            };
            tell.send(told).ok();
        }
    }
}
