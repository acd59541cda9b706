//! How people sign in to the pages at an identity provider, and what they may do there.

use serde::Deserialize;

use super::ClaimCondition;
use super::claims::conditions;

/// `sign_in` of an issuer: the code flow of OpenID Connect with PKCE, as a public client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The client that the gateway is at the identity provider.
    pub client_id: String,
    /// What is asked for. Default: `openid email profile`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
}

fn usual_scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).into()
}

/// `roles` of an issuer: the claims that make somebody an admin, a viewer or a member of the pages. The first role counts
/// whose conditions all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleConditions {
    /// May see and change everything. Without conditions nobody is one.
    #[serde(deserialize_with = "conditions")]
    pub admin: Vec<ClaimCondition>,
    /// Sees everything but stored content, and changes nothing. Without conditions nobody is one.
    #[serde(deserialize_with = "conditions")]
    pub viewer: Vec<ClaimCondition>,
    /// Sees what is the person's own. Without conditions everybody is one whose token is good.
    #[serde(deserialize_with = "conditions")]
    pub member: Vec<ClaimCondition>,
}
