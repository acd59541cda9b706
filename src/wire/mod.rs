//! What every wire towards clients has in common, and what one has to be for `http/` to serve it.
//!
//! A wire is a room of its own (`openai/`, `anthropic/`, `responses/`) that translates to and from the domain in `conversation/`: no wire is
//! translated into another, and none knows HTTP, an SDK or I/O. A new one is a type that implements [`Wire`] and a line
//! in the router; admission, chains, records and logs are the same for all.

mod arguments;
mod blocks;
mod body;
mod content;
mod effort;
mod error;
mod fallback;
mod fields;
pub(crate) mod free_form;
mod labels;
mod left_out;
pub(crate) mod limits;
pub(crate) mod loose;
pub(crate) mod media;
pub(crate) mod numbers;
pub(crate) mod openai;
mod options;
mod priced;
mod seal;
mod stored;
pub(crate) mod surrogates;
pub(crate) mod tool;
mod tool_choice;
pub(crate) mod tools;
mod usage;

pub use error::ApiError;
pub use fallback::{FallbackFields, WireFallback};
pub use labels::Labels;
pub use options::{MockFailure, Options, RemoteImage};

pub(crate) use options::GatewayParams;
pub use priced::Priced;
pub use seal::Seal;
pub use stored::stored_request;

pub(crate) use arguments::Arguments;
pub(crate) use blocks::{CacheControl, WireSource, citations, redacted, signed};
pub(crate) use body::{header, headline, parse, read, seconds};
pub(crate) use content::{Content, ContentPart, LooseContent, with_mark};
pub(crate) use effort::{Betas, effort};
pub(crate) use fields::Settings;
pub(crate) use labels::{ClaudeCodeUser, LONGEST_TAG, is_legal_in_tags};
pub(crate) use left_out::{LeftOut, is_sound_or_video, tool_reference};
pub(crate) use limits::List;
pub(crate) use loose::Loose;
pub(crate) use usage::CacheCreation;

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use rust_decimal::Decimal;

use crate::conversation::{Event, Reply, Request, Usage};

/// A wire format in which clients ask and are answered.
pub trait Wire: fmt::Debug + Send + Sync {
    /// By which route a request came, as its record says it: LiteLLM's `call_type`.
    fn call_type(&self) -> &'static str;

    /// What a reply's id begins with.
    fn id_prefix(&self) -> &'static str;

    /// The bytes that break a long silence in a stream; clients skip them, also before the first event.
    fn heartbeat(&self) -> &'static [u8];

    /// Parses a request's body. The error names the field that was wrong.
    fn parse(&self, body: &[u8]) -> Result<Box<dyn WireRequest>, ApiError>;

    /// The body of a reply that is not streamed, as JSON. `cost` is in US dollars; `None` where a price is unknown.
    ///
    /// # Errors
    /// When the reply is no JSON, which no reply can be.
    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        cost: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error>;

    /// Writes a streamed reply.
    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter>;
}

/// A request's body as it came.
pub trait WireRequest: fmt::Debug + Send {
    /// Every picture that stands elsewhere and was not fetched yet, in order.
    fn remote_images(&mut self) -> Vec<RemoteImage>;

    /// Puts what was found at the addresses of [`Self::remote_images`], in the same order.
    fn put_images(&mut self, pictures: Vec<Bytes>);

    /// Whether the client brings back something that went out under a [`Seal`].
    fn is_sealed(&self) -> bool {
        false
    }

    /// Takes what has the mark of this seal. What has not, or is never shown to one, is left out.
    fn unseal(&mut self, _: &Seal) {}

    /// The request in the domain's terms, and what is said beside it.
    fn into_conversation(
        self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, Options), ApiError>;
}

/// What every reply says of itself, and what it must know of its request.
#[derive(Debug, Clone, Default)]
pub struct ReplyMeta {
    /// The reply's id, which finds its record.
    pub id: String,
    /// When the request came, in Unix seconds.
    pub created: i64,
    /// The group that answers; empty until one does.
    pub model: String,
    /// The client wants the usage at the end of the stream, on a wire where that is a choice.
    pub include_usage: bool,
    /// Seals the thinking that goes to the client with its signatures, on a wire where that is a choice; `None`: it
    /// stays here.
    pub seal: Option<Seal>,
    /// The tools that the client gave as taking free text, by the names that the domain has for them.
    pub free_form: Vec<String>,
}

/// Writes the events of one streamed reply.
pub trait StreamWriter: fmt::Debug + Send {
    /// An answer begins: appends what comes before its first event, if anything does. Bedrock counts the prompt at the
    /// end; until then there is an estimate of its tokens.
    fn begin(&mut self, model: String, estimated_prompt: u64, out: &mut BytesMut);

    /// Another model goes on with the answer, after text, after thinking or after nothing. What it thinks is not what
    /// the first one began to think.
    fn continue_with(&mut self, model: String, out: &mut BytesMut);

    /// Appends what a client sees of `event`.
    fn event(&mut self, event: &Event, out: &mut BytesMut);

    /// Appends the end of a whole answer. Only here may a client learn that it is whole.
    fn end(&mut self, usage: &Usage, cost: Option<Decimal>, out: &mut BytesMut);

    /// Appends an error, whether or not an answer has begun. Nothing follows it: what was sent before must not pass for
    /// a whole answer.
    fn fail(&mut self, error: &ApiError, out: &mut BytesMut);
}
