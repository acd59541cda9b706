//! A sign-in that was begun: what the answer has to fit, sealed into the browser's cookie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::super::error::PageError;
use super::super::session::random;
use super::super::texts::texts;
use super::not_begun;

/// How long a person may take at the provider.
const LIFE: SignedDuration = SignedDuration::from_mins(10);
/// What the cookie is sealed for.
const PURPOSE: &[u8] = b"sign-in cookie";
const NONCE_BYTES: usize = 12;

/// What the answer to a sign-in has to fit.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct BegunSignIn {
    pub(super) issuer: String,
    pub(super) client_id: String,
    /// Comes back beside the code.
    pub(super) state: String,
    /// Comes back in the token.
    pub(super) nonce: String,
    /// What the provider knows the hash of.
    pub(super) verifier: String,
    pub(super) redirect: String,
    until: Timestamp,
}

impl BegunSignIn {
    pub(super) fn new(
        issuer: &str,
        client_id: &str,
        redirect: &str,
        now: Timestamp,
    ) -> Result<Self, PageError> {
        Ok(Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            redirect: redirect.to_owned(),
            until: now + LIFE,
        })
    }

    /// The hash of the verifier (RFC 7636).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// As the cookie has it: nobody can read or change it.
    pub(super) fn sealed(&self, secret: &[u8; 32]) -> Result<String, PageError> {
        let broken = || PageError::new(StatusCode::INTERNAL_SERVER_ERROR, texts().error.fault);
        let mut text = serde_json::to_vec(self).map_err(|_| broken())?;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| broken())?;
        let key = key(secret).ok_or_else(broken)?;
        let aad = Aad::from(PURPOSE);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| broken())?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// What a cookie has; `None`: it is not this gateway's, or too old.
    pub(super) fn open(sealed: &str, secret: &[u8; 32], now: Timestamp) -> Option<Self> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = key(secret)?
            .open_in_place(nonce, Aad::from(PURPOSE), text)
            .ok()?;
        let begun: Self = serde_json::from_slice(opened).ok()?;
        (begun.until > now).then_some(begun)
    }

    /// The code of an answer to this sign-in and no other.
    pub(super) fn code_of(&self, fields: &[(String, String)]) -> Result<String, PageError> {
        let state = one(fields, "state").ok_or_else(not_begun)?;
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return Err(not_begun());
        }
        match one(fields, "code") {
            Some(code) => Ok(code.to_owned()),
            None => {
                let error = one(fields, "error").unwrap_or_default();
                let why = one(fields, "error_description").unwrap_or_default();
                tracing::warn!(error, why, "an identity provider has not let somebody in");
                Err(PageError::new(
                    StatusCode::FORBIDDEN,
                    texts().sign_in.not_let_in,
                ))
            }
        }
    }

    /// Refuses an answer of another provider than the one that was asked (RFC 9207).
    pub(super) fn check_issuer(
        &self,
        fields: &[(String, String)],
        always_says: bool,
    ) -> Result<(), PageError> {
        let says = fields.iter().any(|(name, _)| name == "iss");
        if !says && !always_says {
            return Ok(());
        }
        match one(fields, "iss") {
            Some(issuer) if issuer == self.issuer => Ok(()),
            _ => Err(not_begun()),
        }
    }
}

/// The field of this name, if there is exactly one.
fn one<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let mut found = fields.iter().filter(|(field, _)| field == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value.as_str())
}

/// The table's secret, for this purpose alone.
fn key(secret: &[u8; 32]) -> Option<LessSafeKey> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    let key = mac.chain_update(PURPOSE).finalize().into_bytes();
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?;
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn begun(now: Timestamp) -> BegunSignIn {
        BegunSignIn::new("https://idp.example", "client", "https://gw/ui", now).unwrap()
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_cookie_opens_for_ten_minutes_and_only_as_it_was_sealed() {
        let now = Timestamp::now();
        let begun = begun(now);
        let sealed = begun.sealed(&SECRET).unwrap();
        assert_ne!(sealed, begun.sealed(&SECRET).unwrap());
        assert_eq!(
            BegunSignIn::open(&sealed, &SECRET, now).as_ref(),
            Some(&begun)
        );
        assert_eq!(BegunSignIn::open(&sealed, &SECRET, now + LIFE), None);
        assert_eq!(BegunSignIn::open(&sealed, &[8; 32], now), None);
        for n in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[n] = if other[n] == b'A' { b'Q' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(BegunSignIn::open(&other, &SECRET, now), None, "{n}");
        }
        for text in ["", "AA", "!", &sealed[..20]] {
            assert_eq!(BegunSignIn::open(text, &SECRET, now), None, "{text}");
        }
    }

    #[test]
    fn an_answer_fits_one_sign_in_of_one_provider() {
        let begun = begun(Timestamp::now());
        let state = begun.state.as_str();
        let code = |pairs: &[(&str, &str)]| begun.code_of(&fields(pairs)).ok();
        assert_eq!(
            code(&[("state", state), ("code", "1")]).as_deref(),
            Some("1")
        );
        for pairs in [
            &[("code", "1")][..],
            &[("state", ""), ("code", "1")],
            &[("state", state), ("state", state), ("code", "1")],
            &[("state", state), ("code", "1"), ("code", "2")],
            &[("state", state), ("error", "access_denied")],
        ] {
            assert_eq!(code(pairs), None, "{pairs:?}");
        }
        for (iss, always_says, fits) in [
            (Some("https://idp.example"), true, true),
            (Some("https://idp.example"), false, true),
            (Some("https://evil.example"), false, false),
            (None, true, false),
            (None, false, true),
        ] {
            let pairs = iss.map(|iss| ("iss".to_owned(), iss.to_owned()));
            let found = begun.check_issuer(&Vec::from_iter(pairs), always_says);
            assert_eq!(found.is_ok(), fits, "{iss:?} {always_says}");
        }
    }
}
