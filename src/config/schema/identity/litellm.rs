//! `litellm_jwtauth`: the reference system's way to say the same.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml::Value;

use super::issuer::{UserClaims, WrittenClaims, WrittenIssuer};
use super::{ClaimCondition, ClaimPath, RoleConditions, TokenIssuer};
use crate::config::Environment;
use crate::config::file::lenient;

/// Fields that keep somebody out there, and that are not done here.
const PROTECTING: [&str; 8] = [
    "agent_id_jwt_field",
    "custom_validate",
    "enforce_rbac",
    "enforce_scope_based_access",
    "oidc_userinfo_enabled",
    "role_mappings",
    "routing_overrides",
    "virtual_key_claim_field",
];

/// `litellm_jwtauth`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct LitellmJwtAuth {
    admin_jwt_scope: Option<String>,
    user_id_jwt_field: Option<String>,
    user_email_jwt_field: Option<String>,
    team_id_jwt_field: Option<String>,
    team_ids_jwt_field: Option<String>,
    team_id_default: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    user_allowed_email_domain: Option<Vec<String>>,
    user_roles_jwt_field: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    user_allowed_roles: Option<Vec<String>>,
    issuers: Vec<LitellmIssuer>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// An entry of `issuers`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct LitellmIssuer {
    issuer: String,
    jwks_url: Option<String>,
    #[serde(deserialize_with = "lenient::texts")]
    audience: Option<Vec<String>>,
    user_id_jwt_field: Option<String>,
    user_email_jwt_field: Option<String>,
    team_id_jwt_field: Option<String>,
    team_ids_jwt_field: Option<String>,
}

impl LitellmJwtAuth {
    /// The issuers that it means, with those of the reference system's variables. What would let somebody in whom that
    /// system keeps out is refused with a reason.
    pub(in crate::config) fn issuers(
        &self,
        environment: &Environment<'_>,
    ) -> Result<Vec<TokenIssuer>, String> {
        let is_on = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        let is_set = |field: &&&str| self.others.get(**field).is_some_and(is_on);
        if let Some(field) = PROTECTING.iter().find(is_set) {
            return Err(format!(
                "{field} is not done here, so no token is taken; identity.issuers has required and roles for it"
            ));
        }
        let mut written = self.issuers.clone();
        if let Some(issuer) = environment("JWT_ISSUER") {
            written.push(LitellmIssuer {
                issuer,
                jwks_url: environment("JWT_PUBLIC_KEY_URL"),
                audience: environment("JWT_AUDIENCE").map(|audience| vec![audience]),
                ..LitellmIssuer::default()
            });
        }
        if written.is_empty() {
            return Err(
                "no issuer is named (issuers of litellm_jwtauth, or JWT_ISSUER with JWT_AUDIENCE), so no token is taken: \
                 any token of the same provider would open this gateway"
                    .to_owned(),
            );
        }
        written
            .into_iter()
            .map(|issuer| self.issuer(issuer))
            .collect()
    }

    fn issuer(&self, written: LitellmIssuer) -> Result<TokenIssuer, String> {
        let path = |own: &Option<String>, of_all: &Option<String>| {
            let Some(text) = own.as_ref().or(of_all.as_ref()) else {
                return Ok(None);
            };
            let path = ClaimPath::dotted(text);
            path.map(Some)
                .ok_or_else(|| format!("{text:?} names no claim"))
        };
        let teams = match path(&written.team_ids_jwt_field, &self.team_ids_jwt_field)? {
            Some(teams) => Some(teams),
            None => path(&written.team_id_jwt_field, &self.team_id_jwt_field)?,
        };
        let mut required = Vec::new();
        if let Some(values) = &self.user_allowed_roles {
            let claim = path(&self.user_roles_jwt_field, &None)?;
            let claim = claim.ok_or("user_allowed_roles is without a user_roles_jwt_field")?;
            required.push(ClaimCondition {
                claim,
                values: values.clone(),
            });
        }
        let scope = self
            .admin_jwt_scope
            .as_deref()
            .unwrap_or("litellm_proxy_admin");
        let jwks = written.jwks_url.filter(|url| !is_discovery(url));
        let entry = WrittenIssuer {
            issuer: written.issuer,
            audience: written.audience,
            jwks,
            claims: WrittenClaims {
                user: path(&written.user_id_jwt_field, &self.user_id_jwt_field)?
                    .map(UserClaims::One),
                email: path(&written.user_email_jwt_field, &self.user_email_jwt_field)?,
                teams,
                models: None,
            },
            default_team: self.team_id_default.clone(),
            allowed_email_domains: self.user_allowed_email_domain.clone(),
            required,
            roles: RoleConditions {
                admin: vec![ClaimCondition {
                    claim: ClaimPath::named("scope"),
                    values: vec![scope.to_owned()],
                }],
                ..RoleConditions::default()
            },
            ..WrittenIssuer::default()
        };
        TokenIssuer::try_from(entry)
    }
}

/// The address of a provider's discovery document, which the gateway finds by itself.
fn is_discovery(url: &str) -> bool {
    url.ends_with("/.well-known/openid-configuration")
}
