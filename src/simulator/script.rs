//! What tests and drills tell the service to do with one request: a [`Step`].

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CallFormat, ErrorReply, RawEvent, ScriptedReply};

/// What happens to one request. As JSON (for the control route) every field is optional:
/// `{"outcome": {"fail": {"status": 503, "type": "ServiceUnavailableException"}}, "head_delay": 250}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// What is answered.
    pub outcome: StepOutcome,
    /// Before the response head. Milliseconds in JSON.
    #[serde(with = "millis")]
    pub head_delay: Duration,
    /// Between the head and the first event. Milliseconds in JSON.
    #[serde(with = "millis")]
    pub first_event_delay: Duration,
    /// Between two events; `None`: the service's own pace. Milliseconds in JSON.
    #[serde(with = "millis_option")]
    pub pace: Option<Duration>,
    /// What goes wrong with the stream, and where.
    pub fault: Option<Fault>,
    /// The closing `metadata` event is left out; Claude's own events come without `usage`.
    pub no_metadata: bool,
    /// The request is not looked at: what Bedrock would refuse is answered all the same.
    pub unchecked: bool,
    /// Only a call in this format takes the step; others pass it by.
    pub only: Option<CallFormat>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// What the service says without a script.
    #[default]
    Echo,
    /// This answer.
    Reply(ScriptedReply),
    /// These events, framed as they are. A call without a stream gets the service's own answer.
    Events(Vec<RawEvent>),
    /// These bytes as the whole body: an event stream where the call is for one, else JSON.
    #[serde(skip)]
    Bytes(Bytes),
    /// An error with a status.
    Fail(ErrorReply),
    /// The connection is reset before any byte of an answer.
    Reset,
    /// The request is taken and never answered.
    Hang,
}

/// A stream that goes wrong once `after` of its events are out (0: before the first). Both dialects count alike: the
/// start of a block of text or thinking, which Converse does not send, goes with the event behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How many events go out before it. Where the stream has fewer, the fault comes at its end.
    pub after: usize,
    /// What happens.
    pub kind: FaultKind,
}

