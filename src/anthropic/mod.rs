//! Anthropic's Messages wire: requests in, messages, events and errors out. Claude Code speaks it, and so do Anthropic's
//! SDKs.
//!
//! A translation to and from the domain in `conversation/`; no HTTP, no SDK type, no I/O. What Anthropic's own service
//! has beside the model is not all on Bedrock:
//!
//! | in the request | what becomes of it |
//! |---|---|
//! | `anthropic-beta: interleaved-thinking-…`, `context-1m-…`, `fine-grained-tool-streaming-…`, `token-efficient-tools-…`, `output-128k-…`, `computer-use-…` | passed to Claude |
//! | `anthropic-beta: effort-…`, `structured-outputs-…`, `prompt-caching-…`, `extended-cache-ttl-…` | dropped: the planner asks for these in Bedrock's way |
//! | every other beta | dropped: it changes no answer that is asked for without it |
//! | `context_management`: `clear_tool_uses_20250919` | passed to Claude with its beta |
//! | `context_management`: `clear_thinking_20251015` | dropped: Claude gets what the client sends |
//! | `context_management`: anything else (compaction) | 400: its blocks have no place in Converse |
//! | server-side tools (`web_search_…`, `web_fetch_…`, `code_execution_…`, `tool_search_…`, …) beside tools of the client's | dropped: the model does without |
//! | server-side tools alone, or one that `tool_choice` names | 400, or ignored with `drop_params`; with `tool_choice: none` dropped |
//! | tools that Anthropic defines: `bash_…`, `text_editor_…`, `computer_…` | passed to Claude among its own fields, with the beta of their date; a `tool_choice` that forces one is a 400, and `none` leaves them out; another model does without |
//! | `memory_…` | the same 400 wherever it may be called: it works as a tool with an `input_schema` |
//! | `mcp_servers`, `container`, LiteLLM's `guardrails` | 400, or ignored with `drop_params` |
//! | unknown fields, of the body or of an object of settings in it | left out; the reply's `x-sidecar-dropped` names them (`output_config.task_budget`) |
//! | `fallbacks`: `"default"`, or `{"model": …}` beside the beta `server-side-fallback-…`, or any form but LiteLLM's | left out and named: LiteLLM's own forms are this gateway's |
//! | files by id, documents at web addresses | 400 |
//! | `eager_input_streaming` on a tool | `false` on every tool: arguments come whole; else they come as they are written, where the answer streams and the model does that |
//! | `service_tier`, `inference_geo`, `speed`, `thinking.display` | skipped where they ask for what happens anyway, else left out and named |
//! | `defer_loading`, `allowed_callers`, `input_examples` | skipped |
//! | a tool of an unknown type | the client's, where it has a name and a schema; else left out and named |
//! | a system block `x-anthropic-billing-header: …` | dropped: it is meant for Anthropic's accounts, and it differs between clients that could share a cache |
//! | results of server-side tools in the history | a note with what they say in words; the reply's `x-sidecar-dropped` names the kind |
//! | what a block holds that cannot be read: up to the model's last words, and in tools' results | a note in its place, named; behind them a 400 |
//! | kinds of blocks, and of what pictures and documents are made of, that nobody here knows (`fallback`, `container_upload`, those of tomorrow) | a note in their place; the reply's `x-sidecar-dropped` names the kind |
//! | `tool_reference` in a tool's result | words: the tool is available, for all tools are sent |
//! | `compaction` in the history | its summary as text |

mod beta;
mod content;
mod error;
mod fallbacks;
mod inner;
mod message;
mod models;
mod reply;
mod request;
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

use crate::conversation::Reply;
use crate::wire::{ApiError, ReplyMeta, StreamWriter, Wire, WireRequest};

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
