//! Amazon Bedrock: plans a request for one target, calls it, and turns its stream into the domain's events.
//!
//! The only module that names an SDK type of Bedrock. It knows nothing of chains, keys or HTTP towards clients, and
//! never tries a call twice.

mod call;
mod class;
mod clients;
mod events;
mod failure;
mod fault;
mod frames;
mod held;
mod idle_timer;
pub mod plan;
mod raw_body;
mod shape;
mod wire;
mod wordings;

pub use call::{Answer, Endpoint, Limits};
pub use class::{Class, Feature};
pub use clients::{Clients, Override};
pub use failure::Failure;
pub use wire::body;
