//! OpenAI's chat completions wire: requests in, replies, chunks and errors out; and its wire for embeddings.
//!
//! A translation to and from the domain in `conversation/` and `retrieval/`; no axum, no routes, no SDK type, no I/O.

mod annotations;
mod delta;
mod embeddings;
mod message;
mod reply;
mod request;
mod stored;
mod stream;
mod thinking;
mod usage;

pub use embeddings::Embeddings;
pub use reply::{Completion, completion};
pub use request::ChatRequest;
pub use stored::stored_reply;
pub use stream::ChunkWriter;

use rust_decimal::Decimal;

use crate::conversation::Reply;
use crate::wire::{ApiError, ReplyMeta, StreamWriter, Wire, WireRequest};

/// The wire of `POST /chat/completions`.
#[derive(Debug)]
pub struct Chat;

impl Wire for Chat {
    fn call_type(&self) -> &'static str {
        "acompletion"
    }

    fn id_prefix(&self) -> &'static str {
        "chatcmpl-"
    }

    fn heartbeat(&self) -> &'static [u8] {
        b": ping\n\n"
    }

    fn parse(&self, body: &[u8]) -> Result<Box<dyn WireRequest>, ApiError> {
        Ok(Box::new(ChatRequest::parse(body)?))
    }

    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        cost: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&completion(meta, reply, cost))
    }

    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter> {
        Box::new(ChunkWriter::new(meta))
    }
}

#[cfg(test)]
mod tests;
