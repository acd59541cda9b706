//! `general_settings.identity`: whose tokens are keys, and who signs in to the pages.

mod claims;
mod issuer;
mod litellm;
mod preset;
mod sign_in;

use serde::Deserialize;

use super::period;
use crate::config::Period;
use crate::config::file::lenient;

pub use claims::{ClaimCondition, ClaimPath};
pub use issuer::{TokenAlgorithm, TokenIssuer, TokenKind};
pub(in crate::config) use litellm::LitellmJwtAuth;
pub use preset::Preset;
pub use sign_in::{RoleConditions, SignIn};

/// `general_settings.identity`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// The identity providers whose tokens are believed.
    pub issuers: Vec<TokenIssuer>,
    /// The password of the admin pages opens them. Default: yes.
    #[serde(deserialize_with = "lenient::boolean")]
    pub password_sign_in: Option<bool>,
    /// A bearer token whose claims make its bearer an admin may do what the master key may. Default: no.
    #[serde(deserialize_with = "lenient::boolean")]
    pub admin_tokens: Option<bool>,
    /// How long a key may live that a member makes (`key_max_duration: 30d`). Default: 30 days.
    #[serde(deserialize_with = "period::optional")]
    pub key_max_duration: Option<Period>,
}

impl IdentitySettings {
    /// Whether somebody can sign in at an identity provider.
    pub fn has_sign_in(&self) -> bool {
        self.issuers.iter().any(|issuer| issuer.sign_in.is_some())
    }

    /// Whether the password opens the pages.
    pub fn takes_password(&self) -> bool {
        self.password_sign_in.unwrap_or(true)
    }
}
