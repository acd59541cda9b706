//! An entry of `general_settings.identity.issuers`.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::{Host, Url};

use super::claims::conditions;
use super::preset::AWS;
use super::{ClaimCondition, ClaimPath, Preset, RoleConditions, SignIn};
use crate::config::file::lenient;

/// An identity provider whose tokens are believed, and what they mean here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "WrittenIssuer")]
pub struct TokenIssuer {
    /// What its tokens say in `iss`, to the letter.
    pub issuer: String,
    /// What people call it.
    pub name: String,
    /// What is known of it.
    pub preset: Option<Preset>,
    /// The audiences that a bearer token may be for. Empty: no bearer token of the issuer is taken.
    pub audience: Vec<String>,
    /// Which of Cognito's two kinds of token is taken.
    pub kind: TokenKind,
    /// How a token may be signed.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Where its keys are; `None`: where its discovery document says.
    pub jwks: Option<Url>,
    /// The claims that name the person: the first that a token has.
    pub user: Vec<ClaimPath>,
    /// The person's address.
    pub email: ClaimPath,
    /// The person's teams; `None`: tokens say nothing of teams.
    pub teams: Option<ClaimPath>,
    /// The models that may be asked for; `None`: tokens say nothing of models.
    pub models: Option<ClaimPath>,
    /// What user ids here begin with.
    pub user_prefix: String,
    /// Which team a value of `teams` means; empty: the value itself is the team's id.
    pub team_map: BTreeMap<String, String>,
    /// The team of tokens that name none that is known.
    pub default_team: Option<String>,
    /// Domains of which the person's address has to be; empty: any.
    pub allowed_email_domains: Vec<String>,
    /// What claims have to be.
    pub required: Vec<ClaimCondition>,
    /// What people may do on the pages.
    pub roles: RoleConditions,
    /// How people sign in; `None`: not with this provider.
    pub sign_in: Option<SignIn>,
}

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)] // The names of RFC 7518 and RFC 8037.
pub enum TokenAlgorithm {
    RS256,
    PS256,
    ES256,
    ES384,
    EdDSA,
}

impl TokenAlgorithm {
    /// Its name in a token's header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// Where a token says whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// In `aud`.
    #[default]
    Audience,
    /// Cognito's access tokens: in `client_id`, and `token_use` is `access`.
    #[serde(rename = "access")]
    CognitoAccess,
    /// Cognito's identity tokens: in `aud`, and `token_use` is `id`.
    #[serde(rename = "id")]
    CognitoId,
}

/// The entry as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenIssuer {
    pub issuer: String,
    pub name: Option<String>,
    pub preset: Option<Preset>,
    #[serde(deserialize_with = "lenient::texts")]
    pub audience: Option<Vec<String>>,
    pub token_use: Option<TokenKind>,
    pub algorithms: Option<Vec<TokenAlgorithm>>,
    pub jwks: Option<String>,
    pub claims: WrittenClaims,
    pub user_prefix: String,
    pub team_map: BTreeMap<String, String>,
    pub default_team: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    pub allowed_email_domains: Option<Vec<String>>,
    #[serde(deserialize_with = "conditions")]
    pub required: Vec<ClaimCondition>,
    pub roles: RoleConditions,
    pub sign_in: Option<SignIn>,
}

/// `claims` of an entry.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenClaims {
    pub user: Option<UserClaims>,
    pub email: Option<ClaimPath>,
    pub teams: Option<ClaimPath>,
    pub models: Option<ClaimPath>,
}

/// A claim, or several of which the first counts that a token has.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a claim's name, or a list of them")]
pub(super) enum UserClaims {
    One(ClaimPath),
    Several(Vec<ClaimPath>),
}

impl TryFrom<WrittenIssuer> for TokenIssuer {
    type Error = String;

