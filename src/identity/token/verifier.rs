//! Whose token it is: the issuers, and the tokens that were found good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::check::TokenPurpose;
use super::issuer::IssuerAtWork;
use super::jwt::UnverifiedToken;
use super::{TokenRefusal, VerifiedToken};
use crate::config::TokenIssuer;
use crate::store::Table;

/// Good tokens that are remembered: some megabytes.
const MOST_TOKENS: usize = 10_000;

/// Verifies tokens. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Verifier {
    issuers: Arc<[IssuerAtWork]>,
    /// By their SHA-256.
    good: Arc<Mutex<HashMap<[u8; 32], Arc<VerifiedToken>>>>,
}

impl Verifier {
    /// For tokens of these issuers, whose keys are kept in this table too.
    pub fn new(issuers: &[TokenIssuer], table: &Table) -> Self {
        let issuers = issuers.iter().cloned();
        Self {
            issuers: issuers
                .map(|issuer| IssuerAtWork::new(issuer, table.clone()))
                .collect(),
            good: Arc::default(),
        }
    }

    /// Whether tokens are keys here at all.
    pub fn takes_tokens(&self) -> bool {
        self.issuers
            .iter()
            .any(|issuer| !issuer.config.audience.is_empty())
    }

    /// The issuers, in the order of the configuration.
    pub(crate) fn issuers(&self) -> &[IssuerAtWork] {
        &self.issuers
    }

    /// Whose token this is. One that was found good is good until it ends.
    ///
    /// # Errors
    /// Why it is refused, which stands in the log too.
    pub async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<VerifiedToken>, TokenRefusal> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(good) = self.good(&hash) {
            return match good.expires > now {
                true => Ok(good),
                false => Err(TokenRefusal::Expired),
            };
        }
        let verified = Arc::new(self.verify_anew(token, now).await?);
        self.keep(hash, &verified, now);
        Ok(verified)
    }

    async fn verify_anew(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        let token = UnverifiedToken::read(token)?;
        let from = token.issuer();
        let issuers = self.issuers.iter().filter(|issuer| {
            Some(issuer.config.issuer.as_str()) == from && !issuer.config.audience.is_empty()
        });
        let mut refused = None;
        for issuer in issuers {
            match issuer.verify(&token, TokenPurpose::Bearer, now).await {
                Ok(verified) => return Ok(verified),
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                }
            }
        }
        Err(refused.unwrap_or(TokenRefusal::UnknownIssuer))
    }

    fn good(&self, hash: &[u8; 32]) -> Option<Arc<VerifiedToken>> {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(hash).cloned()
    }

    fn keep(&self, hash: [u8; 32], verified: &Arc<VerifiedToken>, now: Timestamp) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= MOST_TOKENS {
            good.retain(|_, token| token.expires > now);
        }
        if good.len() >= MOST_TOKENS {
            good.clear();
        }
        good.insert(hash, Arc::clone(verified));
    }
}
