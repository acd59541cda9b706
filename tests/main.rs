//! What the gateway promises, one file per promise, each kept through the real HTTP surface against the simulated
//! Bedrock and the embedded table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

mod admin;
mod agent_loop;
mod aliases;
mod anthropic;
mod auth;
mod billing;
mod bounds;
mod browser;
mod budgets;
mod caching;
mod canaries;
mod chat;
mod clients;
mod cooldown;
mod crashes;
mod credentials;
mod errors;
mod everybody;
mod exactly_once;
mod fallback;
mod faults;
mod fields;
mod formats;
mod guardrails;
mod health;
mod key_copies;
mod keys;
mod lambda;
mod leases;
mod limits;
mod models;
mod moto;
mod panics;
mod parallel;
mod prompts;
mod readme;
mod recordings;
mod records;
mod recovery;
mod responses;
mod routing;
mod seals;
mod soak;
mod spend_api;
mod streams;
mod table_faults;
mod thinking;
mod times;
mod upgrades;
mod volume;
mod wildcards;
