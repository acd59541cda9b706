//! bedrock-sidecar: an OpenAI-compatible gateway for Amazon Bedrock.
//!
//! A request goes one way through the house: `http` reads it, its wire (`openai`, `responses` or `anthropic`, each a
//! `wire`) translates it into the `conversation`, `keys` says whether the caller may, `thinking` puts back what clients
//! lose, `chain` picks targets and keeps trying, `bedrock` plans and calls one of them as the `catalog` says it can be
//! called, `spend` counts what it cost, and `store` keeps it. `limits` counts for `keys` and `chain` what a minute and a
//! moment allow. `config` says what there is, `admin` shows it all to people, and `shell` is what a process is: a server
//! here, a function on Lambda. `simulator` is a simulated Bedrock for developers and tests.
//!
//! Dependencies point inwards: shell → http, admin → openai, responses, anthropic → wire, keys, chain, spend, thinking →
//! limits → bedrock, store → catalog, config, conversation; `simulator` depends on the catalog alone; `clock` tells the
//! time, `json` is how they read what people write.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod admin;
pub mod anthropic;
pub mod app;
pub mod bedrock;
pub mod catalog;
pub mod chain;
pub mod clock;
pub mod config;
pub mod conversation;
mod http;
mod json;
pub mod keys;
pub mod limits;
pub mod openai;
mod panics;
pub mod responses;
pub mod shell;
#[cfg(feature = "local")]
pub mod simulator;
pub mod spend;
pub mod store;
pub mod thinking;
pub mod wire;

pub use app::{AppState, BodyTimes, ClientAddress, Deadline};

/// The one handler that every shell serves.
pub fn app(state: AppState) -> axum::Router {
    let times = state.body_times;
    http::observed(
        http::router(state.clone()).merge(admin::router(state)),
        times,
    )
}
