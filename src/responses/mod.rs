//! OpenAI's Responses wire: requests in, responses, events and errors out. Codex speaks it, and so do OpenAI's SDKs.
//!
//! A translation to and from the domain in `conversation/`; no HTTP, no SDK type, no I/O. The parts of a message are
//! those of OpenAI's chat wire. Nothing is stored here, so every request brings its whole conversation:
//!
//! | in the request | what becomes of it |
//! |---|---|
//! | `store` | accepted and ignored |
//! | `previous_response_id`, `conversation`, `prompt`, `background`, `item_reference` to other items than reasoning | 400 |
//! | `reasoning` items with `encrypted_content` | the signed thinking of the model, put back where it stood if its seal is good |
//! | `reasoning` items without it, references to them | dropped: the thinking that led to a tool call is kept here and put back |
//! | `function` tools | tools |
//! | `custom` tools | tools with one text as their argument; their calls are `custom_tool_call` items |
//! | `namespace` tools | their functions, each under `<namespace>::<name>`; their calls name both again. `functions` is the namespace that is meant without one |
//! | tools in `additional_tools` and `tool_search_output` items | join `tools`; where a name comes again, the last one holds |
//! | hosted tools (`web_search`, `image_generation`, …) beside others | left out, and the reply's `x-sidecar-dropped` names them: the model does without |
//! | hosted tools alone, or forced by `tool_choice` | 400, unless `drop_params` |
//! | tools of unknown types with a name and a schema | `function` tools |
//! | what hosted tools noted of their work in the history | left out and named |
//! | items of unknown kinds | a note in their place; they are named |
//! | `service_tier` | the tier of Bedrock, as on the chat wire |
//! | `top_logprobs`, `message.output_text.logprobs` in `include` | 400: Bedrock has none |
//! | `truncation: auto`, `context_management`, `prompt_cache_retention: 24h` | left out and named |
//! | `client_metadata`, `max_tool_calls` (OpenAI counts its hosted tools by it), `text.verbosity`, … | skipped |
//!
//! `encrypted_content` is packed and sealed, not encrypted: it holds what Bedrock signed, under the gateway's mark for the
//! caller's key. What has not this mark is left out, and the turn runs without thinking: a client can neither forge blocks
//! nor bring another key's. While the table cannot be reached there is no mark, so nothing is sealed and nothing taken.

mod content;
mod envelope;
mod error;
mod include;
mod input;
mod items;
mod reply;
mod request;
mod sealed;
mod stream;
mod usage;

pub use request::ResponsesRequest;
pub use stream::ResponseWriter;

use rust_decimal::Decimal;

use crate::conversation::Reply;
use crate::wire::{ApiError, ReplyMeta, StreamWriter, Wire, WireRequest};

/// The wire of `POST /v1/responses`.
#[derive(Debug)]
pub struct Responses;

impl Wire for Responses {
    fn call_type(&self) -> &'static str {
        "aresponses"
    }

    fn id_prefix(&self) -> &'static str {
        "resp_"
    }

    fn heartbeat(&self) -> &'static [u8] {
        b": ping\n\n"
    }

    fn parse(&self, body: &[u8]) -> Result<Box<dyn WireRequest>, ApiError> {
        Ok(Box::new(ResponsesRequest::parse(body)?))
    }

    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        _: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&reply::response(&meta, reply))
    }

    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter> {
        Box::new(ResponseWriter::new(meta))
    }
}

#[cfg(test)]
mod tests;
