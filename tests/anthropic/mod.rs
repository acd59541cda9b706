//! What Claude Code and Anthropic's SDKs are promised.

mod asked;
mod beginning;
mod count;
mod cuts;
mod errors;
mod healed;
mod left_out;
mod models;
mod replies;
mod thinking;
