//! bedrock-sidecar: an OpenAI-compatible gateway for Amazon Bedrock.
//!
//! A request goes one way through the house: `http` reads it, its wire (`openai`, `responses` or `anthropic`, each a
//! `wire`) translates it into the `conversation`, `keys` says whether the caller may, `thinking` puts back what clients
//! lose and `response_store` what they only refer to, `chain` picks targets and keeps trying, `bedrock` plans and calls
//! one of them as the `catalog` says it can be called, `spend` counts what it cost, and `store` keeps it. A request for
//! vectors, or for the order of documents, goes the same way as a `retrieval` instead of a conversation; `rerank` is
//! the wire of the latter. `limits` counts for `keys` and `chain` what a minute and a moment allow. `identity` has the
//! teams and users that keys belong to. `web_search` searches the web where no model is asked. `alerts` tells people
//! what they have not asked for, `otlp` sends a span of each request to a collector, and `audit` keeps who has changed
//! what. `config` says what there is, `admin` shows it all to people, and `shell` is what a process is: a server here,
//! a function on Lambda. `app` is what requests share; `panics` and `tls` are helpers. `simulator` is a simulated
//! Bedrock for developers and tests.
//!
//! Dependencies point inwards: shell → http, admin → openai, responses, anthropic, rerank → wire, keys, chain,
//! thinking, response_store → alerts, otlp, identity, spend → limits, web_search → bedrock, store → catalog, config,
//! conversation, retrieval; `simulator` depends on the catalog alone; `clock` tells the time, `json` is how they read
//! what people write, `transport` and `web` call hosts that are not Bedrock's.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod admin;
pub mod alerts;
pub mod anthropic;
pub mod app;
pub mod audit;
pub mod bedrock;
pub mod catalog;
pub mod chain;
pub mod clock;
pub mod config;
pub mod conversation;
mod http;
pub mod identity;
mod json;
pub mod keys;
pub mod limits;
pub mod openai;
pub mod otlp;
mod panics;
pub mod rerank;
pub mod response_store;
pub mod responses;
pub mod retrieval;
pub mod shell;
#[cfg(feature = "local")]
pub mod simulator;
pub mod spend;
pub mod store;
pub mod thinking;
mod tls;
pub mod transport;
mod web;
pub mod web_search;
pub mod wire;

pub use app::{AppState, BasePath, BodyTimes, ClientAddress, Deadline, DomainName};

/// The one handler that every shell serves.
pub fn app(state: AppState) -> axum::Router {
    let router = http::router(state.clone()).merge(admin::router(state.clone()));
    http::observed(router, &state)
}
