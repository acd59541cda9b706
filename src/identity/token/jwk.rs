//! An issuer's keys (RFC 7517), and the check of a signature with one of them.
//!
//! How a token may be signed follows from the key and the configuration, never from the token: its `alg` is only compared.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::TokenRefusal;
use super::jwt::UnverifiedToken;
use crate::config::TokenAlgorithm;

/// An issuer's keys.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet(Vec<PublicKey>);

/// A key that signatures are checked with.
#[derive(Debug, Clone)]
struct PublicKey {
    id: String,
    key: KeyMaterial,
    /// What its issuer says that it is for.
    algorithm: Option<String>,
}

#[derive(Debug, Clone)]
enum KeyMaterial {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct WrittenSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct WrittenKey {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    used_for: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys of other kinds, for other uses or without an id are left out. `None`: it is none.
    pub(super) fn read(json: &str) -> Option<Self> {
        let written: WrittenSet = serde_json::from_str(json).ok()?;
        let keys = written.keys.into_iter();
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        Some(Self(keys.filter_map(PublicKey::new).collect()))
    }

    /// Whether it has no key that can be used.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks who has signed a token. `may_be_unnamed`: a token need not name the key where there is one alone, as OpenID
    /// Connect has it (Core, 10.1).
    pub(super) fn check(
        &self,
        token: &UnverifiedToken<'_>,
        allowed: &[TokenAlgorithm],
        may_be_unnamed: bool,
    ) -> Result<(), TokenRefusal> {
        let key = match (&token.header.kid, self.0.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id == *id),
            (None, [key]) if may_be_unnamed => Some(key),
            (None, _) => return Err(TokenRefusal::NoKeyId),
        };
        let key = key.ok_or(TokenRefusal::UnknownKey)?;
        let algorithm = key.algorithm(allowed).ok_or(TokenRefusal::WrongAlgorithm)?;
        if token.header.alg != algorithm.as_str() {
            return Err(TokenRefusal::WrongAlgorithm);
        }
        key.key
            .verify(algorithm, token.message, &token.signature)
            .map_err(|_| TokenRefusal::WrongSignature)
    }
}

impl PublicKey {
    fn new(written: WrittenKey) -> Option<Self> {
        if written.used_for.is_some_and(|used_for| used_for != "sig") {
            return None;
        }
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        // What ring calls an uncompressed point.
        let point = |x: Option<String>, y: Option<String>, length: usize| {
            let (x, y) = (bytes(x)?, bytes(y)?);
            let fits = x.len() == length && y.len() == length;
            fits.then(|| [&[4], x.as_slice(), y.as_slice()].concat())
        };
        let key = match (written.kty.as_str(), written.crv.as_deref()) {
            ("RSA", _) => KeyMaterial::Rsa {
                n: bytes(written.n)?,
                e: bytes(written.e)?,
            },
            ("EC", Some("P-256")) => KeyMaterial::P256(point(written.x, written.y, 32)?),
            ("EC", Some("P-384")) => KeyMaterial::P384(point(written.x, written.y, 48)?),
            ("OKP", Some("Ed25519")) => KeyMaterial::Ed25519(bytes(written.x)?),
            _ => return None,
        };
        Some(Self {
            id: written.kid,
            key,
            algorithm: written.alg,
        })
    }

    /// How it signs, of the ways that are allowed.
    fn algorithm(&self, allowed: &[TokenAlgorithm]) -> Option<TokenAlgorithm> {
        let able: &[TokenAlgorithm] = match self.key {
            KeyMaterial::Rsa { .. } => &[TokenAlgorithm::RS256, TokenAlgorithm::PS256],
            KeyMaterial::P256(_) => &[TokenAlgorithm::ES256],
            KeyMaterial::P384(_) => &[TokenAlgorithm::ES384],
            KeyMaterial::Ed25519(_) => &[TokenAlgorithm::EdDSA],
        };
        let fits = |algorithm: &&TokenAlgorithm| {
            let said = self.algorithm.as_deref();
            allowed.contains(algorithm) && said.is_none_or(|said| said == algorithm.as_str())
        };
        able.iter().find(fits).copied()
    }
}

impl KeyMaterial {
    fn verify(
        &self,
        algorithm: TokenAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ring::error::Unspecified> {
        match self {
            Self::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n, e };
                let parameters = if algorithm == TokenAlgorithm::PS256 {
                    &RSA_PSS_2048_8192_SHA256
                } else {
                    &RSA_PKCS1_2048_8192_SHA256
                };
                key.verify(parameters, message, signature)
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::P384(point) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
        }
    }
}
