//! What the gateway promises, one file per promise, each kept through the real HTTP surface against the simulated
//! Bedrock and the embedded table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

mod agent_loop;
mod anthropic;
mod auth;
mod caching;
mod chat;
mod clients;
mod cooldown;
mod errors;
mod fallback;
mod faults;
mod fields;
mod formats;
mod health;
mod lambda;
mod models;
mod recordings;
mod records;
mod recovery;
mod responses;
mod routing;
mod soak;
mod streams;
mod thinking;
mod times;
