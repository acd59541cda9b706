//! SDK clients: one for each region, identity and address that the configuration names, built once.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{
    Builder, Credentials as StaticCredentials, Region, SharedCredentialsProvider,
    StalledStreamProtectionConfig, Token,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::{Config, Credentials, Deployment, Secret};

use super::call::Endpoint;
use super::role_sessions::{RoleSessions, SessionRole, is_template};

/// Where every call goes instead of Amazon: the simulated Bedrock, or a test's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The address, `http://…`.
    pub url: String,
}

/// Builds clients and keeps them, so that deployments in one region share a connection pool and an identity cache.
#[derive(Debug)]
pub struct BedrockClients {
    sdk: SdkConfig,
    instead: Option<Override>,
    timeouts: TimeoutConfig,
    built: HashMap<(String, Credentials, Option<Secret>), Endpoint>,
}

impl BedrockClients {
    /// Clients that take from `sdk` what a deployment does not say.
    pub fn new(sdk: SdkConfig, config: &Config, instead: Option<Override>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(config.settings.connect_timeout)
            .build();
        Self {
            sdk,
            instead,
            timeouts,
            built: HashMap::new(),
        }
    }

    /// The endpoint that serves `deployment`.
    pub async fn endpoint(&mut self, deployment: &Deployment) -> Endpoint {
        let key = (
            deployment.region.clone(),
            deployment.credentials.clone(),
            deployment.endpoint.clone(),
        );
        if let Some(endpoint) = self.built.get(&key) {
            return endpoint.clone();
        }
        let endpoint = self.build(deployment).await;
        self.built.insert(key, endpoint.clone());
        endpoint
    }

    async fn build(&self, deployment: &Deployment) -> Endpoint {
        let region = Region::new(deployment.region.clone());
        let builder = Builder::from(&self.sdk)
            .region(region.clone())
            // Retries, and the time that a silent stream has, are the chain's: it knows where else to go.
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(self.timeouts.clone());
        let builder = match (&self.instead, &deployment.endpoint) {
            // No credentials of the user's go there, and none are needed.
            (Some(instead), _) => {
                let builder = builder.endpoint_url(&instead.url);
                let builder = builder.credentials_provider(simulated_credentials());
                return Endpoint::new(Client::from_conf(builder.build()));
            }
            (None, Some(url)) => builder.endpoint_url(url.expose()),
            (None, None) => builder,
        };
        let sessions = self
            .sessions(&builder, &deployment.credentials, &region)
            .await;
        let builder = self
            .identify(builder, &deployment.credentials, &region)
            .await;
        let endpoint = Endpoint::new(Client::from_conf(builder.build()));
        match sessions {
            Some(sessions) => endpoint.with_sessions(sessions),
            None => endpoint,
        }
    }

    /// The sessions of a role whose name says who calls.
    async fn sessions(
        &self,
        builder: &Builder,
        credentials: &Credentials,
        region: &Region,
    ) -> Option<RoleSessions> {
        let Credentials::Role {
            arn,
            session_name,
            external_id,
            source,
        } = credentials
        else {
            return None;
        };
        if !is_template(session_name) {
            return None;
        }
        Some(RoleSessions::new(SessionRole {
            arn: arn.clone(),
            name_template: session_name.clone(),
            external_id: external_id.clone(),
            region: region.clone(),
            source: self.source(source).await,
            client: builder.clone(),
        }))
    }

    async fn identify(
        &self,
        builder: Builder,
        credentials: &Credentials,
        region: &Region,
    ) -> Builder {
        match credentials {
            // `AWS_BEARER_TOKEN_BEDROCK` is honoured by the SDK only for clients made from its own configuration.
            Credentials::Default => builder,
            Credentials::Bearer(key) => builder
                .bearer_token(Token::new(key.expose(), None))
                .auth_scheme_preference([AuthSchemeId::from("httpBearerAuth")]),
            Credentials::Keys {
                access_key_id,
                secret_access_key,
                session_token,
            } => builder.credentials_provider(keys(
                access_key_id,
                secret_access_key,
                session_token.as_ref(),
            )),
            Credentials::Profile(name) => match self.profile(name).await.credentials_provider() {
                Some(provider) => builder.credentials_provider(provider),
                None => builder,
            },
            Credentials::Role {
                arn,
                session_name,
                external_id,
                source,
            } => {
                // What is called for no caller, as when a connection is opened ahead, is in no team's session.
                let name = session_name.replace(['{', '}'], "");
                let mut role = aws_config::sts::AssumeRoleProvider::builder(arn)
                    .session_name(name)
                    .region(region.clone());
                if let Some(id) = external_id {
                    role = role.external_id(id);
                }
                builder
                    .credentials_provider(role.configure(&self.source(source).await).build().await)
            }
        }
    }

    /// The identity that assumes a role.
    async fn source(&self, credentials: &Credentials) -> SdkConfig {
        match credentials {
            Credentials::Profile(name) => self.profile(name).await,
            Credentials::Keys {
                access_key_id,
                secret_access_key,
                session_token,
            } => {
                let keys = keys(access_key_id, secret_access_key, session_token.as_ref());
                let provider = SharedCredentialsProvider::new(keys);
                self.sdk
                    .clone()
                    .into_builder()
                    .credentials_provider(provider)
                    .build()
            }
            Credentials::Default | Credentials::Bearer(_) | Credentials::Role { .. } => {
                self.sdk.clone()
            }
        }
    }

    async fn profile(&self, name: &str) -> SdkConfig {
        let loader = aws_config::defaults(aws_config::BehaviorVersion::latest()).profile_name(name);
        match self.sdk.http_client() {
            Some(http) => loader.http_client(http).load().await,
            None => loader.load().await,
        }
    }
}

fn keys(id: &Secret, secret: &Secret, session_token: Option<&Secret>) -> StaticCredentials {
    let session_token = session_token.map(|token| token.expose().to_owned());
    StaticCredentials::new(id.expose(), secret.expose(), session_token, None, "config")
}

fn simulated_credentials() -> StaticCredentials {
    StaticCredentials::new("AKIASIMULATED", "simulated", None, None, "simulated")
}
