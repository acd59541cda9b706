//! The record of one request: its caller, what it asked for, its attempts, how it ended, and what it cost.
//!
//! The same JSON is the table's item (`store/`), the `spend_unrecorded` line of the log, and what a replay reads.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attempt::Attempt;
use super::counted_names::CountedNames;
use super::counter_deltas::CounterDeltas;
use super::cut::cut;
use super::{
    Cost, FailureCause, RequestId, Reservations, Retried, TraceParent, Unlisted, free_form,
};
use crate::conversation::Usage;

/// One request, refused, failed or served. LiteLLM_SpendLogs' names where the meaning is the same.
///
/// Texts from clients and models are cut to a length when it is first written, so that a record fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The `id` of the reply and of each of its chunks.
    pub request_id: RequestId,
    /// The route, in LiteLLM's words: `acompletion`, `anthropic_messages`, `aresponses`.
    pub call_type: String,
    /// How it ended for the client.
    pub status: Status,
    /// When it arrived.
    #[serde(rename = "startTime")]
    pub start: Timestamp,
    /// When the first piece of the answer was handed on.
    #[serde(
        rename = "completionStartTime",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_token: Option<Timestamp>,
    /// When the answer ended.
    #[serde(rename = "endTime")]
    pub end: Timestamp,

    /// The model's name in the request.
    pub model_asked: String,
    /// Every attempt at a target, in order; a target that was passed over is one too. Empty when the request was
    /// refused before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// The attempts that are too many to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<Unlisted>,
    /// Why the model stopped, in Bedrock's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// The client's error instead of an answer, or in the middle of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RecordFailure>,
    /// Whether the client asked for a stream.
    #[serde(default)]
    pub stream: bool,

    /// The caller: the key, and the user it is for.
    #[serde(flatten)]
    pub caller: RecordCaller,
    /// Labels, from the request or its key.
    #[serde(
        rename = "request_tags",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tags: Vec<String>,
    /// The client's own id of the request, where it sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub litellm_call_id: Option<String>,
    /// The trace that the request was a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The client's span, for what is told a collector; no part of what is stored.
    #[serde(skip)]
    pub trace_parent: Option<TraceParent>,
    /// What the client wants to find here (`x-litellm-spend-logs-metadata`); small.
    #[serde(
        rename = "spend_logs_metadata_json",
        alias = "spend_logs_metadata",
        with = "free_form",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub spend_logs_metadata: Option<Map<String, Value>>,
    /// The table refused the record as it was: this is what is left without the clients' words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reduced: bool,

    /// What was held for it. Fixed with what it adds to the totals.
    #[serde(skip)]
    pub reservations: Reservations,
    /// Under which names it is counted; `None`: under all of its own.
    #[serde(skip)]
    counted_names: Option<CountedNames>,
    /// What this record adds to which totals: fixed when it is first written, so that a replay adds the same or
    /// nothing.
    #[serde(default, rename = "movement", skip_serializing_if = "Option::is_none")]
    counter_deltas: Option<CounterDeltas>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// With a whole answer.
    Success,
    /// With an error, possibly after a part of the answer.
    Failure,
    /// Unknown: its process ended before its record was written. Its tokens are an estimate.
    Lost,
}

impl Status {
    /// Its word, in records and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Lost => "lost",
        }
    }
}

/// The caller of a request, and the labels that say more of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordCaller {
    /// The SHA-256 of the key, in hex.
    #[serde(rename = "api_key")]
    pub key_hash: String,
    /// The key's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_alias: Option<String>,
    /// The key's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The team that the key belonged to when the request was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// The request's `user`: the person behind the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_user: Option<String>,
    /// What ties a client's requests together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The agent within the session that asks, where it is not the session's first: a subagent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The agent that has started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_agent_id: Option<String>,
    /// The client program: its `User-Agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The client program, where it is one of those that reports tell apart; records of version 0.1 do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_app: Option<String>,
}

/// An error as the client saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFailure {
    /// Its type in OpenAI's or LiteLLM's words, like `throttling_error`.
    pub class: String,
    /// The HTTP status, also where the real one was 200 because the stream had begun.
    pub status: u16,
    /// What it said.
    pub message: String,
}

/// Bytes of a label that are kept.
pub(super) const LONGEST_LABEL: usize = 200;

