//! What OpenAI's two wires, chat completions and Responses, have in common.

mod content;
mod files;
pub(crate) mod format;
pub(crate) mod service;
mod stream_options;
mod tool_calls;
pub(crate) mod unsupported;

pub(crate) use content::WirePart;
pub(crate) use stream_options::{StreamOptions, wants_usage};
pub(crate) use tool_calls::{CalledFunction, WireToolCall, all_calls, calls};
