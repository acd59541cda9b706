//! What the tests have in common: a gateway under test, what stands around it, and how clients and Bedrock are played.

pub mod anthropic;
mod app;
mod bedrock;
pub mod books;
mod both_ways;
mod builder;
mod chat;
mod clock;
mod config;
pub mod identity_provider;
pub mod keys;
pub mod lambda;
pub mod log_lines;
pub mod other_provider;
mod panicking;
mod ports;
pub mod process;
mod replies;
pub mod responses;
mod runtime_api;
mod sample;
pub mod table_proxy;

pub use app::TestApp;
pub use bedrock::{
    THOUGHT, all_models, none_refused, offline_sdk, simulated, thoughtful, thoughtful_and_redacted,
    tokens, validation_error,
};
pub use both_ways::{both_ways, post_both_ways};
pub use builder::TestAppBuilder;
pub use chat::{Chunks, hello, hello_with, read_sse, remember, with_fields};
pub use clock::TestClock;
pub use config::{BACKUP, CONFIG, LAST, PRIMARY};
pub use keys::KEY;
pub use ports::silent_port;
pub use replies::{DROPPED, dropped, header, is_plain, trail_of};
