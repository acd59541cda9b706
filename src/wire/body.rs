//! A body as JSON, and the numbers that may stand in its headers as well.

use std::str::FromStr;
use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::json::{self, JsonReadError};

use super::limits::OF_BODY;
use super::{ApiError, surrogates};

/// Parses a body. Beside it, the names of the root's fields that the type does not have. The error names the field
/// that was wrong.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Vec<String>), ApiError> {
    // A list would be taken for the fields in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::bad_request(
            "The request's body must be a JSON object, and it is a list.",
            "request_body",
        ));
    }
    surrogates::parse(body).map_err(|misread| {
        if misread.error.is_data() {
            return refusal(misread);
        }
        let message = format!("Invalid JSON payload: {}", misread.error);
        ApiError::bad_request(message, "request_body")
    })
}

/// Parses a small body of the gateway's own. The error names the field that was wrong.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    json::read_with(body, OF_BODY, |json| T::deserialize(json)).map_err(refusal)
}

/// The refusal that names the field.
fn refusal(misread: JsonReadError) -> ApiError {
    let path = match misread.path {
        root if root.is_empty() => "request_body".to_owned(),
        path => path,
    };
    ApiError::bad_request(format!("'{path}': {}", misread.error), path)
}

/// What a body that was refused can still say of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Headline<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

/// The model that a body asks for and whether it asks for a stream, as far as it can be read at all: for the record of
/// a request that was refused.
pub(crate) fn headline(body: &[u8]) -> (Option<String>, bool) {
    let Headline { model, stream } = serde_json::from_slice(body).unwrap_or_default();
    let model = model.and_then(|model| serde_json::from_str(model.get()).ok());
    let stream = stream.is_some_and(|stream| stream.get() == "true");
    (model, stream)
}

/// A header's number; what is no number says nothing.
pub(crate) fn header<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A number of seconds.
pub(crate) fn seconds(written: Option<f64>, param: &str) -> Result<Option<Duration>, ApiError> {
    let Some(seconds) = written else {
        return Ok(None);
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(limit) if !limit.is_zero() => Ok(Some(limit)),
        _ => Err(ApiError::bad_request(
            format!("'{param}' must be a number of seconds above 0."),
            param,
        )),
    }
}
