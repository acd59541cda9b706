//! What a dialect's reader of answers has to do.

use std::collections::VecDeque;
use std::fmt;

use crate::catalog::ServiceTerms;
use crate::conversation::Event;

use super::failure::Failure;

/// Turns the frames of an answer into the domain's events.
pub(super) trait Decoder: fmt::Debug + Send + Sync {
    /// Adds to `out` the meaning of the event of this name: nothing for events that say nothing to a client, and for
    /// those that are not known yet.
    fn decode(
        &mut self,
        name: &str,
        payload: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<(), DecodeError>;

    /// Whether the next event is the rest of a tool call: models may write all of its arguments before it comes.
    fn is_in_tool_call(&self) -> bool;

    /// On what terms the answer was served, as far as Bedrock has said.
    fn served(&self) -> &ServiceTerms;

    /// The usage has shown that cached tokens are not counted as input, where that was expected.
    fn counts_cache_apart(&self) -> bool {
        false
    }
}

/// Why an event could not be decoded.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// The payload is not this event's JSON.
    Unreadable(serde_json::Error),
    /// It says that the answer has failed.
    Failed(Box<Failure>),
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<Failure> for DecodeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}
