//! The dialect of InvokeModel with Claude's own Messages format
//! (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>): a
//! [`Plan`](super::plan::Plan) as the body of a request, and the stream as the domain's events.
//!
//! An answer is always read as a stream. What the domain has no words for goes through as it is, both ways.

mod blocks;
mod body;
mod citation;
mod events;
mod payload;
mod usage;

pub use body::body;
pub(super) use body::{count_body, headers};
pub(super) use events::MessagesDecoder;