/// What happens to a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The connection dies.
    Cut,
    /// The body ends as if all were well.
    End,
    /// Silence, then the rest.
    Stall(#[serde(with = "millis")] Duration),
    /// Silence, then the connection dies.
    StallThenCut(#[serde(with = "millis")] Duration),
    /// Silence without an end.
    Silence,
    /// An exception frame (`throttlingException`, `modelStreamErrorException`, …), then the end of the body.
    Exception {
        /// `:exception-type`.
        name: String,
        /// `message` of its payload.
        message: String,
    },
    /// An unmodeled error frame, then the end of the body.
    Error {
        /// `:error-code`.
        code: String,
        /// `:error-message`.
        message: String,
    },
    /// An `error` event of Claude's own (`rate_limit_error`, `overloaded_error`, `api_error`, …), then the end of the
    /// body. ConverseStream has an exception in its place.
    ErrorEvent {
        /// `error.type`.
        kind: String,
        /// `error.message`.
        message: String,
    },
    /// The next event has a wrong checksum; the rest follows.
    BrokenFrame,
    /// Half of the next event, then the end of the body.
    TruncatedFrame,
    /// An event of a type nobody knows is put in between; the rest follows.
    UnknownEvent,
}

impl Step {
    /// The service's own answer.
    pub fn echo() -> Self {
        Self::default()
    }

    /// This answer.
    pub fn reply(reply: ScriptedReply) -> Self {
        Self::from(StepOutcome::Reply(reply))
    }

    /// An answer of this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::reply(ScriptedReply::text(text))
    }

    /// These events and nothing else.
    pub fn events(events: Vec<RawEvent>) -> Self {
        Self::from(StepOutcome::Events(events))
    }

    /// These events of Claude's own (`message_start`, …) and nothing else.
    pub fn chunks(events: impl IntoIterator<Item = Value>) -> Self {
        Self::events(events.into_iter().map(RawEvent::chunk).collect())
    }

    /// These bytes as the body of the stream, for instance a recorded one.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::from(StepOutcome::Bytes(bytes.into()))
    }

    /// An exception with its HTTP status.
    pub fn fail(status: u16, kind: &str, message: &str) -> Self {
        Self::from(StepOutcome::Fail(ErrorReply::new(status, kind, message)))
    }

    /// An error in the shape of Anthropic's own API (`overloaded_error`, …), with the status of its type.
    pub fn anthropic_error(kind: &str, message: &str) -> Self {
        Self::from(StepOutcome::Fail(ErrorReply::anthropic(kind, message)))
    }

    /// 429 as Bedrock words it.
    pub fn throttle() -> Self {
        let message = "Too many requests, please wait before trying again.";
        Self::fail(429, "ThrottlingException", message)
    }

    /// 429 of the daily quota, which no back-off outlasts.
    pub fn throttle_for_the_day() -> Self {
        let message = "Too many tokens per day, please wait before trying again.";
        Self::fail(429, "ThrottlingException", message)
    }

    /// 503.
    pub fn unavailable() -> Self {
        let message = "Bedrock is unable to process your request.";
        Self::fail(503, "ServiceUnavailableException", message)
    }

    /// 500.
    pub fn internal_error() -> Self {
        let message =
            "The system encountered an unexpected error during processing. Try your request again.";
        Self::fail(500, "InternalServerException", message)
    }

    /// A status without `x-amzn-errortype`, such as 529.
    pub fn bare_status(status: u16, message: &str) -> Self {
        Self::from(StepOutcome::Fail(ErrorReply {
            kind: None,
            ..ErrorReply::new(status, "", message)
        }))
    }

    /// A status with a page of HTML, as a proxy in between sends it.
    pub fn html(status: u16) -> Self {
        Self::from(StepOutcome::Fail(ErrorReply {
            kind: None,
            html: true,
            ..ErrorReply::new(status, "", "<html><body>Bad Gateway</body></html>")
        }))
    }

    /// A reset before any byte.
    pub fn reset() -> Self {
        Self::from(StepOutcome::Reset)
    }

    /// No answer at all.
    pub fn hang() -> Self {
        Self::from(StepOutcome::Hang)
    }

    /// Adds `Retry-After` to a failure.
    pub fn retry_after(mut self, value: &str) -> Self {
        if let StepOutcome::Fail(failure) = &mut self.outcome {
            failure.retry_after = Some(value.to_owned());
        }
        self
    }

    /// Waits before the response head.
    pub fn slow_head(mut self, delay: Duration) -> Self {
        self.head_delay = delay;
        self
    }

    /// Sends the head at once and the first event after this long.
    pub fn slow_first_event(mut self, delay: Duration) -> Self {
        self.first_event_delay = delay;
        self
    }

    /// Waits this long between two events.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Goes wrong after so many events.
    pub fn fault(mut self, after: usize, kind: FaultKind) -> Self {
        self.fault = Some(Fault { after, kind });
        self
    }

    /// The connection dies after so many events.
    pub fn cut_after(self, events: usize) -> Self {
        self.fault(events, FaultKind::Cut)
    }

    /// An exception frame after so many events.
    pub fn exception_after(self, events: usize, name: &str, message: &str) -> Self {
        let (name, message) = (name.to_owned(), message.to_owned());
        self.fault(events, FaultKind::Exception { name, message })
    }

    /// An `error` event of Claude's own after so many events: 0 makes it the very first.
    pub fn error_event_after(self, events: usize, kind: &str, message: &str) -> Self {
        let (kind, message) = (kind.to_owned(), message.to_owned());
        self.fault(events, FaultKind::ErrorEvent { kind, message })
    }

    /// 403 for InvokeModel and its stream, where Converse is allowed.
    pub fn deny_invoke() -> Self {
        let message = "You are not authorized to perform: bedrock:InvokeModel with an explicit deny in a service control policy";
        Self::fail(403, "AccessDeniedException", message).only(CallFormat::Messages)
    }

    /// Is for calls in this format alone.
    pub fn only(mut self, format: CallFormat) -> Self {
        self.only = Some(format);
        self
    }

    /// Leaves out what the answer cost: the closing `metadata` event, or `usage` in Claude's own events.
    pub fn without_metadata(mut self) -> Self {
        self.no_metadata = true;
        self
    }

    /// Answers also what Bedrock would refuse.
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    /// A few words for the record of requests.
    pub(super) fn label(&self) -> String {
        let outcome = match &self.outcome {
            StepOutcome::Echo => "echo".to_owned(),
            StepOutcome::Reply(_) => "reply".to_owned(),
            StepOutcome::Events(_) => "events".to_owned(),
            StepOutcome::Bytes(_) => "bytes".to_owned(),
            StepOutcome::Fail(failure) => format!("fail {}", failure.status),
            StepOutcome::Reset => "reset".to_owned(),
            StepOutcome::Hang => "hang".to_owned(),
        };
        match &self.fault {
            Some(fault) => format!("{outcome}, {:?} after {}", fault.kind, fault.after),
            None => outcome,
        }
    }
}

impl From<StepOutcome> for Step {
    fn from(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            ..Self::default()
        }
    }
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// A duration in milliseconds that may be missing.
mod millis_option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let millis = value.map(|value| u64::try_from(value.as_millis()).unwrap_or(u64::MAX));
        millis.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_as_json_with_milliseconds() {
        let json = r#"{"outcome": {"fail": {"status": 503, "type": "ServiceUnavailableException"}},
            "head_delay": 250, "fault": {"after": 2, "kind": {"stall": 100}}}"#;
        let step: Step = serde_json::from_str(json).unwrap();
        assert_eq!(step.head_delay, Duration::from_millis(250));
        let stall = FaultKind::Stall(Duration::from_millis(100));
        assert_eq!(step.fault.as_ref().unwrap().kind, stall);
        let again: Step = serde_json::from_value(serde_json::to_value(&step).unwrap()).unwrap();
        assert_eq!(again, step);
        assert!(serde_json::from_str::<Step>(r#"{"outcome": "reset"}"#).is_ok());
        assert!(serde_json::from_str::<Step>(r#"{"oops": 1}"#).is_err());
    }
}
