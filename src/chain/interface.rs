//! The interface of a chain: its options, the sink of its events, and its outcome.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bedrock::plan::{DroppedForTarget, Plan};
use crate::bedrock::{Class, Failure, SessionCaller};
use crate::catalog::Dialect;
use crate::conversation::{Event, NativeStart, StopReason, Usage};
use crate::spend::Attempt;

use super::AllowedRegions;
use super::affinity::AffinitySession;
use super::fallback::Fallback;
use super::target::Target;

/// What a request asks of the chain beside the conversation itself.
#[derive(Debug, Clone)]
pub struct ChainOptions {
    /// The group that was asked for, resolved from the model's name.
    pub group: String,
    /// Ask this target alone, once: to see whether it is well.
    pub only: Option<Arc<Target>>,
    /// Retries on each target; `None`: as configured.
    pub num_retries: Option<u32>,
    /// Only the group that was asked for.
    pub disable_fallbacks: bool,
    /// The groups that follow, instead of the configured ones.
    pub fallbacks: Option<Vec<Fallback>>,
    /// How long an attempt may take: for its first event where the answer streams, as a whole where it does not.
    /// `None`: as configured.
    pub timeout: Option<Duration>,
    /// How long a streamed attempt may take for its first event, and be silent between two; goes before `timeout`.
    pub stream_timeout: Option<Duration>,
    /// Targets elsewhere are left out.
    pub regions: AllowedRegions,
    /// The session whose cache decides which of several deployments is asked first; `None`: chance does.
    pub session: Option<AffinitySession>,
    /// Who calls, for deployments whose role has a session for each.
    pub caller: SessionCaller,
    /// Make every target of the first group fail without a call.
    pub mock_failure: Option<Class>,
    /// The answer is collected and handed on at its end, so that a part of one can still be thrown away.
    pub buffered: bool,
    /// When the request must be over.
    pub deadline: Instant,
}

impl ChainOptions {
    /// Asks this group, as configured, for a streamed answer until `deadline`.
    pub fn new(group: impl Into<String>, deadline: Instant) -> Self {
        Self {
            group: group.into(),
            only: None,
            num_retries: None,
            disable_fallbacks: false,
            fallbacks: None,
            timeout: None,
            stream_timeout: None,
            regions: AllowedRegions::default(),
            session: None,
            caller: SessionCaller::default(),
            mock_failure: None,
            buffered: false,
            deadline,
        }
    }
}

/// The chain's view of one client: takes events, says whether an attempt can be paid for, and whether the client is
/// gone. Sending an event never fails: when the client is gone, the rest is drained.
pub trait Sink: Send {
    /// An answer begins. A second beginning means that everything before it is void where the answer is handed on as
    /// a whole; in a stream, it goes on from what the client has.
    fn begin(&mut self, started: AnswerStarted) -> impl Future<Output = ()> + Send;
    /// Whether an attempt that Bedrock may bill can be paid for. Called before each of them.
    ///
    /// # Errors
    /// When it cannot: then it must not begin.
    fn afford(
        &mut self,
        _offer: AttemptOffer<'_>,
    ) -> impl Future<Output = Result<Afforded, Failure>> + Send {
        async { Ok(Afforded::Yes(Decimal::ZERO)) }
    }
    /// A piece of the answer.
    fn send_event(&mut self, event: Event) -> impl Future<Output = ()> + Send;
    /// Whether the client has gone.
    fn is_gone(&self) -> bool;
    /// Waits until the client has gone.
    fn wait_until_gone(&mut self) -> impl Future<Output = ()> + Send;
}

/// An attempt that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct AttemptOffer<'a> {
    /// The target to call.
    pub target: &'a Target,
    /// What it is sent.
    pub plan: &'a Plan,
    /// When the attempt began: it costs what it did then.
    pub began_at: Timestamp,
    /// US dollars that the attempts before it cost, or may have cost where Bedrock did not say.
    pub cost_so_far: Decimal,
    /// The client has set no length for its answer.
    pub may_shorten: bool,
}

/// An attempt that can be paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afforded {
    /// As it is; so many US dollars at most.
    Yes(Decimal),
    /// With an answer of so many tokens at most: it is to be planned anew and offered again.
    Shorter(u32),
}

/// The target that answers, and the attempts before it.
#[derive(Debug, Clone)]
pub struct AnswerStarted {
    /// The target that answers.
    pub target: Arc<Target>,
    /// Every attempt so far, the answering one last.
    pub attempts: Vec<Attempt>,
    /// What the client asked for that this target was not sent.
    pub dropped: DroppedForTarget,
    /// The language in which it was asked.
    pub dialect: Dialect,
    /// The length of the prompt that this target was sent, in tokens, as far as the gateway can judge it.
    pub estimated_prompt: u64,
    /// What the target says as its answer begins, in Claude's own format.
    pub native: Option<Box<NativeStart>>,
}

/// How a request ended.
#[derive(Debug, Default)]
pub struct ChainOutcome {
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// The target that answered, if one began to.
    pub target: Option<Arc<Target>>,
    /// Why the model stopped.
    pub stop: Option<StopReason>,
    /// When the first piece was handed on.
    pub first_piece: Option<Instant>,
    /// The usage of the answer that the client has: of its last part, with the output of all parts.
    pub usage: Option<Usage>,
    /// The error for the client instead of a complete answer.
    pub failure: Option<Failure>,
    /// Writes that outlive the answer: shared cooldowns and lacks, slot releases, corrected counts. To be awaited
    /// before the process may be frozen.
    pub background_writes: Vec<JoinHandle<()>>,
}
