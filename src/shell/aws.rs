//! The AWS SDK's configuration: one set of connections for all clients, and whatever credentials the machine has.

#[cfg(feature = "local")]
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
#[cfg(feature = "local")]
use aws_credential_types::provider::ProvideCredentials;

use super::Connections;

/// How long the search for credentials may take before they count as absent: a laptop has no metadata service.
#[cfg(feature = "local")]
const SEARCH: Duration = Duration::from_secs(2);

/// The SDK's configuration for this machine.
pub(super) async fn load(region: &str, connections: &Connections) -> SdkConfig {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(connections.client())
        .load()
        .await;
    named(config)
}

/// With the gateway's name in the user agent of every call, which CloudTrail shows. A name that the environment has set
/// (`AWS_SDK_UA_APP_ID`, <https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html>) stays.
fn named(config: SdkConfig) -> SdkConfig {
    match (config.app_name(), AppName::new("bedrock-sidecar")) {
        (None, Ok(name)) => config.into_builder().app_name(name).build(),
        _ => config,
    }
}

/// Whether the machine's own chain has credentials: environment, profile, role, or a Bedrock API key.
#[cfg(feature = "local")]
pub(super) async fn has_credentials(sdk: &SdkConfig) -> bool {
    if std::env::var_os("AWS_BEARER_TOKEN_BEDROCK").is_some_and(|token| !token.is_empty()) {
        return true;
    }
    match sdk.credentials_provider() {
        Some(provider) => tokio::time::timeout(SEARCH, provider.provide_credentials())
            .await
            .is_ok_and(|found| found.is_ok()),
        None => false,
    }
}
