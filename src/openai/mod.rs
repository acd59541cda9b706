//! OpenAI's chat completions wire: requests in, replies, chunks and errors out.
//!
//! A translation to and from the domain in `conversation/`; no HTTP, no SDK type, no I/O.

mod annotations;
mod chunk;
pub(crate) mod content;
mod delta;
mod files;
pub(crate) mod format;
pub(crate) mod message;
mod reply;
mod request;
pub(crate) mod service;
mod stored;
pub(crate) mod stream_options;
mod thinking;
pub(crate) mod unsupported;
mod usage;

pub use chunk::ChunkWriter;
pub use reply::{Completion, completion};
pub use request::ChatRequest;
pub use stored::stored_reply;

use rust_decimal::Decimal;

use crate::conversation::Reply;
use crate::wire::{Head, Wire};

/// The wire of `POST /chat/completions`.
#[derive(Debug)]
pub struct Chat;

impl Wire for Chat {
    const CALL_TYPE: &'static str = "acompletion";
    const ID_PREFIX: &'static str = "chatcmpl-";
    const HEARTBEAT: &'static [u8] = b": ping\n\n";

    type Body = ChatRequest;
    type Writer = ChunkWriter;
    type Whole = Completion;

    fn whole(head: Head, reply: Reply, cost: Option<Decimal>) -> Completion {
        completion(head, reply, cost)
    }
}

#[cfg(test)]
mod tests;
