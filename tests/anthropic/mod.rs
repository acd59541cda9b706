//! What Claude Code and Anthropic's SDKs are promised.

mod asked;
mod beginning;
mod claude_code;
mod count;
mod cuts;
mod errors;
mod healed;
mod left_out;
mod matrix;
mod models;
mod native;
mod replies;
mod thinking;
