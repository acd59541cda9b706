//! The credentials with which a deployment is called.

use crate::config::schema::Access;
use crate::config::{Credentials, Environment};

/// The session name of an assumed role where the file gives none.
const DEFAULT_SESSION_NAME: &str = "bedrock-sidecar";

impl Access {
    /// These credentials, or those of `litellm_settings` where the deployment has none of its own.
    ///
    /// Fails with the name of the missing half when only one half of a key pair is there.
    pub(super) fn credentials(
        &self,
        common: &Access,
        environment: &Environment<'_>,
    ) -> Result<Credentials, &'static str> {
        let from = if self.any() { self } else { common };
        if let Some(key) = &from.api_key {
            return Ok(Credentials::Bearer(key.clone()));
        }
        let source = from.source(environment)?;
        let Some(arn) = &from.aws_role_name else {
            return Ok(source);
        };
        let session_name = [&self.aws_session_name, &common.aws_session_name];
        Ok(Credentials::Role {
            arn: arn.clone(),
            session_name: session_name
                .into_iter()
                .flatten()
                .next()
                .map_or_else(|| DEFAULT_SESSION_NAME.to_owned(), Clone::clone),
            external_id: from.aws_external_id.clone(),
            source: Box::new(source),
        })
    }

    fn any(&self) -> bool {
        self.aws_profile_name.is_some()
            || self.aws_access_key_id.is_some()
            || self.aws_secret_access_key.is_some()
            || self.aws_role_name.is_some()
            || self.api_key.is_some()
    }

    fn source(&self, environment: &Environment<'_>) -> Result<Credentials, &'static str> {
        match (&self.aws_access_key_id, &self.aws_secret_access_key) {
            (Some(id), Some(secret)) => {
                // The environment's own key may be a temporary one: it is nothing without its session token, which
                // the file need not name.
                let own = environment("AWS_ACCESS_KEY_ID").is_some_and(|own| own == id.expose());
                let token =
                    environment("AWS_SESSION_TOKEN").filter(|token| own && !token.is_empty());
                Ok(Credentials::Keys {
                    access_key_id: id.clone(),
                    secret_access_key: secret.clone(),
                    session_token: self
                        .aws_session_token
                        .clone()
                        .or(token.map(crate::config::Secret::new)),
                })
            }
            (Some(_), None) => Err("aws_secret_access_key"),
            (None, Some(_)) => Err("aws_access_key_id"),
            (None, None) => Ok(match &self.aws_profile_name {
                Some(name) => Credentials::Profile(name.clone()),
                None => Credentials::Default,
            }),
        }
    }
}
