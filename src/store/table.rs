//! The handle on the table.
//!
//! The futures of the SDK's calls are boxed wherever they are made. Each has 6 KB, which would be a part of every
//! future that may make the call.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Region};

/// Which table, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The table's name.
    pub name: String,
    /// Another endpoint than AWS's: an emulator. It goes before the SDK's own `AWS_ENDPOINT_URL_DYNAMODB`.
    pub endpoint: Option<String>,
    /// Another region than the caller's.
    pub region: Option<String>,
}

/// The table. Clones are cheap and share their connections.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) client: Client,
    /// The client without the SDK's retries, for transactions: they have retries of their own.
    pub(super) without_retries: Client,
    pub(super) name: Arc<str>,
}

/// One attempt. A healthy answer takes 5 to 20 ms; a connection that shows nothing for this long is given up for
/// another.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// A call as a whole, its second and third attempt included.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Attempts of one call, the first included.
const CALL_ATTEMPTS: u32 = 3;
/// The pause before the second attempt, at most; it doubles before each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);

impl Table {
    /// A handle that uses the credentials, region and HTTP client of `config`. Nothing is sent.
    pub fn connect(config: &SdkConfig, options: &TableOptions) -> Table {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(CALL_ATTEMPTS)
            .with_initial_backoff(INITIAL_BACKOFF);
        let mut builder = Builder::from(config)
            .timeout_config(timeouts)
            .retry_config(retries);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        if let Some(region) = &options.region {
            builder = builder.region(Region::new(region.clone()));
        }
        let without_retries = builder.clone().retry_config(RetryConfig::disabled());
        Table {
            client: Client::from_conf(builder.build()),
            without_retries: Client::from_conf(without_retries.build()),
            name: options.name.as_str().into(),
        }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
