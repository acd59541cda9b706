//! What is known of the tokens of well-known identity providers.

use serde::Deserialize;

use super::ClaimPath;

/// An identity provider whose tokens are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Tokens of `sts:GetWebIdentityToken`: a role of an AWS account, or a person of IAM Identity Center who has it.
    AwsSts,
    /// A user pool of Amazon Cognito.
    Cognito,
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
}

/// Where AWS puts what it says of a caller.
pub(super) const AWS: &str = "https://sts.amazonaws.com/";

impl Preset {
    /// The claims that name the person: the first that a token has.
    pub(super) fn user(preset: Option<Self>) -> Vec<ClaimPath> {
        let names: &[&str] = match preset {
            // The role's ARN is shared by all who have the permission set.
            Some(Self::AwsSts) => &[
                "/https:~1~1sts.amazonaws.com~1/identity_store_user_id",
                "sub",
            ],
            Some(Self::Entra) => &["oid"],
            // Access tokens have the e-mail address in `sub`, identity tokens the id.
            Some(Self::Okta) => &["uid", "sub"],
            Some(Self::Cognito) | None => &["sub"],
        };
        names
            .iter()
            .filter_map(|name| ClaimPath::parse(name))
            .collect()
    }

    /// What to set at the provider where its tokens lack a claim.
    pub fn remedy(preset: Option<Self>) -> &'static str {
        match preset {
            Some(Self::Okta) => {
                "At Okta, add it to the claims of a custom authorization server (an issuer that ends in /oauth2/…), with the \
                 scope that brings it among sign_in.scopes: tokens of the organization's own server lack it."
            }
            Some(Self::Entra) => {
                "In Entra ID, add it under 'Token configuration' of the application, or give the person an app role."
            }
            Some(Self::Cognito) => {
                "Cognito leaves out the groups of a person who is in none; access tokens have no attributes of a person \
                 unless a trigger adds them."
            }
            Some(Self::AwsSts) => {
                "AWS puts a role's or a session's tags into its tokens, and the tags that a request asks for."
            }
            None => "The identity provider has to put it into its tokens.",
        }
    }

    /// The claim that has the person's groups; `None`: the provider has none, or calls it as it was told to.
    pub(super) fn teams(self) -> Option<ClaimPath> {
        match self {
            Self::AwsSts => None,
            Self::Cognito => Some(ClaimPath::named("cognito:groups")),
            Self::Entra | Self::Okta => Some(ClaimPath::named("groups")),
        }
    }
}
