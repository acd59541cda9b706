//! A code becomes an identity token.

use http::StatusCode;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::super::error::PageError;
use super::super::texts::texts;
use super::BegunSignIn;
use crate::identity::{Discovery, IssuerAtWork, SignInAnswer};

/// As much as is told of what a provider says.
const LONGEST_WORDS: usize = 300;

/// What a provider says of a code that it does not take (RFC 6749, 5.2).
#[derive(Deserialize)]
struct TokenError {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Why a code did not become a token.
struct NotExchanged {
    /// For the log, and for whoever signs in.
    problem: String,
    /// The provider may want to see a secret of the application.
    wants_secret: bool,
}

impl From<String> for NotExchanged {
    fn from(problem: String) -> Self {
        Self {
            problem,
            wants_secret: false,
        }
    }
}

/// What the provider makes of a code.
pub(super) async fn exchanged(
    issuer: &IssuerAtWork,
    discovery: &Discovery,
    begun: &BegunSignIn,
    code: &str,
) -> Result<SignInAnswer, PageError> {
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &begun.redirect)
        .append_pair("client_id", &begun.client_id)
        .append_pair("code_verifier", &begun.verifier)
        .finish();
    let answer = answer(issuer, discovery, form).await;
    answer.map_err(
        |NotExchanged {
             problem,
             wants_secret,
         }| {
            let t = &texts().sign_in;
            let remedy = if wants_secret { t.wants_secret } else { "" };
            tracing::error!(
                issuer = issuer.config.issuer,
                problem,
                wants_secret,
                "a code did not become an identity token"
            );
            let message = format!("{} “{problem}” {remedy}", t.no_token);
            PageError::new(StatusCode::BAD_GATEWAY, message.trim_end())
        },
    )
}

async fn answer(
    issuer: &IssuerAtWork,
    discovery: &Discovery,
    form: String,
) -> Result<SignInAnswer, NotExchanged> {
    let endpoint = discovery.token_endpoint.as_deref();
    let endpoint = endpoint.ok_or_else(|| "it names no token endpoint".to_owned())?;
    let endpoint = issuer.address(endpoint)?;
    match issuer.post_form(&endpoint, form).await? {
        (200, body) => serde_json::from_slice(&body)
            .map_err(|error| format!("its answer has no identity token: {error}").into()),
        (status, body) => Err(refused(status, &body)),
    }
}

fn refused(status: u16, body: &[u8]) -> NotExchanged {
    let Ok(said) = serde_json::from_slice::<TokenError>(body) else {
        let words = shortened(&String::from_utf8_lossy(body));
        return format!("{status}: {words}").into();
    };
    // Google and Entra ID speak of the secret under other codes than this one.
    let wants_secret = said.error == "invalid_client"
        || (said.error_description.replace([' ', '-'], "_"))
            .to_lowercase()
            .contains("client_secret");
    let words = format!("{}: {}", said.error, said.error_description);
    NotExchanged {
        problem: shortened(words.trim_end_matches([':', ' '])),
        wants_secret,
    }
}

fn shortened(words: &str) -> String {
    let words = words.chars().filter(|letter| !letter.is_control());
    words.take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_wants_a_secret_is_known_by_its_words() {
        for (body, problem, wants_secret) in [
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}"#,
                "invalid_client: AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                true,
            ),
            (
                r#"{"error":"invalid_request","error_description":"client_secret is missing."}"#,
                "invalid_request: client_secret is missing.",
                true,
            ),
            (r#"{"error":"invalid_grant"}"#, "invalid_grant", false),
            ("<html>\u{1b}[31m", "400: <html>[31m", false),
        ] {
            let refused = refused(400, body.as_bytes());
            assert_eq!(refused.problem, problem);
            assert_eq!(refused.wants_secret, wants_secret, "{body}");
        }
        assert_eq!(refused(400, "x".repeat(900).as_bytes()).problem.len(), 305);
    }
}
