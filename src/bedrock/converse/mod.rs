//! The dialect of Converse (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>),
//! which nearly every chat model speaks: a [`Plan`](super::plan::Plan) as the body of a request, and the stream or the
//! reply as the domain's events.

mod body;
mod events;

pub use body::body;
pub(super) use body::count_body;
pub(super) use events::ConverseDecoder;
