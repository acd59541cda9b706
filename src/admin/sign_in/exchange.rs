//! A code becomes an identity token.

use http::StatusCode;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::super::error::PageError;
use super::super::texts::texts;
use super::BegunSignIn;
use crate::identity::{Discovery, IssuerAtWork};

/// What is read of the provider's answer.
#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

/// The identity token that a code stands for.
pub(super) async fn id_token(
    issuer: &IssuerAtWork,
    discovery: &Discovery,
    begun: &BegunSignIn,
    code: &str,
) -> Result<String, PageError> {
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &begun.redirect)
        .append_pair("client_id", &begun.client_id)
        .append_pair("code_verifier", &begun.verifier)
        .finish();
    exchanged(issuer, discovery, form).await.map_err(|problem| {
        tracing::error!(
            issuer = issuer.config.issuer,
            problem,
            "a code did not become an identity token"
        );
        PageError::new(StatusCode::BAD_GATEWAY, texts().sign_in.no_token)
    })
}

async fn exchanged(
    issuer: &IssuerAtWork,
    discovery: &Discovery,
    form: String,
) -> Result<String, String> {
    let endpoint = discovery.token_endpoint.as_deref();
    let endpoint = issuer.address(endpoint.ok_or("it names no token endpoint")?)?;
    let body = issuer.post_form(&endpoint, form).await?;
    let answer: TokenAnswer = serde_json::from_slice(&body)
        .map_err(|error| format!("its answer has no identity token: {error}"))?;
    Ok(answer.id_token)
}
