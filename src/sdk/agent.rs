//! Who calls, as AWS is told.

use aws_config::SdkConfig;
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{
    Intercept, disable_interceptor, dyn_dispatch_hint,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use http::HeaderValue;
use http::header::USER_AGENT;

const WHY: &str = "the gateway says its own name";

/// Gives every call the gateway's name, which CloudTrail shows as its `userAgent`.
///
/// It stands there instead of what the SDK says of itself: its parts and features in two headers, the number of a call
/// and of its try in two more. They are made anew for each call, and were a thirtieth of what a small request costs.
#[derive(Debug)]
pub(crate) struct Agent {
    name: HeaderValue,
}

impl Agent {
    /// The gateway's name, and that of the application where the surroundings name one (`AWS_SDK_UA_APP_ID`,
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html>).
    pub(crate) fn of(config: &SdkConfig) -> Self {
        let own = concat!("bedrock-sidecar/", env!("CARGO_PKG_VERSION"));
        let application = config.app_name();
        let both = application.map(|application| format!("{own} app/{application}"));
        // The SDK lets no name be that a header cannot hold.
        let both = both.and_then(|both| HeaderValue::try_from(both).ok());
        Self {
            name: both.unwrap_or(HeaderValue::from_static(own)),
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Agent {
    fn name(&self) -> &'static str {
        "Agent"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>(WHY));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>(WHY));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(WHY));
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.insert(USER_AGENT, self.name.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_bedrockruntime::Client;
    use aws_sdk_bedrockruntime::config::Builder;
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};

    use super::*;
    use crate::store::{Key, Table, TableOptions};

    /// A service that refuses everything, and the headers of its last call.
    async fn service() -> (String, Arc<Mutex<HeaderMap>>) {
        let seen = Arc::new(Mutex::new(HeaderMap::new()));
        let kept = Arc::clone(&seen);
        let answer = async move |headers: HeaderMap| {
            *kept.lock().unwrap() = headers;
            StatusCode::BAD_REQUEST
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        (url, seen)
    }

    fn config() -> SdkConfig {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    fn says_its_own_name(headers: &HeaderMap) {
        let own = concat!("bedrock-sidecar/", env!("CARGO_PKG_VERSION"));
        assert_eq!(headers["user-agent"], own);
        assert!(headers.contains_key("authorization"));
        let of_the_sdk = |name: &str| name.starts_with("amz-sdk") || name == "x-amz-user-agent";
        let said = headers.keys().find(|name| of_the_sdk(name.as_str()));
        assert_eq!(said, None);
    }

    #[tokio::test]
    async fn a_call_of_bedrock_says_who_makes_it_and_nothing_of_the_sdk() {
        let (url, seen) = service().await;
        let config = config();
        let agent = Agent::of(&config);
        let builder = Builder::from(&config).endpoint_url(url).interceptor(agent);
        let client = Client::from_conf(builder.build());
        client.converse().model_id("m").send().await.unwrap_err();
        says_its_own_name(&seen.lock().unwrap());
    }

    #[tokio::test]
    async fn so_does_a_call_of_the_table() {
        let (url, seen) = service().await;
        let options = TableOptions {
            name: "table".to_owned(),
            endpoint: Some(url),
            region: None,
        };
        let key = Key {
            pk: "p".to_owned(),
            sk: "s".to_owned(),
        };
        let table = Table::connect(&config(), &options);
        let found: Result<Option<serde_json::Value>, _> = table.get(&key).await;
        found.unwrap_err();
        says_its_own_name(&seen.lock().unwrap());
    }
}
