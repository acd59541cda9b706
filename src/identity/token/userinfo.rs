//! What an identity provider says of a person beside the identity token: some leave the address and the groups out of the
//! token, as the authorization server of an Okta organization does.

use serde_json::{Map, Value};

use crate::config::TokenIssuer;

/// Claims about the token itself, which it alone can say.
const OF_TOKEN: [&str; 11] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "nbf",
    "iat",
    "nonce",
    "tid",
    "oid",
    "token_use",
];

/// Whether a token lacks something that the configuration reads.
pub(super) fn is_thin(issuer: &TokenIssuer, claims: &Map<String, Value>) -> bool {
    let roles = &issuer.roles;
    let conditions = [&issuer.required, &roles.admin, &roles.viewer, &roles.member];
    let conditions = conditions.into_iter().flatten();
    let read = std::iter::once(&issuer.email)
        .chain(&issuer.teams)
        .chain(&issuer.models)
        .chain(conditions.map(|condition| &condition.claim));
    let mut missing = read.filter(|path| path.find(claims).is_none());
    missing.next().is_some()
}

/// Adds what is said of the token's person. What the token says itself stays.
///
/// # Errors
/// When another person is spoken of (OpenID Connect Core, 5.3.2).
pub(super) fn complete(
    claims: &mut Map<String, Value>,
    said: Map<String, Value>,
) -> Result<(), &'static str> {
    if said.get("sub").is_none_or(Value::is_null) || said.get("sub") != claims.get("sub") {
        return Err("it speaks of another person");
    }
    // An address, and whether it is proven, belong together.
    if !claims.contains_key("email") && said.contains_key("email") {
        claims.remove("email_verified");
    }
    for (name, value) in said {
        if !OF_TOKEN.contains(&name.as_str()) {
            claims.entry(name).or_insert(value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_token_is_completed_for_its_person_and_never_changed() {
        let token = json!({"iss": "a", "sub": "maria", "exp": 1, "groups": ["own"], "email_verified": true});
        let with = |said: Value| {
            let mut claims = object(token.clone());
            complete(&mut claims, object(said)).map(|()| Value::Object(claims))
        };
        let said = json!({
            "sub": "maria", "iss": "b", "exp": 9, "aud": "x", "groups": ["admins"],
            "email": "maria@example.com", "email_verified": false, "team": "tools",
        });
        let expected = json!({
            "iss": "a", "sub": "maria", "exp": 1, "groups": ["own"],
            "email": "maria@example.com", "email_verified": false, "team": "tools",
        });
        assert_eq!(with(said), Ok(expected));
        for other in [
            json!({"sub": "jo"}),
            json!({"email": "a@b.c"}),
            json!({"sub": null}),
        ] {
            assert!(with(other.clone()).is_err(), "{other}");
        }
    }
}
