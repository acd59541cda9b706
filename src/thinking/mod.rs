//! The store of thinking: signed blocks that clients lose and Bedrock wants back.
//!
//! Most clients replay a tool call without the thinking that led to it, and with thinking `enabled` Bedrock refuses
//! that turn. So the blocks of a turn that calls tools are kept, in one or more items under (owner, first tool call
//! id), and put back byte for byte when the call is replayed. The [`ThinkingRecorder`] watches an answer, the
//! [`ThinkingStore`] stores and recalls.
//!
//! A folder of its own beside `chain/` and `spend/`, over `store/`: what is recalled goes into the request before the
//! chain sees it, so that a target's planning stays pure and the chain knows nothing of stored thinking; and what a
//! target does with blocks is planning's business. Clients that carry blocks themselves get them under a mark that is
//! made with the shared [`TableSecret`](crate::store::TableSecret). Nothing here may fail a request: without the table
//! a turn runs without thinking.

mod memory;
mod packed;
mod recorder;
mod store;

pub use recorder::ThinkingRecorder;
pub use store::ThinkingStore;

#[cfg(all(test, feature = "local"))]
mod tests;
