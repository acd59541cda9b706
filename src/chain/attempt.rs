//! The attempt under way: what came of it so far, kept outside the call so that a time limit loses nothing of it.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::time::Instant;

use crate::bedrock::plan::{DroppedForTarget, Plan};
use crate::bedrock::{Class, Failure};
use crate::catalog::{Dialect, ServiceTerms};
use crate::conversation::{Event, NativeEvent, NativeStart, Usage, json_len};
use crate::spend::Attempt;

use super::queue::QueuedTarget;
use super::target::Target;
use crate::limits::CountedRequest;
use crate::limits::Lease;

/// An attempt under way.
pub(super) struct CurrentAttempt {
    target: Arc<Target>,
    hop: u32,
    started: Instant,
    /// The time of day at which it began: its price is the one of that moment.
    began_at: Timestamp,
    /// The first event has come: Bedrock bills from here on.
    billed: bool,
    /// Bedrock's request id, as its invocation log has it.
    request_id: Option<String>,
    usage: Option<Usage>,
    /// The prompt's tokens, where the target counted them as its answer began.
    prompt_usage: Option<Usage>,
    /// What was sent decides what it costs, as far as Bedrock does not say what it served.
    estimated_prompt: u64,
    terms: ServiceTerms,
    /// What the client asked for that was not sent.
    dropped: DroppedForTarget,
    dialect: Dialect,
    /// Bytes of the answer so far, for an estimate where Bedrock reports no usage.
    bytes: usize,
    /// Something of it was handed on.
    handed_on: bool,
    /// What came before the first piece that a client sees, and goes out with it.
    start: Option<Box<NativeStart>>,
    early: Vec<Event>,
    /// US dollars that it may cost at most, where that is held of a budget.
    pub(super) cost_bound: Decimal,
    /// It stands in the deployment's `tpm` with an estimate.
    pub(super) counted_request: Option<CountedRequest>,
    /// It occupies one of the deployment's `max_parallel_requests`.
    pub(super) slot: Option<Lease>,
}

impl CurrentAttempt {
    pub(super) fn new(queued: &QueuedTarget, began_at: Timestamp) -> Self {
        Self {
            target: Arc::clone(&queued.target),
            hop: queued.hop,
            started: Instant::now(),
            began_at,
            billed: false,
            request_id: None,
            usage: None,
            prompt_usage: None,
            estimated_prompt: 0,
            terms: ServiceTerms::default(),
            dropped: DroppedForTarget::default(),
            dialect: Dialect::default(),
            bytes: 0,
            handed_on: false,
            start: None,
            early: Vec::new(),
            cost_bound: Decimal::ZERO,
            counted_request: None,
            slot: None,
        }
    }

    /// Notes what is about to be sent, with a prompt of about so many tokens.
    pub(super) fn record_plan(&mut self, plan: &Plan, estimated_prompt: u64) {
        self.estimated_prompt = estimated_prompt;
        self.terms = plan.terms();
        self.dropped.clone_from(&plan.dropped);
        self.dialect = plan.dialect;
    }

    /// Bedrock has said this much of the terms on which it served.
    pub(super) fn record_terms(&mut self, terms: &ServiceTerms) {
        self.terms = terms.clone().or(&self.terms);
    }

    /// The first event has come; with Bedrock's request id, where it has sent one.
    pub(super) fn mark_billed(&mut self, request_id: Option<&str>) {
        self.billed = true;
        self.request_id = request_id.map(str::to_owned);
    }

