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

    /// The claim that has the person's groups; `None`: the provider has none, or calls it as it was told to.
    pub(super) fn teams(self) -> Option<ClaimPath> {
        match self {
            Self::AwsSts => None,
            Self::Cognito => Some(ClaimPath::named("cognito:groups")),
            Self::Entra | Self::Okta => Some(ClaimPath::named("groups")),
        }
    }
}
