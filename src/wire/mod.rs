//! What every wire towards clients has in common, and what one has to be for `http/` to serve it.
//!
//! A wire has a folder of its own (`openai/`, `anthropic/`, `responses/`, `rerank/`) that translates to and from the
//! domain in `conversation/` and `retrieval/`: no wire is translated into another, and none knows axum, routes, an SDK
//! or I/O. A new one is a type that implements [`Wire`] and a line in the router; admission, chains, records and logs
//! are the same for all.

mod arguments;
mod blocks;
mod body;
mod client_app;
mod content;
mod dropped_fields;
mod effort;
mod error;
mod fallback;
mod fields;
pub(crate) mod free_form;
mod hosted;
mod labels;
pub(crate) mod limits;
pub(crate) mod loose;
pub(crate) mod media;
pub(crate) mod numbers;
pub(crate) mod openai;
mod options;
mod priced;
mod references;
mod retrieval;
mod seal;
mod stored;
pub(crate) mod surrogates;
pub(crate) mod tool;
mod tool_choice;
pub(crate) mod tools;
mod usage;

pub use client_app::ClientApp;
pub use error::{ApiError, UpstreamError};
pub use fallback::{FallbackFields, WireFallback};
pub use hosted::{HostedAnswer, HostedFailure, HostedRequest, HostedTool};
pub use labels::Labels;
pub use options::{Compaction, MockFailure, RemoteImage, RequestOptions};

pub(crate) use options::GatewayParams;
pub use priced::Priced;
pub use references::{AnswerToStore, FoundReferences, ItemReference, References};
pub(crate) use retrieval::RetrievalExtras;
pub use retrieval::{ParsedRetrieval, RetrievalReply, RetrievalWire};
pub use seal::Seal;
pub use stored::stored_request;

pub(crate) use arguments::Arguments;
pub(crate) use blocks::{CacheControl, WireSource, citations, redacted, signed};
pub(crate) use body::{header, headline, parse, read, seconds};
pub(crate) use content::{Content, ContentPart, LooseContent, with_mark};
pub(crate) use dropped_fields::{DroppedFields, is_sound_or_video, tool_reference};
pub(crate) use effort::{Betas, effort};
pub(crate) use fields::SettingsObject;
pub(crate) use labels::{ClaudeCodeUser, LONGEST_TAG, is_legal_in_tags};
pub(crate) use limits::List;
pub(crate) use loose::Loose;
pub(crate) use usage::CacheCreation;

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use rust_decimal::Decimal;

use crate::conversation::{Event, NativeStart, Reply, Request, Usage};

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
    /// Never in practice: every reply can be written as JSON.
    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        cost: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error>;

    /// Fails if the reply does not answer the request.
    fn check(&self, _: &ReplyMeta, _: &Reply) -> Result<(), ApiError> {
        Ok(())
    }

    /// A reply that is not streamed as it is stored; `None` on a wire whose clients refer to nothing.
    fn answer_to_store(&self, _: &ReplyMeta, _: &Reply) -> Option<AnswerToStore> {
        None
    }

    /// The events of an answer for which no model was asked; none on a wire whose requests are never answered so.
    fn hosted_answer(&self, _: &HostedAnswer) -> Vec<Event> {
        Vec::new()
    }

    /// Writes a streamed reply.
    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter>;
}

/// A request's body as it came.
pub trait WireRequest: fmt::Debug + Send {
    /// What it names of earlier answers; `None` on a wire whose clients refer to nothing.
    fn references(&self) -> Option<References> {
        None
    }

    /// Puts what was found of [`Self::references`]. What was not found and is needed is refused with the conversation.
    fn put_found(&mut self, _: &FoundReferences) -> Result<(), ApiError> {
        Ok(())
    }

    /// Every picture that stands elsewhere and was not fetched yet, in order.
    fn remote_images(&mut self) -> Vec<RemoteImage>;

    /// Puts what was found at the addresses of [`Self::remote_images`], in the same order.
    fn put_images(&mut self, pictures: Vec<Bytes>);

    /// Whether the client brings back something that went out under a [`Seal`].
    fn is_sealed(&self) -> bool {
        false
    }

    /// Opens what carries this seal's mark. Thinking without the mark is left out; a summary without it is refused with
    /// the conversation.
    fn unseal(&mut self, _: &Seal) {}

    /// The request in the domain's terms, and what is said beside it.
    fn into_conversation(
        self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError>;
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
    /// The seal on what the client carries for the gateway, where it is to carry something; `None` while the table
    /// cannot be reached, too.
    pub seal: Option<Seal>,
    /// The thinking goes to the client with its signatures, under the seal, on a wire where that is a choice.
    pub include_thinking: bool,
    /// Whether later requests can refer to the answer: until its end, whether they are to.
    pub store: bool,
    /// The response that it goes on from, by the client's own word.
    pub previous_response_id: Option<String>,
    /// The answer is a summary of the conversation, and goes out as such behind these messages of it (JSON).
    pub compaction: Option<Vec<String>>,
    /// The summary from which the answer goes on, where the conversation was summed up for it.
    pub compacted: Option<String>,
    /// The tools that the client gave as taking free text, by the names that the domain has for them.
    pub free_form: Vec<String>,
}

/// Writes the events of one streamed reply.
pub trait StreamWriter: fmt::Debug + Send {
    /// The conversation was summed up before it is answered: said before [`Self::begin`].
    fn compacted(&mut self, _: String) {}

    /// An answer begins: appends what comes before its first event, if anything does. Bedrock counts the prompt at the
    /// end; until then there is an estimate of its tokens, or what Claude says in its own format.
    fn begin(
        &mut self,
        model: String,
        estimated_prompt: u64,
        native: Option<&NativeStart>,
        out: &mut BytesMut,
    );

    /// Another model goes on with the answer, after text, after thinking or after nothing. What it thinks is not what
    /// the first one began to think.
    fn continue_with(&mut self, model: String, out: &mut BytesMut);

    /// Appends what a client sees of `event`.
    fn event(&mut self, event: &Event, out: &mut BytesMut);

    /// The whole answer as it is stored; what is still open of it is closed. `None` on a wire whose clients refer to
    /// nothing.
    fn answer_to_store(&mut self, _: &Usage, _: &mut BytesMut) -> Option<AnswerToStore> {
        None
    }

    /// Whether [`Self::answer_to_store`] was stored, for the end to say.
    fn set_stored(&mut self, _: bool) {}

    /// Appends the end of a whole answer. Only here may a client learn that it is whole.
    fn end(&mut self, usage: &Usage, cost: Option<Decimal>, out: &mut BytesMut);

    /// Appends an error, whether or not an answer has begun. Nothing follows it: what was sent before must not pass for
    /// a whole answer.
    fn fail(&mut self, error: &ApiError, out: &mut BytesMut);
}
