//! What the gateway costs beside the wait for Bedrock, measured on loopback.
//!
//! Here live the pieces: servers that stand in for AWS and answer at once, clients that measure, and the work that is
//! counted in instructions. `examples/gauge.rs` puts them together; each runs in a process of its own, so that none
//! takes another's time. Nothing here is part of the gateway.

pub mod compare;
pub mod direct;
pub mod lambda;
pub mod load;
pub mod passthrough;
pub mod process;
pub mod prompt;
pub mod report;
pub mod runtime_api;
pub mod serve;
pub mod table;
pub mod upstream;
pub mod work;

/// Whatever goes wrong ends a measurement.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
