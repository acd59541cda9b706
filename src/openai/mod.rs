//! OpenAI's chat completions wire: requests in, replies, chunks and errors out.
//!
//! A translation to and from the domain in `conversation/`; no HTTP, no SDK type, no I/O.

mod annotations;
mod chunk;
mod content;
mod error;
mod fallback;
mod files;
mod format;
mod labels;
mod media;
mod message;
mod numbers;
mod options;
mod priced;
mod reply;
mod request;
mod service;
mod stored;
mod surrogates;
mod thinking;
mod tools;
mod unsupported;
mod usage;

pub use chunk::ChunkWriter;
pub use error::ApiError;
pub use fallback::{WireFallback, changed_body};
pub use labels::Labels;
pub use options::{MockFailure, Options, RemoteImage};
pub use priced::Priced;
pub use reply::{Completion, completion};
pub use request::{ChatRequest, headline};
pub use stored::{stored_reply, stored_request};

#[cfg(test)]
mod tests;
