//! Who is it: the key of a request, checked before its body is read.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;

use crate::app::AppState;
use crate::keys::Caller;
use crate::openai::ApiError;

/// The headers that may hold a key, in the reference system's order: the first that is present counts.
const HEADERS: [&str; 4] = ["x-litellm-api-key", "authorization", "api-key", "x-api-key"];

/// A handler that takes a `Key` is closed to everybody without one.
#[derive(Debug)]
pub struct Key(pub Caller);

impl FromRequestParts<AppState> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        if let Some(anybody) = app.master_key.anybody() {
            return Ok(Self(anybody));
        }
        let presented = presented(&parts.headers)?;
        app.master_key.admit(presented).map(Self).ok_or_else(|| {
            ApiError::unauthorized(
                "Invalid key. Send the master key as `Authorization: Bearer <key>`.",
            )
        })
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
