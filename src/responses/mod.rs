//! OpenAI's Responses wire: requests in, responses, events and errors out. Codex speaks it, and so do OpenAI's SDKs.
//!
//! A translation to and from the domain in `conversation/`; no axum, no routes, no SDK type, no I/O. The parts of a
//! message are those of OpenAI's chat wire. What is stored is found by its caller (`http/chat/stored.rs`) and put in
//! here as JSON:
//!
//! | in the request | what becomes of it |
//! |---|---|
//! | `store` | `false`: nothing is stored. The reply's is true where its items can be referred to |
//! | `previous_response_id` | the items of the responses before, where they are stored; else 400 with the code `previous_response_not_found`: clients send their history then |
//! | `item_reference` | the item, where it is stored; else 400 with OpenAI's sentence for it |
//! | `conversation`, `prompt`, `background` | 400 |
//! | `compaction` items | the summary that is sealed in them; 400 where the seal is not good |
//! | `compaction_trigger`, `context_management` | see `compaction` |
//! | `reasoning` items with `encrypted_content` | the signed thinking of the model, put back where it stood if its seal is good |
//! | `reasoning` items without it, references to those that are not stored | dropped: the thinking that led to a tool call is kept here and put back |
//! | `function` tools | tools |
//! | `custom` tools | tools with one text as their argument; their calls are `custom_tool_call` items |
//! | `namespace` tools | their functions, each under `<namespace>::<name>`; their calls name both again. `functions` is the namespace that is meant without one |
//! | tools in `additional_tools` and `tool_search_output` items | join `tools`; where a name comes again, the last one holds |
//! | hosted tools (`web_search`, `image_generation`, …) beside others | left out, and the reply's `x-sidecar-dropped` names them: the model does without |
//! | hosted tools alone, or forced by `tool_choice` | 400, unless `drop_params` |
//! | tools of unknown types with a name and a schema | `function` tools |
//! | `web_search_call` items | a note of what was searched for, with the links and extracts that the item has; they are named |
//! | what other hosted tools noted of their work in the history | left out and named |
//! | items of unknown kinds | a note in their place; they are named |
//! | `service_tier` | the tier of Bedrock, as on the chat wire |
//! | `top_logprobs`, `message.output_text.logprobs` in `include` | 400: Bedrock has none |
//! | `truncation: auto`, other `context_management`, `prompt_cache_retention: 24h` | left out and named |
//! | `client_metadata`, `max_tool_calls` (OpenAI counts its hosted tools by it), `text.verbosity`, … | skipped |
//!
//! `encrypted_content` is packed and sealed, not encrypted: it holds what Bedrock signed, under the gateway's mark for
//! the caller's key. What has not this mark is left out, and the turn runs without thinking: a client can neither forge
//! blocks nor bring another key's. While the table cannot be reached there is no mark, so nothing is sealed and nothing
//! taken.

mod compaction;
mod content;
mod envelope;
mod error;
mod ids;
mod include;
mod input;
mod items;
mod reply;
mod request;
mod retrieved;
mod sealed;
mod searches;
mod stored_items;
mod stream;
mod usage;

pub use compaction::Compact;
pub use ids::response_key;
pub use request::ResponsesRequest;
pub use retrieved::{InputPage, deleted, input_page, not_stored, retrieved};
pub use stored_items::{input_items, since_compaction};
pub use stream::ResponseWriter;

use rust_decimal::Decimal;

use crate::conversation::Reply;
use crate::wire::{AnswerToStore, ApiError, ReplyMeta, StreamWriter, Wire, WireRequest};

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
        Ok(Box::new(ResponsesRequest::parse(body)?.compacting()))
    }

    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        _: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&reply::response(&meta, &reply))
    }

    fn check(&self, meta: &ReplyMeta, reply: &Reply) -> Result<(), ApiError> {
        match meta.compaction {
            Some(_) => compaction::of_answer(meta, &reply.text(), reply.stop.as_ref(), 0).map(drop),
            None => Ok(()),
        }
    }

    fn answer_to_store(&self, meta: &ReplyMeta, reply: &Reply) -> Option<AnswerToStore> {
        reply::to_store(meta, reply)
    }

    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter> {
        Box::new(ResponseWriter::new(meta))
    }
}

#[cfg(test)]
mod tests;