    /// The time of day at which it began.
    pub(super) fn began_at(&self) -> Timestamp {
        self.began_at
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The prompt's tokens, as long as Bedrock has not counted them.
    pub(super) fn estimated_prompt(&self) -> u64 {
        self.estimated_prompt.max(1)
    }

    /// The language in which the target was asked.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What the client asked for that was not sent.
    pub(super) fn dropped(&self) -> &DroppedForTarget {
        &self.dropped
    }

    /// Notes an event. True for the first one that a client sees something of, or the end.
    pub(super) fn record_event(&mut self, event: &Event) -> bool {
        match event {
            Event::Text(text) | Event::Thinking(text) => self.bytes += text.len(),
            Event::ToolInput { json, .. } => self.bytes += json.len(),
            Event::Native(NativeEvent::BlockStart(fields) | NativeEvent::BlockDelta(fields)) => {
                self.bytes += fields.values().map(json_len).sum::<usize>();
            }
            Event::Native(NativeEvent::Start(start)) => self.prompt_usage = start.usage,
            Event::Usage(usage) => self.usage = Some(*usage),
            _ => {}
        }
        let first = !self.handed_on && (event.is_visible() || matches!(event, Event::Stop(_)));
        self.handed_on |= first;
        first
    }

    /// Keeps an event that no client sees anything of, for when there is something to see.
    pub(super) fn hold_back(&mut self, event: Event) {
        match event {
            Event::Native(NativeEvent::Start(start)) => self.start = Some(start),
            event @ Event::Native(NativeEvent::Other(_)) => self.early.push(event),
            _ => {}
        }
    }

    /// What the target said as its answer began.
    pub(super) fn take_start(&mut self) -> Option<Box<NativeStart>> {
        self.start.take()
    }

    /// The events that were held back.
    pub(super) fn take_early(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.early)
    }

    /// Whether something of the answer was handed on.
    pub(super) fn is_handed_on(&self) -> bool {
        self.handed_on
    }

    /// US dollars that it has cost, or may have where Bedrock did not say. A request that Bedrock refused is free.
    pub(super) fn possible_cost(&self, attempt: &Attempt, failure: Option<&Failure>) -> Decimal {
        let exact = attempt.usage.filter(|usage| !usage.estimated);
        if let (Some(_), Some(cost)) = (exact, &attempt.cost) {
            return cost.total;
        }
        let refused = failure.is_some_and(|failure| {
            let not_called = matches!(failure.class, Class::Credentials | Class::NoCredentials);
            failure.status.is_some() || not_called
        });
        if refused && !self.billed {
            return Decimal::ZERO;
        }
        self.cost_bound
    }

    /// The attempt as the record keeps it: what came of it and what it cost. Bedrock bills what it sent, whether or
    /// not its accounting arrived.
    pub(super) fn to_attempt(&self, failure: Option<&Failure>) -> (Attempt, Option<Usage>) {
        let attempt = Attempt {
            outcome: failure
                .map_or("ok", |failure| failure.class.as_str())
                .to_owned(),
            status: failure.map_or(Some(200), |failure| failure.status),
            request_id: self.request_id.clone(),
            bytes: self.bytes as u64,
            began: Some(self.began_at),
            ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..unfinished(&self.target, self.hop)
        };
        if !self.billed {
            return (attempt, None);
        }
        let usage = self.usage.unwrap_or_else(|| {
            let prompt = self.prompt_usage.unwrap_or_else(|| Usage {
                input: self.estimated_prompt(),
                ..Usage::default()
            });
            Usage {
                output: (self.bytes as u64).div_ceil(4),
                estimated: true,
                ..prompt
            }
        });
        let price = self.target.price(self.began_at);
        let billed = attempt.billed_on(&self.terms, usage, price.as_deref());
        (billed, Some(usage))
    }
}

/// An attempt of this target, of which nothing else is known yet.
pub(super) fn unfinished(target: &Target, hop: u32) -> Attempt {
    let deployment = target.deployment();
    let pattern = deployment.pattern.as_ref();
    Attempt {
        group: deployment.group.clone(),
        hop,
        pattern: pattern.map(|pattern| pattern.group.clone()),
        deployment: deployment.id.clone(),
        model: deployment.model_id.clone(),
        region: deployment.region.clone(),
        ..Attempt::default()
    }
}
