//! What an issuer says of itself: the document of OpenID Connect Discovery.

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest document and longest set of keys.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// What is read of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Discovery {
    issuer: String,
    pub(super) jwks_uri: String,
    /// Where people sign in.
    #[serde(default)]
    pub(crate) authorization_endpoint: Option<String>,
    /// Where a code becomes a token.
    #[serde(default)]
    pub(crate) token_endpoint: Option<String>,
    /// Where it says more of a person.
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    /// Its answers to a sign-in say whose they are (RFC 9207).
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl Discovery {
    /// Where the document of an issuer is.
    pub(super) fn address(issuer: &str) -> Result<Url, String> {
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        Url::parse(&address).map_err(|error| format!("it has no address: {error}"))
    }

    /// Reads the document of an issuer, which has to name it to the letter.
    pub(super) fn read(json: &[u8], issuer: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(json)
            .map_err(|error| format!("its discovery document cannot be read: {error}"))?;
        if read.issuer != issuer {
            return Err(format!(
                "its discovery document is of another issuer: {:?}",
                read.issuer
            ));
        }
        Ok(read)
    }
}

/// An address that an issuer names: encrypted, but where the issuer itself is on this machine.
pub(super) fn named_address(address: &str, is_local: bool) -> Result<Url, String> {
    let url =
        Url::parse(address).map_err(|_| format!("it names {address:?}, which is no address"))?;
    if url.scheme() == "https" || (is_local && url.scheme() == "http") {
        return Ok(url);
    }
    Err(format!("it names {address}, which is not https"))
}
