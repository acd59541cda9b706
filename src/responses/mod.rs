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
//! | items of kinds that nobody here knows | a note in their place; they are named |
//! | `service_tier` | the tier of Bedrock, as on the chat wire |
//! | `top_logprobs`, `message.output_text.logprobs` in `include` | 400: Bedrock has none |
//! | `truncation: auto`, `context_management`, `prompt_cache_retention: 24h` | left out and named |
//! | `client_metadata`, `max_tool_calls` (OpenAI counts its hosted tools by it), `text.verbosity`, … | skipped |
//!
//! `encrypted_content` is packed and sealed, not encrypted: it holds what Bedrock signed, under the gateway's mark for the
//! caller's key. What has not this mark is left out, and the turn runs without thinking: a client can neither forge blocks
//! nor bring another key's. While the table cannot be reached there is no mark, so nothing is sealed and nothing taken.

mod include;
mod input;
mod item;
mod open;
mod output;
mod request;
mod sealed;
mod stream;

pub use request::ResponsesRequest;
pub use stream::ResponseWriter;

use bytes::BytesMut;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::conversation::{Event, Reply, ReplyPart, StopReason};
use crate::wire::{Head, Wire, Writer};

/// The wire of `POST /v1/responses`.
#[derive(Debug)]
pub struct Responses;

impl Wire for Responses {
    const CALL_TYPE: &'static str = "aresponses";
    const ID_PREFIX: &'static str = "resp_";
    const HEARTBEAT: &'static [u8] = b": ping\n\n";

    type Body = ResponsesRequest;
    type Writer = ResponseWriter;
    type Whole = Value;

    /// The response is what its stream ends with.
    fn whole(head: Head, reply: Reply, _: Option<Decimal>) -> Value {
        let unread = &mut BytesMut::new();
        let usage = reply.usage.unwrap_or_default();
        let model = head.model.clone();
        let mut writer = ResponseWriter::new(head);
        writer.begin(model, 0, unread);
        let mut calls = 0;
        for part in reply.parts {
            for event in events(part, &mut calls) {
                writer.event(&event, unread);
            }
        }
        for citation in reply.citations {
            writer.event(&Event::Citation(citation), unread);
        }
        let stop = reply.stop.unwrap_or(StopReason::EndTurn);
        writer.event(&Event::Stop(stop), unread);
        writer.response(Some(&usage))
    }
}

/// The events that a part of a finished answer came from.
fn events(part: ReplyPart, calls: &mut usize) -> Vec<Event> {
    match part {
        ReplyPart::Text(text) => vec![Event::Text(text)],
        ReplyPart::Thinking { text, signature } => {
            let signed = (!signature.is_empty()).then_some(Event::Signature(signature));
            std::iter::once(Event::Thinking(text))
                .chain(signed)
                .collect()
        }
        ReplyPart::RedactedThinking(data) => vec![Event::RedactedThinking(data)],
        ReplyPart::ToolCall { id, name, input } => {
            let index = *calls;
            *calls += 1;
            vec![
                Event::ToolCall { index, id, name },
                Event::ToolInput { index, json: input },
            ]
        }
    }
}

#[cfg(test)]
mod tests;
