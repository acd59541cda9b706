//! One issuer at work: its keys, and the tokens that they have signed.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::TokenRefusal;
use super::check::{TokenPurpose, VerifiedToken, check};
use super::discovery::{Discovery, MOST_BYTES, named_address};
use super::jwt::UnverifiedToken;
use super::key_set::{KeySource, call, is_loopback};
use super::userinfo;
use crate::config::TokenIssuer;
use crate::store::Table;
use crate::web::WebCall;

/// How long an issuer may take to make a token of a code.
const LONGEST_EXCHANGE: std::time::Duration = std::time::Duration::from_secs(10);

/// What an issuer makes of a code.
#[derive(Deserialize)]
pub(crate) struct SignInAnswer {
    id_token: String,
    /// Opens what the issuer says of the person beside the identity token.
    #[serde(default)]
    access_token: Option<String>,
}

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
        self.check_signature(token, purpose, now).await?;
        check(&self.config, &token.claims, purpose, now)
    }

    async fn check_signature(
        &self,
        token: &UnverifiedToken<'_>,
        purpose: TokenPurpose<'_>,
        now: Timestamp,
    ) -> Result<(), TokenRefusal> {
        let allowed = &self.config.algorithms;
        // What comes from the issuer itself names its key as the issuer pleases, what comes from anybody has to say it.
        let may_be_unnamed = matches!(purpose, TokenPurpose::SignIn { .. });
        let known = self.keys.get(now, None).await.ok_or(TokenRefusal::NoKeys)?;
        match known.keys.check(token, allowed, may_be_unnamed) {
            Err(TokenRefusal::UnknownKey) => {
                let newer = self.keys.get(now, Some(&known)).await;
                let newer = newer.ok_or(TokenRefusal::NoKeys)?;
                newer.keys.check(token, allowed, may_be_unnamed)
            }
            outcome => outcome,
        }
    }

    /// The person whom an identity token names that answers the sign-in of this client and nonce. Where it lacks what
    /// the configuration reads, the issuer is asked for more.
    pub(crate) async fn verify_sign_in(
        &self,
        answer: &SignInAnswer,
        [client_id, nonce]: [&str; 2],
        discovery: &Discovery,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        let mut token = UnverifiedToken::read(&answer.id_token)?;
        if token.issuer() != Some(&self.config.issuer) {
            return Err(TokenRefusal::UnknownIssuer);
        }
        let purpose = TokenPurpose::SignIn { client_id, nonce };
        self.check_signature(&token, purpose, now).await?;
        if userinfo::is_thin(&self.config, &token.claims)
            && let Some(said) = self.userinfo(answer, discovery).await
            && let Err(problem) = userinfo::complete(&mut token.claims, said)
        {
            self.warn_of_userinfo(problem);
        }
        check(&self.config, &token.claims, purpose, now)
    }

    /// What the issuer says of the person who has signed in; `None`: nothing, or not just now.
    async fn userinfo(
        &self,
        answer: &SignInAnswer,
        discovery: &Discovery,
    ) -> Option<Map<String, Value>> {
        let endpoint = discovery.userinfo_endpoint.as_deref()?;
        let access_token = answer.access_token.as_deref()?;
        let said = async {
            let address = self.address(endpoint)?;
            let get = WebCall::get(&address, "application/json").bearer(access_token);
            let get = call(get, is_loopback(&self.config.issuer));
            let (status, body) = get.read(MOST_BYTES, LONGEST_EXCHANGE).await?;
            if status != 200 {
                return Err(format!("it answers {status}"));
            }
            serde_json::from_slice(&body)
                .map_err(|error| format!("its answer is not read: {error}"))
        };
        let said: Result<_, String> = said.await;
        said.map_err(|problem| self.warn_of_userinfo(&problem)).ok()
    }

    fn warn_of_userinfo(&self, problem: &str) {
        let issuer = &self.config.issuer;
        tracing::warn!(
            issuer,
            problem,
            "what an identity provider says of a person beside its token is not used"
        );
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

    /// What it answers to a form at an address that it names: the status and the body.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn post_form(
        &self,
        address: &url::Url,
        form: String,
    ) -> Result<(u16, bytes::Bytes), String> {
        let call = call(
            WebCall::post_form(address, form),
            is_loopback(&self.config.issuer),
        );
        call.read(MOST_BYTES, LONGEST_EXCHANGE).await
    }
}
