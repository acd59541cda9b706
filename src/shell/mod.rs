//! What a process is: a server on this machine, or a function on Lambda. Each shell gathers what the gateway needs
//! from its surroundings and serves the one handler, [`crate::app`].

use std::net::SocketAddr;

use crate::config::{ConfigProblems, MissingProtections};
use crate::keys::MasterKeyError;
#[cfg(feature = "local")]
use crate::keys::from_litellm::KeyListError;
use crate::store::StoreError;

mod alerting;
mod aws;
#[cfg(feature = "local")]
mod clients;
mod collector;
mod connections;
mod env_config;
#[cfg(feature = "local")]
mod files;
#[cfg(feature = "local")]
mod forwarded;
#[cfg(feature = "local")]
pub mod import_keys;
pub mod lambda;
#[cfg(feature = "local")]
pub mod local;
mod logging;
mod metrics;
#[cfg(feature = "local")]
pub mod replay;
mod search;
#[cfg(feature = "local")]
mod server;
mod startup;

pub use env_config::{EnvConfig, EnvConfigError, TestCredentials, on_lambda};

pub use metrics::{MetricScope, MetricsOptions};

use connections::Connections;

/// Why a process does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment says something unusable.
    #[error(transparent)]
    EnvConfig(#[from] EnvConfigError),
    /// The configuration file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigProblems),
    /// The configuration asks for protection that is not there.
    #[error(transparent)]
    MissingProtections(#[from] MissingProtections),
    /// There is no usable master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The credentials of a process that others can reach are published ones.
    #[error(transparent)]
    TestCredentials(#[from] TestCredentials),
    /// The table cannot be used.
    #[error("the table cannot be used: {0}")]
    Store(#[from] StoreError),
    /// Lambda's table is the template's.
    #[error(
        "CREATE_TABLE is refused on Lambda: the template makes the table, and the function may not"
    )]
    CreatesTable,
    /// There is no embedded table in this binary.
    #[error("TABLE_NAME is not set, and this binary has no embedded table")]
    NoTable,
    /// Lambda's runtime gave up.
    #[error("the Lambda runtime ended: {0}")]
    Runtime(#[source] lambda_http::Error),
    /// A log to replay, or a list to import, cannot be read.
    #[error("{name} cannot be read: {source}")]
    File {
        /// The file, or `standard input`.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A list of keys to import is none.
    #[cfg(feature = "local")]
    #[error("{name}: {source}")]
    LitellmKeyList {
        /// The file, or `standard input`.
        name: String,
        /// What is wrong with it.
        source: KeyListError,
    },
    /// The simulated Bedrock does not start.
    #[error("the simulated Bedrock does not start: {0}")]
    Simulated(#[source] std::io::Error),
    /// The address cannot be bound.
    #[error(
        "{address} cannot be bound: {source}. Is another server running there? PORT chooses another port."
    )]
    Bind {
        /// `HOST` and `PORT`.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Serving ended with an error.
    #[error("the server ended: {0}")]
    Serve(#[source] std::io::Error),
}
