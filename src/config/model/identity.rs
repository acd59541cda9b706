//! Whose tokens are keys, where the file says it in the reference system's words, and what the user should know of it.

use crate::config::file::{FieldPath, Findings, Stake, YamlDocument};
use crate::config::schema::GeneralKeys;
use crate::config::{Environment, IdentitySettings, TokenIssuer};

/// The issuers that `enable_jwt_auth` and `litellm_jwtauth` mean. Where they cannot be taken as they are meant, tokens are
/// refused, and that is a warning: a file that has them starts as it did when every token was refused.
pub(super) fn of_litellm(
    general: &GeneralKeys,
    document: &YamlDocument<'_>,
    environment: &Environment<'_>,
    findings: &mut Findings,
) -> Vec<TokenIssuer> {
    if general.enable_jwt_auth != Some(true) {
        return Vec::new();
    }
    let settings = general.litellm_jwtauth.clone().unwrap_or_default();
    settings.issuers(environment).unwrap_or_else(|problem| {
        let at = FieldPath::of(&["general_settings", "enable_jwt_auth"]);
        findings.warn(document.warning(Stake::Difference, &at, problem));
        Vec::new()
    })
}

/// Warns where nothing opens the pages: the password does not, and no identity provider does.
pub(super) fn tell_closed_pages(
    identity: &IdentitySettings,
    document: &YamlDocument<'_>,
    findings: &mut Findings,
) {
    if identity.takes_password() || identity.has_sign_in() {
        return;
    }
    let at = FieldPath::of(&["general_settings", "identity", "password_sign_in"]);
    let message = "nobody can sign in to the admin pages but holders of keys, to see their own: no password is taken, and no \
                   issuer has sign_in. Give an issuer sign_in, or leave password_sign_in out";
    findings.warn(document.warning(Stake::Difference, &at, message));
}

/// Warns where people of two identity providers may have one name here.
pub(super) fn tell_shared_names(
    identity: &IdentitySettings,
    document: &YamlDocument<'_>,
    findings: &mut Findings,
) {
    let issuers = &identity.issuers;
    for (n, issuer) in issuers.iter().enumerate() {
        let mut earlier = issuers.iter().take(n);
        let shares = |other: &TokenIssuer| {
            other.issuer != issuer.issuer && other.user_prefix == issuer.user_prefix
        };
        let Some(other) = earlier.find(|other| shares(other)) else {
            continue;
        };
        let at = FieldPath::of(&["general_settings", "identity", "issuers"]).index(n);
        let message = format!(
            "its users have the same names here as those of {}: who is called alike is one user, with one budget. A \
             user_prefix tells them apart",
            other.issuer
        );
        findings.warn(document.warning(Stake::Difference, &at, message));
    }
}