impl Record {
    /// The record of a request that arrived with this id, asking for this model. Until more is said, it failed at
    /// once.
    pub fn new(
        request_id: RequestId,
        model_asked: impl Into<String>,
        caller: RecordCaller,
    ) -> Record {
        let start = request_id.time();
        Record {
            request_id,
            call_type: "acompletion".to_owned(),
            status: Status::Failure,
            start,
            first_token: None,
            end: start,
            model_asked: model_asked.into(),
            attempts: Vec::new(),
            unlisted: None,
            stop_reason: None,
            error: None,
            stream: false,
            caller,
            tags: Vec::new(),
            litellm_call_id: None,
            trace_id: None,
            trace_parent: None,
            spend_logs_metadata: None,
            reduced: false,
            reservations: Reservations::default(),
            counted_names: None,
            counter_deltas: None,
        }
    }

    /// Why it has no whole answer; `None`: it has one.
    pub fn cause(&self) -> Option<FailureCause> {
        FailureCause::of(self)
    }

    /// The attempt that decided the outcome: the last.
    pub fn final_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The tokens of all attempts.
    pub fn usage(&self) -> Usage {
        let listed = self.attempts.iter().filter_map(|attempt| attempt.usage);
        let unlisted = self.unlisted.as_ref().and_then(|rest| rest.usage);
        listed.chain(unlisted).fold(Usage::default(), Usage::plus)
    }

    /// What all attempts cost; `None` when a price among them is unknown. Then [`Record::spend_known`] has the rest.
    pub fn cost(&self) -> Option<Cost> {
        (!self.is_unpriced()).then(|| self.known())
    }

    /// Whether some tokens have no known price.
    pub fn is_unpriced(&self) -> bool {
        let unlisted = self.unlisted.as_ref().is_some_and(|rest| rest.unpriced);
        unlisted || self.attempts.iter().any(Attempt::is_unpriced)
    }

    /// Its retries and fallbacks.
    pub fn retried(&self) -> Retried {
        match &self.unlisted {
            Some(unlisted) => unlisted.retried(),
            None => Retried::of(&self.attempts),
        }
    }

    /// The part of the spend whose price is known, US dollars: what the totals count.
    pub fn spend_known(&self) -> Decimal {
        self.known().total
    }

    /// [`Record::cost`] as far as the prices are known.
    pub fn known(&self) -> Cost {
        let listed = self.attempts.iter().filter_map(|attempt| attempt.cost);
        let unlisted = self.unlisted.as_ref().map(|rest| rest.cost);
        listed.chain(unlisted).fold(Cost::default(), Cost::plus)
    }

    /// Whether it is fixed already what it adds to the totals.
    pub(super) fn is_frozen(&self) -> bool {
        self.counter_deltas.is_some()
    }

    /// The names that it may be counted under, as it keeps them: none where it was refused before a model was asked.
    pub(super) fn names_to_count(&self) -> CountedNames {
        if self.attempts.is_empty() {
            return CountedNames::default();
        }
        let mut tags = self.tags.clone();
        bound_tags(&mut tags);
        let mut customer = self.caller.end_user.clone().unwrap_or_default();
        cut(&mut customer, LONGEST_LABEL);
        CountedNames { tags, customer }
    }

    /// It is counted under these names.
    pub(super) fn count_under(&mut self, names: CountedNames) {
        self.counted_names = Some(names);
    }

    /// The names that it is counted under.
    pub(super) fn counted_names(&self) -> CountedNames {
        let names = self.counted_names.clone();
        names.unwrap_or_else(|| self.names_to_count())
    }

    /// The record as it was before it was frozen: what it held is known, what it adds is not.
    #[cfg(feature = "local")]
    pub(super) fn unfrozen(mut self) -> Record {
        if let Some(deltas) = self.counter_deltas.take() {
            self.reservations = deltas.reservations();
        }
        self
    }

    /// Cuts what could make the item or its keys too large and fixes what the record adds to the totals. A frozen
    /// record stays as it is.
    pub(super) fn freeze(&mut self) -> &CounterDeltas {
        let deltas = match self.counter_deltas.take() {
            Some(deltas) => deltas,
            None => {
                self.bound();
                let deltas = self.deltas();
                self.unlisted = Unlisted::take(&mut self.attempts);
                deltas
            }
        };
        self.counter_deltas.insert(deltas)
    }
}

pub(super) fn bound_tags(tags: &mut Vec<String>) {
    tags.retain(|tag| !tag.is_empty());
    tags.truncate(20);
    tags.iter_mut().for_each(|tag| cut(tag, 100));
}
