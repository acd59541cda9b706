//! Which claims a token has to have, once its signature was found good, and what they mean here.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::TokenRefusal;
use super::claims::Claims;
use super::refusal::ClaimType;
use crate::config::{ClaimPath, TokenIssuer, TokenKind};
use crate::identity::check::{LONGEST_TEXT, check_text};

/// How far the clock of an issuer may go before this one.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// How old a token may be, and how long it may live.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// SHA-256 of issuer and person in hex: stands wherever a key's hash stands.
    pub principal: String,
    /// Who has issued it.
    pub issuer: String,
    /// The person's name in records.
    pub user_id: String,
    /// The person's address.
    pub email: Option<String>,
    /// Teams that it names, as they are called here, the first the one that counts.
    pub teams: Vec<String>,
    /// Where it names them; `None`: tokens of its issuer do not.
    pub teams_claim: Option<String>,
    /// The team of tokens that name none that is known.
    pub default_team: Option<String>,
    /// The models that it lists; `None`: it lists none, and all may be asked for.
    pub models: Option<Vec<String>>,
    /// What its bearer may do on the pages.
    pub access: Option<Access>,
    /// When it ends.
    pub expires: Timestamp,
}

/// What somebody may do on the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// See and change everything.
    Admin,
    /// See everything but stored content, and change nothing.
    Viewer,
    /// See what is one's own.
    Member,
}

/// What a token is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum TokenPurpose<'p> {
    /// It is sent as a key.
    Bearer,
    /// It answers a sign-in of this client.
    SignIn { client_id: &'p str, nonce: &'p str },
}

impl VerifiedToken {
    /// Who people say that the bearer is.
    pub fn label(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.user_id)
    }
}

/// Checks the claims of a token that one of the issuer's keys has signed.
pub(super) fn check(
    issuer: &TokenIssuer,
    claims: &Map<String, Value>,
    purpose: TokenPurpose<'_>,
    now: Timestamp,
) -> Result<VerifiedToken, TokenRefusal> {
    let claims = Claims(claims);
    if claims.text("iss")? != Some(&issuer.issuer) {
        return Err(TokenRefusal::UnknownIssuer);
    }
    let expires = check_times(&claims, now)?;
    check_audience(issuer, &claims, purpose)?;
    check_tenant(issuer, &claims)?;
    if let Some(failing) = claims.failing(&issuer.required)? {
        return Err(not_allowed(issuer, &claims, &failing.claim));
    }
    let email = check_email(issuer, &claims)?;
    let person = person(issuer, &claims)?;
    let user_id = format!("{}{person}", issuer.user_prefix);
    if check_text("user_id", Some(&user_id)).is_err() {
        let names = issuer.user.first().map(ToString::to_string);
        let claim = names.unwrap_or_default();
        let expected = ClaimType::Id {
            longest: LONGEST_TEXT,
        };
        return Err(TokenRefusal::bad_claim(claim, expected));
    }
    Ok(VerifiedToken {
        principal: principal(&issuer.issuer, &person),
        issuer: issuer.issuer.clone(),
        user_id,
        email,
        teams: teams(issuer, &claims)?,
        teams_claim: issuer.teams.as_ref().map(ToString::to_string),
        default_team: issuer.default_team.clone(),
        models: match &issuer.models {
            Some(path) => claims.values(path)?,
            None => None,
        },
        access: access(issuer, &claims)?,
        expires,
    })
}

/// Who asks: the same for all tokens of a person of an issuer, and another for any other person of any issuer.
fn principal(issuer: &str, person: &str) -> String {
    let hash = Sha256::new()
        .chain_update("principal\0")
        .chain_update(issuer)
        .chain_update("\0")
        .chain_update(person);
    hex::encode(hash.finalize())
}

/// Of a claim that is not as it is required.
fn not_allowed(issuer: &TokenIssuer, claims: &Claims<'_>, path: &ClaimPath) -> TokenRefusal {
    match path.find(claims.0) {
        None | Some(Value::Null) => missing(issuer, path),
        Some(_) => TokenRefusal::NotAllowed(path.to_string()),
    }
}

fn missing(issuer: &TokenIssuer, path: &ClaimPath) -> TokenRefusal {
    TokenRefusal::MissingClaim {
        claim: path.to_string(),
        preset: issuer.preset,
    }
}

fn check_times(claims: &Claims<'_>, now: Timestamp) -> Result<Timestamp, TokenRefusal> {
    let expires = claims.instant("exp")?;
    let expires = expires.ok_or_else(|| TokenRefusal::bad_claim("exp", ClaimType::Instant))?;
    if expires <= now {
        return Err(TokenRefusal::Expired);
    }
    let begins = [claims.instant("nbf")?, claims.instant("iat")?];
    if begins
        .into_iter()
        .flatten()
        .any(|begins| begins > now + SKEW)
    {
        return Err(TokenRefusal::NotYetValid);
    }
    // Of a token that does not say when it was made only its end is known.
    let is_old = match begins {
        [_, Some(made)] => made < now - LONGEST_LIFE,
        [_, None] => expires > now + LONGEST_LIFE,
    };
    if is_old {
        return Err(TokenRefusal::TooOld);
    }
    Ok(expires)
}

