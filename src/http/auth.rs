//! Who is it: the key of a request, checked before its body is read.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::app::AppState;
use crate::keys::{Caller, KeyRefusal, Presented};
use crate::wire::ApiError;

/// The headers that may hold a key, in the reference system's order: the first that is present counts.
const HEADERS: [&str; 4] = ["x-litellm-api-key", "authorization", "api-key", "x-api-key"];

/// A handler that takes a `Key` is closed to everybody without a good one.
#[derive(Debug)]
pub struct Key(pub Caller);

/// The same for a handler whose body arrives while an old copy of the key is read again.
#[derive(Debug)]
pub struct MaybeStaleKey(Presented);

impl MaybeStaleKey {
    /// The caller, once the key is known to be good now. To be awaited before anything is done for it.
    ///
    /// # Errors
    /// When the key is not good any more.
    pub async fn revalidate(self) -> Result<Caller, KeyRefusal> {
        self.0.revalidate().await
    }
}

/// A handler that takes an `Admin` is closed to everybody but the master key.
#[derive(Debug)]
pub struct Admin(pub Caller);

impl FromRequestParts<AppState> for MaybeStaleKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        if let Some(anybody) = app.master_key.anybody() {
            return Ok(Self(Presented::certain(anybody)));
        }
        let presented = presented(&parts.headers)?;
        match app.master_key.admit(presented) {
            Some(master) => Ok(Self(Presented::certain(master))),
            None => Ok(Self(app.keys.present(presented).await?)),
        }
    }
}

impl FromRequestParts<AppState> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let key = MaybeStaleKey::from_request_parts(parts, app).await?;
        Ok(Self(key.revalidate().await?))
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let Key(caller) = Key::from_request_parts(parts, app).await?;
        if caller.is_admin() {
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
            KeyRefusal::Unknown => kind(
                "token_not_found_in_db",
                ApiError::unauthorized(
                    "Invalid key. It is unknown, or was deleted. Send the key as `Authorization: Bearer <key>`.",
                ),
            ),
            KeyRefusal::Blocked => ApiError::unauthorized(
                "Key is blocked. Whoever holds the master key can unblock it with /key/unblock.",
            ),
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
