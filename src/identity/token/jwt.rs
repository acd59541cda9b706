//! The three parts of a token, without belief in any of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::TokenRefusal;
use super::refusal::Malformation;

/// Longer tokens are refused unread: as long as a line that Claude Code takes from a helper.
const LONGEST_TOKEN: usize = 16 * 1024;

/// The types of tokens that are taken, in small letters.
const TYPES: [&str; 4] = ["jwt", "at+jwt", "application/at+jwt", "application/jwt"];

/// Whether a key is meant to be a token: keys begin with `sk-`, and a header in JSON with `eyJ`.
pub(crate) fn looks_like_token(key: &str) -> bool {
    key.starts_with("eyJ") && key.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// A token whose signature was not checked.
pub(super) struct UnverifiedToken<'t> {
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
    /// What is signed.
    pub(super) message: &'t [u8],
    pub(super) signature: Vec<u8>,
}

/// What is read of a header. Keys and addresses of keys that it brings are not.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

impl<'t> UnverifiedToken<'t> {
    pub(super) fn read(token: &'t str) -> Result<Self, TokenRefusal> {
        use TokenRefusal::Malformed;
        if token.len() > LONGEST_TOKEN {
            return Err(Malformed(Malformation::TooLong));
        }
        let (message, signature) = token
            .rsplit_once('.')
            .ok_or(Malformed(Malformation::NoParts))?;
        let (header, claims) = message
            .split_once('.')
            .ok_or(Malformed(Malformation::NoParts))?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part);
        let not_base64 = |_| Malformed(Malformation::NotBase64);
        let header = decode(header).map_err(not_base64)?;
        let claims = decode(claims).map_err(not_base64)?;
        let signature = decode(signature).map_err(not_base64)?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|_| Malformed(Malformation::BadHeader))?;
        let claims =
            serde_json::from_slice(&claims).map_err(|_| Malformed(Malformation::BadClaims))?;
        if header.crit.is_some() {
            return Err(TokenRefusal::CriticalExtension);
        }
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        if typ.is_some_and(|typ| !TYPES.contains(&typ.as_str())) {
            return Err(TokenRefusal::WrongType);
        }
        Ok(Self {
            header,
            claims,
            message: message.as_bytes(),
            signature,
        })
    }

    /// Who says to have issued it.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }
}
