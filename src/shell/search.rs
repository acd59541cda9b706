//! What searches the web, as the environment and the configuration say it.

use aws_config::SdkConfig;
use url::Url;

use crate::config::Config;
use crate::transport::Transport;
use crate::web_search::WebSearch;

/// Where the service is, if not at Amazon's: named as it is for the SDK.
pub(super) fn endpoint(get: &impl Fn(&str) -> Option<String>) -> Option<Url> {
    let url = get("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE")?;
    Url::parse(&url).ok()
}

/// The search that a configuration asks for, with the credentials of the process.
pub(super) fn of(config: &Config, endpoint: Option<Url>, sdk: &SdkConfig) -> Option<WebSearch> {
    let settings = config.general.web_search.clone()?;
    let transport = Transport::new(sdk.credentials_provider());
    Some(WebSearch::new(settings, endpoint, transport))
}
