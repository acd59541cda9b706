//! One issuer at work: its keys, and the tokens that they have signed.

use jiff::Timestamp;

use super::TokenRefusal;
use super::check::{TokenPurpose, VerifiedToken, check};
use super::discovery::{Discovery, MOST_BYTES, named_address};
use super::jwt::UnverifiedToken;
use super::key_set::{KeySource, call, is_loopback};
use crate::config::TokenIssuer;
use crate::store::Table;
use crate::web::WebCall;

/// How long an issuer may take to make a token of a code.
const LONGEST_EXCHANGE: std::time::Duration = std::time::Duration::from_secs(10);

/// A configured issuer, with its keys.
#[derive(Debug, Clone)]
pub(crate) struct IssuerAtWork {
    pub(crate) config: TokenIssuer,
    keys: KeySource,
}

impl IssuerAtWork {
    pub(super) fn new(config: TokenIssuer, table: Table) -> Self {
        let keys = KeySource::new(&config, table);
        Self { config, keys }
    }

    pub(super) async fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        purpose: TokenPurpose<'_>,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        let allowed = &self.config.algorithms;
        // What comes from the issuer itself names its key as the issuer pleases, what comes from anybody has to say it.
        let may_be_unnamed = matches!(purpose, TokenPurpose::SignIn { .. });
        let known = self.keys.get(now, None).await.ok_or(TokenRefusal::NoKeys)?;
        match known.keys.check(token, allowed, may_be_unnamed) {
            Ok(()) => {}
            Err(TokenRefusal::UnknownKey) => {
                let newer = self.keys.get(now, Some(&known)).await;
                let newer = newer.ok_or(TokenRefusal::NoKeys)?;
                newer.keys.check(token, allowed, may_be_unnamed)?;
            }
            Err(refusal) => return Err(refusal),
        }
        check(&self.config, &token.claims, purpose, now)
    }

    /// Whom an identity token names that answers the sign-in of this client and nonce.
    pub(crate) async fn verify_sign_in(
        &self,
        token: &str,
        client_id: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        let token = UnverifiedToken::read(token)?;
        if token.issuer() != Some(&self.config.issuer) {
            return Err(TokenRefusal::UnknownIssuer);
        }
        let purpose = TokenPurpose::SignIn { client_id, nonce };
        self.verify(&token, purpose, now).await
    }

    /// What it says of itself; `None`: that cannot be read just now, or its keys were configured without it.
    pub(crate) async fn discovery(&self, now: Timestamp) -> Option<Discovery> {
        let known = self.keys.get(now, None).await?;
        known.discovery.as_deref().cloned()
    }

    /// An address that it names for people or for tokens.
    ///
    /// # Errors
    /// When it is none that may be used.
    pub(crate) fn address(&self, named: &str) -> Result<url::Url, String> {
        named_address(named, is_loopback(&self.config.issuer))
    }

    /// What it answers to a form at an address that it names.
    ///
    /// # Errors
    /// When it does not answer, or not with success; with the status and the beginning of what it says.
    pub(crate) async fn post_form(
        &self,
        address: &url::Url,
        form: String,
    ) -> Result<bytes::Bytes, String> {
        let call = call(
            WebCall::post_form(address, form),
            is_loopback(&self.config.issuer),
        );
        match call.read(MOST_BYTES, LONGEST_EXCHANGE).await? {
            (200, body) => Ok(body),
            (status, body) => {
                let text = String::from_utf8_lossy(&body);
                let text: String = text.chars().take(300).collect();
                Err(format!("it answers {status}: {text}"))
            }
        }
    }
}
