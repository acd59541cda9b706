//! Amazon Bedrock: plans a request for one target, calls it, and turns its stream into the domain's events.
//!
//! The only module that names an SDK type of Bedrock. It knows nothing of chains, keys or HTTP towards clients, and
//! never tries a call twice.

mod call;
mod class;
mod clients;
mod converse;
mod decoder;
mod failure;
mod frames;
mod idle_timer;
mod invoke;
mod key_restorer;
mod messages;
pub mod plan;
mod raw_body;
mod redact;
pub mod retrieval;
mod role_sessions;
mod shape;
mod wordings;

pub use call::{Answer, CallTimeouts, Endpoint};
pub use class::{Class, ContextOverflow, Feature};
pub use clients::{BedrockClients, Override};
pub use failure::Failure;
pub use role_sessions::SessionCaller;

use crate::catalog::Dialect;

/// The content type of what InvokeModel takes and gives.
const JSON: &str = "application/json";

/// The body of a request, by the dialect of its plan.
///
/// # Errors
/// Never in practice: every plan can be written as JSON.
pub fn body(plan: &plan::Plan) -> Result<bytes::Bytes, serde_json::Error> {
    match plan.dialect {
        Dialect::Converse => converse::body(plan),
        Dialect::Messages => messages::body(plan),
    }
}

/// The body of a CountTokens request.
fn count_body(plan: &plan::Plan) -> Result<bytes::Bytes, serde_json::Error> {
    match plan.dialect {
        Dialect::Converse => converse::count_body(plan),
        Dialect::Messages => messages::count_body(plan),
    }
}