fn check_audience(
    issuer: &TokenIssuer,
    claims: &Claims<'_>,
    purpose: TokenPurpose<'_>,
) -> Result<(), TokenRefusal> {
    let (wanted, kind) = match purpose {
        TokenPurpose::Bearer => (issuer.audience.as_slice(), issuer.kind),
        TokenPurpose::SignIn { client_id, nonce } => {
            if claims.text("nonce")? != Some(nonce) {
                return Err(TokenRefusal::WrongNonce);
            }
            let audience = claims.texts("aud")?;
            let azp = claims.text("azp")?;
            let is_ours = audience.contains(&client_id);
            // A token for several says who has asked for it.
            if !is_ours || (audience.len() > 1 && azp.is_none()) {
                return Err(TokenRefusal::WrongAudience("aud"));
            }
            if azp.is_some_and(|azp| azp != client_id) {
                return Err(TokenRefusal::WrongAudience("azp"));
            }
            let kind = match issuer.kind {
                TokenKind::Audience => TokenKind::Audience,
                TokenKind::CognitoAccess | TokenKind::CognitoId => TokenKind::CognitoId,
            };
            return check_kind(kind, claims);
        }
    };
    check_kind(kind, claims)?;
    let name = match kind {
        TokenKind::CognitoAccess => "client_id",
        TokenKind::Audience | TokenKind::CognitoId => "aud",
    };
    let mut audience = claims.texts(name)?.into_iter();
    match audience.any(|audience| wanted.iter().any(|wanted| wanted == audience)) {
        true => Ok(()),
        false => Err(TokenRefusal::WrongAudience(name)),
    }
}

fn check_kind(kind: TokenKind, claims: &Claims<'_>) -> Result<(), TokenRefusal> {
    let wanted = match kind {
        TokenKind::Audience => return Ok(()),
        TokenKind::CognitoAccess => "access",
        TokenKind::CognitoId => "id",
    };
    match claims.text("token_use")? {
        Some(found) if found == wanted => Ok(()),
        _ => Err(TokenRefusal::WrongKind("token_use")),
    }
}

/// Ids of people are unique within a tenant of Entra alone.
fn check_tenant(issuer: &TokenIssuer, claims: &Claims<'_>) -> Result<(), TokenRefusal> {
    match issuer.entra_tenant() {
        Some(tenant) if claims.text("tid")? != Some(&tenant) => {
            Err(TokenRefusal::NotAllowed("tid".to_owned()))
        }
        _ => Ok(()),
    }
}

fn check_email(issuer: &TokenIssuer, claims: &Claims<'_>) -> Result<Option<String>, TokenRefusal> {
    let email = claims.values(&issuer.email)?.unwrap_or_default();
    let email = email.into_iter().next();
    match claims.0.get("email_verified") {
        None | Some(Value::Null | Value::Bool(true)) => {}
        // Cognito's way to say it.
        Some(Value::String(text)) if text == "true" => {}
        Some(_) => return Err(TokenRefusal::UnverifiedEmail),
    }
    let domains = &issuer.allowed_email_domains;
    if !domains.is_empty() {
        if email.is_none() {
            return Err(missing(issuer, &issuer.email));
        }
        let domain = email.as_deref().and_then(|email| email.rsplit_once('@'));
        let domain = domain.map(|(_, domain)| domain).unwrap_or_default();
        let is_allowed =
            |allowed: &String| domain.eq_ignore_ascii_case(allowed.trim_start_matches('@'));
        if !domains.iter().any(is_allowed) {
            return Err(TokenRefusal::WrongDomain);
        }
    }
    Ok(email.filter(|email| check_text("user_email", Some(email)).is_ok()))
}

fn person(issuer: &TokenIssuer, claims: &Claims<'_>) -> Result<String, TokenRefusal> {
    for path in &issuer.user {
        match path.find(claims.0) {
            None | Some(Value::Null) => {}
            Some(Value::String(person)) => return Ok(person.clone()),
            Some(Value::Number(number)) => return Ok(number.to_string()),
            Some(_) => return Err(TokenRefusal::bad_claim(path, ClaimType::Text)),
        }
    }
    let names: Vec<_> = issuer.user.iter().map(ToString::to_string).collect();
    Err(TokenRefusal::bad_claim(names.join(" or "), ClaimType::Text))
}

/// The teams of a token, as the configuration calls them.
fn teams(issuer: &TokenIssuer, claims: &Claims<'_>) -> Result<Vec<String>, TokenRefusal> {
    let Some(path) = &issuer.teams else {
        return Ok(Vec::new());
    };
    let values = claims.values(path)?.unwrap_or_default();
    if issuer.team_map.is_empty() {
        return Ok(values);
    }
    let known = values.iter().filter_map(|value| issuer.team_map.get(value));
    Ok(known.cloned().collect())
}

fn access(issuer: &TokenIssuer, claims: &Claims<'_>) -> Result<Option<Access>, TokenRefusal> {
    let roles = &issuer.roles;
    let chosen = [
        (&roles.admin, Access::Admin),
        (&roles.viewer, Access::Viewer),
    ];
    for (conditions, access) in chosen {
        if !conditions.is_empty() && claims.failing(conditions)?.is_none() {
            return Ok(Some(access));
        }
    }
    let is_member = claims.failing(&roles.member)?.is_none();
    Ok(is_member.then_some(Access::Member))
}
