//! Authentication: the key of a request, checked before its body is read.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::audit;
use crate::app::AppState;
use crate::audit::NotedRequest;
use crate::identity::TokenRefusal;
use crate::keys::{Caller, KeyRefusal, PresentedKey, RefusedKeys, hash_of};
use crate::wire::ApiError;

/// The headers that may hold a key, in the reference system's order: the first that is present counts.
const HEADERS: [&str; 4] = ["x-litellm-api-key", "authorization", "api-key", "x-api-key"];

/// The header that says for which of its teams a token is sent, as in the reference system.
const TEAM: &str = "x-litellm-team-id";

/// A handler that takes an `AuthenticatedKey` is closed to requests without a good key.
#[derive(Debug)]
pub struct AuthenticatedKey(pub Caller);

/// A handler that takes a `MaybeStaleKey` is closed to requests without a good key, too; its body arrives while an old
/// copy of the key is read again.
#[derive(Debug)]
pub struct MaybeStaleKey {
    presented: PresentedKey,
    refused: Arc<RefusedKeys>,
}

impl MaybeStaleKey {
    fn of(app: &AppState, presented: PresentedKey) -> Self {
        Self {
            presented,
            refused: Arc::clone(&app.refused_keys),
        }
    }

    /// The caller, once the key is known to be good now. To be awaited before anything is done for it.
    ///
    /// # Errors
    /// When the key is not good any more.
    pub async fn revalidate(self) -> Result<Caller, KeyRefusal> {
        let hash = self.presented.caller().key_hash.clone();
        let caller = self.presented.revalidate().await;
        caller.inspect_err(|refusal| self.refused.count(&hash, refusal))
    }
}

/// A handler that takes an `Admin` is closed to every key but the master key.
#[derive(Debug)]
pub struct Admin(pub Caller);

impl FromRequestParts<AppState> for MaybeStaleKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        if let Some(anonymous) = app.master_key.anonymous_caller() {
            return Ok(Self::of(app, PresentedKey::certain(anonymous)));
        }
        let key = presented(&parts.headers)?;
        if let Some(master) = app.master_key.authenticate(key) {
            return Ok(Self::of(app, PresentedKey::certain(master)));
        }
        if app.keys.takes_token(key) {
            let team = parts.headers.get(TEAM).and_then(|team| team.to_str().ok());
            let caller = app.keys.present_token(key, team).await?;
            return Ok(Self::of(app, PresentedKey::certain(caller)));
        }
        match app.keys.present(key).await {
            Ok(presented) => Ok(Self::of(app, presented)),
            Err(refusal) => {
                app.refused_keys.count(&hash_of(key), &refusal);
                Err(refusal.into())
            }
        }
    }
}

impl FromRequestParts<AppState> for AuthenticatedKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let key = MaybeStaleKey::from_request_parts(parts, app).await?;
        Ok(Self(key.revalidate().await?))
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let AuthenticatedKey(caller) = AuthenticatedKey::from_request_parts(parts, app).await?;
        if caller.is_admin() {
            if let Some(noted) = parts.extensions.get::<NotedRequest>() {
                noted.set_actor(audit::actor_of(&caller, parts.extensions.get()));
            }
            return Ok(Self(caller));
        }
        let path = parts.uri.path();
        let message = format!("Authentication Error, Only the master key may call {path}.");
        Err(ApiError::new(StatusCode::FORBIDDEN, "auth_error", message))
    }
}

impl From<KeyRefusal> for ApiError {
    fn from(refused: KeyRefusal) -> Self {
        let kind = |kind, error| ApiError { kind, ..error };
        match refused {
            KeyRefusal::NoKey => ApiError::unauthorized(
                "Invalid key. A key begins with 'sk-'; send it as `Authorization: Bearer <key>`.",
            ),
            KeyRefusal::Token(refusal) => of_token(&refusal),
            KeyRefusal::Unknown => kind(
                "token_not_found_in_db",
                ApiError::unauthorized(
                    "Invalid key. It is unknown, or was deleted. Send the key as `Authorization: Bearer <key>`.",
                ),
            ),
            KeyRefusal::Blocked => ApiError::unauthorized(
                "Key is blocked. Whoever holds the master key can unblock it with /key/unblock.",
            ),
            KeyRefusal::TeamBlocked(team) => ApiError::unauthorized(format!(
                "Team={team} is blocked. Update via `/team/unblock` if you're an admin."
            )),
            KeyRefusal::TeamDeleted(team) => ApiError::unauthorized(format!(
                "Team={team} was deleted, and its keys with it. Whoever holds the master key can give this key another \
                 team with /key/update."
            )),
            KeyRefusal::UserBlocked(user) => ApiError::unauthorized(format!(
                "User={user} is blocked. Whoever holds the master key can unblock the user with /user/update."
            )),
            KeyRefusal::Expired(at) => kind(
                "expired_key",
                ApiError::unauthorized(format!("Expired Key. It was good until {at}.")),
            ),
            KeyRefusal::Table(fault) => ApiError::of_table(format!(
                "The key cannot be checked just now: the table of keys {fault}."
            )),
        }
    }
}

/// A token that is not good is asked for anew by who sends it, one whose bearer may not ask is not.
fn of_token(refusal: &TokenRefusal) -> ApiError {
    let message = format!("Invalid token. {refusal}");
    if refusal.may_pass() {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return ApiError::new(status, "service_unavailable", message);
    }
    if refusal.is_about_person() {
        return ApiError::new(StatusCode::FORBIDDEN, "auth_error", message);
    }
    ApiError::unauthorized(message)
}

/// The key that a request brings.
fn presented(headers: &HeaderMap) -> Result<&str, ApiError> {
    let found = HEADERS
        .iter()
        .find_map(|name| headers.get(*name).map(|value| (*name, value)));
    let missing = || ApiError::unauthorized("No api key passed in.");
    let (name, value) = found.ok_or_else(missing)?;
    let malformed =
        || ApiError::unauthorized("Malformed API Key passed in. Ensure Key has `Bearer ` prefix.");
    let value = value.to_str().map_err(|_| malformed())?.trim();
    let key = match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        // What an empty variable leaves of the header.
        None if value.eq_ignore_ascii_case("bearer") => "",
        // A bare key is fine everywhere but in `Authorization`.
        None if name != "authorization" => value,
        _ => return Err(malformed()),
    };
    if key.is_empty() {
        Err(missing())
    } else {
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_headers_hold_a_key_in_this_order() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, ()>);
        let cases: &[Case] = &[
            (&[("authorization", "Bearer k")], Ok("k")),
            (&[("authorization", "bearer k")], Ok("k")),
            (&[("authorization", "k")], Err(())),
            (&[("authorization", "Basic abc")], Err(())),
            (
                &[("authorization", "Bearer k"), ("x-litellm-api-key", "l")],
                Ok("l"),
            ),
            (&[("x-litellm-api-key", "Bearer l")], Ok("l")),
            (&[("api-key", "a"), ("x-api-key", "x")], Ok("a")),
            (&[("x-api-key", "x")], Ok("x")),
            (&[], Err(())),
        ];
        for (headers, expected) in cases {
            let map = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(presented(&map).map_err(|_| ()), *expected, "{headers:?}");
        }
    }
}
