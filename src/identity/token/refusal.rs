//! Why a token is refused.

use std::fmt;

use crate::config::Preset;

/// Why a token is refused. What it prints is told to its bearer; [`Self::reason`] is its name in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It is no JSON Web Token.
    #[error("It is not a JSON Web Token: {0}.")]
    Malformed(Malformation),
    /// Its header asks for something that is not understood.
    #[error("Its header has critical extensions ('crit'), which are not understood here.")]
    CriticalExtension,
    /// It is a token for something else.
    #[error(
        "It is a token of another type than an access or identity token ('typ' of its header)."
    )]
    WrongType,
    /// Its issuer is not configured, or gives no bearer tokens.
    #[error("Its issuer ('iss') is not one whose tokens are taken here.")]
    UnknownIssuer,
    /// It does not say which key has signed it.
    #[error("It does not name the key that has signed it ('kid').")]
    NoKeyId,
    /// Its issuer has no such key.
    #[error("Its issuer has no key of the id that it names ('kid').")]
    UnknownKey,
    /// It is signed in another way than its key is for.
    #[error("It is signed in a way that is not its key's, or is not taken here ('alg').")]
    WrongAlgorithm,
    /// Its signature is not its key's.
    #[error("Its signature is wrong.")]
    WrongSignature,
    /// A claim is missing, or of another type than it has to be.
    #[error("Its claim '{claim}' is missing or not {expected}.")]
    BadClaim {
        /// The claim.
        claim: String,
        /// What it has to be.
        expected: ClaimType,
    },
    /// Its time is over.
    #[error("It has expired ('exp').")]
    Expired,
    /// Its time has not begun.
    #[error("It is not valid yet ('nbf', 'iat').")]
    NotYetValid,
    /// It was made more than a day ago, or lives longer.
    #[error("It is older than a day, or may live longer than one ('iat', 'exp').")]
    TooOld,
    /// It is for somebody else.
    #[error("It is for another audience ('{0}').")]
    WrongAudience(&'static str),
    /// It is of another kind.
    #[error("It is of another kind than the one that is taken here ('{0}').")]
    WrongKind(&'static str),
    /// It does not answer the sign-in that was begun.
    #[error("It does not belong to this sign-in ('nonce').")]
    WrongNonce,
    /// The person's address was not proven.
    #[error("Its e-mail address is not verified ('email_verified').")]
    UnverifiedEmail,
    /// The person's address is of another domain.
    #[error("Its e-mail address is of a domain that is not let in.")]
    WrongDomain,
    /// The groups were too many for the token.
    #[error(
        "It has too many groups to list them ('_claim_names'). Have the identity provider put app roles into the token, or \
         only the groups that are assigned to the application."
    )]
    GroupsLeftOut,
    /// A condition of the configuration does not hold.
    #[error("Its claim '{0}' has none of the values that are let in.")]
    NotAllowed(String),
    /// A claim is missing that decides who is let in.
    #[error("Its claim '{claim}' is missing. {}", Preset::remedy(*preset))]
    MissingClaim {
        /// The claim.
        claim: String,
        /// The identity provider, where its tokens are known: what to set there differs.
        preset: Option<Preset>,
    },
    /// Its teams are not known here.
    #[error("It names no team that is known here ('{0}'), and there is no team for such tokens.")]
    NoTeam(String),
    /// The request wants to be of a team that the token does not have.
    #[error("It is not of the team that x-litellm-team-id names.")]
    NotOfTeam,
    /// The issuer's keys cannot be had just now.
    #[error("The keys of its issuer cannot be read just now.")]
    NoKeys,
}

impl TokenRefusal {
    /// Its name in the log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::CriticalExtension => "critical_extension",
            Self::WrongType => "wrong_type",
            Self::UnknownIssuer => "unknown_issuer",
            Self::NoKeyId => "no_key_id",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::WrongSignature => "wrong_signature",
            Self::BadClaim { .. } => "bad_claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::TooOld => "too_old",
            Self::WrongAudience(_) => "wrong_audience",
            Self::WrongKind(_) => "wrong_kind",
            Self::WrongNonce => "wrong_nonce",
            Self::UnverifiedEmail => "unverified_email",
            Self::WrongDomain => "wrong_domain",
            Self::GroupsLeftOut => "groups_left_out",
            Self::NotAllowed(_) => "not_allowed",
            Self::MissingClaim { .. } => "missing_claim",
            Self::NoTeam(_) => "no_team",
            Self::NotOfTeam => "not_of_team",
            Self::NoKeys => "no_keys",
        }
    }

    /// Whether nothing is wrong with the token: it may be tried again.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoKeys)
    }

    /// Whether the token is good, and its bearer is not let in: another token would not help.
    pub fn is_about_person(&self) -> bool {
        matches!(
            self,
            Self::UnverifiedEmail
                | Self::WrongDomain
                | Self::GroupsLeftOut
                | Self::NotAllowed(_)
                | Self::MissingClaim { .. }
                | Self::NoTeam(_)
                | Self::NotOfTeam
        )
    }

    pub(super) fn bad_claim(claim: impl ToString, expected: ClaimType) -> Self {
        Self::BadClaim {
            claim: claim.to_string(),
            expected,
        }
    }
}

/// Why a text is no JSON Web Token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformation {
    /// It has more bytes than are read.
    #[error("it is too long")]
    TooLong,
    /// It has not three parts.
    #[error("it has no parts")]
    NoParts,
    /// A part cannot be decoded.
    #[error("a part is not base64url")]
    NotBase64,
    /// Its header cannot be read.
    #[error("its header is not JSON with an 'alg'")]
    BadHeader,
    /// Its claims cannot be read.
    #[error("its claims are not a JSON object")]
    BadClaims,
}

/// What a claim has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimType {
    /// A text.
    Text,
    /// A text that can be somebody's id here.
    Id {
        /// Its most bytes.
        longest: usize,
    },
    /// One text, or several.
    Texts,
    /// An instant in seconds: whole ones, or with a fraction.
    Instant,
}

impl fmt::Display for ClaimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text"),
            Self::Id { longest } => write!(f, "a text of 1 to {longest} bytes"),
            Self::Texts => f.write_str("a text or a list of texts"),
            Self::Instant => f.write_str("a number of seconds"),
        }
    }
}
