//! Anthropic's Messages wire: requests in, messages, events and errors out. Claude Code speaks it, and so do
//! Anthropic's SDKs.
//!
//! A translation to and from the domain in `conversation/`; no axum, no routes, no SDK type, no I/O. Claude is asked in
//! this very format where it can be (see `bedrock/messages/`); then what the domain has no words for travels beside it,
//! untouched: [`NativeBlock`](crate::conversation::NativeBlock) and
//! [`NativeRequest`](crate::conversation::NativeRequest).
//! For every other model, and where a deployment is asked by Converse:
//!
//! | in the request | what becomes of it on Converse |
//! |---|---|
//! | `anthropic-beta: interleaved-thinking-…`, `context-1m-…`, `fine-grained-tool-streaming-…`, `token-efficient-tools-…`, `output-128k-…`, `computer-use-…` | passed to Claude |
//! | `anthropic-beta: effort-…`, `structured-outputs-…`, `prompt-caching-…`, `extended-cache-ttl-…` | dropped: the planner asks for these in Bedrock's way |
//! | every other beta | dropped: it changes no answer that is asked for without it |
//! | `context_management`: `clear_tool_uses_20250919` | passed to Claude with its beta |
//! | `context_management`: `clear_thinking_20251015` | dropped: Claude gets what the client sends |
//! | `context_management`: anything else, `compaction`, `safeguards` | left out and named |
//! | tools that Anthropic defines: `bash_…`, `text_editor_…`, `computer_…` | passed to Claude among its own fields, with the beta of their date; another model does without |
//! | `memory_…` | an ordinary tool with a description and a schema |
//! | `tool_search_tool_…`, tools of types that nobody here knows | left out and named: all tools are sent in full |
//! | `tool_reference` in a tool's result | words: the tool is available, for all tools are sent |
//! | `compaction` in the history | its summary as text |
//! | `search_result`, documents of chunks, `citations` of a text | text |
//! | kinds of blocks that the gateway does not know | a note in their place; the reply's `x-sidecar-dropped` names the kind |
//!
//! On either:
//!
//! | in the request | what becomes of it |
//! |---|---|
//! | tools of Anthropic's own service (`web_search_…`, `web_fetch_…`, `code_execution_…`, …) beside tools of the client's | dropped: the model does without |
//! | `web_search_…` alone or named by `tool_choice`, in Claude Code's form or with one message to search for | the gateway searches, or says in the answer why it does not |
//! | `web_search_…` in another form, `web_fetch_…` alone | an answer that says so, or ignored with `drop_params` |
//! | the others alone, or one that `tool_choice` names | 400, or ignored with `drop_params`; with `tool_choice: none` dropped |
//! | `mcp_servers`, `container`, LiteLLM's `guardrails` | 400, or ignored with `drop_params` |
//! | unknown fields of the body | left out; the reply's `x-sidecar-dropped` names them |
//! | `fallbacks`: `"default"`, or `{"model": …}` beside the beta `server-side-fallback-…`, or any form but LiteLLM's | left out and named: LiteLLM's own forms are this gateway's |
//! | files by id, documents at web addresses | 400 |
//! | `eager_input_streaming` on a tool | `false` on every tool: arguments come whole; else they come as they are written, where the answer streams and the model does that |
//! | `service_tier`, `inference_geo`, `speed` | skipped where they ask for what happens anyway, else left out and named |
//! | a system block `x-anthropic-billing-header: …` | dropped: it is meant for Anthropic's accounts, and it differs between clients that could share a cache |
//! | results of Anthropic's own tools in the history | a note with what they say in words; the reply's `x-sidecar-dropped` names the kind |
//! | `fallback` blocks in the history | nothing for Claude, a note elsewhere |
//! | what a block holds that cannot be read: up to the model's last words, and in tools' results | a note in its place, named; behind them a 400 |

mod beta;
mod content;
mod error;
mod fallbacks;
mod inner;
mod message;
mod models;
mod reply;
mod request;
mod search;
mod source;
mod stream;
mod thinking;
mod tools;
mod usage;
mod user;

pub use models::{ModelInfo, ModelPage};
pub use reply::Message;
pub use request::MessagesRequest;
pub use stream::EventWriter;

use http::StatusCode;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::conversation::{Event, Reply};
use crate::wire::{ApiError, HostedAnswer, ReplyMeta, StreamWriter, Wire, WireRequest};

/// What Anthropic's own service sends: every SDK skips it.
const HEARTBEAT: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// The wire of `POST /v1/messages`.
#[derive(Debug)]
pub struct Messages;

impl Wire for Messages {
    fn call_type(&self) -> &'static str {
        "anthropic_messages"
    }

    fn id_prefix(&self) -> &'static str {
        "msg_"
    }

    fn heartbeat(&self) -> &'static [u8] {
        HEARTBEAT
    }

    fn parse(&self, body: &[u8]) -> Result<Box<dyn WireRequest>, ApiError> {
        Ok(Box::new(MessagesRequest::parse(body)?))
    }

    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        _: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Message::new(meta, reply))
    }

    fn hosted_answer(&self, answer: &HostedAnswer) -> Vec<Event> {
        search::events(answer)
    }

    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter> {
        Box::new(EventWriter::new(meta))
    }
}

/// An error as a response of this wire: its status and its body. `request_id` finds its record.
pub fn error_response(error: &ApiError, request_id: Option<&str>) -> (StatusCode, Value) {
    (error::status(error), error::body(error, request_id))
}

#[cfg(test)]
mod tests;
