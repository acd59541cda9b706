//! Whoever has an identity has a key: tokens of identity providers, and signing in with one.

mod audit;
mod browser;
mod claude_code;
mod key_rotation;
mod me;
mod playground;
mod principals;
mod second_opinion;
mod sign_in;
mod tokens;

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::TestApp;
use crate::support::identity_provider::IdentityProvider;

/// A gateway that believes an identity provider, with more lines in the provider's entry.
async fn gateway(more: &str) -> (TestApp, IdentityProvider) {
    let clock = crate::support::TestClock::default();
    let provider = IdentityProvider::start(clock.clock().now()).await;
    let settings = provider.settings(more);
    let app = TestApp::builder().clock(clock).settings(&settings);
    (app.start().await, provider)
}

/// What the gateway says to a token: the status and the message of its error.
async fn said(app: &TestApp, token: &str) -> (StatusCode, String) {
    let request = app.http.get(format!("{}/v1/models", app.url));
    let response = request.bearer_auth(token).send().await.unwrap();
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    (status, message.to_owned())
}