    fn try_from(written: WrittenIssuer) -> Result<Self, String> {
        let url = checked_issuer(&written.issuer)?;
        let jwks = written.jwks.map(|jwks| {
            let url =
                Url::parse(&jwks).map_err(|_| format!("found jwks {jwks:?}, expected a URL"))?;
            checked_address(&url, "jwks").map(|()| url)
        });
        let audience = written.audience.unwrap_or_default();
        if audience.iter().any(|audience| audience.trim().is_empty()) {
            return Err("found an empty audience".to_owned());
        }
        if audience.is_empty() && written.sign_in.is_none() {
            return Err(
                "expected an audience, or sign_in: without one of them nobody can use this issuer. A token that is \
                 for somebody else must not open this gateway"
                    .to_owned(),
            );
        }
        let teams = written.claims.teams.or_else(|| {
            let is_wanted = !written.team_map.is_empty();
            written.preset.filter(|_| is_wanted).and_then(Preset::teams)
        });
        if !written.team_map.is_empty() && teams.is_none() {
            return Err("found a team_map, expected claims.teams beside it".to_owned());
        }
        let user = match written.claims.user {
            None => Preset::user(written.preset),
            Some(UserClaims::One(claim)) => vec![claim],
            Some(UserClaims::Several(claims)) if claims.is_empty() => {
                return Err("found no claim in claims.user, expected at least one".to_owned());
            }
            Some(UserClaims::Several(claims)) => claims,
        };
        let usual = [
            TokenAlgorithm::RS256,
            TokenAlgorithm::ES256,
            TokenAlgorithm::ES384,
        ];
        let algorithms = written.algorithms.unwrap_or_else(|| usual.into());
        if algorithms.is_empty() {
            return Err("found no algorithm, expected at least one".to_owned());
        }
        let kind = match (written.preset, written.token_use) {
            (Some(Preset::Cognito), kind) => kind.unwrap_or(TokenKind::CognitoAccess),
            (_, None) => TokenKind::Audience,
            (_, Some(_)) => {
                return Err("found token_use, which only the preset cognito has".to_owned());
            }
        };
        let issuer = TokenIssuer {
            name: (written.name).unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned()),
            issuer: written.issuer,
            preset: written.preset,
            audience,
            kind,
            algorithms,
            jwks: jwks.transpose()?,
            user,
            email: written
                .claims
                .email
                .unwrap_or_else(|| ClaimPath::named("email")),
            teams,
            models: written.claims.models,
            user_prefix: written.user_prefix,
            team_map: written.team_map,
            default_team: written.default_team,
            allowed_email_domains: written.allowed_email_domains.unwrap_or_default(),
            required: written.required,
            roles: written.roles,
            sign_in: written.sign_in,
        };
        issuer.check_known_provider(&url)?;
        Ok(issuer)
    }
}

impl TokenIssuer {
    /// Refuses what would let strangers in at providers of which that is known.
    fn check_known_provider(&self, url: &Url) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default();
        let tenant = url.path_segments().and_then(|mut path| path.next());
        let is_entra = self.preset == Some(Preset::Entra) || host == "login.microsoftonline.com";
        if is_entra && matches!(tenant, Some("common" | "organizations" | "consumers")) {
            return Err(
                "found an issuer of all of Microsoft's tenants, expected that of your own: \
                 https://login.microsoftonline.com/<tenant id>/v2.0"
                    .to_owned(),
            );
        }
        if is_entra && !self.allowed_email_domains.is_empty() {
            return Err(
                "found allowed_email_domains, which protect nothing with Entra: its e-mail claim is no proof. Use \
                 required with roles or groups"
                    .to_owned(),
            );
        }
        if host == "accounts.google.com"
            && self.required.is_empty()
            && self.allowed_email_domains.is_empty()
        {
            return Err(
                "expected allowed_email_domains, or required with hd: anybody can have an account at Google"
                    .to_owned(),
            );
        }
        if self.preset == Some(Preset::AwsSts) && !self.required.iter().any(is_of_aws) {
            return Err(
                "expected required with sub, /https:~1~1sts.amazonaws.com~1/org_id or a principal tag: anybody in the \
                 issuing account may have a token made for this audience"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The tenant of Entra that its tokens are of.
    pub fn entra_tenant(&self) -> Option<String> {
        let url = Url::parse(&self.issuer).ok();
        let url = url.filter(|_| self.preset == Some(Preset::Entra))?;
        let tenant = url.path_segments()?.next()?.to_owned();
        Some(tenant)
    }
}

/// Whether a condition is on something that callers of AWS cannot choose.
fn is_of_aws(condition: &ClaimCondition) -> bool {
    const CHOSEN_BY_AWS: [&[&str]; 5] = [
        &["sub"],
        &[AWS, "org_id"],
        &[AWS, "ou_path"],
        &[AWS, "principal_tags"],
        &[AWS, "identity_store_arn"],
    ];
    let claim = &condition.claim;
    let is_any = condition
        .values
        .iter()
        .any(|value| value.trim_matches('*').is_empty());
    !is_any && CHOSEN_BY_AWS.iter().any(|steps| claim.is_below(steps))
}

fn checked_issuer(issuer: &str) -> Result<Url, String> {
    if issuer.is_empty() {
        return Err("the field `issuer` is missing".to_owned());
    }
    let url =
        Url::parse(issuer).map_err(|_| format!("found the issuer {issuer:?}, expected a URL"))?;
    checked_address(&url, "issuer")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("found an issuer with a query or a fragment, expected one without".to_owned());
    }
    Ok(url)
}

/// Keys of an identity provider come over TLS. On this machine itself there may be a test's.
fn checked_address(url: &Url, what: &str) -> Result<(), String> {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    match url.scheme() {
        _ if has_user => Err(format!("found a user name in {what}, expected none")),
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => Err(format!(
            "found {what} {url}, expected an address that begins with https://"
        )),
    }
}
